"""Working days, as the law counts periods (Regulation (EEC, Euratom) No 1182/71)."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Final

__all__ = ["check_calendar", "working_day"]

_NAME: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")  # the library takes other names, too
_MESSAGE: Final = 'write a country such as "DE", or with its subdivision, such as "DE-BY"'
_SATURDAY: Final = 5
_ONE: Final = dt.timedelta(days=1)
_SOME_YEAR: Final = 2026
_YEARS: Final = 64  # of calendars that are remembered


def check_calendar(text: str) -> None:
    """Raise `ValueError` unless `text` names public holidays that are known, or is empty.

    It is a country (ISO 3166-1 alpha-2), or a country and its subdivision (ISO 3166-2).
    """
    if not text:
        return
    if not _NAME.fullmatch(text):
        raise ValueError(_MESSAGE)
    _holidays(text, _SOME_YEAR)


def working_day(day: dt.date, calendar: str) -> dt.date:
    """Return `day`, or the next working day when it is none (Reg. 1182/71 Art. 3(4)).

    Working days are all but public holidays, Saturdays and Sundays (Art. 2(2)). With an empty
    `calendar` every day is one: nothing moves, and earlier is safe. Raises `ValueError` for a
    calendar that is not known.
    """
    if not calendar:
        return day
    while day.weekday() >= _SATURDAY or day in _holidays(calendar, day.year):
        day += _ONE
    return day


@lru_cache(_YEARS)
def _holidays(calendar: str, year: int) -> frozenset[dt.date]:
    """Return the public holidays of one year; a value of its own, so that threads may share it."""
    import holidays  # noqa: PLC0415  (slow to load; only who configures a calendar pays for it)

    country, _, subdivision = calendar.partition("-")
    try:
        return frozenset(
            holidays.country_holidays(country, subdiv=subdivision or None, years=year, expand=False)
        )
    except NotImplementedError:
        raise ValueError(_MESSAGE) from None
