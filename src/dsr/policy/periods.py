"""What law forbids in the periods of a category: its `keep`, `stages` and `retention`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Final

from dsr.policy.model import Category, Policy, Retention, Stage, period
from dsr.policy.problem import Problem

__all__ = ["lint"]

_ENDS: Final = "GDPR Arts. 5(1)(e), 15(1)(d)"
_SOME_DAY: Final = dt.date(2001, 1, 1)
#: Anchors that two periods are compared at: every day of a leap year, for months differ.
_DAYS: Final = tuple(dt.date(2004, 1, 1) + dt.timedelta(days=each) for each in range(366))

_ROTATION: Final = re.compile(r"rotat|rotier|rotation", re.IGNORECASE)
_BILLING: Final = re.compile(r"bill|rechnung|factur", re.IGNORECASE)

_LEAST: Final = (
    r"(?:\d+\s?\+|at\s+(?:the\s+)?least|(?:no|not)\s+(?:less|fewer|shorter|earlier|sooner)\s+than|min\."
    r"|minim(?:um|al)\w*|mindest\w*|wenigstens|nicht\s+(?:weniger|kürzer|früher)\s+als"
    r"|au\s+moins|pas\s+moins\s+de|au\s+minimum|or\s+(?:more|longer)|oder\s+(?:mehr|länger)"
    r"|ou\s+plus)"
)
_MINIMUM: Final = re.compile(rf"(?<!\w){_LEAST}(?!\w)", re.IGNORECASE)
#: What sounds like an end and is none: "at least until …", "as long as necessary" (WP260 rev.01).
_NO_END: Final = re.compile(
    rf"{_LEAST}\W+(?:until|till|bis|jusqu\w*)(?!\w)"
    r"|as\s+long\s+as\s+(?:it\s+is\s+|is\s+)?(?:necessary|needed|required)"
    r"|so\s*lange?\s+(?:wie\s+)?(?:es\s+)?(?:nötig|erforderlich|notwendig)"
    r"|aussi\s+longtemps\s+que\s+nécessaire|until\s+further\s+notice|bis\s+auf\s+weiteres",
    re.IGNORECASE,
)
#: Words that tell an end, as a number of its own or by criteria.
_END: Final = re.compile(
    r"(?<!\w)(?:until|till|up\s+to|at\s+(?:the\s+)?(?:most|latest)|max\.|maxim(?:um|al)\w*"
    r"|(?:no|not)\s+(?:more|longer|later)\s+than|within|as\s+long\s+as|while|for\s+the\s+duration"
    r"|bis|höchstens|längstens|spätestens|nicht\s+(?:mehr|länger|später)\s+als|innerhalb|solange"
    r"|während|für\s+die\s+dauer"
    r"|jusqu\w*|au\s+(?:plus|maximum)|pas\s+plus\s+de|tant\s+qu\w*|pendant\s+la\s+durée"
    r"|(?:then|thereafter|afterwards|danach|dann|anschließend|puis|ensuite)(?:\W+\w+){0,3}?\W+"
    r"(?:delet|eras|remov|destr|gelöscht|vernichtet|entfernt|supprim|effac|détru)\w*)(?!\w)",
    re.IGNORECASE,
)
_PERIOD: Final = re.compile(
    r"(?<!\w)(?:days?|weeks?|months?|years?|tage?n?|wochen?|monate?n?|jahre?n?|jours?|semaines?"
    r"|mois|ans?|années?)(?!\w)",
    re.IGNORECASE,
)


def lint(place: str, category: Category, policy: Policy) -> Iterator[Problem]:
    """Yield every problem with how long data of a category stays."""
    yield from _end(place, category)
    yield from _stages(place, category, policy.categories)
    yield from _anonymous(place, category)
    yield from _contradictions(place, category)
    yield from _national(place, category, policy.operator.country)


def _end(place: str, category: Category) -> Iterator[Problem]:
    """Every period has an end, in numbers or by criteria (rules 14 and 38)."""
    told = category.retention
    if category.role == "processor" or category.stages:
        return
    if _ROTATION.search(told) and not re.search(r"\d", told):
        text = "rotation is a retention period: write a number, or the criteria for it"
        yield Problem("error", f"{place}.retention", text, _ENDS)
    elif not told.strip() and category.keep:
        text = "a minimum without a maximum: write stages, or in retention how the end is decided"
        yield Problem("error", f"{place}.keep", text, _ENDS)
    elif not told.strip():
        text = "no period and no criteria for one: write stages, or retention in words"
        yield Problem("warning", f"{place}.retention", text, _ENDS)
    elif _MINIMUM.search(told) and not _tells_an_end(told):
        text = "a minimum without a maximum: write stages, or say how the end is decided"
        yield Problem("error", f"{place}.retention", text, _ENDS)
    elif category.keep and not _tells_an_end(told):
        text = "does not seem to say when what is kept goes: write stages, or until when"
        yield Problem("warning", f"{place}.retention", text, _ENDS)


def _tells_an_end(told: str) -> bool:
    """Return whether a text says when data goes: a period alone does, unless it is a minimum."""
    if _END.search(_NO_END.sub(" ", told)):
        return True
    return bool(_PERIOD.search(told)) and not _MINIMUM.search(told)


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


def _anonymous(place: str, category: Category) -> Iterator[Problem]:
    """Tell what is never deleted: it stays for ever, and so must speak of nobody (rule 20)."""
    if not category.stages or any(each.act == "delete" for each in category.stages):
        return
    emptied = dict.fromkeys(name for each in category.stages for name in each.fields)
    named = all(each.fields for each in category.stages)
    stays = f"all but {', '.join(emptied)}" if named else "what speaks of nobody by the stores' map"
    text = (
        f"nothing is ever deleted: {stays} stays for ever, and must not lead to a person, neither"
        " alone nor with what else you keep; a masked or hashed identifier does"
    )
    yield Problem("warning", f"{place}.stages", text, "GDPR Recital 26; EDPB 2025 erasure action")


def _contradictions(place: str, category: Category) -> Iterator[Problem]:
    """Tell of a record that goes after six months and stays for eight years, from the same day.

    What is kept wins, so that the end that people are told (Arts. 13(2)(a), 15(1)(d)) is untrue.
    Where only some fields are kept, the others do go then: counsel should see it.
    """
    for number, stage in enumerate(category.stages):
        for index, keep in enumerate(category.keep):
            if keep.anchor != stage.anchor or not _outlasts(keep, stage):
                continue
            kept, emptied = set(keep.fields), set(stage.fields)
            where = f"{place}.keep[{index}].period"
            if kept and (stage.act == "delete" or not emptied):
                text = (
                    f"keeps {', '.join(keep.fields)} longer than stages[{number}], after which the"
                    " record is told to be gone: say so where you tell people how long"
                )
                yield Problem("warning", where, text, _ENDS)
            elif not kept or kept & emptied:
                text = (
                    f"keeps longer than stages[{number}] says, counted from the same day: one of"
                    " them is wrong"
                )
                yield Problem("error", where, text, _ENDS)


def _outlasts(keep: Retention, stage: Stage) -> bool:
    """Return whether there is a day from which `keep` runs longer than `stage`."""
    return any(_over(keep, day) > _over(stage, day) for day in _DAYS)


def _over(rule: Retention | Stage, day: dt.date) -> dt.date:
    start = dt.date(day.year + 1, 1, 1) if rule.whole_years else day
    return start + period(rule.period)


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
