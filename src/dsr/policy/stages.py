"""When routine deletion is due: the moment before which a stage's anchor must lie."""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from dsr.policy.model import Stage, period

__all__ = ["border"]

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


def _due(stage: Stage, day: dt.date) -> dt.date:
    """Return the first day on which a record whose anchor is `day` is due."""
    return (dt.date(day.year + 1, 1, 1) if stage.whole_years else day) + period(stage.period)
