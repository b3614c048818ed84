"""Log rotation as a period of retention: what goes when it ends, and what stays nevertheless."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast
from zoneinfo import ZoneInfo

import pytest

from dsr.connectors.logs import RotatedLogs, from_config
from dsr.find import Hit, Reading
from dsr.model import Hold, Identifier, Record, Subject
from dsr.policy.model import Stage, period
from dsr.policy.reasons import hold_covers
from dsr.settings import Context
from dsr.spool import Spool

BERLIN: Final = ZoneInfo("Europe/Berlin")
STAGE: Final = Stage("7 days", anchor="written")
EVA, MAX = Identifier("phone", "+4930901820"), Identifier("phone", "+4930901821")


@pytest.fixture
def logs(tmp_path: Path) -> RotatedLogs:
    """Return the logs of four days, as logrotate leaves them on the morning of 5 March 2026."""
    for name, day, who in (
        ("pbx.log", "2026-03-05", MAX),
        ("pbx.log.1", "2026-03-04", MAX),
        ("pbx.log.2.gz", "2026-03-03", EVA),
        ("pbx.log.3.gz", "2026-03-02", MAX),
    ):
        lines = f"{day} 00:00:00 start\n{day} 18:00:00 call from {who.value}\n"
        text = (lines + f"{day} 23:59:59 end\n").encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    table = {
        "path": str(tmp_path),
        "category": "logs",
        "timezone": "Europe/Berlin",
        "rotated_files": True,
    }
    return cast("RotatedLogs", from_config("logs", table, Context("DE", tmp_path)))


def due(logs: RotatedLogs, now: dt.datetime) -> Iterator[Record]:
    for each in logs.aged("logs", STAGE.anchor, now - period(STAGE.period)):
        assert isinstance(each, Record)
        yield each


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("2026-03-09 23:59:59", ["pbx.log", "pbx.log.1", "pbx.log.2.gz", "pbx.log.3.gz"]),
        ("2026-03-10 00:00:00", ["pbx.log", "pbx.log.1", "pbx.log.2.gz"]),
        ("2026-03-10 23:59:59", ["pbx.log", "pbx.log.1", "pbx.log.2.gz"]),
        ("2026-03-11 00:00:00", ["pbx.log", "pbx.log.1"]),
        ("2027-03-11 00:00:00", ["pbx.log"]),
    ],
)
def test_a_rotated_log_goes_when_its_period_ends(
    logs: RotatedLogs, tmp_path: Path, now: str, left: list[str]
) -> None:
    """Rule 38 (GDPR Art. 5(1)(e)): seven days after its last entry a file is gone, not before.

    The log that is written now is left to what rotates it, which check tells.
    """
    moment = dt.datetime.fromisoformat(now).replace(tzinfo=BERLIN)
    logs.erase([each.key for each in due(logs, moment)])
    assert sorted(each.name for each in tmp_path.iterdir()) == left
    assert any("what rotates it" in each.text for each in logs.check() if each.kind == "left")


@pytest.mark.parametrize("span", [(None, None), ("2026-03-03 17:00", "2026-03-03 19:00")])
def test_a_hold_on_a_person_keeps_the_file_of_their_entries(
    logs: RotatedLogs, tmp_path: Path, span: tuple[str | None, str | None]
) -> None:
    """Rule 38 (GDPR Arts. 5(1)(e), 17(3)): the period ends, and Eva's file stays.

    Also where the hold is on two hours of a day whose file goes on until midnight.
    """
    since, before = (
        each and dt.datetime.fromisoformat(each).replace(tzinfo=BERLIN) for each in span
    )
    hold = Hold(
        "h1",
        "4711",
        "a court case",
        "ZPO",
        subject=Subject([EVA]),
        categories=frozenset({"logs"}),
        since=since or None,
        before=before or None,
    )
    with Spool() as spool:
        read = list(Reading([logs], [Subject([EVA])], spool, None))
    hits = [each for each in read if isinstance(each, Hit)]
    held = {each.record.key for each in hits if hold_covers(hold, each.record)}
    old = list(due(logs, dt.datetime(2027, 3, 11, tzinfo=BERLIN)))
    assert len(old) == 3
    logs.erase([each.key for each in old if each.key not in held])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["pbx.log", "pbx.log.2.gz"]
