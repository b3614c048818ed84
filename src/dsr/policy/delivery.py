"""To whom a package may go: only to a contact that is older than the request (law.md rule 43).

Whoever breaks into an account changes its e-mail address, and asks for all data then. So the
address must have been on file before the request, and for some time: a change on the day before
is the same attack.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from dsr.policy.model import period

__all__ = ["deliverable"]

_AT_ONCE: Final = "0 days"


def deliverable(
    since: dt.datetime | None, received: dt.datetime, settled: str = _AT_ONCE
) -> str | None:
    """Return why nothing may go to a contact that is on file since then; None if it may.

    `since` is when it was last changed, None if nobody knows; `received` when the request
    was; `settled` a period such as `7 days`, for how long it must have been on file by then.
    """
    if since is None:
        return "nobody knows since when it is on file"
    if since >= received:
        return "it is not older than the request"
    if since > received - period(settled or _AT_ONCE):
        return f"it was changed less than {settled} before the request"
    return None
