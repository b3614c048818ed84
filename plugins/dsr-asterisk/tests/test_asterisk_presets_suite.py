"""Recordings, logs and voicemail where Asterisk puts them keep the contract."""

# ruff: noqa: E501  (lines of a log are as long as Asterisk writes them)

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from dsr.connector import Connector
from dsr.testing import ConnectorSuite
from test_asterisk_presets import store
from tests.connectors.covered_lines import CoveredLines
from tests.connectors.test_files import FilesHarness
from tests.connectors.test_voicemail import SpoolHarness


class RecordingsHarness(FilesHarness):
    """A tree as FreePBX writes it."""

    entry = "asterisk-recordings"

    def __init__(self, folder: Path) -> None:
        """Put the store below `folder`."""
        super().__init__(folder)
        self.connector = store(self.entry, self.root, timezone="UTC")

    def more(self, number: int) -> bool:
        del number
        return False

    def unreachable(self) -> Connector:
        return store(self.entry, self.root / "unmounted", timezone="UTC")


class TestRecordings(ConnectorSuite):
    """The store `asterisk-recordings`."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> RecordingsHarness:
        return RecordingsHarness(tmp_path)


class PresetSpoolHarness(SpoolHarness):
    """A spool of messages and greetings."""

    entry = "asterisk-voicemail"

    def __init__(self, folder: Path) -> None:
        """Put the store below `folder`."""
        super().__init__(folder)
        self.connector = store(self.entry, self.root)

    def unreachable(self) -> Connector:
        return store(self.entry, self.root / "unmounted")


class TestVoicemail(ConnectorSuite):
    """The store `asterisk-voicemail`."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> PresetSpoolHarness:
        return PresetSpoolHarness(tmp_path)


LINES: Final = (
    'SECURITY[1204] res_security_log.c: SecurityEvent="InvalidAccountID",AccountID="{0}",LocalAddress="IPV4/UDP/192.0.2.1/5060",RemoteAddress="IPV4/UDP/198.51.100.7/5070"',
    "NOTICE[1638] res_pjsip/pjsip_distributor.c: Request 'REGISTER' from '\"Alice\" <sip:{0}@pbx.example>' failed for '198.51.100.7:5060' (callid: k) - Failed to authenticate",
    "VERBOSE[12] res_pjsip_registrar.c: Added contact 'sip:{0}@198.51.100.7:5060' to AOR '{0}' with expiration of 60 seconds",
    'VERBOSE[12][C-00000001] pbx.c: Executing [{1}@from-internal:1] Dial("PJSIP/{0}-0000001a", "PJSIP/{1},30") in new stack',
    "NOTICE[436][C-00000fa9] chan_sip.c: Call from '{1}' (198.51.100.70:10836) to extension '2' rejected because extension not found in context 'default'.",
    "VERBOSE[12] asterisk.c: Asterisk Ready.",
)


class TestLogs(ConnectorSuite):
    """The store `asterisk-logs`."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> CoveredLines:
        lines = [f"[2026-03-05 12:30:15] {line}" for line in LINES]
        return CoveredLines(tmp_path, "asterisk-logs", "full", lines, "Alice", "198.51.100.7")
