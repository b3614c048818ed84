"""A package, or a letter, as a file: whole or not at all, readable only by its owner."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dsr.errors import DeliveryError
from dsr.model import PackageInfo
from dsr.package.package import Package

__all__ = ["save", "save_text"]


def save(package: Package, path: Path) -> PackageInfo:
    """Write `package` to `path`, replacing what is there; return where it is, size and SHA-256.

    It is written beside, synced, and renamed: a crash leaves the old file or the new one. Raises
    `DeliveryError` when it cannot be written, and what `Package.chunks` raises; then nothing is
    left behind.
    """
    with _replacing(path, "package") as file:
        info = _write(package, file)
    return PackageInfo(path=str(path), size=info.size, sha256=info.sha256)


def save_text(text: str, path: Path) -> None:
    """Write a letter or a document to `path`, in UTF-8, as `save` does a package."""
    with _replacing(path, "document") as file:
        _all(file, text.encode(errors="replace"))
        os.fsync(file)


@contextmanager
def _replacing(path: Path, what: str) -> Iterator[int]:
    """Open a file beside `path` that takes its place once the block ends well."""
    try:
        handle, name = tempfile.mkstemp(prefix=".dsr-", suffix=".part", dir=path.parent)
    except OSError as error:
        raise _unwritable(error, what) from None
    part = Path(name)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            yield file.fileno()
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise _unwritable(error, what) from None
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _write(package: Package, file: int) -> PackageInfo:
    stream = package.stream()
    while True:
        try:
            piece = next(stream)
        except StopIteration as end:
            os.fsync(file)
            info: PackageInfo = end.value
            return info
        _all(file, piece)


def _all(file: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync(folder: Path) -> None:
    """Make the new name last: the folder is data of its own."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(error: OSError, what: str) -> DeliveryError:
    told = f"the {what} cannot be written: {error.strerror}"
    return DeliveryError(told, "choose a folder that exists and has room")
