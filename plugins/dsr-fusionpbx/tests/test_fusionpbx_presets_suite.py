"""Recordings, logs and spooled call records where FusionPBX puts them keep the contract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from dsr.connector import Connector
from dsr.model import Identifier, Record
from dsr.testing import ConnectorSuite, Harness
from fusionpbx_stores import DOMAIN, ident
from test_fusionpbx_presets import store
from tests.connectors.covered_lines import CoveredLines

DAY: Final = f"{DOMAIN}/archive/2026/Mar/05"


class RecordingsHarness(Harness):
    """Recordings and their transcripts, named by the call: found by what its record says."""

    entry = "fusionpbx-recordings"
    verbs = frozenset({"erase", "check", "aged"})
    subject = Identifier("object", f"/var/lib/freeswitch/recordings/{DAY}/{ident(1)}.wav")
    bystander = Identifier("object", f"/var/lib/freeswitch/recordings/{DAY}/{ident(2)}.wav")

    def __init__(self, folder: Path) -> None:
        """Put the store below `folder`."""
        self.root = folder / "recordings"
        self.day = self.root / DAY
        self.day.mkdir(parents=True)
        self.connector = store(self.entry, self.root)

    def seed(self) -> int:
        for number in (1, 2):
            for ending in ("wav", "txt", "json"):
                (self.day / f"{ident(number)}.{ending}").write_bytes(b"%d" % number * 999)
        (self.day / "out-4711.mp3").write_bytes(b"RIFF")
        return 3

    def count(self) -> int:
        return len(list(self.root.rglob(f"*{ident(1)}*")))

    def others(self) -> bytes:
        kept = sorted(each for each in self.day.iterdir() if str(ident(1)) not in each.name)
        return repr(
            [(each.name, each.read_bytes(), each.stat().st_mtime_ns) for each in kept]
        ).encode()

    def content(self, record: Record) -> bytes | None:
        return (self.root / str(record.data["path"])).read_bytes()

    def neighbours(self) -> Sequence[Identifier]:
        """Return the same name on another day and at another tenant, and other names."""
        here = f"/var/lib/freeswitch/recordings/{DAY}"
        names = (
            f"{here.replace('05', '06')}/{ident(1)}.wav",
            f"{here.replace(DOMAIN, 'other.example.net')}/{ident(1)}.wav",
            f"{here}/{ident(11)}.wav",
            f"{here}/{str(ident(1))[:-1]}.wav",
        )
        return [Identifier("object", each) for each in names]

    def unreachable(self) -> Connector:
        return store(self.entry, self.root / "unmounted")


class TestRecordings(ConnectorSuite):
    """The store `fusionpbx-recordings`."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> RecordingsHarness:
        return RecordingsHarness(tmp_path)


LINES: Final = (
    "Can't find user [{0}@pbx.example.org] from 198.51.100.7",
    "Processing Alice A. <{0}>->*98 in context pbx.example.org",
    "New Channel sofia/internal/{0}@pbx.example.org",
    "Processing Alice A. <{0}>->{1} in context pbx.example.org",
    "Processing Bob B. <{1}>->{0} in context pbx.example.org",
    "Can't find user [{1}@pbx.example.org] from 198.51.100.70",
    "Processing Bob B. <{1}>->1002 in context pbx.example.org",
)


class TestLogs(ConnectorSuite):
    """The store `freeswitch-logs`."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> CoveredLines:
        lines = [f"2026-03-05 11:30:15.000001 [INFO] a.c:1 {line}" for line in LINES]
        words = ("Alice A.", "198.51.100.7")
        return CoveredLines(tmp_path, "freeswitch-logs", "freeswitch.log", lines, *words)


ROWS: Final = (
    '"192.0.2.1","Alice A.","{0}","*98","default","2026-03-05 11:30:15"',
    '"192.0.2.1","","","{0}","default","2026-03-05 11:30:16"',
    '"192.0.2.1","Alice A.","{0}","{1}","default","2026-03-05 11:30:17"',
    '"192.0.2.1","Bob B.","{1}","{0}","default","2026-03-05 11:30:18"',
    '"192.0.2.1","Bob B.","{1}","1002","default","2026-03-05 11:30:19"',
)


class TestCsv(ConnectorSuite):
    """The store `freeswitch-csv`."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> CoveredLines:
        return CoveredLines(tmp_path, "freeswitch-csv", "cdr-pg-csv.csv", ROWS, "Alice A.")
