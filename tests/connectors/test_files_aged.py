"""What has grown old in a folder of recordings: `aged` lists it as `find` shows it."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from dsr.connector import Ages
from dsr.connectors.files import Files, from_config
from dsr.errors import ConfigurationError, StoreUnavailable
from dsr.model import Identifier, Record, Unread
from dsr.settings import Context
from tests.connectors.test_files import found, store, write

SUBJECT = Identifier("phone", "+4930901820")
MIDNIGHT = dt.datetime(2026, 2, 28, 23, tzinfo=dt.UTC)  # of 1 March in Berlin
LATE = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def aged(connector: Files, before: dt.datetime, category: str = "recordings") -> list[Record]:
    assert isinstance(connector, Ages)
    listed = list(connector.aged(category, "", before))
    assert not [each for each in listed if isinstance(each, Unread)]
    return [each for each in listed if isinstance(each, Record)]


def keys(connector: Files, before: dt.datetime) -> list[str]:
    return sorted(each.key for each in aged(connector, before))


def test_a_day_in_the_path_counts_from_its_midnight(tmp_path: Path) -> None:
    """A file of 1 March is old from its first second in Berlin on, and not before it."""
    write(tmp_path, "2026/03/01/anybody.wav")
    write(tmp_path, "2026/03/02/anybody.wav")
    connector = store(tmp_path, "{date:%Y/%m/%d}/{any}", timezone="Europe/Berlin")
    assert keys(connector, MIDNIGHT) == []
    assert keys(connector, MIDNIGHT + SECOND) == ["2026/03/01/anybody.wav"]
    assert len(keys(connector, MIDNIGHT + dt.timedelta(days=1) + SECOND)) == 2


def test_without_a_date_the_last_writing_counts(tmp_path: Path) -> None:
    """The border is exact: what was written at that very second is not before it."""
    path = write(tmp_path, "anybody.wav")
    os.utime(path, (0, MIDNIGHT.timestamp()))
    connector = store(tmp_path, "{any}")
    assert keys(connector, MIDNIGHT) == []
    assert keys(connector, MIDNIGHT + SECOND) == ["anybody.wav"]


def test_records_are_those_of_find(tmp_path: Path) -> None:
    """Keys, fields, content and names are the same, also of a file with two names."""
    write(tmp_path, "2026/03/01/030901820-a.wav", b"one")
    other = write(tmp_path, "2026/03/02/030901820-b.wav", b"two")
    (tmp_path / "by-id").mkdir()
    os.link(other, tmp_path / "by-id" / "b.wav")
    connector = store(tmp_path, "{date:%Y/%m/%d}/{any}", "{any}", timezone="Europe/Berlin")
    listed = {each.key: each for each in aged(connector, LATE)}
    assert set(listed) == {"2026/03/01/030901820-a.wav", "2026/03/02/030901820-b.wav"}
    assert listed == found(connector, SUBJECT)
    assert keys(connector, MIDNIGHT + SECOND) == ["2026/03/01/030901820-a.wav"]


def test_what_the_store_says_of_a_file_comes_along(tmp_path: Path) -> None:
    """A name outside the folder and a file still being written are locks here, too."""
    inside = tmp_path / "store"
    path = write(inside, "2026/03/01/a.wav")
    os.link(path, tmp_path / "outside.wav")
    write(inside, "2026/03/01/b.wav")
    table = {
        "path": str(inside),
        "category": "recordings",
        "keys": ["{date:%Y/%m/%d}/{any}"],
        "timezone": "UTC",
        "writing": 3600,
    }
    connector = from_config("recordings", table, Context("DE", tmp_path))
    locks = {each.key[-5:]: each.lock for each in aged(connector, LATE)}
    assert locks["a.wav"] is not None
    assert "another name" in locks["a.wav"].reason
    assert locks["b.wav"] is not None
    assert "written" in locks["b.wav"].reason


def test_a_restricted_file_says_so(tmp_path: Path) -> None:
    """The mark of a restriction is read for everybody's files."""
    path = write(tmp_path, "2026/03/01/a.wav")
    table = {"path": str(tmp_path), "category": "recordings", "keys": ["{any}"]}
    table["restricted"] = "user.dsr.restricted"
    connector = from_config("recordings", table, Context("DE", tmp_path))
    try:
        os.setxattr(path, "user.dsr.restricted", b"1")
    except OSError:
        pytest.skip("the file system of the tests takes no extended attributes")
    assert [each.restricted for each in aged(connector, LATE)] == [True]


def test_what_is_listed_can_be_erased(tmp_path: Path) -> None:
    """Erasing by the keys listed leaves what is younger, and nothing to list again."""
    write(tmp_path, "2026/03/01/a.wav")
    young = write(tmp_path, "2026/03/02/b.wav")
    connector = store(tmp_path, "{date:%Y/%m/%d}/{any}", timezone="Europe/Berlin")
    before = MIDNIGHT + SECOND
    connector.erase(keys(connector, before))
    assert keys(connector, before) == []
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [young]


def test_a_part_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A link out of the store hides files of unknown age: never silently less."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "link").symlink_to(tmp_path)
    listed = list(store(tmp_path / "store", "{any}").aged("recordings", "", LATE))
    assert [type(each) for each in listed] == [Unread]


def test_files_have_no_other_anchor(tmp_path: Path) -> None:
    """A path has no date of a bill: the policy is wrong, and hears of it before any file goes."""
    write(tmp_path, "a.wav")
    with pytest.raises(ConfigurationError, match="billed_at"):
        store(tmp_path, "{any}").aged("recordings", "billed_at", LATE)
    assert aged(store(tmp_path, "{any}"), LATE, "invoices") == []


def test_a_missing_folder_is_no_empty_one(tmp_path: Path) -> None:
    """Nothing old on a disk that is not mounted would be a false proof."""
    with pytest.raises(StoreUnavailable):
        list(store(tmp_path / "unmounted", "{any}").aged("recordings", "", LATE))
