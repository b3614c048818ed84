"""The `logs` connector keeps the contract, for plain and for compressed files."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from dsr.connectors.logs import Logs, from_config
from dsr.model import Identifier
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness

SIDES = [
    r'from sip:(?P<phone>[^@;]+)@\S+ \(PAI=tel:(?P<phone2>[^,]+), name=\\?"(?P<name>[^"\\]*)\\?"',
    r"to sip:(?P<phone>[^@;]+)@",
]
#: {0} stands for what speaks of the subject: the number, and the name that goes with it.
MINE = (
    "2026-03-01 10:00:00.123 [INFO] caller {number} registered",
    '2026-03-01 10:00:01.123 [INFO] "{name}" <sip:{number}@127.0.0.1> left a message',
    "2026-03-01 10:00:02.123 [INFO] caller {grouped} hung up",
    '10:00:03 call from sip:{number}@h (PAI=tel:{number}, name="{name}") to sip:+4930901821@h',
    "2026-03-01 10:00:04.123 [INFO] src={number};dst=+4930901821;",
)
OTHERS = (
    "2026-03-01 10:00:00.123 [INFO] caller 4930901821 registered",
    "2026-03-01 10:00:00.123 [INFO] caller 49309018200 registered",
    "a line without any number, and \xe9 and \u4e2d",
)


class LogsHarness(Harness):
    """Two log files, looked into by lines."""

    subject = Identifier("phone", "+4930901820")
    bystander = Identifier("phone", "+4930901821")
    entry = "logs"
    verbs = frozenset({"redact", "split", "check"})

    def __init__(
        self,
        folder: Path,
        pack: Callable[[bytes], bytes] = bytes,
        unpack: Callable[[bytes], bytes] = bytes,
    ) -> None:
        """Keep the files below `folder`, the second of them compressed by `pack`."""
        self.pack, self.unpack = pack, unpack
        self.folder = folder / "log"
        self.folder.mkdir()
        table = {"path": "log", "category": "logs", "timezone": "Europe/Berlin", "sides": SIDES}
        self.connector: Logs = from_config("logs", table, Context("DE", folder))

    def seed(self) -> int:
        said = {"number": "4930901820", "grouped": "+49 (0)30-901 820", "name": "Eva Müller"}
        lines = [line.format(**said) for line in MINE]
        mixed = [lines[0], OTHERS[0], *lines[1:3], OTHERS[1]], [OTHERS[2], *lines[3:], OTHERS[0]]
        now, before = ("\n".join(part).encode() + b"\n" for part in mixed)
        (self.folder / "pbx.log").write_bytes(now)
        (self.folder / "pbx.log.1").write_bytes(self.pack(before))
        return len(lines)

    def more(self, number: int) -> bool:
        with (self.folder / "pbx.log").open("ab") as file:
            file.write((MINE[0].format(number="4930901820") + "\n").encode() * number)
        return self.pack is bytes

    def lines(self) -> list[bytes]:
        now = (self.folder / "pbx.log").read_bytes()
        return (now + self.unpack((self.folder / "pbx.log.1").read_bytes())).splitlines()

    def count(self) -> int:
        signs = (b"4930901820 ", b"4930901820@", b"4930901820;", b"901 820", "Müller".encode())
        return sum(any(sign in line for sign in signs) for line in self.lines())

    def others(self) -> bytes:
        """All lines, without the bytes at the places where the subject stands in them."""
        left = []
        for line in self.lines():
            text = line
            for mine in (b"4930901820", b"+49 (0)30-901 820", "Eva Müller".encode()):
                if line != OTHERS[1].encode():
                    text = text.replace(mine, b"~").replace(_filler(mine), b"~")
            left.append(text)
        return b"\n".join(left)

    def unreachable(self) -> Logs:
        table = {"path": "nowhere", "category": "logs"}
        return from_config("logs", table, Context("DE", self.folder))


def _filler(text: bytes) -> bytes:
    return bytes(ord("x") if byte >= 0x80 or chr(byte).isalnum() else byte for byte in text)


class TestPlain(ConnectorSuite):
    """Law by law, on plain files."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LogsHarness:
        """Return two plain files."""
        return LogsHarness(tmp_path)


class TestGzip(ConnectorSuite):
    """Law by law, where the rotated file is compressed by gzip."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LogsHarness:
        """Return a plain and a gzip file."""
        return LogsHarness(tmp_path, gzip.compress, gzip.decompress)


class TestWithoutExtras(ConnectorSuite):
    """Law by law, with the standard library alone."""

    @pytest.fixture
    def harness(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LogsHarness:
        """Return a plain and a gzip file, read without Hyperscan and isal."""
        monkeypatch.setattr("dsr.match.hyper.INSTALLED", False)
        monkeypatch.setattr("dsr.connectors.logs.packing._GZIP", gzip.open)
        return LogsHarness(tmp_path, gzip.compress, gzip.decompress)


class TestXz(ConnectorSuite):
    """Law by law, where the rotated file is compressed by xz."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LogsHarness:
        """Return a plain and an xz file."""
        return LogsHarness(tmp_path, lzma.compress, lzma.decompress)


class TestBzip2(ConnectorSuite):
    """Law by law, where the rotated file is compressed by bzip2."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LogsHarness:
        """Return a plain and a bzip2 file."""
        return LogsHarness(tmp_path, bz2.compress, bz2.decompress)


class TestZstd(ConnectorSuite):
    """Law by law, where the rotated file is compressed by zstd."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LogsHarness:
        """Return a plain and a zstd file."""
        return LogsHarness(tmp_path, zstandard.compress, zstandard.decompress)


def _json(text: bytes) -> bytes:
    """Return a log of JSON lines with the same texts, escaped as JSON libraries do."""
    lines = [
        json.dumps(
            {"time": "2026-03-01T10:00:00Z", "msg": line.decode("utf-8")}, ensure_ascii=False
        )
        for line in text.splitlines()
    ]
    return "\n".join(lines).encode() + b"\n"


def _export(text: bytes) -> bytes:
    """Return a journal in the export format; every other message as binary field."""
    out = b""
    for number, line in enumerate(text.splitlines()):
        message = b"MESSAGE=%b\n" % line
        if number % 2:
            lines = line + b"\n  at line 7"
            message = b"MESSAGE\n%b%b\n" % (struct.pack("<Q", len(lines)), lines)
        out += b"__CURSOR=s=1;i=%x\n__REALTIME_TIMESTAMP=%d\n%b_PID=7\n\n" % (
            number,
            1772355600000000 + number,
            message,
        )
    return out


class TestJsonLines(ConnectorSuite):
    """Law by law, where the rotated file has JSON objects for lines."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LogsHarness:
        """Return a plain file and one of JSON lines."""
        return LogsHarness(tmp_path, _json)


class TestJournalExport(ConnectorSuite):
    """Law by law, where the rotated file is a journal in the export format."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LogsHarness:
        """Return a plain file and a journal."""
        return LogsHarness(tmp_path, _export)
