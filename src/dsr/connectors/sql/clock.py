"""Moments as stores write them, made timezone-aware."""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from typing import Final
from urllib.parse import unquote

from attrs import frozen

from dsr.errors import StoreUnavailable

__all__ = ["EPOCH", "Clock"]

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

#: Unix time written as text; fewer digits are a date (20260301).
_EPOCH: Final = re.compile(r"\d{9,}(?:\.\d*)?")
#: A date and time without anything between, as some exports write it.
_COMPACT: Final = re.compile(r"(?:19|20)\d{12}")
#: What Go's `time.String` writes behind the offset, and what names UTC without one.
_ZONE_NAME: Final = re.compile(r"(?<=[+-]\d{4}) [A-Z]{3,5}(?: m=.*)?$")
#: From which count on, how many of them make a second.
_UNITS: Final = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))


@frozen
class Clock:
    """Gives the naive timestamps of `store` their `zone` (None: not configured)."""

    store: str
    zone: dt.tzinfo | None

    @property
    def fix(self) -> str:
        """What to do about naive timestamps."""
        return f'set stores.{self.store}.timezone, such as "Europe/Berlin"'

    def aware(self, value: dt.datetime) -> dt.datetime:
        """Return `value` with its zone; raises `StoreUnavailable` where it has none."""
        if value.tzinfo is not None:
            return value
        if self.zone is None:
            raise self._unknown()
        return value.replace(tzinfo=self.zone)

    def naive(self, value: dt.datetime) -> dt.datetime:
        """Return the wall-clock time that a column without zone holds for `value`."""
        if value.tzinfo is None:
            return value
        if self.zone is None:
            raise self._unknown()
        return value.astimezone(self.zone).replace(tzinfo=None)

    def _unknown(self) -> StoreUnavailable:
        return StoreUnavailable(self.store, "its timestamps have no time zone", self.fix)

    def text(self, value: object) -> object:
        """Return the aware moment that an ISO 8601 text says; anything else as it is."""
        if isinstance(value, dt.datetime):
            return self.aware(value)
        if not isinstance(value, str):
            return value
        try:
            return self.aware(dt.datetime.fromisoformat(value.strip()))
        except ValueError:
            return value

    def moment(self, value: object) -> dt.datetime | None:
        """Return when a row happened; None where the value says no moment (never guessed).

        - A number, or a text of 9 digits or more, counts seconds since 1970 (Unix time),
          milliseconds, microseconds (FreeSWITCH's `uepoch`) or nanoseconds: by its size.
        - A text is ISO 8601, also with a blank before its offset, with `UTC` behind it (as Go
          prints times), without signs (`20260301100000`), and as URLs encode it (FreeSWITCH).
        - A date means its first moment. The year 1 and 1970's first second say "never".
        """
        match value:
            case dt.datetime():
                return self._real(self.aware(value))
            case dt.date():
                return self._real(self.aware(dt.datetime.combine(value, dt.time())))
            case str():
                return self._written(value)
            case bool():
                return None
            case int() | Decimal() | float():
                return _unix(value)
        return None

    def _written(self, text: str) -> dt.datetime | None:
        plain = (unquote(text) if "%" in text else text).strip()
        if _COMPACT.fullmatch(plain):
            plain = f"{plain[:8]}T{plain[8:]}"
        elif _EPOCH.fullmatch(plain):
            return _unix(Decimal(plain))
        said = self.text(_ZONE_NAME.sub("", plain))
        return self._real(said) if isinstance(said, dt.datetime) else None

    def _real(self, moment: dt.datetime) -> dt.datetime | None:
        """Return the moment, unless it is what programs write for none: Go's zero time."""
        return moment if moment.year > 1 else None


def _unix(count: float | Decimal) -> dt.datetime | None:
    try:
        if not count or not math.isfinite(count):
            return None  # 0 is how these columns say "never"
        # a date in seconds is below 10**11 until the year 5138, in milliseconds above until 1973
        size = abs(Decimal(count))
        unit = next((unit for limit, unit in _UNITS if size >= limit), 1)
        whole, part = divmod(Decimal(count), unit)
        micro = round(part * 1_000_000 / unit)
        return EPOCH + dt.timedelta(seconds=int(whole), microseconds=micro)
    except (OverflowError, ArithmeticError):
        return None
