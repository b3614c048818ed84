"""Voicemail, recordings and logs where Asterisk and FreePBX put them."""

# ruff: noqa: E501  (lines of a log are as long as Asterisk writes them)

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import pytest

from asterisk_rows import ALICE, ALICE_DESK, BOB, BOB_DESK
from dsr.connector import Connector, Redacts
from dsr.model import Found, Identifier
from dsr.settings import Context

CORPUS: Final = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))


def store(kind: str, path: Path, **more: object) -> Connector:
    """Return the store that an entry point makes, as the configuration file does."""
    (point,) = entry_points(group="dsr.connectors", name=kind)
    settings = {"path": str(path), **more}
    made: Connector = point.load()("pbx", settings, Context("DE", path))
    return made


def find(connector: Connector, *who: Identifier) -> list[Found]:
    asked = [each for each in who if each.kind in connector.accepts]
    found = list(connector.find(asked))
    assert all(isinstance(each, Found) for each in found)
    return [each for each in found if isinstance(each, Found)]


#: As FreePBX names recordings: type, called, caller, day, time, uniqueid.
RECORDINGS: Final = (
    "2026/03/05/out-0033199001234-1001-20260305-123015-1772710215.1.wav",
    "2026/03/05/external-1001-+4930901820-20260305-123016-1772710216.2.WAV",
    "2026/03/05/internal-10010-1001-20260305-123017-1772710217.3.wav",
    "2026/03/05/internal-10010-1002-20260305-123017-1772710217.4.wav",
    "2026/03/05/q-400-+49309018200-20260305-123018-1772710218.5.wav",
    "2026/03/05/rg-600-030901820-20260305-123019-1772710219.6.wav",
    "2026/03/05/force-1003-1002-20260305-101001-1772701001.7.wav",
    "auto-1772710220-1002-030901820.wav",
)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (ALICE, {1, 5, 7}),
        (BOB, {4}),
        (ALICE_DESK, {0, 1, 2}),
        (BOB_DESK, {2, 3}),
        (Identifier("sip", "1003"), {6}),
        (Identifier("object", RECORDINGS[3].rpartition("/")[2]), {3}),
        (Identifier("object", f"/var/spool/asterisk/monitor/{RECORDINGS[0]}"), {0}),
        (Identifier("sip", "101001"), set()),
    ],
)
def test_recordings_are_found_by_number_extension_and_link(
    tmp_path: Path, who: Identifier, expected: set[int]
) -> None:
    """Numbers and extensions stand at their places in the name; a call record names the file."""
    for name in RECORDINGS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"RIFF")
    connector = store("asterisk-recordings", tmp_path, timezone="Europe/Berlin")
    paths = {each.record.data["path"] for each in find(connector, who)}
    assert paths == {RECORDINGS[number] for number in expected}


FULL: Final = """\
[2026-03-05 12:30:15] SECURITY[1204] res_security_log.c: SecurityEvent="SuccessfulAuth",EventTV="1",AccountID="1001",SessionID="0x7f",LocalAddress="IPV4/UDP/192.0.2.1/5060",RemoteAddress="IPV4/UDP/198.51.100.7/5070"
[2026-03-05 12:30:15] NOTICE[1638] res_pjsip/pjsip_distributor.c: Request 'REGISTER' from '"Alice" <sip:1001@pbx.example>' failed for '198.51.100.7:5060' (callid: x) - Failed to authenticate
[2026-03-05 12:30:16] NOTICE[436][C-00000fa9] chan_sip.c: Call from '1001' (198.51.100.7:10836) to extension '10010' rejected because extension not found in context 'default'.
[2026-03-05 12:30:17] VERBOSE[12][C-00000001] pbx.c: Executing [10010@from-internal:1] Dial("PJSIP/1001-0000001a", "PJSIP/10010,30") in new stack
[2026-03-05 12:30:18] VERBOSE[12] res_pjsip_registrar.c: Added contact 'sip:1001@198.51.100.7:5060' to AOR '1001' with expiration of 60 seconds
[2026-03-05 12:30:18] VERBOSE[12] res_pjsip/pjsip_options.c: Contact 1001/sip:1001@198.51.100.7:5060 is now Reachable.  RTT: 1.2 msec
[2026-03-05 12:30:19] VERBOSE[12] pbx.c: Executing [s@macro:1] Set("PJSIP/10010-0000001b", "X=1001 sheep")
"""


def test_a_line_of_the_log_gives_up_the_address_with_the_extension(tmp_path: Path) -> None:
    """Where a telephone is speaks of its owner: name and address go; other people's words stay."""
    (tmp_path / "full").write_text(FULL)
    (tmp_path / "full.1").write_text("")
    (tmp_path / "h323_log").write_text(FULL)
    connector = store("asterisk-logs", tmp_path, timezone="Europe/Berlin")
    founds = find(connector, ALICE_DESK)
    assert len(founds) == 6
    assert isinstance(connector, Redacts)
    connector.redact({each.record.key: each.about for each in founds})
    before, after = FULL.splitlines(), (tmp_path / "full").read_text().splitlines()
    assert [len(line) for line in before] == [len(line) for line in after]
    for line in after[:6]:
        assert not re.search(r"(?<!\d)1001(?!\d)|198\.51\.100\.7|Alice", line), line
    assert after[6] == before[6]
    assert sum("10010" in line for line in after) == 3
    assert "192.0.2.1" in after[0]


@pytest.mark.skipif(not CORPUS.exists(), reason="the harness has no corpus of others' logs")
@pytest.mark.parametrize(
    ("who", "pattern"),
    [
        (Identifier("phone", "+972592891005"), r"972592891005"),
        (Identifier("phone", "+442037690237"), r"9011\+442037690237"),
        (Identifier("phone", "+972599580679"), r"00972599580679"),
        (Identifier("sip", "301"), r"sip:301@"),
        (Identifier("ip", "50.30.42.14"), r"50\.30\.42\.14"),
    ],
)
def test_a_log_that_others_wrote(who: Identifier, pattern: str) -> None:
    """The lines of somebody are those that grep counts."""
    folder = CORPUS / "logs/fail2ban/fail2ban/tests/files/logs"
    connector = store("asterisk-logs", folder, files=["asterisk"], timezone="UTC")
    lines = (folder / "asterisk").read_text().splitlines()
    expected = sum(bool(re.search(pattern, line)) for line in lines)
    assert expected
    assert len(find(connector, who)) == expected


def test_voicemail_lies_in_the_spool(tmp_path: Path) -> None:
    """The preset is the spool's connector: the owner is the account mailbox@context."""
    inbox = tmp_path / "default" / "1001" / "INBOX"
    inbox.mkdir(parents=True)
    text: Any = "[message]\norigmailbox=1001\ncallerid=<030901820>\norigtime=1772710215\n"
    (inbox / "msg0000.txt").write_text(text)
    (inbox / "msg0000.wav").write_bytes(b"RIFF" * 100)
    connector = store("asterisk-voicemail", tmp_path)
    assert len(find(connector, Identifier("account", "1001@default"))) == 1
    assert len(find(connector, ALICE)) == 1
    assert find(connector, BOB) == []
