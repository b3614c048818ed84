"""Copies of a log share the keys of its entries: redacting one redacts all, in one call."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dsr.model import Identifier
from tests.connectors.test_logs import fields, found, store, write

SUBJECT = Identifier("phone", "+4930901820")
TEXT = (
    "2026-03-01 10:00:00 [INFO] start\n"
    "2026-03-01 10:00:01 [INFO] call from 4930901820\n"
    "2026-03-01 10:00:02 [INFO] call from 4930901821\n"
)
COVERED = TEXT.replace("4930901820", "xxxxxxxxxx")


@pytest.mark.parametrize(
    ("pack", "unpack", "ending"),
    [
        (bytes, bytes, ""),
        (gzip.compress, gzip.decompress, ".gz"),
        (lzma.compress, lzma.decompress, ".xz"),
        (bz2.compress, bz2.decompress, ".bz2"),
    ],
)
def test_every_copy_is_covered_at_once(
    tmp_path: Path,
    pack: Callable[[bytes], bytes],
    unpack: Callable[[bytes], bytes],
    ending: str,
) -> None:
    """Byte for byte the same file under three of a log's names: one call leaves nothing."""
    write(tmp_path, "a.log.1", TEXT)
    for number in (2, 3):
        write(tmp_path, f"a.log.{number}{ending}", pack(TEXT.encode()))
    logs = store(tmp_path)
    founds = found(logs)
    assert len(founds) == 3
    assert len(fields(founds)) == 1
    logs.redact(fields(founds))
    assert found(logs) == []
    assert (tmp_path / "a.log.1").read_text() == COVERED
    for number in (2, 3):
        assert unpack((tmp_path / f"a.log.{number}{ending}").read_bytes()) == COVERED.encode()


def test_a_longer_copy_is_covered_too(tmp_path: Path) -> None:
    """A copy that was made before the log went on begins as the log does."""
    write(tmp_path, "a.log", TEXT + "2026-03-01 10:00:03 [INFO] more\n")
    write(tmp_path, "a.log.1.gz", gzip.compress(TEXT.encode()))
    logs = store(tmp_path)
    logs.redact(fields(found(logs)))
    assert found(logs) == []


def test_a_copy_half_covered_is_finished(tmp_path: Path) -> None:
    """Law 2: after a crash between two copies the same call covers the second."""
    write(tmp_path, "a.log.1", TEXT)
    write(tmp_path, "a.log.2", TEXT)
    logs = store(tmp_path)
    plan = fields(found(logs))
    write(tmp_path, "a.log.1", COVERED)
    logs.redact(plan)
    assert found(logs) == []


def test_an_archive_of_other_days_is_not_written(tmp_path: Path) -> None:
    """Covering an entry touches no archive that does not hold it."""
    write(tmp_path, "a.log", TEXT)
    other = TEXT.replace("2026-03-01", "2026-02-28")
    archive = write(tmp_path, "a.log.1.gz", gzip.compress(other.encode()))
    before = archive.stat().st_ino
    (each,) = [each for each in found(store(tmp_path)) if each.record.data["file"] == "a.log"]
    store(tmp_path).redact({each.record.key: each.about})
    assert archive.stat().st_ino == before
    assert gzip.decompress(archive.read_bytes()) == other.encode()


def test_an_archive_that_cannot_be_read_stands_in_nobodys_way(tmp_path: Path) -> None:
    """What was covered where it was found is no failure because another file is damaged."""
    write(tmp_path, "a.log", TEXT)
    write(tmp_path, "a.log.1.gz", b"\x1f\x8b damaged")
    logs = store(tmp_path)
    logs.redact(fields(found(logs)))
    assert (tmp_path / "a.log").read_text() == COVERED


def test_a_copy_keeps_its_time(tmp_path: Path) -> None:
    """Covering a copy in place does not make it look newly written."""
    write(tmp_path, "a.log.1", TEXT)
    copy = write(tmp_path, "a.log.2", TEXT)
    os.utime(copy, (1, 1))
    logs = store(tmp_path)
    logs.redact(fields(found(logs)))
    assert copy.stat().st_mtime == 1
