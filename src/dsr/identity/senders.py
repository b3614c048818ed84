"""How a one-time PIN reaches a person: three senders, and what a fourth must do."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import urllib3
from attrs import field, frozen

from dsr.errors import DeliveryError
from dsr.identity.messages import message

__all__ = ["ConsoleSender", "FileSender", "Sender", "WebhookSender"]

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TIMEOUT: Final = urllib3.Timeout(connect=5, read=10)  # seconds
_FIX: Final = "try again; if it goes on, look at the sender of [identity.one-time-pin]"


class Sender(Protocol):
    """Hands a one-time PIN over. A frozen value, safe to share between threads."""

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Send `pin`, valid for `minutes`, to `number` (E.164), worded in `language`.

        Raises `DeliveryError` when it was not handed over; its text has neither number nor PIN.
        Keeps and logs neither.
        """


def _document(number: str, pin: str, language: str, minutes: int) -> dict[str, object]:
    return {
        "number": number,
        "pin": pin,
        "language": language,
        "minutes": minutes,
        "text": message(pin, language, minutes),
    }


@frozen
class ConsoleSender:
    """Writes the message to standard error: for trying things out, never for a service."""

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:  # noqa: ARG002  (nobody else reads along)
        """Write the message, without the number."""
        print(message(pin, language, minutes), file=sys.stderr)  # noqa: T201  (that is its job)


@frozen
class FileSender:
    """Appends a JSON line to a file that only its owner can read: for development and tests."""

    path: Path

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Append `{"number", "pin", "language", "minutes", "text"}`."""
        line = json.dumps(_document(number, pin, language, minutes), ensure_ascii=False) + "\n"
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.fchmod(file, 0o600)
                os.write(file, line.encode())
            finally:
                os.close(file)
        except OSError as error:
            what = f"the file for PINs cannot be written ({error.strerror})"
            raise DeliveryError(what, "check its folder and permissions") from None


def _safe(_: object, _attribute: object, url: str) -> None:
    parts = urlsplit(url)
    secure = parts.scheme == "https" and parts.hostname
    if not secure and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        msg = "the URL of the sender begins with https:// (http:// only on this machine)"
        raise ValueError(msg)


@frozen
class WebhookSender:
    """Posts a JSON document to an SMS gateway, or to a small adapter in front of one.

    `headers` maps names of HTTP headers to the names of the environment variables that hold
    their values, such as a token. Raises `ValueError` for a `url` that is not protected.
    """

    url: str = field(validator=_safe, repr=False)  # may hold a token
    headers: Mapping[str, str] = field(factory=dict)

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Post `{"number", "pin", "language", "minutes", "text"}`; any answer 2xx is success.

        Tries twice more when it cannot connect or the answer is 5xx; not when the answer does
        not come, because the message may be on its way.
        """
        retries = urllib3.Retry(
            total=2,
            connect=2,
            status=2,
            read=0,
            other=0,
            allowed_methods=None,  # POST, too
            status_forcelist=range(500, 600),
            backoff_factor=0.2,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        headers = {name: _environment(variable) for name, variable in self.headers.items()}
        try:
            with urllib3.PoolManager(retries=retries, timeout=_TIMEOUT) as pool:
                status = pool.request(
                    "POST",
                    self.url,
                    json=_document(number, pin, language, minutes),
                    headers={"content-type": "application/json", **headers},
                    redirect=False,
                ).status
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            what = f"the sender of PINs cannot be reached ({type(reason).__name__})"
            raise DeliveryError(what, _FIX) from None
        if not 200 <= status < 300:  # noqa: PLR2004  (HTTP's success)
            what = f"the sender of PINs answered with status {status}"
            raise DeliveryError(what, _FIX)


def _environment(variable: str) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        what = f"the environment variable {variable} of the sender of PINs is not set"
    raise DeliveryError(what, "set it")
