"""Dates inside paths: a strptime layout as an expression and back as a datetime."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from dsr.errors import ConfigurationError

__all__ = ["DatePattern"]

_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_DIRECTIVES: Final = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"\d{2}",
    "b": "(?i:" + "|".join(_MONTHS) + ")",
    "d": r"\d{2}",
    "j": r"\d{3}",
    "H": r"\d{2}",
    "M": r"\d{2}",
    "S": r"\d{2}",
    "s": r"\d{9,11}",
}
_DIRECTIVE: Final = re.compile(r"%(.)")


@frozen
class DatePattern:
    """One `{date:LAYOUT}`: `regex` without groups, `order` the directives in it."""

    regex: str
    order: tuple[str, ...]
    parser: str

    @classmethod
    def of(cls, layout: str) -> DatePattern:
        """Return the pattern of a strptime layout. Raises `ConfigurationError`."""
        order = tuple(_DIRECTIVE.findall(layout))
        unknown = [each for each in order if each not in _DIRECTIVES]
        if unknown or not order or len(set(order)) < len(order):
            what = f'the date "{layout}" cannot be read'
            raise ConfigurationError(what, "use each of %Y %y %m %b %d %j %H %M %S %s at most once")
        regex = parser = ""
        at = 0
        for found in _DIRECTIVE.finditer(layout):
            literal = re.escape(layout[at : found.start()])
            regex += f"{literal}{_DIRECTIVES[found[1]]}"
            parser += f"{literal}({_DIRECTIVES[found[1]]})"
            at = found.end()
        rest = re.escape(layout[at:])
        return cls(regex + rest, order, parser + rest)

    @property
    def epoch(self) -> bool:
        """Whether it is a Unix time, which needs no time zone."""
        return "s" in self.order

    def fields(self, text: str) -> dict[str, int]:
        """Return the numbers in `text`, which the expression fits, by directive."""
        found = re.fullmatch(self.parser, text)
        if found is None:
            return {}
        values = zip(self.order, found.groups(), strict=True)
        return {
            name: _MONTHS.index(text.lower()) + 1 if name == "b" else int(text)
            for name, text in values
        }

    @staticmethod
    def value(fields: Mapping[str, int]) -> dt.datetime | None:
        """Return the time that the numbers of all dates in a key give together.

        Naive, or UTC for a Unix time. None if they name no day, or one that does not exist.
        """
        if "s" in fields:
            return dt.datetime.fromtimestamp(fields["s"], dt.UTC)
        year = fields.get("Y", fields["y"] + 2000 if "y" in fields else None)
        month = fields.get("m", fields.get("b"))
        try:
            clock = dt.time(fields.get("H", 0), fields.get("M", 0), fields.get("S", 0))
            if year is not None and "j" in fields:
                day = dt.date(year, 1, 1) + dt.timedelta(days=fields["j"] - 1)
            elif year is not None and month is not None and "d" in fields:
                day = dt.date(year, month, fields["d"])
            else:
                return None
        except ValueError:
            return None
        return dt.datetime.combine(day, clock)
