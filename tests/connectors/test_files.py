"""The `files` connector: the contract, and what is special about a disk."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from dsr.connector import Connector
from dsr.connectors.files import Files, from_config
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.model import Found, Identifier, Record, Unread
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness

SUBJECT = Identifier("phone", "+4930901820")
BYSTANDER = Identifier("phone", "+4930901821")
AUDIO = os.urandom(300_000)  # more than one chunk


def store(folder: Path, *keys: str, timezone: str = "UTC") -> Files:
    table = {"path": str(folder), "category": "recordings", "keys": keys, "timezone": timezone}
    return from_config("recordings", table, Context("DE", folder.parent))


def write(folder: Path, name: str, data: bytes = b"RIFF") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def found(connector: Files, *who: Identifier) -> dict[str, Record]:
    founds = list(connector.find(who))
    assert all(isinstance(each, Found) for each in founds)
    return {each.record.key: each.record for each in founds if isinstance(each, Found)}


class FilesHarness(Harness):
    """A tree as FreePBX writes it, looked into with the file system alone."""

    subject = SUBJECT
    bystander = BYSTANDER
    entry = "files"
    verbs = frozenset({"erase", "check", "aged"})
    mine = (
        "2026/03/01/out-030901820-06915-20260301-101500-1772359.7.wav",
        "2026/03/01/out-030901820-06915-20260301-101500-1772359.7.json",
        "2026/03/02/in-06915-+4930901820-20260302-101500-1772445.9.wav",
        "2026/03/02/x-004930901820-06916-20260302-101500-1772446.1.wav",
    )

    def __init__(self, folder: Path) -> None:
        """Put the store below `folder`."""
        self.root = folder / "monitor"
        self.root.mkdir()
        self.connector = store(self.root, "{date:%Y/%m/%d}/{any}")

    def seed(self) -> int:
        for name in self.mine:
            write(self.root, name, AUDIO)
        write(self.root, "2026/03/01/out-030901821-06915-20260301-101500-1772360.8.wav", b"other")
        write(self.root, "2026/03/02/in-06915-0309018201-20260302-101500-1772445.3.wav", b"longer")
        return len(self.mine)

    def more(self, number: int) -> bool:
        start = len(self.names())
        for each in range(start, start + number):
            write(self.root, f"2026/03/03/out-030901820-1-{each}.1.wav", b"RIFF")
        return True

    def names(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def count(self) -> int:
        return sum(each.read_bytes() == AUDIO for each in self.names())

    def others(self) -> bytes:
        kept = [
            each for each in self.names() if each.relative_to(self.root).as_posix() not in self.mine
        ]
        return repr(
            [(each.name, each.read_bytes(), each.stat().st_mtime_ns) for each in kept]
        ).encode()

    def content(self, record: Record) -> bytes | None:
        return (self.root / str(record.data["path"])).read_bytes()

    def unreachable(self) -> Connector:
        return store(self.root / "unmounted", "{any}")


class TestFiles(ConnectorSuite):
    """The contract, on a FreePBX tree."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return FilesHarness(tmp_path)


@pytest.mark.parametrize(
    "link", ["2026/03/01/abc.wav", "abc.wav", "abc", "/var/spool/rec/2026/03/01/abc.wav"]
)
def test_a_link_finds_the_recording_and_its_sidecars(tmp_path: Path, link: str) -> None:
    """Recording, transcript and waveform share a stem: erasing one without the others fails."""
    for name in ("abc.wav", "abc.txt", "abc.wav.json", "abcd.wav"):
        write(tmp_path, f"2026/03/01/{name}")
    keys = found(store(tmp_path, "{date:%Y/%m/%d}/{object}"), Identifier("object", link))
    assert set(keys) == {f"2026/03/01/{name}" for name in ("abc.wav", "abc.txt", "abc.wav.json")}


def test_a_link_with_folders_finds_that_folder_only(tmp_path: Path) -> None:
    """A full path names one file, not its namesakes in other folders."""
    write(tmp_path, "100/msg0001.wav")
    write(tmp_path, "101/msg0001.wav")
    connector = store(tmp_path, "{any}/{object}")
    assert set(found(connector, Identifier("object", "101/msg0001.wav"))) == {"101/msg0001.wav"}


def test_times_come_from_the_name_in_the_configured_zone(tmp_path: Path) -> None:
    """A time in the name is local: 10:15 in Berlin in March is 09:15 UTC."""
    write(tmp_path, "030901820-20260301-101500.wav")
    connector = store(tmp_path, "{phone}-{date:%Y%m%d-%H%M%S}", timezone="Europe/Berlin")
    (record,) = found(connector, SUBJECT).values()
    assert record.at == dt.datetime(2026, 3, 1, 9, 15, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("modified", "expected"),
    [
        (
            dt.datetime(2026, 3, 1, 22, 30, tzinfo=dt.UTC),
            dt.datetime(2026, 3, 1, 22, 30, tzinfo=dt.UTC),
        ),
        (
            dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC),
            dt.datetime(2026, 2, 28, 23, 0, tzinfo=dt.UTC),
        ),
    ],
)
def test_a_day_in_the_name_takes_its_hour_from_the_file(
    tmp_path: Path, modified: dt.datetime, expected: dt.datetime
) -> None:
    """The hour is the file's if it was written on that local day; else the day begins."""
    path = write(tmp_path, "2026/03/01/030901820.wav")
    os.utime(path, (modified.timestamp(),) * 2)
    connector = store(tmp_path, "{date:%Y/%m/%d}/{phone}", timezone="Europe/Berlin")
    (record,) = found(connector, SUBJECT).values()
    assert record.at == expected


def test_without_a_date_the_file_tells_the_time(tmp_path: Path) -> None:
    """A recording is written during its call."""
    os.utime(write(tmp_path, "030901820.wav"), (1_772_359_200, 1_772_359_200))
    (record,) = found(store(tmp_path, "{phone}"), SUBJECT).values()
    assert record.at == dt.datetime(2026, 3, 1, 10, 0, tzinfo=dt.UTC)


def test_names_that_are_no_utf8_are_found_and_erased(tmp_path: Path) -> None:
    """A byte that is no UTF-8 in a name hides nothing and cannot be mistaken for another."""
    name = os.path.join(os.fsencode(tmp_path), b"M\xfcller-030901820.wav")  # noqa: PTH118  (bytes)
    Path(os.fsdecode(name)).write_bytes(b"x")
    connector = store(tmp_path, "{any}")
    (record,) = found(connector, SUBJECT).values()
    assert record.data["path"] == "M\\xfcller-030901820.wav"
    connector.erase([record.key])
    assert not os.listdir(tmp_path)  # noqa: PTH208  (shows every name)


def test_a_folder_named_after_the_person_goes_with_its_last_file(tmp_path: Path) -> None:
    """A folder's name is personal data too; one that still holds something stays."""
    write(tmp_path, "+4930901820/a.wav")
    write(tmp_path, "+4930901820/b/c.wav")
    write(tmp_path, "+4930901821/a.wav")
    connector = store(tmp_path, "{phone}/{any}")
    connector.erase(list(found(connector, SUBJECT)))
    assert [each.name for each in tmp_path.iterdir()] == ["+4930901821"]


class TestLinks:
    """Symbolic links are not followed, neither by reading nor by erasing."""

    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        return write(tmp_path, "outside/030901820.wav")

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        (tmp_path / "store").mkdir()
        return tmp_path / "store"

    def test_a_link_out_of_the_store_makes_the_reading_incomplete(
        self, root: Path, outside: Path
    ) -> None:
        """What lies behind it is neither read nor passed over in silence."""
        (root / "more").symlink_to(outside.parent)
        (root / "030901820.wav").symlink_to(outside)
        results = list(store(root, "{any}").find([SUBJECT]))
        assert [type(each) for each in results] == [Unread, Unread]

    def test_a_link_within_the_store_is_read_once(self, root: Path) -> None:
        """Its target is found under its own name only."""
        write(root, "real/030901820.wav")
        (root / "latest").symlink_to(root / "real")
        assert set(found(store(root, "{any}"), SUBJECT)) == {"real/030901820.wav"}

    @pytest.mark.parametrize("key", ["../outside/030901820.wav", "more/030901820.wav", "link.wav"])
    def test_erase_never_leaves_the_store(self, root: Path, outside: Path, key: str) -> None:
        """A link put in place after the reading, or a forged key, removes nothing outside."""
        (root / "more").symlink_to(outside.parent)
        (root / "link.wav").symlink_to(outside)
        with pytest.raises(Refused):
            store(root, "{any}").erase([key])
        assert outside.exists()

    def test_content_is_not_read_through_a_link(self, root: Path, outside: Path) -> None:
        """A file replaced by a link after the reading does not put another's bytes out."""
        path = write(root, "030901820.wav")
        (record,) = found(store(root, "{any}"), SUBJECT).values()
        path.unlink()
        path.symlink_to(outside)
        assert record.content is not None
        with pytest.raises(Refused):
            b"".join(record.content.chunks())


def test_a_lost_mount_is_an_error_for_erase(tmp_path: Path) -> None:
    """Files behind an unmounted folder are not gone."""
    with pytest.raises(StoreUnavailable):
        store(tmp_path / "unmounted", "{any}").erase(["a.wav"])


def test_one_refusal_does_not_stop_the_others(tmp_path: Path) -> None:
    """What the disk refuses is reported without its name, after all else was removed."""
    (tmp_path / "030901820.wav").mkdir()
    write(tmp_path, "z-030901820.wav")
    with pytest.raises(Refused) as raised:
        store(tmp_path, "{any}").erase(["030901820.wav", "z-030901820.wav"])
    assert "030901820" not in str(raised.value)
    assert [each.name for each in tmp_path.iterdir()] == ["030901820.wav"]


def test_content_that_vanished_is_an_error(tmp_path: Path) -> None:
    """A package never holds an empty recording in place of one that could not be read."""
    path = write(tmp_path, "030901820.wav")
    (record,) = found(store(tmp_path, "{any}"), SUBJECT).values()
    path.unlink()
    assert record.content is not None
    with pytest.raises(Refused) as raised:
        list(record.content.chunks())
    assert "030901820" not in str(raised.value)


def test_content_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    """A recording that is cut off while it is read does not pass for a whole one."""
    path = write(tmp_path, "030901820.wav", AUDIO + AUDIO)
    (record,) = found(store(tmp_path, "{any}"), SUBJECT).values()
    assert record.content is not None
    chunks = record.content.chunks()
    next(chunks)
    os.truncate(path, len(AUDIO))
    with pytest.raises(Refused):
        list(chunks)


def test_an_empty_file_is_about_its_name_only(tmp_path: Path) -> None:
    """Fields that hold nothing are not named."""
    write(tmp_path, "030901820.wav", b"")
    (record,) = found(store(tmp_path, "{any}"), SUBJECT).values()
    assert record.personal == {"path"}


def test_a_relative_path_starts_at_the_configuration(tmp_path: Path) -> None:
    """The same dsr.toml works from every working directory."""
    write(tmp_path / "rec", "030901820.wav")
    table = {"path": "rec", "category": "recordings", "keys": ["{any}"]}
    connector = from_config("recordings", table, Context("DE", tmp_path))
    assert set(found(connector, SUBJECT)) == {"030901820.wav"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"keys": []}, "stores.r.keys"),
        ({"keys": ["{fone}"]}, "stores.r.keys"),
        ({"keys": ["{date:%Y}/{any}"]}, "stores.r.timezone"),
        ({"timezone": "Berlin"}, "stores.r.timezone"),
        ({"kez": 1}, "stores.r.kez"),
    ],
)
def test_wrong_settings_are_named(change: dict[str, object], named: str, tmp_path: Path) -> None:
    """The message names the key that is wrong."""
    table: dict[str, object] = {"path": ".", "category": "recordings", "keys": ["{any}"]}
    with pytest.raises(ConfigurationError, match=named):
        from_config("r", table | change, Context("DE", tmp_path))


def test_check_reaches_the_folder(tmp_path: Path) -> None:
    """`dsr check` tells that the folder is not there."""
    with pytest.raises(StoreUnavailable):
        store(tmp_path / "missing", "{any}").check()
