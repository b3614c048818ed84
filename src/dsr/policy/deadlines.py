"""When an answer is due (GDPR Art. 12(3); Regulation (EEC, Euratom) No 1182/71)."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

__all__ = ["due", "extended"]


def due(received: dt.datetime, zone: ZoneInfo) -> dt.date:
    """Return the last day of the one month that Art. 12(3) GDPR gives.

    The same date of the next month in the operator's `zone`, the day of receipt not counted; a
    missing date becomes the last day of that month (Reg. 1182/71 Art. 3(1), 3(2)(c)). Without
    a holiday calendar nothing moves to a later day: earlier is safe.
    """
    return received.astimezone(zone).date() + relativedelta(months=1)


def extended(received: dt.datetime, zone: ZoneInfo) -> dt.date:
    """Return the last day after an extension by two further months, counted from receipt."""
    return received.astimezone(zone).date() + relativedelta(months=3)
