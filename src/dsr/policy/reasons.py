"""Why a record, or fields of it, must stay for now: retention and holds. Pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from attrs import frozen

from dsr.model import Hold, Record
from dsr.policy.model import Category, Retention, period

__all__ = [
    "Reason",
    "active",
    "cited",
    "hold_covers",
    "of_hold",
    "reasons",
    "retained_until",
]


@frozen
class Reason:
    """Why something stays, by which law, until which day; empty `fields`: the whole record.

    `ground` is the exception of GDPR Art. 17(3), or "still necessary"; empty where it stays for
    neither: it is restricted, or locked in its store.
    """

    reason: str
    law: str
    until: dt.date | None
    fields: frozenset[str] = frozenset()
    ground: str = ""

    @property
    def excepted(self) -> bool:
        """Whether it stays by an exception of Art. 17(3), to be kept and for nothing else."""
        return self.ground.startswith("17(3)")


def retained_until(rule: Retention, record: Record, zone: ZoneInfo) -> dt.date | None:
    """Return the first day on which `rule` no longer keeps `record`; None if undecidable.

    Counted from the anchor field of the record (or its own time), in calendar days of `zone`;
    with `whole_years`, from the end of the anchor's calendar year. A record without a usable
    anchor is undecidable: the caller keeps it (law 5).
    """
    anchor = _day(record.data.get(rule.anchor) if rule.anchor else record.at, zone)
    if anchor is None:
        return None
    if rule.whole_years:
        anchor = dt.date(anchor.year + 1, 1, 1)
    return anchor + period(rule.period)


def _day(value: object, zone: ZoneInfo) -> dt.date | None:
    match value:
        case dt.datetime():
            return value.astimezone(zone).date() if value.tzinfo else None
        case dt.date():
            return value
        case str():
            try:
                return _day(dt.datetime.fromisoformat(value), zone) or dt.date.fromisoformat(value)
            except ValueError:
                return None
    return None


def cited(law: str, ground: str) -> str:
    """Return a law with the point of Art. 17 GDPR by which it stands against erasure (rule 13)."""
    point = "17(1)(a)" if ground == "still necessary" else ground
    return law if point in law else f"{law}; GDPR Art. {point}"


def of_hold(hold: Hold) -> Reason:
    """Return the reason that a hold, or a restriction that stands like one, is."""
    if hold.request:
        return Reason(hold.reason, hold.law, hold.until, hold.fields)
    law = cited(hold.law, hold.ground)
    return Reason(f"hold {hold.case}: {hold.reason}", law, hold.until, hold.fields, hold.ground)


def active(hold: Hold, today: dt.date) -> bool:
    """Return whether the hold still holds on the day `today`."""
    return hold.until is None or today < hold.until


def hold_covers(hold: Hold, record: Record) -> bool:
    """Return whether category and span of `hold` cover `record`; its subject is not looked at.

    An undated record is inside every span: whether it is cannot be decided (law 5).
    """
    if hold.categories and record.category not in hold.categories:
        return False
    if record.at is None:
        return True
    after_start = hold.since is None or hold.since <= record.at
    return after_start and (hold.before is None or record.at < hold.before)


def reasons(
    category: Category,
    record: Record,
    holds: Sequence[Hold],
    today: dt.date,
    zone: ZoneInfo,
) -> Iterator[Reason]:
    """Yield every reason for which `record` must stay on the day `today`.

    `holds` are the active ones whose subject the record is known to concern, or that have none.
    """
    for rule in category.keep:
        until = retained_until(rule, record, zone)
        fields = frozenset(rule.fields)
        if until is None:
            undated = f"{rule.reason}: the date it is counted from is missing in the record"
            yield Reason(undated, cited(rule.law, rule.ground), None, fields, rule.ground)
        elif today < until:
            law = cited(rule.law, rule.ground)
            yield Reason(rule.reason, law, until, fields, rule.ground)
    for hold in holds:
        if hold_covers(hold, record):
            yield of_hold(hold)
    if record.lock is not None:
        until = record.lock.until
        day = until.astimezone(zone).date() + dt.timedelta(days=1) if until else None
        if day is None or today < day:
            yield Reason(f"locked in its store: {record.lock.reason}", "the store's own lock", day)
