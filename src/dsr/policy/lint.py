"""What law forbids in a policy, and what counsel should see: pure functions, no store is read.

An error stops whatever would act by itself (apply, export, sweep), for the policy promises what
it may not, or too little. A warning does not. Each names the setting, and the law it rests on.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from attrs import frozen

from dsr.model import Hold
from dsr.policy.law import EEA, is_member_state_law
from dsr.policy.model import Category, Policy, Recipient, period

__all__ = ["Problem", "lint", "must_not_run"]

_DUTY: Final = "17(3)(b)"
_MONTH: Final = dt.timedelta(days=28)  # no month is shorter
_SOME_DAY: Final = dt.date(2001, 1, 1)
_PRIVACY_SHIELD: Final = re.compile(r"privacy\W*shield", re.IGNORECASE)
_TKG_176: Final = re.compile(r"\bTKG\D{0,12}176\b|\b176\D{0,6}TKG\b", re.IGNORECASE)
_ROTATION: Final = re.compile(r"rotat|rotier|rotation", re.IGNORECASE)
_FRAUD: Final = re.compile(r"fraud|betrug|missbrauch|abuse", re.IGNORECASE)
_BRACE: Final = re.compile(r"[{}]")
_BILLING: Final = re.compile(r"bill|rechnung|factur", re.IGNORECASE)


@frozen
class Problem:
    """A sentence about one setting (`place`, as it stands in the file), and its `source` in law."""

    kind: Literal["error", "warning"]
    place: str
    text: str
    source: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.place}: {self.text} ({self.source})"


def lint(policy: Policy, holds: Sequence[Hold], today: dt.date) -> Iterator[Problem]:
    """Yield every problem of a policy and of the standing `holds` on the day `today`."""
    yield from _operator(policy)
    for name, category in policy.categories.items():
        place = f"categories.{name}"
        yield from _role(place, category)
        yield from _basis(place, category)
        yield from _end(place, category)
        yield from _keeps(place, category, policy)
        yield from _stages(place, category, policy.categories)
        yield from _national(place, category, policy.operator.country)
        for number, each in enumerate(category.recipients):
            yield from _recipient(f"{place}.recipients[{number}]", each, today)
    yield from _holds(holds, policy.operator.country)


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


def _end(place: str, category: Category) -> Iterator[Problem]:
    """Every period has an end, in numbers or by criteria (rules 14 and 38)."""
    told = category.retention
    if category.role == "processor" or category.stages:
        return
    if _ROTATION.search(told) and not re.search(r"\d", told):
        text = "rotation is a retention period: write a number, or the criteria for it"
        yield Problem("error", f"{place}.retention", text, "GDPR Arts. 5(1)(e), 15(1)(d)")
    elif not told.strip() and category.keep:
        text = "a minimum without a maximum: write stages, or in retention how the end is decided"
        yield Problem("error", f"{place}.keep", text, "GDPR Arts. 5(1)(e), 15(1)(d)")
    elif not told.strip():
        text = "no period and no criteria for one: write stages, or retention in words"
        yield Problem("warning", f"{place}.retention", text, "GDPR Arts. 5(1)(e), 15(1)(d)")


def _keeps(place: str, category: Category, policy: Policy) -> Iterator[Problem]:
    for number, each in enumerate(category.keep):
        where = f"{place}.keep[{number}]"
        yield from _duty(where, each.law, each.ground, each.jurisdiction or policy.operator.country)


def _duty(place: str, law: str, ground: str, jurisdiction: str) -> Iterator[Problem]:
    if ground == _DUTY and not is_member_state_law(jurisdiction):
        text = "a legal duty is one of Union or Member State law: this one is not and keeps nothing"
        yield Problem("error", f"{place}.jurisdiction", text, "GDPR Art. 17(3)(b)")
    if _TKG_176.search(law):
        text = "this duty to retain traffic data does not apply"
        yield Problem("error", f"{place}.law", text, "BVerwG 6 C 6.22")


def _stages(
    place: str, category: Category, categories: Mapping[str, Category]
) -> Iterator[Problem]:
    earlier: dt.date | None = None
    for number, each in enumerate(category.stages):
        where = f"{place}.stages[{number}]"
        other = each.of_person
        if other and other[0] not in categories:
            text = f"is counted from category {other[0]}, which is none: add it, or name another"
            yield Problem("error", f"{where}.anchor", text, "GDPR Art. 5(1)(e)")
        end = _SOME_DAY + period(each.period)
        same = number and each.anchor == category.stages[number - 1].anchor
        if same and earlier is not None and end <= earlier:
            text = "ends before the stage above it: write stages in their order"
            yield Problem("error", f"{where}.period", text, "GDPR Art. 5(1)(e)")
        earlier = end
        if each.act == "delete" and number + 1 < len(category.stages) and not other:
            text = "deletes, so that no stage below it is ever reached"
            yield Problem("error", where, text, "GDPR Art. 5(1)(e)")


def _national(place: str, category: Category, country: str) -> Iterator[Problem]:
    """Warn of periods for traffic data that are longer than the country's law gives (29 to 33)."""
    limits = {
        "DE": ("6 months", "more than six months from the sending of the bill", "TDDDG s. 10"),
        "FR": ("1 year", "more than the year for billing", "CPCE L34-1, L34-2, R10-13"),
    }
    if country not in limits or category.origin != "observed" or category.role != "controller":
        return
    if not any(_BILLING.search(each) for each in category.purposes):
        return
    longest, told, law = limits[country]
    spans = [(f"keep[{n}]", each.period) for n, each in enumerate(category.keep)]
    spans += [(f"stages[{n}]", each.period) for n, each in enumerate(category.stages)]
    for part, text in spans:
        if _SOME_DAY + period(text) > _SOME_DAY + period(longest):
            yield Problem(
                "warning",
                f"{place}.{part}.period",
                f"traffic data is kept for {told}: have counsel confirm it",
                f"ePrivacy Directive Art. 6(2); {law}",
            )


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


def _holds(holds: Sequence[Hold], country: str) -> Iterator[Problem]:
    for number, each in enumerate(holds):
        place = f"hold {each.id}"
        yield from _duty(place, each.law, each.ground, each.jurisdiction or country)
        if each.since is not None and each.before is not None and each.before <= each.since:
            text = "ends before it begins, and so holds only records without a time"
            yield Problem("error", place, text, "GDPR Art. 17(3)")
        for other in holds[:number]:
            if other.case == each.case and _same_scope(other, each) and other.until != each.until:
                text = f"contradicts hold {other.id}: one case, one scope, two ends"
                yield Problem("error", place, text, "GDPR Art. 17(3)")


def _same_scope(one: Hold, other: Hold) -> bool:
    return (
        one.subject == other.subject
        and one.categories == other.categories
        and (one.since, one.before) == (other.since, other.before)
        and one.fields == other.fields
    )
