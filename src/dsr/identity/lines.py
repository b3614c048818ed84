"""Whether a number may be in other hands than last week: a SIM card or an operator that changed.

Mobile networks know when a SIM card was last changed and a number last ported (GSMA Open Gateway,
"SIM Swap"; law.md rule 42). dsr asks whoever knows, before it trusts a PIN sent to the number.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Mapping
from typing import Final, Literal, Protocol

import urllib3
from attrs import field, frozen

__all__ = ["CallableLines", "Changed", "Lines", "WebhookLines"]

#: When something last changed; `never`: nothing ever did, as far as is known; `unknown`.
Changed = dt.datetime | Literal["never", "unknown"]

_TIMEOUT: Final = urllib3.Timeout(connect=3, read=5)  # seconds
_OK: Final = 200


class Lines(Protocol):
    """Tells when a number's SIM card or operator last changed. A frozen value."""

    def changed(self, number: str) -> Changed:
        """Return when it last changed. Never raises: who cannot tell returns `unknown`."""


@frozen
class CallableLines:
    """Asks a function of the backend; whatever it raises means that nobody knows."""

    function: Callable[[str], dt.datetime | None]

    def changed(self, number: str) -> Changed:
        """Return what the function returns: an aware time, or None for never."""
        try:
            return _changed(self.function(number))
        except Exception:  # noqa: BLE001  (a function of others; its text may hold the number)
            return "unknown"


@frozen
class WebhookLines:
    """Posts `{"number": …}` to a URL, which answers `{"changed": "2026-03-05T10:00:00Z"}` or null.

    `headers` maps names of HTTP headers to the environment variables that hold their values.
    """

    url: str = field(repr=False)  # may hold a token
    headers: Mapping[str, str] = field(factory=dict)

    def changed(self, number: str) -> Changed:
        """Return what the URL answers; an error, a delay or any other answer is `unknown`."""
        try:
            headers = {name: os.environ[variable] for name, variable in self.headers.items()}
            with urllib3.PoolManager(retries=urllib3.Retry(1), timeout=_TIMEOUT) as pool:
                answer = pool.request(
                    "POST", self.url, json={"number": number}, headers=headers, redirect=False
                )
            told = json.loads(answer.data)["changed"] if answer.status == _OK else "unknown"
            return _changed(dt.datetime.fromisoformat(told) if told is not None else None)
        except (KeyError, TypeError, ValueError, urllib3.exceptions.HTTPError):
            return "unknown"


def _changed(at: dt.datetime | None) -> Changed:
    if at is None:
        return "never"
    return at if at.tzinfo else "unknown"
