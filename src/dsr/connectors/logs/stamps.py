"""When an entry was written, as the common servers write it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from attrs import frozen

from dsr.connectors.logs.years import MONTHS, Years

__all__ = ["FORMATS", "OPENINGS", "Clock", "Stamp"]

_ISO: Final = rb"(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
_YEARLESS: Final = rb"(?P<yearless>[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d)"
_ASTERISK: Final = re.compile(rb"\[(?:%b|%b)(?:\.\d+)?\]" % (_ISO, _YEARLESS))
_SYSLOG: Final = re.compile(rb"(?:<\d{1,3}>(?:1 )?)?(?:%b|%b)(?![\d.,])" % (_ISO, _YEARLESS))
_FREESWITCH: Final = re.compile(rb"(?:[0-9a-f-]{36} )?%b" % _ISO)
_KAMAILIO: Final = re.compile(rb".*?\btimestamp=(?P<unix>\d{10})(?!\d)")
_NGINX: Final = re.compile(rb".*?\[(?P<common>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_NGINX_ERROR: Final = re.compile(rb"(?P<slashes>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[")
_JSON: Final = re.compile(
    rb'\s*\{.*?"(?:@?timestamp|@t|time|times|ts|date|datetime|date_?time|event_?time|log_?time'
    rb"|created(?:_?at)?|start(?:ed_at|_stamp|_time)?|asctime|__REALTIME_TIMESTAMP"
    rb'|_SOURCE_REALTIME_TIMESTAMP)"\s*:\s*"?'
    rb"(?:%b|(?P<unix>\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d{1,9})?)(?!\d))" % _ISO,
    re.IGNORECASE,
)
_JOURNAL: Final = re.compile(rb"(?s:.*?)^__REALTIME_TIMESTAMP=(?P<unix>\d{16})$", re.MULTILINE)
_CURSOR: Final = re.compile(rb"__CURSOR=")

_Patterns = tuple[re.Pattern[bytes], ...]
#: The names that the setting `format` knows, and how each reads an entry, the surest first.
FORMATS: Final[Mapping[str, _Patterns]] = {
    "asterisk": (_ASTERISK,),
    "freeswitch": (_FREESWITCH,),
    "journald": (_JOURNAL, _JSON),
    "kamailio": (_KAMAILIO, _SYSLOG),
    "syslog": (_SYSLOG,),
    "nginx": (_NGINX_ERROR, _NGINX),
    "jsonlines": (_JSON,),
    "auto": (_JSON, _ASTERISK, _KAMAILIO, _FREESWITCH, _SYSLOG, _NGINX_ERROR, _NGINX, _JOURNAL),
    "none": (),
}
#: What the first line of an entry begins with, where an entry may have more than one.
OPENINGS: Final[Mapping[str, _Patterns]] = {
    "asterisk": (_ASTERISK,),
    "freeswitch": (_FREESWITCH,),
    "journald": (_CURSOR,),
    "kamailio": (_SYSLOG,),
    "syslog": (_SYSLOG,),
    "nginx": (_NGINX_ERROR,),
    "jsonlines": (),
    "auto": (_CURSOR, _ASTERISK, _FREESWITCH, _SYSLOG, _NGINX_ERROR),
    "none": (),
}
_ROOM: Final = 16 * 1024  # bytes of an entry in which a time stamp may stand
_UNIX_DIGITS: Final = 10  # whole seconds, until the year 2286; more digits are fractions


class Stamp(NamedTuple):
    """A time stamp: its bytes in the entry (empty without one) and when that is."""

    text: bytes = b""
    at: dt.datetime | None = None


@frozen
class Clock:
    """Reads the time stamps of one log.

    `zone` is for stamps without one; without it these tell no time.
    """

    format: str = "auto"
    zone: dt.tzinfo | None = None

    def read(self, entry: bytes, offset: int, years: Years) -> Stamp:
        """Return the time stamp of the entry at `offset` of a file with these `years`."""
        for pattern in FORMATS[self.format]:
            if match := pattern.match(entry, 0, _ROOM):
                kind = match.lastgroup or ""
                text = match[kind].decode()
                if kind == "yearless":
                    return Stamp(match[kind], self._yearless(text, offset, years))
                return Stamp(match[kind], self._in_zone(_READERS[kind](text)))
        return Stamp()

    def sign(self, line: bytes) -> bytes:
        """Return what tells an entry with this first line from all others; may be empty."""
        if _CURSOR.match(line):
            return line
        for pattern in FORMATS[self.format]:
            if match := pattern.match(line, 0, _ROOM):
                return bytes(match[match.lastgroup or 0])
        return b""

    def _in_zone(self, moment: dt.datetime | None) -> dt.datetime | None:
        if moment is None or moment.tzinfo:
            return moment
        return moment.replace(tzinfo=self.zone) if self.zone else None

    def _yearless(self, text: str, offset: int, years: Years) -> dt.datetime | None:
        month, day, time = text.split()
        if self.zone is None or month not in MONTHS:
            return None
        date = years.date(MONTHS.index(month) + 1, int(day), offset)
        return self._in_zone(_iso(f"{date}T{time}")) if date else None


def _iso(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _slashes(text: str) -> dt.datetime | None:
    return _iso(text.replace("/", "-"))


def _unix(text: str) -> dt.datetime | None:
    whole, _, fraction = text.partition(".")
    micros = (whole[_UNIX_DIGITS:] + fraction).ljust(6, "0")[:6]
    seconds = dt.datetime.fromtimestamp(int(whole[:_UNIX_DIGITS]), dt.UTC)
    return seconds.replace(microsecond=int(micros))


def _common(text: str) -> dt.datetime | None:
    day, month, rest = text.split("/")
    year, clock = rest.split(":", 1)
    time, zone = clock.split(" ")
    number = MONTHS.index(month) + 1 if month in MONTHS else 0
    return _iso(f"{year}-{number:02}-{day}T{time}{zone}")


_READERS: Final[Mapping[str, Callable[[str], dt.datetime | None]]] = {
    "iso": _iso,
    "slashes": _slashes,
    "unix": _unix,
    "common": _common,
}
