"""`[identity.one-time-pin]` of `dsr.toml`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import attrs
from attrs import field, frozen

from dsr.errors import ConfigurationError
from dsr.identity.pin import OneTimePin
from dsr.identity.senders import ConsoleSender, FileSender, Sender, WebhookSender
from dsr.settings import Context, settings

__all__ = ["from_config"]

_WHERE = "identity.one-time-pin"


@frozen
class _Settings:
    """The table; the defaults and borders of its numbers are those of `OneTimePin`."""

    sender: str
    headers: Mapping[str, str] = field(factory=dict)
    digits: int = 6
    minutes: int = 10
    attempts: int = 5
    per_number: int = 10
    per_source: int = 20
    overall: int = 1_000
    hard: int = 50


def from_config(table: Mapping[str, object], context: Context) -> OneTimePin:
    """Return the one-time PINs that the table describes.

    `sender` is `console`, `file:PATH` (from `context.folder`) or a `https://` URL, to which
    `headers` map names of HTTP headers to names of environment variables. Raises
    `ConfigurationError`.
    """
    given = settings(_Settings, table, _WHERE)
    numbers = attrs.asdict(given, filter=attrs.filters.include(int))
    try:
        return OneTimePin(sender=_sender(given, context.folder), **numbers)
    except ValueError as error:
        what = f"{_WHERE}: {error}"
        raise ConfigurationError(what) from None


def _sender(given: _Settings, folder: Path) -> Sender:
    kind, _, rest = given.sender.partition(":")
    if given.headers and kind not in {"http", "https"}:
        what = f"{_WHERE}.headers goes with a sender that is a URL"
        raise ConfigurationError(what, "remove it")
    if given.sender == "console":
        return ConsoleSender()
    if kind == "file" and rest:
        return FileSender(folder / rest)
    if kind in {"http", "https"}:
        for variable in given.headers.values():
            if variable not in os.environ:
                what = f"{_WHERE}.headers: the environment variable {variable} is not set"
                raise ConfigurationError(what, "set it, or name another")
        return WebhookSender(given.sender, given.headers)
    what = f"{_WHERE}.sender is not known"
    raise ConfigurationError(what, 'write "console", "file:PATH" or "https://…"')
