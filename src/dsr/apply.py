"""Carry out confirmed plans, then prove it.

It does what a fresh reading still finds to do and the confirmed plan allows; the receipt counts
what a second reading no longer finds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from dsr.confirm import Permit
from dsr.errors import RequestError
from dsr.model import Receipt, Request, Subject
from dsr.plan import Wish
from dsr.policy.grounds import ground_of
from dsr.policy.model import Policy
from dsr.prove import receipt
from dsr.steps import Steps
from dsr.stores import Stores
from dsr.survey import Progress, quiet, survey
from dsr.writing import HoldsChanged, Writer

__all__ = ["Case", "apply"]

_TRIES: Final = 5  # how often holds may change under a run before it gives up


@frozen
class Case:
    """One verified request with its confirmed plan."""

    request: Request
    subject: Subject
    permit: Permit

    @property
    def wish(self) -> Wish:
        """What it asks for."""
        return Wish.of(self.request)


def apply(
    stores: Stores,
    cases: Sequence[Case],
    now: dt.datetime,
    progress: Progress = quiet,
) -> list[Receipt]:
    """Carry out the confirmed plans of a batch and return a receipt for each, unsigned.

    `progress` is told of records found and of records written. Raises
    `RequestError` if holds keep changing meanwhile; what a store refuses is a gap, no error.
    """
    subjects = [each.subject for each in cases]
    wishes = [each.wish for each in cases]
    run = Writer(stores, [each.request for each in cases], now, progress)
    for _ in range(_TRIES):
        version = stores.ledger.holds_version()
        with survey(stores.ground(now), subjects, wishes, progress) as found:
            _only_confirmed(found.steps, cases)
            try:
                run.carry_out(found.steps, version)
            except HoldsChanged:
                continue
            break
    else:
        what = "holds kept changing while the requests were carried out"
        raise RequestError(what, "run it again: what is done stays done")
    with survey(stores.ground(now), subjects, wishes) as proof:
        _only_confirmed(proof.steps, cases)
        return [
            receipt(
                case.request,
                case.permit,
                number,
                proof,
                run.failures,
                now,
                grounds=_grounds(case.wish, stores.policy),
            )
            for number, case in enumerate(cases)
        ]


def _grounds(wish: Wish, policy: Policy) -> dict[str, str]:
    """Return by which point of GDPR Art. 17(1) a request erases each category (rule 13)."""
    categories = policy.categories.items()
    found = {name: ground_of(wish.right, wish.ground, each) for name, each in categories}
    return {name: ground for name, ground in found.items() if ground}


def _only_confirmed(steps: Steps, cases: Sequence[Case]) -> None:
    for row in steps.rows():
        permit = cases[row.subject].permit
        allowed = permit.allowed(row)
        if row.decision.marks and not permit.knows(row):  # nobody has seen what becomes of it
            allowed = allowed._replace(marks=False)
        if allowed != row.decision:
            steps.change(row, allowed)
