"""What law forbids in a hold: pure functions over holds, no store and no ledger is read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Final

from dsr.errors import InputError
from dsr.model import Hold
from dsr.policy.law import is_foreign, is_member_state_law, is_union_law
from dsr.policy.problem import Problem
from dsr.policy.reasons import active

__all__ = ["DUTY", "check_hold", "fallen", "holds"]

#: The exception for legal duties: those of Union or Member State law alone.
DUTY: Final = "17(3)(b)"

_TKG_176: Final = re.compile(r"\bTKG\D{0,12}176\b|\b176\D{0,6}TKG\b", re.IGNORECASE)


def holds(found: Sequence[Hold], today: dt.date) -> Iterator[Problem]:
    """Yield every problem of standing holds on the day `today`."""
    for number, each in enumerate(found):
        yield from _alone(each)
        yield from _together(each, found[:number], today)


def check_hold(hold: Hold, standing: Sequence[Hold], today: dt.date) -> None:
    """Raise `InputError` if `hold` must not be placed beside the `standing` ones.

    That is what `holds` calls an error: once placed, it would stop every run.
    """
    for each in (*_alone(hold), *_together(hold, standing, today)):
        what = f"this hold is not placed: {each.text} ({each.source})"
        raise InputError(what)


def fallen(place: str, law: str) -> Iterator[Problem]:
    """Tell of a law that no longer is one."""
    if _TKG_176.search(law):
        text = "this duty to retain traffic data does not apply: cite another law, or drop it"
        yield Problem("error", f"{place}.law", text, "BVerwG 6 C 6.22")


def _alone(hold: Hold) -> Iterator[Problem]:
    place = f"hold {hold.id}"
    yield from _ground(place, hold)
    yield from fallen(place, hold.law)
    if hold.since is not None and hold.before is not None and hold.before <= hold.since:
        text = "ends before it begins, and so holds only records without a time"
        yield Problem("error", place, text, "GDPR Art. 17(3)")


def _ground(place: str, hold: Hold) -> Iterator[Problem]:
    """Tell of a duty that is none of Union or Member State law (rule 14), however it is called.

    The law of the operator's seat is not assumed: an operator in the Union, too, has group
    companies elsewhere.
    """
    if hold.ground != DUTY:
        if is_foreign(hold.law, hold.jurisdiction):
            text = (
                f"a duty of foreign law is none of the grounds of Art. {hold.ground}: for a claim"
                " that there is, cite the GDPR alone, and name the case"
            )
            yield Problem("error", f"{place}.law", text, "GDPR Arts. 17(3)(b), 17(3)(e)")
    elif hold.jurisdiction and not is_member_state_law(hold.jurisdiction):
        text = "a legal duty is one of Union or Member State law: this one is not and keeps nothing"
        yield Problem("error", f"{place}.jurisdiction", text, "GDPR Art. 17(3)(b)")
    elif is_foreign(hold.law, hold.jurisdiction):
        text = (
            "a legal duty is one of Union or Member State law: what is cited is not, and keeps"
            " nothing"
        )
        yield Problem("error", f"{place}.jurisdiction", text, "GDPR Art. 17(3)(b)")
    elif not hold.jurisdiction and not is_union_law(hold.law):
        text = (
            "a legal duty is one of Union or Member State law: until its jurisdiction says so,"
            " this one keeps nothing"
        )
        yield Problem("error", f"{place}.jurisdiction", text, "GDPR Art. 17(3)(b)")


def _together(hold: Hold, others: Sequence[Hold], today: dt.date) -> Iterator[Problem]:
    """Tell of holds for one case and one scope that end on two days; what has ended is no more."""
    for other in others:
        if other.case != hold.case or not _same_scope(other, hold) or other.until == hold.until:
            continue
        if active(other, today) and active(hold, today):
            text = (
                f"contradicts hold {other.id}: one case, one scope, two ends: release one of them"
            )
            yield Problem("error", f"hold {hold.id}", text, "GDPR Art. 17(3)")


def _same_scope(one: Hold, other: Hold) -> bool:
    return (
        one.subject == other.subject
        and one.categories == other.categories
        and (one.since, one.before) == (other.since, other.before)
        and one.fields == other.fields
    )
