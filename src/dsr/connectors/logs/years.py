"""The year of time stamps that name none (RFC 3164): from the file's own date, and its order.

The last stamp of a file lies at most a day after the file was last written, and by the date in
its name, if it bears one. Before it the year turns backwards wherever the months do.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from attrs import frozen

__all__ = ["MONTHS", "Years", "named_day"]

MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
_STAMP: Final = re.compile(
    rb"^(?:<\d{1,3}>|\[)?(%b) ([ \d]?\d) \d\d:\d\d:\d\d" % "|".join(MONTHS).encode(), re.MULTILINE
)
_NAMED: Final = re.compile(rb"[-._](20\d\d)-?([01]\d)-?([0-3]\d)(?:[-.T_\d]*)(?:\.\w+)*\Z")
_TAIL: Final = 16 * 1024
_HALF: Final = 183  # days: a smaller step back is a line out of order, not another year
_LEAP: Final = 8  # years: the longest time without a 29 February
_ANY_LEAP_YEAR: Final = 2000


def named_day(path: bytes) -> dt.date | None:
    """Return the date that a rotated file's name ends with."""
    told = _NAMED.search(path)
    try:
        return dt.date(int(told[1]), int(told[2]), int(told[3])) if told else None
    except ValueError:
        return None


@frozen
class Years:
    """Tells the year of a stamp in one file.

    `latest` is the last day that it can have; `marks` are (offset, day of the year, turns of the
    year before it), in order, the last of them near the file's end. Without marks a stamp is of
    the last such day.
    """

    latest: dt.date = dt.date.max
    marks: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def of(cls, path: bytes, written: float) -> Years:
        """Return the years of a file by its name, and when it was last written (Unix time)."""
        day = dt.datetime.fromtimestamp(written, dt.UTC).date()
        named = named_day(path)
        return cls(min(day, named or day) + dt.timedelta(days=1))

    def with_order(self, pieces: Iterable[bytes | memoryview]) -> Years:
        """Return the same with the order of the stamps in the file's text: a sample a piece."""
        marks: list[tuple[int, int, int]] = []
        offset = 0
        last = b""
        for piece in pieces:
            if told := _STAMP.search(piece):
                marks.append(_mark(marks, offset, told))
            offset += len(piece)
            last = bytes(piece[-_TAIL:])
        for told in _STAMP.finditer(last):
            marks.append(_mark(marks, offset - len(last) + told.start(), told))
        return Years(self.latest, tuple(marks))

    def date(self, month: int, day: int, offset: int) -> dt.date | None:
        """Return the date of a stamp at `offset`; None if there is no such day."""
        place = bisect_right(self.marks, offset, key=lambda mark: mark[0]) - 1
        if place < 0:
            return self._last(month, day)
        _, near, turns = self.marks[place]
        _, end, all_turns = self.marks[-1]
        newest = self._last(*_split(end))
        number = _day_of_year(month, day)
        if newest is None or not number:
            return None
        step = number - near
        turns += 1 if step < -_HALF else -1 if step > _HALF else 0
        return _date(newest.year - (all_turns - turns), month, day)

    def _last(self, month: int, day: int) -> dt.date | None:
        """Return the last such day that is not after the latest."""
        for year in range(self.latest.year, max(self.latest.year - _LEAP - 1, 1), -1):
            date = _date(year, month, day)
            if date and date <= self.latest:
                return date
        return None


def _mark(
    marks: list[tuple[int, int, int]], offset: int, told: re.Match[bytes]
) -> tuple[int, int, int]:
    number = _day_of_year(MONTHS.index(told[1].decode()) + 1, int(told[2]))
    _, before, turns = marks[-1] if marks else (0, number, 0)
    return offset, number or before, turns + (0 < number < before - _HALF)


def _day_of_year(month: int, day: int) -> int:
    """Return the day's number in a leap year; 0 if there is no such day."""
    date = _date(_ANY_LEAP_YEAR, month, day)
    return date.timetuple().tm_yday if date else 0


def _split(number: int) -> tuple[int, int]:
    date = dt.date(_ANY_LEAP_YEAR, 1, 1) + dt.timedelta(days=number - 1)
    return date.month, date.day


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
