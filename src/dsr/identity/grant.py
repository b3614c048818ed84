"""`Verified`: the proof in hand that a request comes from the person whom it is about."""

from __future__ import annotations

import datetime as dt
from typing import Final

from attrs import field, frozen

from dsr.errors import NotVerified
from dsr.ledger import Ledger
from dsr.model import Request, State

__all__ = ["LIFE", "Verified", "check", "granted", "issue"]

#: For so long after verification a request may be planned or answered: about the month that
#: the law gives for the answer. What was confirmed in that time is carried out to its end.
LIFE: Final = dt.timedelta(days=30)

_STATES: Final[frozenset[State]] = frozenset(
    {"verified", "confirmed", "restricted", "incomplete", "done"}
)


@frozen
class Verified:
    """A request whose person is verified: by which `method`, and when.

    Only `dsr.identity` makes one that `check` lets pass: the `proof` needs the ledger's key.
    What discloses or changes data takes this, not a `Request`.
    """

    request: Request
    method: str
    at: dt.datetime
    proof: bytes = field(repr=False)


def issue(ledger: Ledger, request: Request, method: str, now: dt.datetime) -> Verified:
    """Return the grant of a request whose person was verified by `method`, and note it.

    It is bound to the request, its right, and its identifiers with their tenure as they are now.
    """
    with ledger.transaction():
        current = ledger.get(request.id)
        proof = ledger.grant(current, method, now)
        if current.state == "open":
            ledger.set_state(request.id, "verified", now)
        ledger.audit("verified", at=now, request=request.id, note=method)
        return Verified(ledger.get(request.id), method, now, proof)


def check(verified: Verified, ledger: Ledger, now: dt.datetime | None = None) -> Request:
    """Return the verified request as it is now in the ledger.

    Raises `NotVerified` if the proof is not for this request, its right and its tenure, if the
    request is not in a state that follows verification, or if the grant is older than `LIFE` at
    the time `now` and nothing was confirmed by it; and `RequestNotFound`.
    """
    request = ledger.get(verified.request.id)
    genuine = ledger.check_grant(request, verified.method, verified.at, verified.proof)
    if not genuine or request.state not in _STATES:
        raise _not_verified(request)
    if now is not None and request.state == "verified" and now - verified.at >= LIFE:
        what = f"request {request.id} was verified more than {LIFE.days} days ago"
        raise NotVerified(what, "verify once more who makes it")
    return request


def granted(ledger: Ledger, request: str) -> Verified:
    """Return the grant of a request (its id) that was verified before, perhaps elsewhere.

    Raises `NotVerified` or `RequestNotFound`.
    """
    found = ledger.get(request)
    grant = ledger.granted(request)
    if grant is None:
        raise _not_verified(found)
    verified = Verified(found, grant.method, grant.at, grant.proof)
    check(verified, ledger)
    return verified


def _not_verified(request: Request) -> NotVerified:
    what = f"request {request.id} is not verified"
    return NotVerified(what, "verify who makes it first")
