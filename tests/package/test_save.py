"""A package as a file: whole or not at all, readable only by its owner."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from dsr.errors import DeliveryError, StoreError
from dsr.package import File, Package, save
from tests.package.filling import Audio, cover, export, record, recording


def test_the_file_is_what_its_receipt_says(tmp_path: Path) -> None:
    """Size and SHA-256 are those of the file; nobody but its owner can read it."""
    path = tmp_path / "package.zip"
    with Package(cover()) as package:
        package.add(export(), record({"a": 1}))
        info = save(package, path)
    content = path.read_bytes()
    assert (info.path, info.size) == (str(path), len(content))
    assert info.sha256 == hashlib.sha256(content).hexdigest()
    assert path.stat().st_mode & 0o777 == 0o600
    assert zipfile.ZipFile(path).testzip() is None


@pytest.mark.parametrize("before", [None, b"an older package"])
def test_a_failure_leaves_what_was_there(tmp_path: Path, before: bytes | None) -> None:
    """A recording that breaks off leaves the older file, and no half of the new one."""
    path = tmp_path / "package.zip"
    if before is not None:
        path.write_bytes(before)
    with Package(cover()) as package:
        package.add(*recording(Audio(broken=True)))
        with pytest.raises(StoreError):
            save(package, path)
    assert list(tmp_path.iterdir()) == ([path] if before else [])
    assert not before or path.read_bytes() == before


def test_a_folder_that_is_not_there_is_said_without_its_name(tmp_path: Path) -> None:
    """The message says what to do; a path may be named after a person (law 8)."""
    with Package(cover()) as package, pytest.raises(DeliveryError, match="choose a folder") as told:
        save(package, tmp_path / "eva" / "package.zip")
    assert "eva" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_full_disk_is_a_delivery_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Working space that cannot be had is said as such, with what to do."""
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    with Package(cover()) as package:
        package.add(export(), record({"text": "x" * 200_000}))
        with pytest.raises(DeliveryError, match="TMPDIR"):
            package.add(export(), record({"text": "x"}))


def test_nothing_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Working space has no name: a crash leaves no personal data behind (law 8)."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Package(cover()) as package:
        for _ in range(10):
            package.add(export(), record({"text": "x" * 100_000}))
        assert list(tmp_path.iterdir()) == []


def test_a_file_is_read_back_in_pieces(tmp_path: Path) -> None:
    """Law 9: never whole; and what is removed meanwhile is still read to its end."""
    place = File(tmp_path / "p.zip")
    content = bytes(range(256)) * 4096
    assert place.size() is None
    info = place.write([content[:7], content[7:]])
    assert info.sha256 == hashlib.sha256(content).hexdigest()
    assert place.size() == info.size == len(content)
    pieces = place.open()
    place.remove()
    read = list(pieces)
    assert b"".join(read) == content
    assert max(map(len, read)) <= 256 * 1024
    place.remove()
    assert place.size() is None


def test_a_file_that_is_gone_is_said_without_its_name(tmp_path: Path) -> None:
    """Law 8: the path may be named after a person."""
    place = File(tmp_path / "eva.zip")
    with pytest.raises(DeliveryError, match="cannot be read: No such file") as told:
        place.open()
    assert "eva" not in str(told.value) + repr(place)
    (tmp_path / "eva.zip").mkdir()
    with pytest.raises(DeliveryError, match="cannot be removed") as told:
        place.remove()
    assert "eva" not in str(told.value)
