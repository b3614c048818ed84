"""The `files` connector on what disks really hold: links, open files, marks, very many files."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import sys
import time
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from dsr.connector import Restricts
from dsr.connectors import sql
from dsr.connectors.files import Files, from_config
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.find import Hit, Reading
from dsr.model import Found, Identifier, Record, Subject
from dsr.settings import Context
from dsr.spool import Spool
from dsr.testing import ConnectorSuite, Harness
from tests.unprivileged import public_folder, unprivileged

SUBJECT = Identifier("phone", "+4930901820")
BYSTANDER = Identifier("phone", "+4930901821")
AUDIO = b"RIFF" + bytes(range(256)) * 8


def store(folder: Path, *keys: str, **table: object) -> Files:
    whole = {"path": str(folder), "category": "recordings", "keys": keys or ("{any}",), **table}
    return from_config("recordings", whole, Context("DE", folder.parent))


def write(folder: Path, name: str, data: bytes = AUDIO) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def found(connector: Files, *who: Identifier) -> dict[str, Record]:
    founds = [each for each in connector.find(who or [SUBJECT]) if isinstance(each, Found)]
    return {each.record.key: each.record for each in founds}


def links(connector: Files, *names: str) -> set[str]:
    return set(found(connector, *(Identifier("object", name) for name in names)))


# layouts


def test_freeswitch_recordings_by_the_link_of_their_call(tmp_path: Path) -> None:
    """`archive/%Y/%b/%d/<uuid>.<ext>` holds no number: path and name of the CDR lead there."""
    uuid = "3f0a52d1-7c7e-4b52-9d5e-0a8f0a3b8c11"
    here = f"a.example.org/archive/2026/Mar/01/{uuid}"
    for name in (f"{here}.wav", f"{here}.mp3", f"{here}.json", f"{here}.wav.peaks.json"):
        write(tmp_path, name)
    write(tmp_path, f"b.example.org/archive/2026/Mar/01/{uuid[:-1]}2.wav")
    connector = store(tmp_path, "{any}/archive/{date:%Y/%b/%d}/{object}", timezone="Europe/Berlin")
    link = f"/var/lib/freeswitch/recordings/{here}.wav"
    expected = {f"{here}{end}" for end in (".wav", ".mp3", ".json", ".wav.peaks.json")}
    assert links(connector, link) == links(connector, f"{uuid}.mp3") == expected
    (at,) = {each.at for each in found(connector, Identifier("object", link)).values()}
    assert at == dt.datetime(2026, 2, 28, 23, tzinfo=dt.UTC)


def test_freeswitch_voicemail_by_the_rows_of_its_database(tmp_path: Path) -> None:
    """mod_voicemail names files by uuid: the row of a caller, or of an owner, leads to the file."""
    root = "/var/lib/freeswitch/storage/voicemail/default/a.example.org/1000"
    for name in ("msg_3f0a52d1.wav", "msg_4b1c63e2.wav"):
        write(tmp_path / "voicemail", f"default/a.example.org/1000/{name}")
    with closing(sqlite3.connect(tmp_path / "vm.db")) as database, database:
        database.execute(
            "CREATE TABLE voicemail_msgs (created_epoch INTEGER, username TEXT, domain TEXT,"
            " uuid TEXT, cid_name TEXT, cid_number TEXT, in_folder TEXT, file_path TEXT)"
        )
        database.executemany(
            "INSERT INTO voicemail_msgs VALUES (1772356500, '1000', 'a.example.org', ?, '', ?,"
            " 'inbox', ?)",
            [
                ("3f0a52d1", "030901820", f"{root}/msg_3f0a52d1.wav"),
                ("4b1c63e2", "030901821", f"{root}/msg_4b1c63e2.wav"),
            ],
        )
    table = {
        "table": "voicemail_msgs",
        "category": "voicemail",
        "key": ["uuid"],
        "at": "created_epoch",
        "sides": [
            {"phone": "cid_number", "about": ["cid_number", "cid_name"]},
            {"account": "username", "about": ["username", "domain"]},
        ],
        "links": {"object": "file_path"},
    }
    whole = {"url": f"sqlite:///{tmp_path}/vm.db", "tables": {"messages": table}}
    rows = sql.from_config("rows", whole, Context("DE", tmp_path))
    sounds = store(tmp_path / "voicemail", "{any}/{object}")
    both = {"msg_3f0a52d1.wav", "msg_4b1c63e2.wav"}
    cases = ((SUBJECT, {"msg_3f0a52d1.wav"}), (Identifier("account", "1000"), both))
    for who, expected in cases:
        with Spool() as spool:
            hits = list(Reading([rows, sounds], [Subject([who])], spool))
        names = {
            each.record.key.rpartition("/")[2]
            for each in hits
            if isinstance(each, Hit) and each.depth
        }
        assert names == (expected or {"msg_3f0a52d1.wav", "msg_4b1c63e2.wav"})


def test_asterisk_recordings_and_their_two_halves(tmp_path: Path) -> None:
    """MixMonitor's -in and -out go with the call, by number and by the CDR's link."""
    stem = "out-030901820-06915-20260301-101500-1772359.7"
    names = {f"2026/03/01/{stem}{end}" for end in (".wav", "-in.wav", "-out.wav", "-in.json")}
    for name in (*names, f"2026/03/01/{stem}1.wav", f"2026/03/01/{stem}1-in.wav"):
        write(tmp_path, name)
    connector = store(tmp_path, "{date:%Y/%m/%d}/{any}-{call}", "{any}/{object}", timezone="UTC")
    assert links(connector, f"{stem}.wav") == links(connector, f"{stem}-in.wav") == names
    assert set(found(connector, Identifier("call", "1772359.7"))) == names
    assert set(found(connector)) >= names


# links


class TestHardLinks:
    """The bytes of a file live as long as any of its names."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        (tmp_path / "store").mkdir()
        return tmp_path / "store"

    def test_all_names_are_one_record_and_go_together(self, root: Path) -> None:
        """A second name that says nothing of the person is found with the first, and erased."""
        path = write(root, "2026/030901820.wav")
        write(root, "2026/other.wav")
        (root / "by-id").mkdir()
        (root / "by-id" / "4711.wav").hardlink_to(path)
        ((key, record),) = found(store(root)).items()
        assert key == "2026/030901820.wav"
        assert record.data["path"] == ["2026/030901820.wav", "by-id/4711.wav"]
        assert record.lock is None
        store(root).erase([key])
        assert [each.name for each in root.rglob("*")] == ["2026", "other.wav"]
        store(root).erase([key])

    def test_a_name_outside_is_a_lock_and_never_a_success(self, tmp_path: Path, root: Path) -> None:
        """What an erasure cannot reach keeps the record, and is told before."""
        (tmp_path / "elsewhere.wav").hardlink_to(write(root, "030901820.wav"))
        ((key, record),) = found(store(root)).items()
        assert record.lock is not None
        assert "hard link" in record.lock.reason
        with pytest.raises(Refused, match="hard link") as raised:
            store(root).erase([key])
        assert "901820" not in str(raised.value)
        assert (tmp_path / "elsewhere.wav").read_bytes() == AUDIO
        assert any("hard link" in each.text for each in store(root).check() if each.kind == "left")
        (tmp_path / "elsewhere.wav").unlink()
        assert found(store(root))[key].lock is None
        store(root).erase([key])
        assert list(root.iterdir()) == []

    def test_names_of_two_people_are_of_both(self, root: Path) -> None:
        """One recording under the numbers of both parties is found for each, as one record."""
        (root / "030901821.wav").hardlink_to(write(root, "030901820.wav"))
        both = found(store(root), SUBJECT, BYSTANDER)
        assert both.keys() == found(store(root)).keys() == found(store(root), BYSTANDER).keys()
        assert len(both) == 1

    def test_a_crash_between_two_names_leaves_no_bytes(self, root: Path) -> None:
        """Law 2: the bytes go before the first name does, so no name outlives the person's."""
        path = write(root, "a/030901820.wav")
        (root / "z").mkdir()
        (root / "z" / "4711.wav").hardlink_to(path)
        (key,) = found(store(root))
        child = os.fork()
        if not child:

            def watch(event: str, _: object) -> None:
                if event == "os.remove":
                    os._exit(9)

            sys.addaudithook(watch)
            store(root).erase([key])
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        assert all(each.stat().st_size == 0 for each in root.rglob("*.wav"))
        store(root).erase(list(found(store(root))))
        assert list(root.iterdir()) == []


# folders


def test_an_empty_folder_named_after_the_person_is_theirs(tmp_path: Path) -> None:
    """A crash between a folder's last file and the folder leaves the name: it is found, and goes.

    So is every folder that others left so. Empty folders of nobody stay: dsr did not empty them.
    """
    (tmp_path / "030901820" / "2026").mkdir(parents=True)
    (tmp_path / "030901821").mkdir()
    write(tmp_path, "a/b/030901820.wav")
    (tmp_path / "a" / "c").mkdir()
    connector = store(tmp_path)
    assert set(found(connector)) == {"030901820/2026/", "a/b/030901820.wav"}
    connector.erase(list(found(connector)))
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["030901821", "a", "c"]
    connector.erase(["a/c/x.wav", "030901820/2026/"])
    assert (tmp_path / "a" / "c").is_dir()


# files being written


def test_a_recording_that_is_being_written_waits(tmp_path: Path) -> None:
    """A file that changed within `writing` seconds is locked until they are over."""
    now = time.time()
    os.utime(write(tmp_path, "030901820-new.wav"), (now, now))
    os.utime(write(tmp_path, "030901820-old.wav"), (now - 3600, now - 3600))
    by_key = found(store(tmp_path, writing=600))
    lock = by_key["030901820-new.wav"].lock
    assert lock is not None
    assert lock.until == dt.datetime.fromtimestamp(now + 600, dt.UTC)
    assert by_key["030901820-old.wav"].lock is None
    assert all(each.lock is None for each in found(store(tmp_path)).values())


# restriction


class MarkedHarness(Harness):
    """Recordings on a file system with extended attributes."""

    subject = SUBJECT
    bystander = BYSTANDER
    entry = "files"
    verbs = frozenset({"erase", "restrict", "check", "aged"})

    def __init__(self, folder: Path) -> None:
        """Put the store below `folder`."""
        self.root = folder / "recordings"
        self.root.mkdir()
        self.connector = store(self.root, restricted="user.dsr.restricted")

    def seed(self) -> int:
        write(self.root, "a/030901820-1.wav")
        write(self.root, "a/x-+4930901820-2.wav")
        write(self.root, "b/030901821-3.wav", b"other")
        (self.root / "c").mkdir()
        (self.root / "c" / "second.wav").hardlink_to(self.root / "a" / "030901820-1.wav")
        return 2

    def count(self) -> int:
        return len(
            {each.stat().st_ino for each in self.root.rglob("*.wav") if each.stat().st_size > 9}
        )

    def others(self) -> bytes:
        path = self.root / "b" / "030901821-3.wav"
        return path.read_bytes() + repr((os.listxattr(path), path.stat().st_mtime_ns)).encode()

    def content(self, record: Record) -> bytes | None:
        names = record.data["path"]
        return (self.root / (names[0] if isinstance(names, list) else str(names))).read_bytes()

    def unreachable(self) -> Files:
        return store(self.root / "unmounted", restricted="user.dsr.restricted")


class TestMarks(ConnectorSuite):
    """The contract with marks of restriction, and a file with two names."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        try:
            os.setxattr(tmp_path, "user.dsr.restricted", b"1")
        except OSError:
            pytest.skip("the file system has no extended attributes")
        return MarkedHarness(tmp_path)


def test_marks_are_offered_only_where_they_are_configured(tmp_path: Path) -> None:
    """Law 4: without a mark that somebody honours, restriction is a gap and no success."""
    assert not isinstance(store(tmp_path), Restricts)
    assert isinstance(store(tmp_path, restricted="user.x"), Restricts)
    with pytest.raises(ConfigurationError, match=r"stores\.recordings\.restricted"):
        store(tmp_path, restricted="trusted.x")
    with pytest.raises(ConfigurationError, match=r"stores\.recordings\.writing"):
        store(tmp_path, writing=-1)
    marking = store(tmp_path / "unmounted", restricted="user.x")
    assert isinstance(marking, Restricts)
    with pytest.raises(StoreUnavailable):
        marking.restrict(["a.wav"], on=True)


# checks


def test_check_tells_rights_and_what_stays(tmp_path: Path) -> None:
    """Law 4: links out, and places that keep what is deleted, are told before any request."""
    root = tmp_path / "store"
    write(root, "030901820.wav")
    assert [each.kind for each in store(root).check()] == ["advice"]
    assert store(root, writing=60).check() == []
    (root / "out").symlink_to(tmp_path)
    (tmp_path / ".snapshots").mkdir()
    findings = store(root, writing=60).check()
    assert [each.kind for each in findings] == ["fault", "left"]
    assert "901820" not in repr(findings)


def test_check_tells_folders_that_may_not_be_written() -> None:
    """The right to erase is the right to write the folder."""
    with public_folder() as root:
        write(root, "a/030901820.wav").parent.chmod(0o500)
        findings = unprivileged(root, store(root, writing=60).check)
        (root / "a").chmod(0o700)
    assert [each.kind for each in findings] == ["right"]


# size


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """Law 9: ten times as many files, in one folder and found, take no more memory."""
    peaks = []
    connector = store(tmp_path)
    for count in (500, 5_000):
        for number in range(count):
            (tmp_path / f"030901820-{number}.wav").touch()
        tracemalloc.start()
        assert sum(1 for _ in connector.find([SUBJECT])) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000
