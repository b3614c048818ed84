"""A real MariaDB server for tests (Debian: `mariadb-server`).

It listens on loopback, lives in one temporary folder, is started once, when a test first asks
for it, and killed at the end. As root it runs as the user `mysql`, which the package makes.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

__all__ = ["fresh_database", "mariadb", "mariadb_module", "start"]

_BINARIES: Final = ("mariadbd", "mariadb-install-db", "setpriv")
_UNPRIVILEGED: Final = "mysql"
_START: Final = 60  # seconds that a step of the start may take on a busy machine

#: Nothing in a test's database has to outlive a power cut.
_OPTIONS: Final = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=128M",
    "--skip-name-resolve",
    "--bind-address=127.0.0.1",
)


@pytest.fixture
def mariadb() -> Iterator[str]:
    """Return the SQLAlchemy URL of an empty database, for one test."""
    with fresh_database() as url:
        yield url


@pytest.fixture(scope="module")
def mariadb_module() -> Iterator[str]:
    """Return the SQLAlchemy URL of an empty database, for the tests of one file."""
    with fresh_database() as url:
        yield url


@contextmanager
def fresh_database() -> Iterator[str]:
    """Make an empty database (utf8mb4, Debian's collation), give its URL, and drop it."""
    server = f"mysql+pymysql://root@127.0.0.1:{_shared()}"
    name = f"test_{uuid.uuid4().hex}"
    admin = sa.create_engine(f"{server}/mysql", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(
            sa.text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        )
        try:
            yield f"{server}/{name}?charset=utf8mb4"
        finally:
            connection.execute(sa.text(f"DROP DATABASE {name}"))


@functools.cache
def _shared() -> int:
    return start()


def start(*options: str) -> int:
    """Start a server of its own with further `options` of mariadbd, and return its port.

    Skips (in CI: fails) where MariaDB is not installed. It is killed when Python ends.
    """
    missing = [each for each in _BINARIES if shutil.which(each) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed: apt install mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    identity: tuple[str, ...] = ()
    if os.geteuid() == 0:
        shutil.chown(folder, _UNPRIVILEGED, _UNPRIVILEGED)
        identity = (f"--reuid={_UNPRIVILEGED}", f"--regid={_UNPRIVILEGED}", "--clear-groups")
    run = ("setpriv", *identity, "--pdeathsig=KILL")  # not even a killed Python leaves it behind
    data = folder / "data"
    subprocess.run(
        [
            *(*run, "mariadb-install-db", "--no-defaults", f"--datadir={data}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
        ],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_START,
    )
    port = _port()
    places = (f"--datadir={data}", f"--tmpdir={folder}", f"--port={port}", f"--socket={folder}/s")
    process = subprocess.Popen(
        [*run, "mariadbd", "--no-defaults", *places, *_OPTIONS, *options],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(process.wait)
    atexit.register(process.kill)  # called first: nothing in it is worth a clean end
    _wait(process, port)
    return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    engine = sa.create_engine(f"mysql+pymysql://root@127.0.0.1:{port}/mysql", poolclass=NullPool)
    end = time.monotonic() + _START
    while time.monotonic() < end and process.poll() is None:
        try:
            engine.connect().close()
        except OperationalError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("MariaDB did not start")


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
