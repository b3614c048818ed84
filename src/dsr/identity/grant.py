"""`Verified`: the proof in hand that a request comes from the person whom it is about."""

from __future__ import annotations

import datetime as dt
from typing import Final

from attrs import field, frozen

from dsr.errors import NotVerified
from dsr.ledger import Ledger
from dsr.model import Request, State

__all__ = ["Verified", "check", "granted"]

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


def check(verified: Verified, ledger: Ledger) -> Request:
    """Return the verified request as it is now in the ledger.

    Raises `NotVerified` if the proof is not for this request and its right, or if the request
    is not in a state that follows verification, and `RequestNotFound`.
    """
    request = ledger.get(verified.request.id)
    genuine = ledger.check_grant(request, verified.method, verified.at, verified.proof)
    if not genuine or request.state not in _STATES:
        raise _not_verified(request)
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
