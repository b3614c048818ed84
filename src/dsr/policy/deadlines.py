"""When an answer is due (GDPR Art. 12(3), 12(6); Regulation (EEC, Euratom) No 1182/71).

All is counted in calendar days of the operator's zone. Every end is counted from the day of
receipt, which does not count itself (Reg. 1182/71 Art. 3(1)), never from another end.
"""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen
from dateutil.relativedelta import relativedelta

from dsr.model import Request
from dsr.policy.calendars import working_day
from dsr.policy.model import Deadlines, period

__all__ = ["PROMPTLY", "End", "due", "extended", "is_prompt", "month_end", "paused_until"]

#: How soon after receipt a doubt about who asks must be raised to pause a period. The law says
#: "without undue delay" and no number: seven days are dsr's choice.
PROMPTLY: Final = dt.timedelta(days=7)

_NO_PAUSE: Final = dt.timedelta()


@frozen
class End:
    """The last `day` for an answer, and the `rule` that it follows, in words with its source."""

    day: dt.date
    rule: str


def month_end(received: dt.datetime, zone: ZoneInfo, deadlines: Deadlines) -> dt.date:
    """Return the last day of the month that the law gives, whatever the operator promises.

    That is the same date of the next month, or the last day of that month where it has no such
    date (Reg. 1182/71 Art. 3(2)(c)); moved to a working day where a calendar is configured.
    An extension is told until then, too.
    """
    return _month(received, zone, deadlines, _NO_PAUSE).day


def due(received: dt.datetime, zone: ZoneInfo, deadlines: Deadlines) -> End:
    """Return the end of the month that Art. 12(3) gives, or of the operator's shorter promise.

    The promise itself is not moved to a working day, and never outlasts the month.
    """
    return _due(received, zone, deadlines, _NO_PAUSE)


def extended(received: dt.datetime, zone: ZoneInfo, deadlines: Deadlines) -> End:
    """Return the end after an extension by two further months: three months from receipt."""
    return _extended(received, zone, deadlines, _NO_PAUSE)


def is_prompt(received: dt.datetime, asked: dt.datetime, zone: ZoneInfo) -> bool:
    """Return whether a doubt was raised soon enough after receipt to pause the period."""
    return _day(asked, zone) - _day(received, zone) <= PROMPTLY


def paused_until(
    request: Request, zone: ZoneInfo, deadlines: Deadlines, asked: dt.datetime, now: dt.datetime
) -> dt.date:
    """Return when `request` would be due if the days since a doubt was raised did not count.

    It is a second date beside the strict one, which never moves (GDPR Art. 12(6)).
    """
    pause = _day(now, zone) - _day(asked, zone)
    end = _extended if request.extended else _due
    return end(request.received, zone, deadlines, pause).day


def _due(received: dt.datetime, zone: ZoneInfo, deadlines: Deadlines, pause: dt.timedelta) -> End:
    month = _month(received, zone, deadlines, pause)
    if deadlines.promise:
        promised = _day(received, zone) + period(deadlines.promise) + pause
        if promised < month.day:
            return End(promised, f"{deadlines.promise} after receipt, as promised")
    return month


def _month(received: dt.datetime, zone: ZoneInfo, deadlines: Deadlines, pause: dt.timedelta) -> End:
    raw = _day(received, zone) + relativedelta(months=1) + pause
    return _moved(raw, deadlines.calendar, "one month after receipt (GDPR Art. 12(3))")


def _extended(
    received: dt.datetime, zone: ZoneInfo, deadlines: Deadlines, pause: dt.timedelta
) -> End:
    raw = _day(received, zone) + relativedelta(months=3) + pause
    return _moved(raw, deadlines.calendar, "three months after receipt, extended (GDPR Art. 12(3))")


def _moved(raw: dt.date, calendar: str, rule: str) -> End:
    day = working_day(raw, calendar)
    if day == raw:
        return End(day, rule)
    source = f"Reg. (EEC) 1182/71 Art. 3(4), calendar {calendar}"
    return End(day, f"{rule}, moved to the next working day ({source})")


def _day(at: dt.datetime, zone: ZoneInfo) -> dt.date:
    return at.astimezone(zone).date()
