"""The operator's gateway: an HTTP request for each message or call, from a template."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from http.client import HTTPException
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode, urlsplit

import attrs
import urllib3
from attrs import Attribute, field, frozen

from dsr.errors import DeliveryError
from dsr.identity.messages import fitting, greeting, spoken, voice
from dsr.identity.senders.calls import new_key
from dsr.identity.senders.sender import FIX, LOOPBACK, PinMessage, environment, patience
from dsr.identity.templates import fill, placeholders

__all__ = ["WebhookSender"]

_CONNECT: Final = 5  # seconds
_DOCUMENT: Final = {name: f"{{{name}}}" for name in attrs.fields_dict(PinMessage)}
#: What a template may have, and what one of each set it must have.
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "sms": frozenset(_DOCUMENT),
    "call": frozenset({"number", "text", "language", "minutes", "greeting", "key"}),
}
_NEEDED: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    "sms": (frozenset({"number"}), frozenset({"text", "pin"})),
    "call": tuple(frozenset({each}) for each in ("number", "greeting", "key", "text")),
}
_RETRIES: Final = urllib3.Retry(
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

#: urllib3 logs the URLs that it asks for: with tokens, and with what a template puts there.
_LOGGERS: Final = ("urllib3.connectionpool", "urllib3.util.retry")
_SILENT: Final = ContextVar("silent", default=False)


def _quiet(_: logging.LogRecord) -> bool:
    return not _SILENT.get()


def _safe(_: object, _attribute: object, url: str) -> None:
    parts = urlsplit(url)
    secure = parts.scheme == "https" and parts.hostname
    if not secure and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        msg = "the URL of the sender begins with https:// (http:// only on this machine)"
        raise ValueError(msg)
    if placeholders(parts.netloc) or parts.fragment:
        msg = "the URL of the sender has placeholders in its path and query only, and no #"
        raise ValueError(msg)


def _flat(instance: WebhookSender, _: Attribute[Any], body: Mapping[str, object]) -> None:
    if instance.format == "form" and any(
        isinstance(each, Mapping | list) for each in body.values()
    ):
        msg = "body holds texts, numbers, true or false only: a form has no tables and lists"
        raise ValueError(msg)
    if body and instance.method == "GET":
        msg = "body goes with POST and PUT: a GET has placeholders in its URL"
        raise ValueError(msg)


@frozen
class WebhookSender:
    """Asks an SMS gateway, or a small adapter in front of one, over HTTP.

    `url` may have placeholders in path and query, and the texts in `body` may have them:
    `{number}`, `{pin}`, `{text}` (the whole message), `{language}`, `{minutes}`. Each is escaped
    for where it stands. A text that is `{minutes}` alone is a number in JSON. Without a `body`,
    a POST or PUT sends all five under their names. `headers` maps names of HTTP headers to the
    names of the environment variables that hold their values, such as a token. `timeout` is in
    seconds. `texts` are the operator's own, by language.

    With the channel `call` the gateway calls: it says `{greeting}`, waits for the digits `{key}`,
    says `{text}` once they are pressed, and hangs up otherwise. The template must have all three;
    it cannot have `{pin}`.

    Raises `ValueError` for a `url` that is not protected, and for a template that is none.
    """

    url: str = field(validator=_safe, repr=False)  # may hold a token
    headers: Mapping[str, str] = field(factory=dict)
    method: Literal["POST", "PUT", "GET"] = "POST"
    format: Literal["json", "form"] = "json"
    body: Mapping[str, object] = field(factory=dict, validator=_flat, repr=False)
    timeout: float = field(default=10, validator=patience)
    channel: Literal["sms", "call"] = "sms"
    texts: Mapping[str, str] = field(factory=dict, validator=fitting)

    def __attrs_post_init__(self) -> None:
        """Check the placeholders of URL and body together."""
        used = placeholders(self.url).union(*map(placeholders, _texts(self._template)))
        known = _KNOWN[self.channel]
        if not used <= known:
            msg = f"placeholders of url and body are {', '.join(sorted(known))}"
            raise ValueError(msg)
        missing = [each for each in _NEEDED[self.channel] if not each & used]
        if missing:
            names = ", ".join(" or ".join(f"{{{each}}}" for each in sorted(of)) for of in missing)
            msg = f"url and body lack {names}"
            raise ValueError(msg)

    @property
    def _template(self) -> Mapping[str, object]:
        if self.body or self.method == "GET" or self.channel == "call":
            return self.body
        return _DOCUMENT

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Make the request; any answer 2xx is success.

        Tries twice more when it cannot connect or the answer is 5xx; not when the answer does
        not come, because the message may be on its way.
        """
        values = self._values(number, pin, language, minutes)
        url = fill(self.url, values, lambda each: quote(each, safe=""))
        headers = {name: environment(variable) for name, variable in self.headers.items()}
        data = None
        if self.method != "GET":
            data, kind = self._encoded(_filled(self._template, values))
            headers = {"content-type": kind, **headers}
        status, reason = self._ask(url, data, headers)
        if status is None:
            what = f"the sender of PINs cannot be reached ({reason})"
            raise DeliveryError(what, FIX)
        if not 200 <= status < 300:  # noqa: PLR2004  (HTTP's success)
            what = f"the sender of PINs answered with status {status}"
            raise DeliveryError(what, FIX)

    def _values(self, number: str, pin: str, language: str, minutes: int) -> dict[str, str | int]:
        if self.channel == "sms":
            return attrs.asdict(PinMessage.of(number, pin, language, minutes, self.texts))
        key = new_key()
        return {
            "number": number,
            "text": spoken(pin, language, minutes),
            "language": voice(language),
            "minutes": minutes,
            "greeting": greeting(key, language),
            "key": key,
        }

    def _encoded(self, body: Any) -> tuple[bytes, str]:  # noqa: ANN401  (JSON)
        if self.format == "json":
            return json.dumps(body).encode(), "application/json"
        pairs = {name: _scalar(value) for name, value in body.items()}
        return urlencode(pairs).encode(), "application/x-www-form-urlencoded"

    def _ask(
        self, url: str, data: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int | None, str]:
        """Return the status of the answer, or None and the kind of error."""
        for each in _LOGGERS:
            logging.getLogger(each).addFilter(_quiet)  # once: the same filter is not added twice
        silent = _SILENT.set(True)
        timeout = urllib3.Timeout(connect=min(_CONNECT, self.timeout), read=self.timeout)
        try:
            with urllib3.PoolManager(retries=_RETRIES, timeout=timeout) as pool:
                answer = pool.request(self.method, url, body=data, headers=headers, redirect=False)
        except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            return None, type(getattr(error, "reason", None) or error).__name__
        finally:
            _SILENT.reset(silent)
        return answer.status, ""


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a template of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _filled(value: object, values: Mapping[str, str | int]) -> object:
    match value:
        case "{minutes}":
            return values["minutes"]
        case str():
            return fill(value, values)
        case Mapping():
            return {name: _filled(each, values) for name, each in value.items()}
        case list():
            return [_filled(each, values) for each in value]
    return value


def _scalar(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
