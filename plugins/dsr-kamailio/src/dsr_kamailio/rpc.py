"""Kamailio's RPC as JSON-RPC 2.0 (module `jsonrpcs`), over what a site has of it.

- `unix:/run/kamailio/kamailio_rpc.sock` and `udp:127.0.0.1:8090`: the module's datagram socket.
  Kamailio's own example configuration opens the first.
- `http://…` and `https://…`: through the module `xhttp`.

Nothing that Kamailio answers is repeated in an error: it may quote an address.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, Protocol

import urllib3
from attrs import define, field, frozen
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers, parse_url

from dsr.errors import StoreUnavailable

__all__ = ["Fault", "Rpc", "Session", "is_url"]

_ANSWER: Final = 4 << 20  # bytes; the kernel's own limit for a datagram is lower
_SECONDS: Final = 10.0  # that Kamailio may take: it answers from memory
_FIX: Final = "check that Kamailio runs, and the store's rpc"


class Fault(Exception):
    """Kamailio answered that it did not do it; `message` is its own fixed text."""

    def __init__(self, code: object, message: str) -> None:
        """Keep the text for comparing; it is not shown."""
        super().__init__(code)
        self.message = message


class _Transport(Protocol):
    def exchange(self, request: bytes, number: int) -> Any:  # noqa: ANN401  (JSON)
        """Send a request and return the document that answers it."""


def is_url(text: str) -> bool:
    """Return whether this names a way to reach an RPC interface."""
    scheme, _, rest = text.partition(":")
    if scheme == "udp":
        host, _, port = rest.rpartition(":")
        return bool(host) and port.isdigit()
    if scheme == "unix":
        return rest.startswith("/")
    return scheme in {"http", "https"} and bool(parse_url(text).host)


@frozen
class Rpc:
    """Where Kamailio takes commands; `store` is named in errors. A URL may hold a password."""

    store: str
    url: str = field(repr=False)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a way to Kamailio for as long as the block lasts.

        Raises `StoreUnavailable` when it cannot be reached, does not answer or refuses.
        """
        scheme, _, rest = self.url.partition(":")
        if scheme in {"http", "https"}:
            yield Session(self.store, _http(self.store, self.url))
            return
        with _socket(self.store, scheme, rest) as transport:
            yield Session(self.store, transport)


@define
class Session:
    """Calls, one after another."""

    store: str
    _transport: _Transport
    _numbers: Iterator[int] = field(factory=lambda: count(1), init=False)

    def call(self, method: str, *params: str | float) -> Any:  # noqa: ANN401  (JSON)
        """Return the result of an RPC method. Raises `Fault`, or `StoreUnavailable`."""
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "method": method, "params": list(params), "id": number}
        answer = self._transport.exchange(json.dumps(request).encode(), number)
        error = answer.get("error")
        if isinstance(error, dict):
            raise Fault(error.get("code"), str(error.get("message", "")))
        if "result" not in answer:
            what = f"Kamailio's answer to {method} cannot be read"
            raise StoreUnavailable(self.store, what, "check its version: 5.2 or newer")
        return answer["result"]


def _read(data: bytes) -> dict[str, Any] | None:
    """Return a JSON-RPC answer; None if it is none. Headers may hold bytes that are no UTF-8."""
    try:
        answer = json.loads(data.decode("utf-8", "replace"), strict=False)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "jsonrpc" in answer else None


@contextmanager
def _socket(store: str, scheme: str, rest: str) -> Iterator[_Datagrams]:
    place: Any = rest
    family = socket.AF_UNIX
    if scheme == "udp":
        host, _, port = rest.rpartition(":")
        place = (host.strip("[]"), int(port))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            if family == socket.AF_UNIX:
                sock.bind("")  # an abstract name, for the answer to come to (unix(7), autobind)
            sock.connect(place)
        except OSError as error:
            raise _unreachable(store, error) from None
        yield _Datagrams(store, sock)


@frozen
class _Datagrams:
    store: str
    sock: socket.socket = field(repr=False)

    def exchange(self, request: bytes, number: int) -> Any:  # noqa: ANN401  (JSON)
        end = time.monotonic() + _SECONDS
        try:
            self.sock.settimeout(_SECONDS)
            self.sock.send(request)
            while True:  # an answer to an earlier call, which came too late, is passed over
                self.sock.settimeout(max(0.001, end - time.monotonic()))
                answer = _read(self.sock.recv(_ANSWER))
                if answer is not None and answer.get("id") in {number, None}:
                    return answer
        except TimeoutError:
            what = "Kamailio did not answer"
            fix = f"{_FIX}; an answer that is too large for a datagram is lost: use http"
            raise StoreUnavailable(self.store, what, fix) from None
        except OSError as error:
            raise _unreachable(self.store, error) from None


def _http(store: str, url: str) -> _Http:
    parsed = parse_url(url)
    headers = {"Content-Type": "application/json"}
    if parsed.auth:
        headers |= make_headers(basic_auth=parsed.auth)
    return _Http(store, parsed._replace(auth=None).url, headers)


@frozen
class _Http:
    store: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    def exchange(self, request: bytes, number: int) -> Any:  # noqa: ANN401  (JSON)
        del number  # each answer comes on its own connection, which Kamailio closes
        try:
            with urllib3.PoolManager(timeout=_SECONDS, retries=False) as pool:
                response = pool.request("POST", self.url, body=request, headers=self.headers)
                data = response.data
        except HTTPError as error:
            what = f"cannot reach Kamailio's RPC ({type(error).__name__})"
            raise StoreUnavailable(self.store, what, _FIX) from None
        answer = _read(data)  # with whatever status: Kamailio's faults are 500
        if answer is None:
            what = f"Kamailio does not take RPC calls at this address (HTTP {response.status})"
            fix = "let event_route[xhttp:request] call jsonrpc_dispatch() for dsr's address"
            raise StoreUnavailable(self.store, what, fix)
        return answer


def _unreachable(store: str, error: OSError) -> StoreUnavailable:
    what = f"cannot reach Kamailio's RPC ({type(error).__name__})"
    if isinstance(error, PermissionError):
        return StoreUnavailable(store, what, "let dsr's user write the socket: its group may")
    return StoreUnavailable(store, what, _FIX)
