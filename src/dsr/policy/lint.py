"""What law forbids in a policy, and what counsel should see: pure functions, no store is read.

An error stops whatever would act by itself (apply, export, sweep), for the policy promises what
it may not, or too little. A warning does not. Each names the setting, and the law it rests on.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Final

from dsr.model import Hold
from dsr.policy import holds as held
from dsr.policy import periods
from dsr.policy.law import EEA, is_foreign, is_member_state_law
from dsr.policy.model import Category, Policy, Recipient, Retention, period
from dsr.policy.problem import Problem

__all__ = ["Problem", "lint", "must_not_run"]

_MONTH: Final = dt.timedelta(days=28)  # no month is shorter
_SOME_DAY: Final = dt.date(2001, 1, 1)
#: By its name in the languages of its texts (Decision (EU) 2016/1250), however it is hyphenated.
_PRIVACY_SHIELD: Final = re.compile(
    r"privacy\W*shield|privacy\W*schild|daten\W*schutz\W*schild|2016/1250"
    r"|bouclier\s+(?:de\s+)?(?:la\s+)?(?:protection|vie\s+privée)"
    r"|escudo\s+(?:de\s+)?(?:la\s+)?(?:proteção\s+da\s+)?priva|scudo\s+(?:\S+\s+){0,3}privacy"
    r"|tarcz\w+\s+prywatno|sköld\w*\s+för\s+skydd\s+av\s+privat",
    re.IGNORECASE,
)
_FRAUD: Final = re.compile(r"fraud|betrug|missbrauch|abuse", re.IGNORECASE)
_BRACE: Final = re.compile(r"[{}]")


def lint(policy: Policy, holds: Sequence[Hold], today: dt.date) -> Iterator[Problem]:
    """Yield every problem of a policy and of the standing `holds` on the day `today`."""
    yield from _operator(policy)
    for name, category in policy.categories.items():
        place = f"categories.{name}"
        yield from _role(place, category)
        yield from _basis(place, category)
        yield from periods.lint(place, category, policy)
        for number, duty in enumerate(category.keep):
            yield from _duty(f"{place}.keep[{number}]", duty, policy.operator.country)
        for number, each in enumerate(category.recipients):
            yield from _recipient(f"{place}.recipients[{number}]", each, today)
    yield from held.holds(holds, today)


#: Settings that say what routine deletion takes, and what it must leave.
_ENDS: Final = re.compile(r"hold |categories\.[^.]+\.(?:keep|stages)")


def must_not_run(
    policy: Policy, holds: Sequence[Hold], today: dt.date, *, deleting: bool = False
) -> list[str]:
    """Return why nothing may act by itself: errors, and the points that nobody has decided.

    With `deleting` an error counts if it is one of what to delete and what to keep: a recipient
    whose safeguard has expired is no reason to keep data longer (GDPR Art. 5(1)(e)).
    """
    errors = (each for each in lint(policy, holds, today) if each.kind == "error")
    found = [str(each) for each in errors if not deleting or _ENDS.match(each.place)]
    for name, point in policy.unresolved.items():
        if point.is_open:
            found.append(f"unresolved.{name}: {point.question}")
    return found


def _operator(policy: Policy) -> Iterator[Problem]:
    operator, deadlines = policy.operator, policy.deadlines
    if not operator.authority.strip():
        text = "no answer could name whom the person may complain to: name the authority"
        yield Problem("error", "operator.authority", text, "GDPR Arts. 12(4), 15(1)(f), 77")
    if operator.country not in EEA and not operator.representative.strip():
        text = "an operator outside the Union names its representative in it, or why it needs none"
        yield Problem("warning", "operator.representative", text, "GDPR Art. 27")
    if deadlines.promise and not deadlines.capped and _longer_than_a_month(deadlines.promise):
        text = "around February this is later than the month of the law: write capped = true"
        yield Problem("error", "deadlines.promise", text, "GDPR Art. 12(3)")
    if not deadlines.calendar:
        text = (
            "without a calendar of holidays no end moves to a working day: answers are due earlier"
        )
        yield Problem("warning", "deadlines.calendar", text, "Reg. (EEC) 1182/71 Art. 3(4)")


def _longer_than_a_month(text: str) -> bool:
    """Return whether a period may end after the month that Art. 12(3) gives."""
    span = period(text)
    if span.years or span.months > 1:
        return True
    return not span.months and _SOME_DAY + span - _SOME_DAY > _MONTH


def _role(place: str, category: Category) -> Iterator[Problem]:
    if category.role == "processor" and not category.controller.strip():
        text = "name whom a request for this data is forwarded to"
        yield Problem("error", f"{place}.controller", text, "GDPR Art. 28(3)(e)")
    if _BRACE.search(category.controller) and not category.controller_field:
        text = "a controller that the record names is one field and no more: write {field}"
        yield Problem("error", f"{place}.controller", text, "GDPR Art. 28(3)(e)")
    if not category.purposes:
        text = "an answer names the purposes: write at least one"
        yield Problem("error", f"{place}.purposes", text, "GDPR Art. 15(1)(a)")
    if category.origin == "third party" and not category.sources:
        text = "data that others provided: name them, as far as you know"
        yield Problem("warning", f"{place}.sources", text, "GDPR Art. 15(1)(g)")
    if category.origin == "inferred" and category.portable:
        text = "inferred data is part of access, not of portability"
        yield Problem("error", f"{place}.portable", text, "GDPR Art. 20(1); WP242 rev.01")
    if not category.automated and any(_FRAUD.search(each) for each in category.purposes):
        text = (
            "tell whether blocking is decided by automated means alone, and how to have it reviewed"
        )
        yield Problem("warning", f"{place}.automated", text, "GDPR Arts. 15(1)(h), 22(3)")


def _basis(place: str, category: Category) -> Iterator[Problem]:
    if category.basis == "consent" and category.role == "controller" and not category.withdraw:
        text = "tell how consent is withdrawn: as easily as it is given"
        yield Problem("error", f"{place}.withdraw", text, "GDPR Art. 7(3)")


def _duty(place: str, keep: Retention, country: str) -> Iterator[Problem]:
    """Tell of a duty that is none of Union or Member State law; of the seat's, if none is told."""
    law = keep.jurisdiction or country
    if keep.ground == held.DUTY and (not is_member_state_law(law) or is_foreign(keep.law, law)):
        text = "a legal duty is one of Union or Member State law: this one is not and keeps nothing"
        yield Problem("error", f"{place}.jurisdiction", text, "GDPR Art. 17(3)(b)")
    elif keep.ground.startswith("17(3)") and is_foreign(keep.law, keep.jurisdiction or "EU"):
        text = f"a duty of foreign law is none of the grounds of Art. {keep.ground}"
        yield Problem("error", f"{place}.law", text, "GDPR Arts. 17(3)(b), 17(3)(e)")
    yield from held.fallen(place, keep.law)


def _recipient(place: str, recipient: Recipient, today: dt.date) -> Iterator[Problem]:
    if not recipient.name.strip() and not recipient.impossible.strip():
        text = "a kind of recipients is not enough: name them, or say why that is impossible"
        yield Problem("error", f"{place}.name", text, "CJEU C-154/21")
    if _PRIVACY_SHIELD.search(recipient.safeguard):
        text = "the Privacy Shield is void since 16 July 2020: name another safeguard"
        yield Problem("error", f"{place}.safeguard", text, "CJEU C-311/18")
    until = recipient.safeguard_until
    if until is not None and until <= today:
        text = f"is past its validity ({until}): name one that is valid"
        yield Problem("error", f"{place}.safeguard", text, "GDPR Art. 46")
    if recipient.country and recipient.country not in EEA and not recipient.safeguard.strip():
        text = "is outside the Union: name the safeguard, or the adequacy decision"
        yield Problem("warning", f"{place}.safeguard", text, "GDPR Arts. 15(2), 45, 46")
