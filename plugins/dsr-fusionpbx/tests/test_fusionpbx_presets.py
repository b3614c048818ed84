"""Recordings, logs and spooled call records where FusionPBX and FreeSWITCH put them."""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import pytest

from dsr.connector import Connector, Redacts
from dsr.model import Found, Identifier
from dsr.settings import Context
from fusionpbx_stores import ALICE, ALICE_DESK, BOB, DOMAIN, ident

_CORPUS: Final = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
CORPUS: Final = _CORPUS / "logs"
#: As sofia_reg.c writes of strangers who try; made up.
_OWN: Final = "\n".join(
    f"2026-03-05 11:30:15.000001 [WARNING] sofia_reg.c:2531 Can't find user [{user}@192.0.2.1]"
    " from 198.51.100.9"
    for user in ("1001", "101", "0972543480510", "9011448708752617")
)


def store(kind: str, path: Path) -> Connector:
    """Return the store that an entry point makes, as the configuration file does."""
    (point,) = entry_points(group="dsr.connectors", name=kind)
    made: Connector = point.load()(
        "pbx", {"path": str(path), "timezone": "UTC"}, Context("DE", path)
    )
    return made


def find(connector: Connector, *who: Identifier) -> list[Found]:
    found = list(connector.find([each for each in who if each.kind in connector.accepts]))
    assert all(isinstance(each, Found) for each in found)
    return [each for each in found if isinstance(each, Found)]


@pytest.mark.parametrize("day", ["2026/Mar/05", "2025/Dec/31"])
def test_a_recording_is_found_through_its_call(tmp_path: Path, day: str) -> None:
    """By the folder and name in its row; with its transcripts, and no other's."""
    folder = tmp_path / DOMAIN / "archive" / day
    folder.mkdir(parents=True)
    for number in (1, 2):
        for ending in ("wav", "txt", "json", "vtt"):
            (folder / f"{ident(number)}.{ending}").write_bytes(b"RIFF")
    (folder / "out-4711.mp3").write_bytes(b"RIFF")
    connector = store("fusionpbx-recordings", tmp_path)
    path = f"/var/lib/freeswitch/recordings/{DOMAIN}/archive/{day}"
    found = find(connector, Identifier("object", f"{path}/{ident(1)}.wav"))
    assert len(found) == 4
    assert all(str(ident(1)) in each.record.key for each in found)
    assert {each.record.at.year for each in found if each.record.at} == {int(day[:4])}
    (named,) = find(connector, Identifier("object", f"{path}/out-4711.mp3"))
    assert named.record.key.endswith("out-4711.mp3")


def test_a_log_is_covered_in_place(tmp_path: Path) -> None:
    """Her user and name go, of this tenant alone; every other byte stays where it is."""
    lines = [
        f"Can't find user [1001@{DOMAIN}] from 198.51.100.7",
        f"Processing Alice A. <1001>->10010 in context {DOMAIN}",
        f"Processing Bob B. <10010>->1001 in context {DOMAIN}",
        "Processing Dora <1001>->10010 in context other.example.net",
        "Can't find user [1001@other.example.net] from 198.51.100.70",
        f"Processing Bob B. <10010>->1002 in context {DOMAIN}",
    ]
    text = "".join(f"2026-03-05 11:30:15.000001 [INFO] a.c:1 {line}\n" for line in lines)
    file = tmp_path / "freeswitch.log"
    file.write_text(text)
    connector = store("freeswitch-logs", tmp_path)
    found = find(connector, ALICE_DESK)
    assert len(found) == 3
    assert isinstance(connector, Redacts)
    connector.redact({each.record.key: each.about for each in found})
    after = file.read_text()
    assert len(after) == len(text)
    assert after.split("\n")[3:] == text.split("\n")[3:]
    assert "Alice" not in after
    assert "198.51.100.7\n" not in after
    assert "Bob B. <10010>->xxxx in" in after.split("\n")[2]
    assert find(connector, ALICE_DESK) == []


def test_every_user_of_a_real_log_is_found(tmp_path: Path) -> None:
    """Recall against an independent count: whoever is in brackets, in whatever line."""
    real = CORPUS / "fail2ban/fail2ban/tests/files/logs/freeswitch"
    text = real.read_text() if real.exists() else _OWN
    (tmp_path / "freeswitch.log").write_text(text)
    connector = store("freeswitch-logs", tmp_path)
    users = re.findall(r"\[([^@\]\s]+)@\w", text)
    assert users
    for user in set(users):
        found = find(connector, Identifier("sip", user))
        lines = sum(f"[{user}@" in line and f"[{user}@:" not in line for line in text.splitlines())
        assert len({each.record.key for each in found}) == lines, user


def test_spooled_call_records_are_covered_in_place(tmp_path: Path) -> None:
    """What could not be inserted is a copy: her number and name go, his stay."""
    a, b = ALICE.value, BOB.value
    rows = [
        f'"192.0.2.1","Alice A.","{a}","{b}","default","2026-03-05 11:30:15"',
        f'"192.0.2.1","Bob B.","{b}","030901820","default","2026-03-05 11:30:16"',
        f'"192.0.2.1","Bob B.","{b}","1002","default","2026-03-05 11:30:17"',
    ]
    file = tmp_path / "cdr-pg-csv.csv"
    file.write_text("\n".join(rows) + "\n")
    connector = store("freeswitch-csv", tmp_path)
    found = find(connector, ALICE)
    assert len(found) == 2
    assert isinstance(connector, Redacts)
    connector.redact({each.record.key: each.about for each in found})
    after = file.read_text().splitlines()
    assert "Alice" not in after[0]
    assert f'"{b}","default"' in after[0]
    assert after[1].startswith(f'"192.0.2.1","Bob B.","{b}","')
    assert after[2] == rows[2]
    assert find(connector, ALICE) == []
