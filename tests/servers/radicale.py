"""A real CardDAV server for tests: Radicale, from its wheel.

It listens on loopback, lives in one temporary folder, is started once, when a test first asks
for it, and stopped at the end. Every test begins with an empty storage: Radicale keeps nothing
in memory but files.
"""

from __future__ import annotations

import atexit
import functools
import http.client
import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

__all__ = ["Radicale", "radicale"]

#: May read and write everything; `reader` may read it, `eva` and `bob` have their own books.
ADMIN: Final = "dsr"
_USERS: Final = (ADMIN, "reader", "eva", "bob")
_START: Final = 60  # seconds that the start may take on a busy machine
_STEP: Final = 0.02
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  (a folder of its own is made in it)

_CONFIG: Final = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = from_file
file = {folder}/rights
[storage]
filesystem_folder = {folder}/storage
[logging]
level = error
"""
_RIGHTS: Final = f"""\
[admin]
user: {ADMIN}
collection: .*
permissions: RrWw
[reader]
user: reader
collection: .*
permissions: Rr
[root]
user: .+
collection:
permissions: R
[principal]
user: .+
collection: {{user}}
permissions: RW
[books]
user: .+
collection: {{user}}/[^/]+
permissions: rw
"""


@frozen
class Radicale:
    """A running server; every user's password is the user's name with `-secret` behind it."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def storage(self) -> Path:
        """Its `filesystem_folder`."""
        return self.folder / "storage"

    def send(
        self, method: str, path: str, body: str | bytes = b"", user: str = ADMIN, **headers: str
    ) -> tuple[int, bytes]:
        """Send a request as a client would and return status and body of the answer."""
        login = b64encode(f"{user}:{user}-secret".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_START)
        try:
            raw = body.encode() if isinstance(body, str) else body
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, raw, {"authorization": f"Basic {login}", **named})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def book(self, path: str) -> None:
        """Make an address book (`/user/book/`)."""
        user = path.split("/")[1]
        self._done(*self.send("PROPFIND", f"/{user}/", user=user))  # the first login makes a home
        body = (
            '<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop>'
            "<resourcetype><collection/><C:addressbook/></resourcetype></prop></set></mkcol>"
        )
        self._done(*self.send("MKCOL", path, body))

    def put(self, path: str, card: str) -> None:
        """Write a card."""
        self._done(*self.send("PUT", path, card, content_type="text/vcard; charset=utf-8"))

    def _done(self, status: int, body: bytes) -> None:
        assert status in range(200, 300), (status, body)


@pytest.fixture
def radicale() -> Radicale:
    """Return the running server with an empty storage."""
    server = _start()
    shutil.rmtree(server.storage, ignore_errors=True)
    (server.storage / "collection-root").mkdir(parents=True)
    return server


@functools.cache
def _start() -> Radicale:
    if importlib.util.find_spec("radicale") is None:
        pytest.skip('Radicale is not installed: pip install "dsr[test]"')
    # in memory where there is such a place: it writes every file through to the disk
    folder = Path(tempfile.mkdtemp(prefix="radicale-", dir=_MEMORY if _MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    port = _port()
    (folder / "users").write_text("".join(f"{each}:{each}-secret\n" for each in _USERS))
    (folder / "rights").write_text(_RIGHTS)
    (folder / "config").write_text(_CONFIG.format(folder=folder, port=port))
    command = [sys.executable, "-m", "radicale", "--config", str(folder / "config")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    atexit.register(process.wait)
    atexit.register(process.terminate)
    server = Radicale(port, folder)
    end = time.monotonic() + _START
    while True:
        try:
            server.send("GET", "/.web/")
            break
        except ConnectionError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, "Radicale did not start"
            time.sleep(_STEP)
    return server


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
