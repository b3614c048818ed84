"""Moments as stores write them, made timezone-aware."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Final

from attrs import frozen

from dsr.errors import StoreUnavailable

__all__ = ["EPOCH", "Clock"]

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


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

        A number counts seconds since 1970 (Unix time); a date means its first moment.
        """
        match value:
            case dt.datetime():
                return self.aware(value)
            case dt.date():
                return self.aware(dt.datetime.combine(value, dt.time()))
            case str():
                said = self.text(value)
                return said if isinstance(said, dt.datetime) else None
            case bool():
                return None
            case int() | Decimal() | float():
                return _unix(value)
        return None


def _unix(seconds: float | Decimal) -> dt.datetime | None:
    try:
        if not seconds or not math.isfinite(seconds):
            return None  # 0 is how these columns say "never"
        return EPOCH + dt.timedelta(microseconds=round(seconds * 1_000_000))
    except (OverflowError, ArithmeticError):
        return None
