"""A package as a file: whole or not at all, readable only by its owner."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from dsr.errors import DeliveryError
from dsr.model import PackageInfo
from dsr.package.package import Package

__all__ = ["save"]


def save(package: Package, path: Path) -> PackageInfo:
    """Write `package` to `path`, replacing what is there; return where it is, size and SHA-256.

    It is written beside, synced, and renamed: a crash leaves the old file or the new one. Raises
    `DeliveryError` when it cannot be written, and what `Package.chunks` raises; then nothing is
    left behind.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".dsr-", suffix=".part", dir=path.parent)
    except OSError as error:
        raise _unwritable(error) from None
    part = Path(name)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            info = _write(package, file.fileno())
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise _unwritable(error) from None
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return PackageInfo(path=str(path), size=info.size, sha256=info.sha256)


def _write(package: Package, file: int) -> PackageInfo:
    stream = package.stream()
    while True:
        try:
            piece = memoryview(next(stream))
        except StopIteration as end:
            os.fsync(file)
            info: PackageInfo = end.value
            return info
        while piece:
            piece = piece[os.write(file, piece) :]


def _sync(folder: Path) -> None:
    """Make the new name last: the folder is data of its own."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(error: OSError) -> DeliveryError:
    what = f"the package cannot be written: {error.strerror}"
    return DeliveryError(what, "choose a folder that exists and has room")
