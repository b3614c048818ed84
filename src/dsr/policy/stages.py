"""When routine deletion is due: the moment before which a stage's anchor must lie.

By that stores list what may be due. A store knows days by its own clock: a contract that ended
on the 31st ended there before the 31st began for an operator further west, whose day counts.
"""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from dsr.model import Record
from dsr.policy.model import Retention, Stage, period
from dsr.policy.reasons import retained_until

__all__ = ["border", "is_due"]

_LONGEST_MONTH: Final = dt.timedelta(days=31)
_DAY: Final = dt.timedelta(days=1)


def border(stage: Stage, today: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the first moment whose record is not due yet on the day `today` (GDPR Art. 5(1)(e)).

    Counted as `retained_until` counts: in calendar days of `zone`, to the last day of a month
    that has no such day; with `whole_years` from the end of the anchor's calendar year.
    """
    day = min(today, today - period(stage.period) + _LONGEST_MONTH)
    while _due(stage, day) > today:
        day -= _DAY
    return dt.datetime.combine(day + _DAY, dt.time(), zone)


def is_due(stage: Stage, record: Record, today: dt.date, zone: ZoneInfo) -> bool:
    """Return whether a record that its store listed as older is due on the day `today`.

    It is unless the day that stands in its anchor says otherwise in the calendar of `zone`.
    """
    anchor = stage.of_person[1] if stage.of_person else stage.anchor
    rule = Retention(stage.period, stage.law, anchor=anchor, whole_years=stage.whole_years)
    until = retained_until(rule, record, zone)
    return until is None or until <= today


def _due(stage: Stage, day: dt.date) -> dt.date:
    """Return the first day on which a record whose anchor is `day` is due."""
    return (dt.date(day.year + 1, 1, 1) if stage.whole_years else day) + period(stage.period)
