"""The `.txt` of a message: INI text as Asterisk writes it, changed value by value."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Final

from attrs import field, frozen

from dsr.connectors.disk import text

__all__ = ["CALLER", "Note"]

#: What two fields say of one party: the caller, by number and by channel.
CALLER: Final = frozenset({"callerid", "callerchan"})

_LINE: Final = re.compile(
    rb"^([ \t]*([A-Za-z_]+)[ \t]*=>?[ \t]*)([^\r\n]*?)([ \t]*\r?)$", re.MULTILINE
)
#: What Asterisk itself writes where nobody is known (app_voicemail.c).
_NOBODY: Final = {"callerid": b"Unknown", "rdnis": b"unknown"}
_DATE: Final = "%b %d %I:%M:%S %p %Y"
_ZONED: Final = re.compile(r"\w+ +(\w+ +\d+ +[\d:]+ +[AP]M) +(\w+) +(\d{4})")


@frozen(slots=False)
class Note:
    """One text, byte for byte."""

    raw: bytes = field(repr=False)

    @cached_property
    def values(self) -> dict[str, str]:
        """Each setting by its name; what Asterisk writes for nobody counts as empty."""
        values: dict[str, str] = {}
        for line in _LINE.finditer(self.raw):
            name = line[2].decode().lower()
            values.setdefault(name, "" if line[3] == _NOBODY.get(name) else text(line[3]))
        return values

    def without(self, names: AbstractSet[str]) -> Note:
        """Return the text with these settings as Asterisk writes them for nobody."""

        def emptied(line: re.Match[bytes]) -> bytes:
            name = line[2].decode().lower()
            if name not in names:
                return line[0]
            return line[1] + _NOBODY.get(name, b"") + line[4]

        return Note(_LINE.sub(emptied, self.raw))

    def at(self, zone: dt.tzinfo) -> dt.datetime | None:
        """Return when the message was left; `zone` is that of dates that are not in UTC."""
        seconds = self.values.get("origtime", "")
        if seconds.isdecimal():
            try:
                return dt.datetime.fromtimestamp(int(seconds), dt.UTC)
            except (OverflowError, OSError, ValueError):
                return None
        date = _ZONED.fullmatch(self.values.get("origdate", ""))
        if date is None:
            return None
        try:
            local = dt.datetime.strptime(f"{date[1]} {date[3]}", _DATE)  # noqa: DTZ007  (below)
        except ValueError:
            return None
        return local.replace(tzinfo=dt.UTC if date[2] in {"UTC", "GMT"} else zone)
