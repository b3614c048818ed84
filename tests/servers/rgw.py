"""A real S3 server for tests: Ceph's RGW, with its monitor and one store in memory.

Debian: `radosgw ceph-mon ceph-osd ceph-common`. Everything listens on loopback and lives in one
temporary folder; it is started once, when a test first asks for it, and killed at the end.
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
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
import pytest
from attrs import frozen
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Rgw", "rgw"]

_BINARIES: Final = (
    "radosgw",
    "radosgw-admin",
    "ceph",
    "ceph-mon",
    "ceph-osd",
    "ceph-authtool",
    "monmaptool",
)
_START: Final = 60  # seconds that one step of the start may take on a busy machine

_CONFIG: Final = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor}/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
mon allow pool size one = true
mon warn on insecure global id reclaim allowed = false
mon data avail warn = 2
mon data avail crit = 1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon max pg per osd = 1000
osd crush chooseleaf type = 0
run dir = {folder}/run
log file = {folder}/log/$name.log
admin socket = {folder}/run/$name.asok
crash dir = {folder}/run
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd memory target = 939524096
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw data = {folder}/rgw
paxos propose interval = 0.05
paxos min wait = 0.01
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = recordings=cmVjb3JkaW5ncy1rZXktb2YtMzItYnl0ZXMtZm9yLTE=
debug rgw = 0/0
"""


@frozen
class Rgw:
    """A running server and the login of its one user."""

    endpoint: str
    access_key: str = "AKTEST"
    secret_key: str = "SKTEST12345"

    @functools.cache  # noqa: B019  (there is one server)
    def client(self) -> S3Client:
        """Return a client of the server, for what tests do without the connector."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )


@pytest.fixture(scope="session")
def rgw() -> Rgw:
    """Return the running server; skips (in CI: fails) where Ceph is not installed."""
    missing = [each for each in _BINARIES if shutil.which(each) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed: apt install radosgw ceph-mon ceph-osd")
    return _start()


@functools.cache
def _start() -> Rgw:
    folder = Path(tempfile.mkdtemp(prefix="rgw-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for each in ("mon", "osd", "log", "run", "rgw"):
        (folder / each).mkdir()
    fsid, port, monitor = str(uuid.uuid4()), _port(), _port()
    config = _CONFIG.format(fsid=fsid, folder=folder, port=port, monitor=monitor)
    (folder / "ceph.conf").write_text(config)
    run = functools.partial(_run, folder)
    run(
        "ceph-authtool",
        "--create-keyring",
        "keyring",
        "--gen-key",
        "-n",
        "mon.",
        "--cap",
        "mon",
        "allow *",
    )
    run(
        "monmaptool",
        "--create",
        "--addv",
        "a",
        f"[v2:127.0.0.1:{monitor}]",
        "--fsid",
        fsid,
        "monmap",
    )
    run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap", "--keyring", "keyring")
    _serve(folder, "ceph-mon", "-i", "a")
    run("ceph", "osd", "create")
    run("ceph-osd", "-i", "0", "--mkfs")
    _serve(folder, "ceph-osd", "-i", "0")
    server = Rgw(f"http://127.0.0.1:{port}")
    run(
        *("radosgw-admin", "user", "create", "--uid=test", "--display-name=test"),
        *(f"--access-key={server.access_key}", f"--secret-key={server.secret_key}"),
    )
    _serve(folder, "radosgw", "-n", "client.rgw.a")
    _wait(server.endpoint)
    return server


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        timeout=_START,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr.decode(errors='replace')[-2000:]}"


def _serve(folder: Path, *command: str) -> None:
    """Start a server in the foreground of its own process; kill it when Python ends."""
    bound = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
    process = subprocess.Popen(  # with setpriv it does not even outlive a Python that is killed
        [*bound, *command, "-f"],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(process.wait)
    atexit.register(process.kill)  # called first: nothing in memory is worth a clean end


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "CEPH_CONF": str(folder / "ceph.conf")}


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(endpoint: str) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(endpoint, timeout=_START).close()  # noqa: S310  (loopback)
        except urllib.error.URLError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"no answer from {endpoint}")
