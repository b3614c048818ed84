"""What a store says is gone stays gone when the power fails a moment later."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import zstandard

from dsr.connectors import files, logs, vcards, voicemail
from dsr.model import Found, Identifier
from dsr.settings import Context
from tests.connectors.tape import recording
from tests.connectors.voicemail_spools import leave

EVA: Final = Identifier("phone", "+4930901820")
LINE: Final = "2026-03-01 10:00:00 call from 4930901820 to 4930901821\n"
CARD: Final = "BEGIN:VCARD\nVERSION:3.0\nUID:{}\nTEL:{}\nEND:VCARD\n"
MARK: Final = "user.dsr.restricted"


def context(root: Path) -> Context:
    return Context("DE", root)


def write(path: Path, data: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def recordings(root: Path, **more: object) -> files.Files:
    table = {"path": "", "category": "recordings", "keys": ["{any}/{any}"], **more}
    return files.from_config("recordings", table, context(root))


def lines(root: Path) -> logs.Logs:
    table = {"path": "", "category": "logs", "timezone": "UTC", "files": ["*"]}
    return logs.from_config("logs", table, context(root))


def book(root: Path) -> vcards.VCards:
    return vcards.from_config("book", {"path": "", "category": "book"}, context(root))


def spool(root: Path) -> voicemail.Voicemail:
    return voicemail.from_config("voicemail", {"path": ""}, context(root))


def about(store: Any) -> dict[str, frozenset[str]]:
    return {each.record.key: each.about for each in store.find([EVA]) if isinstance(each, Found)}


def erase(store: Any) -> None:
    store.erase(list(about(store)))


def redact(store: Any) -> None:
    store.redact(about(store))


def _file(root: Path) -> None:
    write(root / "a/030901820.wav", b"RIFF")


def _linked(root: Path) -> None:
    _file(root)
    (root / "b").mkdir()
    os.link(root / "a/030901820.wav", root / "b/030901820.wav")


def _beside(root: Path) -> None:
    _file(root)
    write(root / "a/1.wav", b"RIFF")


def _linked_beside(root: Path) -> None:
    _linked(root)
    write(root / "a/1.wav", b"")
    write(root / "b/1.wav", b"")


def _messages(root: Path) -> None:
    inbox = root / "default/100/INBOX"
    for number, caller in enumerate(("030901820", "030901821", "030901820")):
        leave(inbox, f'"X" <{caller}>', number)


def _greeted(root: Path) -> None:
    _messages(root)
    write(root / "default/100/unavail.wav", b"RIFF" * 100)


def _owned(store: voicemail.Voicemail) -> None:
    owner = Identifier("account", "100@default")
    store.erase([each.record.key for each in store.find([owner]) if isinstance(each, Found)])


#: What is there, which store reads it, and what is done: each changes the disk in its own way.
CASES: Final[Mapping[str, tuple[Callable[[Path], object], Callable[[Path], Any], Any]]] = {
    "a file": (_file, recordings, erase),
    "a file beside another's": (
        _beside,
        recordings,
        erase,
    ),
    "a file with two names": (_linked, recordings, erase),
    "a file with two names beside others": (
        _linked_beside,
        recordings,
        erase,
    ),
    "a file that is restricted": (
        _file,
        lambda root: recordings(root, restricted=MARK),
        lambda store: store.restrict(list(about(store)), True),  # noqa: FBT003
    ),
    "a log": (lambda root: write(root / "a.log", LINE * 3), lines, redact),
    "a compressed log": (
        lambda root: write(root / "a.log.gz", gzip.compress(LINE.encode())),
        lines,
        redact,
    ),
    "a card of two": (
        lambda root: write(root / "a.vcf", CARD.format(1, "030901820") + CARD.format(2, "1")),
        book,
        erase,
    ),
    "the last card": (
        lambda root: write(root / "b/a.vcf", CARD.format(1, "030901820")),
        book,
        erase,
    ),
    "a card that is corrected": (
        lambda root: write(root / "a.vcf", CARD.format(1, "030901820")),
        book,
        lambda store: store.rectify(next(iter(about(store))), {"fn": "Eva"}),
    ),
    "a message that is redacted": (_messages, spool, redact),
    "messages of a mailbox": (_messages, spool, _owned),
    "a message between others": (_messages, spool, erase),
    "a sound": (
        _messages,
        spool,
        lambda store: store.redact(dict.fromkeys(about(store), frozenset({"content"}))),
    ),
    "a greeting": (
        _greeted,
        spool,
        _owned,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_done_is_on_the_disk(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 2: bytes are synced before a file takes its place, and folders after their names."""
    seed, opened, act = CASES[case]
    seed(tmp_path)
    with recording(monkeypatch) as tape:
        act(opened(tmp_path))
    assert tape.calls
    assert tape.unsafe == []


@pytest.mark.parametrize("case", CASES)
def test_the_tape_hears_what_is_left_out(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: without any sync, each of these is unsafe."""
    seed, opened, act = CASES[case]
    seed(tmp_path)
    with recording(monkeypatch, deaf=True) as tape:
        act(opened(tmp_path))
    assert tape.unsafe


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("ending", ["gz", "xz", "bz2", "zst"])
def test_a_compressed_log_keeps_its_owner(tmp_path: Path, ending: str) -> None:
    """A file that is written anew stays its daemon's, with its mode and time, or logging ends."""
    pack = {"gz": gzip, "xz": lzma, "bz2": bz2, "zst": zstandard}[ending].compress
    path = tmp_path / f"a.log.{ending}"
    write(path, pack(LINE.encode()))
    os.chown(path, 65534, 65533)
    path.chmod(0o640)
    os.utime(path, ns=(1_700_000_000_000_000_000, 1_700_000_000_000_000_001))
    before = path.stat()
    redact(lines(tmp_path))
    after = path.stat()
    assert after.st_ino != before.st_ino
    for each in ("st_uid", "st_gid", "st_mode", "st_mtime_ns"):
        assert getattr(after, each) == getattr(before, each)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_book_and_a_message_keep_their_owner(tmp_path: Path) -> None:
    """So do a file of cards of which one goes, and a text of voicemail."""
    write(tmp_path / "book/a.vcf", CARD.format(1, "030901820") + CARD.format(2, "1"))
    _messages(tmp_path / "spool")
    owned = [tmp_path / "book/a.vcf", tmp_path / "spool/default/100/INBOX/msg0000.txt"]
    for each in owned:
        os.chown(each, 65534, 65533)
        each.chmod(0o640)
    before = [each.read_bytes() for each in owned]
    erase(book(tmp_path / "book"))
    redact(spool(tmp_path / "spool"))
    for each, old in zip(owned, before, strict=True):
        assert each.read_bytes() != old
        assert (each.stat().st_uid, each.stat().st_gid) == (65534, 65533)
        assert each.stat().st_mode & 0o7777 == 0o640
