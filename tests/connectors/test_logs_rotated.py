"""Rotated log files as records: listed by their last entry, linked to, removed whole."""

from __future__ import annotations

import datetime as dt
import gzip
import lzma
import os
import pickle
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import pytest
from attrs import evolve

from dsr.connector import Ages, Erases
from dsr.connectors.listing import Listed
from dsr.connectors.logs import RotatedLogs, from_config
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.logs.whole import file_key
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.model import Found, Identifier, Record, Unread
from dsr.settings import Context
from dsr.testing.aging import AgingLaws
from dsr.testing.asking import AskingLaws
from dsr.testing.reading import ReadingLaws
from dsr.testing.records import RecordLaws
from tests.connectors.test_logs import write
from tests.connectors.test_logs_suite import SIDES, LogsHarness
from tests.unprivileged import public_folder, unprivileged

SUBJECT = Identifier("phone", "+4930901820")
OTHER = Identifier("phone", "+4930901821")
LAST = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
OLD = LAST + dt.timedelta(microseconds=1)
LATE = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def day(date: str, *entries: str) -> str:
    """Return a day's log, with the last entry at 12:00:00."""
    said = [*entries, "call from 4930901821"]
    times = [f"{12 - number:02}:00:00" for number in range(len(said))][::-1]
    return "".join(f"{date} {t} [INFO] {each}\n" for t, each in zip(times, said, strict=True))


def store(folder: Path, **table: object) -> RotatedLogs:
    whole = {"path": str(folder), "category": "logs", "timezone": "UTC", "rotated_files": True}
    connector = from_config("logs", whole | table, Context("DE", folder))
    return cast("RotatedLogs", connector)


def aged(logs: RotatedLogs, before: dt.datetime = LATE) -> list[Record]:
    return [each for each in logs.aged("logs", "written", before) if isinstance(each, Record)]


def unread(logs: RotatedLogs) -> list[str]:
    listed = logs.aged("logs", "written", LATE)
    return [each.reason for each in listed if isinstance(each, Unread)]


def files(records: Sequence[Record]) -> list[object]:
    return [each.data["file"] for each in records]


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log that is written now, and two days of it from before, one compressed."""
    write(tmp_path, "a.log", day("2026-03-03"))
    write(tmp_path, "a.log.1", day("2026-03-02", "call from 4930901820"))
    write(tmp_path, "a.log.2.gz", gzip.compress(day("2026-03-01").encode()))
    return tmp_path


class RotatedHarness(LogsHarness):
    """The two log files of the suite, where the rotated one is a record, too."""

    verbs = frozenset({"redact", "erase", "split", "check", "aged"})
    anchor = "written"

    def __init__(self, folder: Path) -> None:
        """Keep the files below `folder`, the second of them compressed."""
        super().__init__(folder, gzip.compress, gzip.decompress)
        self.connector = store(self.folder, timezone="Europe/Berlin", sides=SIDES)

    def anchored(self, record: Record) -> dt.datetime | None:
        """The last stamp in the file counts, a CET one; an entry goes with its file."""
        last = dt.datetime(2026, 3, 1, 9, 0, 4, 123_000, dt.UTC)
        return last if "size" in record.data else None

    def unreachable(self) -> RotatedLogs:
        return store(self.folder / "unmounted")


class TestReading(ReadingLaws, RecordLaws, AskingLaws, AgingLaws):
    """Law by law, but for those of erasing: it is for files alone, which are no person's."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> RotatedHarness:
        """Return a plain and a gzip file."""
        return RotatedHarness(tmp_path)


# what is listed


def test_the_last_entry_counts(folder: Path) -> None:
    """A file is old once its last entry is; at that very second it is not yet."""
    assert files(aged(store(folder), LAST)) == []
    assert files(aged(store(folder), OLD)) == ["a.log.2.gz"]


def test_the_log_that_is_written_is_never_listed(folder: Path) -> None:
    """However old its last entry is: its daemon holds it open, and writes on."""
    assert files(aged(store(folder))) == ["a.log.1", "a.log.2.gz"]
    (told,) = [each.text for each in store(folder).check() if "written now" in each.text]
    assert "what rotates it" in told


def test_the_latest_entry_may_stand_anywhere(tmp_path: Path) -> None:
    """Two logs joined, the younger first: the file is as young as its youngest entry."""
    text = day("2026-03-01") + "x\n" * 50_000 + day("2026-02-28")
    write(tmp_path, "a.log.1", text)
    assert aged(store(tmp_path), LAST) == []
    (record,) = aged(store(tmp_path), OLD)
    assert record.data["written"] == LAST


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("syslog", "Mar  1 11:00:00 pbx a: x\nMar  1 12:00:00 pbx a: y\n  more of it\n"),
        ("jsonlines", '{"time": "2026-03-01T13:00:00+01:00", "msg": "x"}\n{"msg": "no time"}\n'),
        ("journald", "__CURSOR=1\n__REALTIME_TIMESTAMP=1772366400000000\nMESSAGE=x\n\n"),
        ("nginx", '192.0.2.1 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5\n'),
        ("asterisk", "[2026-03-01 12:00:00] VERBOSE[1] pbx.c: x\n"),
        ("none", "nothing but text\n"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_every_format_tells_its_last_entry(
    tmp_path: Path, form: str, text: str, pack: Callable[[bytes], bytes]
) -> None:
    """By the stamp of each format; without any, by when the file was last written."""
    path = write(tmp_path, "a.log.1", pack(text.encode()))
    os.utime(path, (0, LAST.timestamp()))
    (record,) = aged(store(tmp_path, format=form), OLD)
    assert record.data["written"] == LAST


def test_an_age_that_is_not_known_is_told(tmp_path: Path) -> None:
    """Law 5: a stamp without a zone tells no time: the file is kept, and listed as unread."""
    write(tmp_path, "a.log.1", day("2026-03-01"))
    logs = store(tmp_path, timezone="")
    assert aged(logs) == []
    (told,) = unread(logs)
    assert told.startswith("file 1 of 1 in name order has time stamps that tell no time")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A damaged archive may hold anything: never silently less."""
    whole = gzip.compress(os.urandom(100_000).hex().encode())
    write(tmp_path, "a.log.1.gz", whole[: len(whole) // 2])
    (told,) = unread(store(tmp_path))
    assert "damaged" in told
    assert "a.log" not in told


def test_files_have_no_other_anchor(folder: Path) -> None:
    """Neither a time of the record nor a date of something else: only the last entry."""
    for anchor in ("", "billed_at"):
        with pytest.raises(ConfigurationError, match='"written"'):
            store(folder).aged("logs", anchor, LATE)
    assert list(store(folder).aged("calls", "written", LATE)) == []


def test_only_stores_that_say_so(folder: Path) -> None:
    """Without the setting nothing here removes files, and the engine must not think so."""
    plain = from_config("logs", {"path": str(folder), "category": "logs"}, Context("DE", folder))
    assert not isinstance(plain, Ages | Erases)
    assert isinstance(store(folder), Ages)


# how a file is found


def test_an_entry_leads_to_its_file(folder: Path) -> None:
    """What keeps an entry of one person is found to keep the file: a record of the same key."""
    logs = store(folder)
    (entry,) = [each for each in logs.find([SUBJECT]) if isinstance(each, Found)]
    (file,) = [each for each in logs.find(entry.record.links) if isinstance(each, Found)]
    listed = next(each for each in aged(logs) if each.data["file"] == "a.log.1")
    assert file.record == evolve(listed, data={"file": "a.log.1", "size": listed.data["size"]})
    assert not file.about
    assert file.record.at is None, "else a hold on some days would miss a file of several"
    assert entry.record.data["written"] == dt.datetime(2026, 3, 2, 11, tzinfo=dt.UTC)


def test_entries_are_those_of_a_store_without_files(folder: Path) -> None:
    """Keys and parts of entries do not change with the setting, nor with reading in parts."""
    plain = from_config(
        "logs", {"path": str(folder), "category": "logs", "timezone": "UTC"}, Context("DE", folder)
    )

    def view(found: Sequence[Found | Unread]) -> list[tuple[str, frozenset[str]]]:
        return [(each.record.key, each.about) for each in found if isinstance(each, Found)]

    logs = store(folder)
    expected = view(list(plain.find([SUBJECT, OTHER])))
    assert len(expected) == 4
    assert view(list(logs.find([SUBJECT, OTHER]))) == expected
    who = [SUBJECT, OTHER, Identifier("object", aged(logs)[0].key)]
    parts = [pickle.loads(pickle.dumps(each)) for each in logs.split()]  # noqa: S301  (our own)
    whole = view(list(logs.find(who)))
    assert sorted(view([each for part in parts for each in part.find(who)])) == sorted(whole)
    assert len(whole) == len(expected) + 1


def test_nobody_is_in_a_repr(folder: Path) -> None:
    """Names of logs may be those of people."""
    logs = store(folder)
    assert "a.log" not in repr(logs) + repr(aged(logs))


# removing


def test_what_is_listed_is_removed(folder: Path) -> None:
    """The old file goes, the others stay byte for byte; twice is success."""
    logs = store(folder)
    keys = [each.key for each in aged(logs, OLD)]
    kept = {name: (folder / name).read_bytes() for name in ("a.log", "a.log.1")}
    for _ in range(2):
        logs.erase(keys)
        assert {each.name: each.read_bytes() for each in folder.iterdir()} == kept
    assert aged(logs, OLD) == []


def test_a_rotation_in_between_takes_no_other_file(folder: Path) -> None:
    """Listed as `.2.gz`, it is `.3.gz` by now, and a younger file has its old name."""
    logs = store(folder)
    keys = [each.key for each in aged(logs, OLD)]
    (folder / "a.log.2.gz").rename(folder / "a.log.3.gz")
    (folder / "a.log.2.gz").write_bytes(gzip.compress((folder / "a.log.1").read_bytes()))
    (folder / "a.log.1").unlink()
    (folder / "a.log").rename(folder / "a.log.1")
    logs.erase(keys)
    assert names(folder) == ["a.log.1", "a.log.2.gz"]


def test_a_rotation_at_the_last_moment_takes_no_other_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file took the name after its key was read: it stays, and the erasure says so."""

    def rotating(root: Path, file: Listed, clock: Clock) -> str:
        key = file_key(root, file, clock)
        if file.path == b"a.log.2.gz":
            (folder / "a.log.2.gz").rename(folder / "a.log.3.gz")
            write(folder, "a.log.2.gz", b"younger")
        return key

    logs = store(folder)
    keys = [each.key for each in aged(logs, OLD)]
    monkeypatch.setattr("dsr.connectors.logs.files.file_key", rotating)
    with pytest.raises(Refused, match="rotated meanwhile"):
        logs.erase(keys)
    assert names(folder) == ["a.log", "a.log.1", "a.log.2.gz", "a.log.3.gz"]


def test_redacting_before_does_not_hide_the_file(folder: Path) -> None:
    """The key stays when entries in the file were covered since, also the first one's number."""
    write(folder, "a.log.2.gz", gzip.compress(day("2026-03-01", "call from 4930901820").encode()))
    logs = store(folder)
    keys = [each.key for each in aged(logs, OLD)]
    found = [each for each in logs.find([SUBJECT]) if isinstance(each, Found)]
    logs.redact({each.record.key: each.about for each in found})
    logs.erase(keys)
    assert names(folder) == ["a.log", "a.log.1"]


def test_copies_go_together(folder: Path) -> None:
    """A copy under another of the log's names is the same record, and no copy stays."""
    text = day("2026-03-01")
    write(folder, "a.log.7", text)
    logs = store(folder)
    (record,) = aged(logs, OLD)
    assert record.data["file"] == ["a.log.2.gz", "a.log.7"]
    logs.erase([record.key])
    assert names(folder) == ["a.log", "a.log.1"]


def test_files_without_stamps_are_told_apart(tmp_path: Path) -> None:
    """The same first line and no stamp: each is a record, and goes alone."""
    for number in (1, 2):
        path = write(tmp_path, f"a.log.{number}", "=====\nx\n")
        os.utime(path, (0, LAST.timestamp() - number))
    logs = store(tmp_path)
    (record,) = aged(logs, LAST - dt.timedelta(seconds=1))
    logs.erase([record.key])
    assert names(tmp_path) == ["a.log.1"]


def test_a_file_being_compressed_waits(folder: Path) -> None:
    """Removed now, it would come back in the archive that is being made of it."""
    write(folder, "a.log.1.gz", b"")
    locked = [each.lock for each in aged(store(folder)) if each.lock]
    assert {lock.reason for lock in locked} == {"its log is being rotated and compressed"}
    assert all(lock.until is not None for lock in locked)


def test_another_name_keeps_the_bytes(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law 11: a file with a hard link elsewhere would live on; it is locked, and refused."""
    os.link(folder / "a.log.2.gz", tmp_path_factory.mktemp("elsewhere") / "copy")
    logs = store(folder)
    (record,) = aged(logs, OLD)
    assert record.lock is not None
    assert "hard link" in record.lock.reason
    with pytest.raises(Refused, match="hard link"):
        logs.erase([record.key])
    assert "a.log.2.gz" in names(folder)


def test_a_linked_archive_goes_itself(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A symbolic link counts as the file: with it alone gone, the bytes would stay."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "a.log.2.gz").rename(elsewhere / "old.gz")
    (folder / "a.log.2.gz").symlink_to(elsewhere / "old.gz")
    logs = store(folder)
    logs.erase([each.key for each in aged(logs, OLD)])
    assert names(elsewhere) == []
    assert names(folder) == ["a.log", "a.log.1"]


def test_entries_are_not_removed(folder: Path) -> None:
    """An entry speaks of others too: its key is refused, with what to write in the policy."""
    logs = store(folder)
    (entry,) = [each for each in logs.find([SUBJECT]) if isinstance(each, Found)]
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    with pytest.raises(Refused, match='erase = "redact"'):
        logs.erase([entry.record.key])
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


def test_a_folder_that_cannot_be_written() -> None:
    """Without the right nothing goes; the check says so before, the erasure in the end."""

    def refused(logs: RotatedLogs) -> tuple[list[str], str]:
        rights = [each.text for each in logs.check() if each.kind == "right"]
        try:
            logs.erase([each.key for each in aged(logs)])
        except Refused as error:
            return rights, str(error)
        return rights, ""

    with public_folder() as folder:
        write(folder, "a.log.1", day("2026-03-01"))
        folder.chmod(0o555)
        rights, error = unprivileged(folder, lambda: refused(store(folder)))
        folder.chmod(0o755)
        assert any("cannot be removed" in each for each in rights)
        assert "1 times Permission denied" in error
        assert names(folder) == ["a.log.1"]


def test_a_missing_folder_is_no_empty_one(tmp_path: Path) -> None:
    """Nothing old on a disk that is not mounted would be a false proof."""
    logs = store(tmp_path / "unmounted")
    for act in (lambda: aged(logs), lambda: logs.erase(["rotated:x"])):
        with pytest.raises(StoreUnavailable):
            act()


def test_memory_is_flat(tmp_path: Path) -> None:
    """Law 9: a file of 16 MB needs no more memory than one of 4 MB."""
    peaks = []
    for copies in (1, 4):
        line = "2026-03-01 12:00:00 [INFO] " + "x" * 400 + "\n"
        write(tmp_path, "a.log.1", line * 10_000 * copies)
        tracemalloc.start()
        assert len(aged(store(tmp_path))) == 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
