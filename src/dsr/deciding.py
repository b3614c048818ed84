"""What a person decides: that a restriction ends, that an objection or a dispute is right or not.

A restriction stands until somebody lifts it, and the person concerned was told before (GDPR
Art. 18(3)). An objection (Art. 21(1)) and a dispute about facts (Art. 16) restrict until somebody
weighs them: a library cannot.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from attrs import frozen

from dsr import handover, notifying
from dsr.errors import InputError, RequestError
from dsr.holding import Locked, lift_restriction
from dsr.model import Outcome, Request, Right, State
from dsr.stores import Stores

__all__ = ["Decided", "decide", "lift", "waits"]

_STANDING: Final[frozenset[State]] = frozenset({"restricted", "incomplete", "confirmed"})


@frozen
class Decided:
    """What became of a request: its new state, and what the stores lifted."""

    request: Request
    lifted: Locked


def waits(request: Request, *rights: Right) -> bool:
    """Return whether a request of one of these rights restricts data until a person decides."""
    return request.right in rights and request.state in _STANDING


def lift(stores: Stores, id: str, told: dt.date | None, by: str, now: dt.datetime) -> Decided:  # noqa: A002  (a request's id is called id, as in the model)
    """Lift the restriction of request `id` and close it; `by` is who of the staff decides.

    `told` is the day on which the person was told: not after `now`. Twice is success. Raises
    `RequestError` without it, or if the request restricts nothing, and `InputError` for an empty
    `by`.
    """
    request = stores.ledger.get(id)
    if request.right != "restriction":
        what = f"request {id} asks for {request.right}, not for restriction"
        raise RequestError(what, "objections and disputes are decided: use decide")
    if request.state == "done":
        return Decided(request, Locked())
    _check(stores, request, told, by, now)
    _check_handed_over(stores, id)
    lifted = _lift(stores, id, now)
    if not lifted.problems:
        with stores.ledger.transaction():
            stores.ledger.audit("restriction lifted", at=now, request=id, note=f"by {by}")
            notifying.lifted(stores.policy, stores.ledger, id, now)
            stores.ledger.close(id, "done", now)
    return Decided(stores.ledger.get(id), lifted)


def decide(
    stores: Stores,
    id: str,  # noqa: A002  (a request's id is called id, as in the model)
    outcome: Outcome,
    *,
    told: dt.date | None,
    by: str,
    now: dt.datetime,
) -> Decided:
    """Decide an objection or a dispute. `by` is who of the staff decides it.

    An objection that is upheld goes back to be planned: its next plan erases (Art. 17(1)(c)).
    Everything else lifts the restriction, of which the person must be `told` before (Art.
    18(3)), and closes the request: `done` where it is upheld, else `refused`. Twice is success.
    Raises `RequestError` and `InputError` as `lift` does.
    """
    request = stores.ledger.get(id)
    if request.right not in {"objection", "rectification"} or outcome not in {"upheld", "rejected"}:
        what = f"request {id} asks for {request.right}, which is not decided so"
        raise RequestError(what, "objections and disputed corrections are upheld or rejected")
    if request.outcome == outcome:
        return Decided(request, Locked())
    if request.right == "objection" and outcome == "upheld":
        _check(stores, request, _today(stores, now), by, now)
        with stores.ledger.transaction():
            stores.ledger.decide(id, outcome, by, now)
            stores.ledger.set_state(id, "verified", now)
        return Decided(stores.ledger.get(id), Locked())
    _check(stores, request, told, by, now)
    _check_handed_over(stores, id)
    lifted = _lift(stores, id, now)
    if not lifted.problems:
        with stores.ledger.transaction():
            stores.ledger.decide(id, outcome, by, now)
            notifying.lifted(stores.policy, stores.ledger, id, now)
            stores.ledger.close(id, "done" if outcome == "upheld" else "refused", now)
    return Decided(stores.ledger.get(id), lifted)


def _check(
    stores: Stores, request: Request, told: dt.date | None, by: str, now: dt.datetime
) -> None:
    if not by.strip():
        what = "a decision names who made it"
        raise InputError(what, "give the name of whoever decides")
    if request.state not in _STANDING:
        what = f"request {request.id} restricts nothing: it is {request.state}"
        raise RequestError(what, "see the list of requests")
    if told is None:
        what = f"request {request.id} cannot be lifted: the person was not told (GDPR Art. 18(3))"
        raise RequestError(what, "tell them first, then name the day")
    if told > _today(stores, now):
        what = "nobody can have been told in the future"
        raise InputError(what, "name the day on which the person was told")


def _check_handed_over(stores: Stores, id: str) -> None:  # noqa: A002  (as above)
    """Raise `RequestError` while a part of the request waits for its controllers (rule 37)."""
    receipt, sent = stores.ledger.receipt(id), handover.handed(stores.ledger, id)
    if receipt is not None and handover.waiting(stores.policy, receipt, sent):
        what = f"a part of request {id} has not gone to those who decide about it"
        raise RequestError(what, f"`dsr handover {id} --out DIR` first: closing forgets the person")


def _today(stores: Stores, now: dt.datetime) -> dt.date:
    return now.astimezone(stores.policy.operator.zone).date()


def _lift(stores: Stores, id: str, now: dt.datetime) -> Locked:  # noqa: A002  (as above)
    for each in stores.restrictions():
        if each.request == id:
            return lift_restriction(stores, each, now)
    return Locked()
