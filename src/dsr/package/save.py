"""A package, or a letter, as a file: whole or not at all, readable only by its owner."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import field, frozen

from dsr.errors import DeliveryError
from dsr.model import PackageInfo
from dsr.package.package import Package
from dsr.place import Counted, Place

__all__ = ["File", "save", "save_text"]

_CHUNK: Final = 256 * 1024  # bytes of a file that are read at once


def save(package: Package, to: Path | Place) -> PackageInfo:
    """Write `package`, replacing what is there; return where it is, its size and SHA-256.

    `to` is a file, or another place. Raises `DeliveryError` when it cannot be written, and what
    `Package.chunks` raises; then nothing is left behind.
    """
    place = File(to) if isinstance(to, Path) else to
    return place.write(package.chunks())


def save_text(text: str, path: Path) -> None:
    """Write a letter or a document to `path`, in UTF-8, as `save` does a package."""
    with _replacing(path, "document") as file:
        _all(file, text.encode(errors="replace"))
        os.fsync(file)


@frozen
class File:
    """A file on disk, as a place for a package."""

    path: Path = field(repr=False)  # it may be named after a person

    @property
    def name(self) -> str:
        """The path, as it was given."""
        return str(self.path)

    def write(self, pieces: Iterable[bytes]) -> PackageInfo:
        """Write beside, sync and rename: a crash leaves the old file or the new one."""
        counted = Counted(pieces)
        with _replacing(self.path, "package") as file:
            for piece in counted:
                _all(file, piece)
            os.fsync(file)
        return counted.info(self.name)

    def size(self) -> int | None:
        """Return the file's size; None if there is none."""
        try:
            return self.path.stat().st_size if self.path.is_file() else None
        except OSError as error:
            raise _unreadable(error) from None

    def open(self) -> Iterator[bytes]:
        """Return the bytes in pieces; the file is open from here on, even if it is removed."""
        pieces = self._pieces()
        try:
            first = next(pieces, b"")
        except OSError as error:
            raise _unreadable(error) from None
        return itertools.chain([first], pieces)

    def remove(self) -> None:
        """Remove the file."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            what = f"a package cannot be removed: {error.strerror}"
            raise DeliveryError(what, "check the permissions of its folder") from None

    def _pieces(self) -> Iterator[bytes]:
        with self.path.open("rb", buffering=0) as file:
            while piece := file.read(_CHUNK):
                yield piece


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


def _unreadable(error: OSError) -> DeliveryError:
    what = f"the package cannot be read: {error.strerror}"
    return DeliveryError(what, "check that it is still there, and its permissions")
