"""`[identity.one-time-pin]` of `dsr.toml`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final, Literal

import attrs
from attrs import field, frozen

from dsr.errors import ConfigurationError
from dsr.identity.pin import OneTimePin
from dsr.identity.senders import (
    CallableSender,
    CallSender,
    ConsoleSender,
    FileSender,
    Sender,
    SmtpSender,
    WebhookSender,
)
from dsr.settings import Context, settings

__all__ = ["from_config"]

_WHERE: Final = "identity.one-time-pin"
_KINDS: Final = (
    '"https://…", "smtps://…", "smtp://…", "python:package.module:name", "file:PATH" or "console"'
)
#: Which settings go with which senders.
_HTTP: Final = frozenset({"headers", "method", "format", "body", "timeout"})
_MAIL: Final = frozenset({"recipient", "author", "login", "timeout"})
_OF: Final[Mapping[str, frozenset[str]]] = {
    "https": _HTTP,
    "http": _HTTP,
    "smtps": _MAIL,
    "smtp": _MAIL,
}
_CALLING: Final = frozenset({"https", "http", "python"})


@frozen
class _Settings:
    """The table; the defaults and borders of its numbers are those of `OneTimePin`."""

    sender: str
    channel: Literal["sms", "call"] = "sms"
    texts: Mapping[str, str] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)
    method: Literal["POST", "PUT", "GET"] = "POST"
    format: Literal["json", "form"] = "json"
    body: Mapping[str, object] = field(factory=dict)
    recipient: str = ""
    author: str = ""
    login: Mapping[str, str] = field(factory=dict)
    timeout: int = 10
    digits: int = 6
    minutes: int = 10
    attempts: int = 5
    per_number: int = 10
    per_source: int = 20
    overall: int = 1_000
    hard: int = 50


def from_config(table: Mapping[str, object], context: Context) -> OneTimePin:
    """Return the one-time PINs that the table describes.

    `sender` is the URL of an HTTP gateway or of a mail server, `python:package.module:name` for
    a function, `file:PATH` (from `context.folder`) or `console`. What is secret is named by
    environment variables, which must be set. Raises `ConfigurationError`.
    """
    given = settings(_Settings, table, _WHERE)
    numbers = {
        name: value
        for name, value in attrs.asdict(given, filter=attrs.filters.include(int)).items()
        if name != "timeout"
    }
    try:
        return OneTimePin(sender=_sender(given, table, context.folder), **numbers)
    except ValueError as error:
        what = f"{_WHERE}: {error}"
        raise ConfigurationError(what) from None


def _sender(given: _Settings, table: Iterable[str], folder: Path) -> Sender:
    kind, _, rest = given.sender.partition(":")
    if not (given.sender == "console" or (rest and kind in {"file", "python", *_OF})):
        what = f"{_WHERE}.sender is not known"
        raise ConfigurationError(what, f"write {_KINDS}")
    _fits(given, kind, table)
    match kind:
        case "console":
            return ConsoleSender(given.texts)
        case "file":
            return FileSender(folder / rest, given.texts)
        case "python" if given.channel == "call":
            return CallSender(_function(rest))
        case "python":
            return CallableSender(_function(rest), given.texts)
        case "smtp" | "smtps":
            _set(given.login, "login")
            return SmtpSender(
                given.sender,
                given.recipient,
                given.author,
                given.login,
                given.timeout,
                given.texts,
            )
    _set(given.headers, "headers")
    return WebhookSender(
        given.sender,
        given.headers,
        method=given.method,
        format=given.format,
        body=given.body,
        timeout=given.timeout,
        channel=given.channel,
        texts=given.texts,
    )


def _fits(given: _Settings, kind: str, table: Iterable[str]) -> None:
    """Refuse what would be ignored: settings of other senders, texts of a call."""
    allowed = _OF.get(kind, frozenset())
    for name in sorted((_HTTP | _MAIL) - allowed):
        if name in table:
            what = f"{_WHERE}.{name} goes with another kind of sender"
            raise ConfigurationError(what, "remove it")
    if given.channel == "call" and kind not in _CALLING:
        what = f"{_WHERE}.channel is call, which this sender cannot do"
        raise ConfigurationError(what, 'write "python:package.module:name" or a https:// URL')
    if given.channel == "call" and given.texts:
        what = f"{_WHERE}.texts are written, and the channel is call"
        raise ConfigurationError(what, "remove them: what is spoken comes with dsr")


def _set(names: Mapping[str, str], setting: str) -> None:
    for variable in names.values():
        if variable not in os.environ:
            what = f"{_WHERE}.{setting}: the environment variable {variable} is not set"
            raise ConfigurationError(what, "set it, or name another")


def _function(place: str) -> Callable[[Any], object]:
    """Return the function that `package.module:name` means."""
    module, _, name = place.partition(":")
    try:
        found: object = reduce(getattr, name.split("."), importlib.import_module(module))
    except Exception as error:  # noqa: BLE001  (a module may raise anything)
        kind = type(error).__name__
    else:
        if callable(found):
            return found
        kind = "what it names is no function"
    what = f"{_WHERE}.sender: the function cannot be loaded ({kind})"
    raise ConfigurationError(what, "write python:package.module:name of one that is installed")
