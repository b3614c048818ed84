"""When a line was written, as the common servers write it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from attrs import frozen

__all__ = ["FORMATS", "Clock", "Stamp"]

_ISO: Final = rb"(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
_YEARLESS: Final = rb"(?P<yearless>[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d)"
_ASTERISK: Final = re.compile(rb"\[(?:%b|%b)(?:\.\d+)?\]" % (_ISO, _YEARLESS))
_SYSLOG: Final = re.compile(rb"(?:<\d{1,3}>(?:1 )?)?(?:%b|%b)(?![\d.,])" % (_ISO, _YEARLESS))
_FREESWITCH: Final = re.compile(rb"(?:[0-9a-f-]{36} )?%b" % _ISO)
_KAMAILIO: Final = re.compile(rb".*?\btimestamp=(?P<unix>\d{10})(?!\d)")
_NGINX: Final = re.compile(rb".*?\[(?P<common>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_JSON: Final = re.compile(
    rb'\s*\{.*?"(?:@?timestamp|time|ts|date|__REALTIME_TIMESTAMP)"\s*:\s*"?'
    rb"(?:%b|(?P<unix>\d{10}(?:\d{3}|\d{6})?(?:\.\d{1,9})?)(?!\d))" % _ISO
)

#: The names that the setting `format` knows, and how each reads a line, the surest first.
FORMATS: Final[Mapping[str, tuple[re.Pattern[bytes], ...]]] = {
    "asterisk": (_ASTERISK,),
    "freeswitch": (_FREESWITCH,),
    "kamailio": (_KAMAILIO, _SYSLOG),
    "syslog": (_SYSLOG,),
    "nginx": (_NGINX,),
    "jsonlines": (_JSON,),
    "auto": (_JSON, _ASTERISK, _KAMAILIO, _FREESWITCH, _SYSLOG, _NGINX),
    "none": (),
}
_MONTHS: Final = (
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
_ROOM: Final = 16 * 1024  # bytes of a line in which a time stamp may stand
_UNIX_DIGITS: Final = 10  # whole seconds, until the year 2286; more digits are fractions
_LEAP: Final = 8  # years: the longest time without a 29 February


class Stamp(NamedTuple):
    """A time stamp: its bytes in the line (empty without one) and when that is."""

    text: bytes = b""
    at: dt.datetime | None = None


@frozen
class Clock:
    """Reads the time stamps of one log.

    `zone` is for stamps without one; without it these tell no time. A stamp without a year
    (old syslog) tells a time only if the format was named: it is then the last such day before
    the file was last written.
    """

    format: str = "auto"
    zone: dt.tzinfo | None = None

    def read(self, line: bytes, written: float) -> Stamp:
        """Return the time stamp of a line of a file that was last written at `written`."""
        for pattern in FORMATS[self.format]:
            if match := pattern.match(line, 0, _ROOM):
                kind = match.lastgroup or ""
                moment = _READERS[kind](match[kind].decode(), self, written)
                return Stamp(match[kind], moment)
        return Stamp()


def _iso(text: str, clock: Clock, _written: float) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else _in(clock.zone, moment)


def _in(zone: dt.tzinfo | None, moment: dt.datetime) -> dt.datetime | None:
    return moment.replace(tzinfo=zone) if zone else None


def _unix(text: str, _clock: Clock, _written: float) -> dt.datetime | None:
    whole, _, fraction = text.partition(".")
    micros = (whole[_UNIX_DIGITS:] + fraction).ljust(6, "0")[:6]
    seconds = dt.datetime.fromtimestamp(int(whole[:_UNIX_DIGITS]), dt.UTC)
    return seconds.replace(microsecond=int(micros))


def _common(text: str, _clock: Clock, _written: float) -> dt.datetime | None:
    day, month, rest = text.split("/")
    year, clock = rest.split(":", 1)
    time, zone = clock.split(" ")
    return _iso(f"{year}-{_month(month)}-{day}T{time}{zone}", _clock, _written)


def _month(name: str) -> str:
    return f"{_MONTHS.index(name) + 1:02}" if name in _MONTHS else "00"


def _yearless(text: str, clock: Clock, written: float) -> dt.datetime | None:
    if clock.format == "auto" or clock.zone is None:
        return None
    month, day, time = text.split()
    latest = dt.datetime.fromtimestamp(written, dt.UTC) + dt.timedelta(days=1)
    for year in range(latest.year, latest.year - _LEAP - 1, -1):
        moment = _iso(f"{year}-{_month(month)}-{day:0>2}T{time}", clock, written)
        if moment and moment <= latest:
            return moment
    return None


_READERS: Final[Mapping[str, Callable[[str, Clock, float], dt.datetime | None]]] = {
    "iso": _iso,
    "unix": _unix,
    "common": _common,
    "yearless": _yearless,
}
