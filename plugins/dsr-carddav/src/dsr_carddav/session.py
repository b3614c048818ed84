"""One server over HTTP: a login, one host, and errors that name nobody.

Requests go to the scheme, host and port of the configured address and nowhere else: a redirect
that leads elsewhere is an error, so that the password stays with its server.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import urllib3
from attrs import define, field, frozen
from urllib3.exceptions import HTTPError, SSLError

from dsr.errors import StoreUnavailable

__all__ = ["FAILED", "Answer", "Server", "Session", "failed", "is_protected", "origin"]

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TIMEOUT: Final = urllib3.Timeout(connect=10, read=60)  # seconds; long listings take a while
_REDIRECTS: Final = 5
_CHUNK: Final = 64 * 1024
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = range(200, 300)
_NONE: Final[Mapping[str, str]] = {}

#: What to do about an answer, by its status.
FAILED: Final = {
    401: "the login is not accepted: check user and password",
    403: "the login may not do this: grant it the right",
    404: "nothing is there: check the address",
    423: "somebody holds a WebDAV lock: try again later",
    507: "the server's storage is full, or it cuts its answers off: raise its limits",
}


def is_protected(url: str) -> bool:
    """Return whether a password may be sent to `url`: https, or this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address. Raises `ValueError` for a port that is none."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        parts.hostname or "",
        parts.port or (443 if parts.scheme == "https" else 80),
    )


def failed(status: int) -> str:
    """Say what an answer of this status means."""
    return f"the server answers {status}"


@frozen
class Server:
    """Where a server is, and how to log in.

    `user` and `password` are the texts themselves, or where they stand: `env:NAME`,
    `file:PATH` (relative to `folder`, of which the line's end is no part).
    """

    store: str
    url: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    authority: str = ""  # a file with the certificates to trust, instead of the system's
    folder: Path = Path()

    @property
    def path(self) -> str:
        """The path of its address, with a slash at the end."""
        return urlsplit(self.url).path.rstrip("/") + "/"

    def local(self, href: str) -> str | None:
        """Return the path of an address on this server; None if it is on another one."""
        whole = urljoin(self.url, href)
        try:
            if origin(whole) != origin(self.url):
                return None
        except ValueError:
            return None
        return urlsplit(whole).path

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open connections for as long as the block lasts.

        Raises `StoreUnavailable` if the login cannot be read.
        """
        headers = {"user-agent": "dsr"}
        if self.user:
            login = f"{self._read(self.user, 'user')}:{self._read(self.password, 'password')}"
            headers["authorization"] = _basic(login)
        trust = str(self.folder / self.authority) if self.authority else None
        scheme, host, port = origin(self.url)
        pool: urllib3.HTTPConnectionPool
        if scheme == "https":
            pool = urllib3.HTTPSConnectionPool(
                host, port, timeout=_TIMEOUT, maxsize=2, headers=headers,
                cert_reqs="CERT_REQUIRED", ca_certs=trust,
            )  # fmt: skip
        else:
            pool = urllib3.HTTPConnectionPool(
                host, port, timeout=_TIMEOUT, maxsize=2, headers=headers
            )
        with pool:
            yield Session(self, pool)

    def _read(self, source: str, what: str) -> str:
        kind, _, rest = source.partition(":")
        try:
            if kind == "env":
                return os.environ[rest]
            if kind == "file":
                return (self.folder / rest).read_text(encoding="utf-8").rstrip("\r\n")
        except (KeyError, OSError, UnicodeDecodeError):
            fix = f"set what stores.{self.store}.{what} names"
            raise StoreUnavailable(self.store, f"its {what} cannot be read", fix) from None
        return source


def _basic(login: str) -> str:
    return "Basic " + b64encode(login.encode()).decode()


@define
class Answer:
    """An answer whose body is still to come."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    _session: Session = field(repr=False)
    _response: urllib3.BaseHTTPResponse = field(repr=False)

    @property
    def is_ok(self) -> bool:
        """Whether it is a success."""
        return self.status in _OK

    @property
    def etag(self) -> str:
        """The strong entity tag; empty where there is none (RFC 9110, 8.8.3)."""
        tag = self.headers.get("etag", "")
        return tag if tag.startswith('"') else ""

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces. Raises `StoreUnavailable` when it breaks off."""
        try:
            yield from self._response.stream(_CHUNK, decode_content=True)
        except HTTPError as error:
            raise self._session.unreachable(error) from None

    def body(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks())


@define
class Session:
    """Requests to one server, tried again where that can help."""

    server: Server
    _pool: urllib3.HTTPConnectionPool = field(repr=False)

    @contextmanager
    def send(
        self, method: str, path: str, headers: Mapping[str, str] = _NONE, body: bytes = b""
    ) -> Iterator[Answer]:
        """Send a request and give its answer.

        All methods used here may be sent twice: a deletion or a writing that names the version
        it is for does nothing the second time. Raises `StoreUnavailable` when the server
        cannot be reached, refuses the login, or leads to another host.
        """
        response = self._open(method, path, headers, body)
        try:
            if response.status == HTTPStatus.UNAUTHORIZED:
                raise self._unavailable(failed(401), FAILED[401])
            yield Answer(response.status, response.headers, self, response)
            response.drain_conn()  # what was not read would stand before the next answer
        finally:
            response.close()

    def _open(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> urllib3.BaseHTTPResponse:
        headers = {**self._pool.headers, **headers}
        for _ in range(_REDIRECTS):
            try:
                response = self._pool.urlopen(
                    method, path, body=body or None, headers=headers,
                    retries=_retries(), redirect=False, preload_content=False,
                    assert_same_host=False,
                )  # fmt: skip
            except HTTPError as error:
                raise self.unreachable(error) from None
            location = response.headers.get("location", "")
            if response.status not in _MOVED or not location:
                return response
            response.drain_conn()
            response.close()
            here = self.server.local(urljoin(urljoin(self.server.url, path), location))
            if here is None:
                what = "it redirects to another host, where its password must not go"
                raise self._unavailable(
                    what, f"write the new address in stores.{self.server.store}.url"
                )
            path = here
        what = "it redirects in a circle"
        raise self._unavailable(what, "check its address")

    def unreachable(self, error: HTTPError) -> StoreUnavailable:
        """Return what a broken connection means; its own text may hold an address."""
        reason = getattr(error, "reason", None) or error
        fix = "check that it runs, and its address"
        if isinstance(reason, SSLError):
            fix = "check its certificate; a private authority is named by the key `authority`"
        return self._unavailable(f"the server cannot be reached ({type(reason).__name__})", fix)

    def _unavailable(self, what: str, fix: str) -> StoreUnavailable:
        return StoreUnavailable(self.server.store, what, fix)


def _retries() -> urllib3.Retry:
    return urllib3.Retry(
        total=3,
        redirect=0,
        allowed_methods=None,
        status_forcelist={429, 502, 503, 504},
        backoff_factor=0.1,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
