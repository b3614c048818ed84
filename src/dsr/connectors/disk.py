"""A folder on disk, read and written without ever following a symbolic link out of it.

Paths inside it are bytes, relative to its root, with `/` between folders: file names need not
be UTF-8. Every folder on the way is opened by itself, so that a link put there between a
reading and an erasure leads nowhere.
"""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from attrs import field, frozen

from dsr.errors import Refused, StoreUnavailable

__all__ = ["Blocked", "Empty", "File", "FileContent", "Folder", "Node", "parent", "reason", "text"]

_CHUNK: Final = 256 * 1024
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


#: Which file it is, whatever its name: device and inode.
Node = tuple[int, int]


class File(NamedTuple):
    """A regular file: its path, its size in bytes, and when it was last written (Unix time).

    `links` is how many names it has (hard links), `node` what is the same for all of them.
    """

    path: bytes
    size: int
    modified: float
    links: int
    node: Node


class Empty(NamedTuple):
    """A folder with nothing in it: its path, with a slash at its end."""

    path: bytes


class Blocked(NamedTuple):
    """Something in the folder that is not read, and why."""

    reason: str


@frozen
class Folder:
    """The root of a store on disk. `store` is the store's name, for messages."""

    store: str
    root: Path = field(repr=False)

    def walk(self) -> Iterator[File | Empty | Blocked]:
        """Yield every regular file and every empty folder; memory does not grow with them.

        What vanishes meanwhile is passed over. Symbolic links are not followed; one that leads
        out of the root is `Blocked`, as is a folder that cannot be listed. Raises
        `StoreUnavailable` if the root cannot be listed.
        """
        try:
            root = os.fsencode(self.root.resolve(strict=True))
            entries = os.scandir(root)
        except OSError as error:
            raise self.unavailable(error) from None
        with entries:
            yield from self._walk(entries, root, root)

    def _walk(
        self, entries: Iterator[os.DirEntry[bytes]], folder: bytes, root: bytes
    ) -> Iterator[File | Empty | Blocked]:
        is_empty = folder != root
        for entry in _read(entries):
            is_empty = False
            if isinstance(entry, Blocked):
                yield entry
            elif entry.is_symlink():
                if _leads_out(os.path.join(folder, entry.name), root):  # noqa: PTH118  (bytes)
                    yield Blocked("a symbolic link leads out of the store and is not followed")
            elif entry.is_dir(follow_symlinks=False):
                yield from self._inside(entry, root)
            else:
                yield from _file(entry, root)
        if is_empty:
            yield Empty(folder[len(root) :].lstrip(b"/") + b"/")

    def _inside(self, folder: os.DirEntry[bytes], root: bytes) -> Iterator[File | Empty | Blocked]:
        try:
            entries = os.scandir(folder.path)
        except FileNotFoundError:
            return
        except OSError as error:
            yield Blocked(f"a folder cannot be listed ({reason(error)})")
            return
        with entries:
            yield from self._walk(entries, folder.path, root)

    def leads_out(self, path: bytes) -> bool:
        """Return whether the symbolic link of this path leads out of the root."""
        root = os.path.realpath(os.fsencode(self.root))
        return _leads_out(os.path.join(root, path), root)  # noqa: PTH118  (bytes)

    @contextmanager
    def open(self, path: bytes) -> Generator[int]:
        """Open the folder that holds `path` and give its descriptor.

        Raises `FileNotFoundError` if it is not there, another `OSError` if it is behind a
        symbolic link, and `StoreUnavailable` if the root itself cannot be opened.
        """
        try:
            here = os.open(self.root, _FOLDER & ~os.O_NOFOLLOW)
        except OSError as error:
            raise self.unavailable(error) from None
        try:
            for name in path.split(b"/")[:-1]:
                if name in (b"", b".", b".."):
                    raise NotADirectoryError
                inner = os.open(name, _FOLDER, dir_fd=here)
                os.close(here)
                here = inner
            yield here
        finally:
            os.close(here)

    def unavailable(self, error: OSError) -> StoreUnavailable:
        """Return the error for a root that cannot be used."""
        what = f"its folder cannot be read ({reason(error)})"
        return StoreUnavailable(self.store, what, "mount it, or correct path")


@frozen
class FileContent:
    """The bytes of one file."""

    folder: Folder
    path: bytes = field(repr=False)
    size: int

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return text(self.path.rsplit(b"/", 1)[-1])

    @property
    def mediatype(self) -> str:
        """The media type that goes with the file's extension."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; raises `Refused` if they cannot be read, or are fewer than found."""
        store = self.folder.store
        try:
            with (
                self.folder.open(self.path) as folder,
                os.fdopen(
                    os.open(self.path.rsplit(b"/", 1)[-1], _FILE, dir_fd=folder), "rb", buffering=0
                ) as file,
            ):
                size = os.fstat(file.fileno()).st_size
                read = 0
                while chunk := file.read(_CHUNK):
                    read += len(chunk)
                    yield chunk
        except OSError as error:
            what = f"a file cannot be read ({reason(error)})"
            raise Refused(store, what) from None
        if read < size:
            what = "a file became shorter while it was read"
            raise Refused(store, what)


def parent(path: bytes) -> bytes:
    """Return the folder of a path, with the slash at its end; empty for the root."""
    return path[: path.rstrip(b"/").rfind(b"/") + 1]


def text(path: bytes) -> str:
    r"""Return a path for people: bytes that are no UTF-8 become `\xff`."""
    return path.decode("utf-8", "backslashreplace")


def reason(error: OSError) -> str:
    """Return what the system says of an error, without the path."""
    return error.strerror or type(error).__name__


def _leads_out(link: bytes, root: bytes) -> bool:
    return os.path.commonpath([os.path.realpath(link), root]) != root


def _read(entries: Iterator[os.DirEntry[bytes]]) -> Iterator[os.DirEntry[bytes] | Blocked]:
    try:
        yield from entries
    except OSError as error:
        yield Blocked(f"a folder cannot be listed to its end ({reason(error)})")


def _file(entry: os.DirEntry[bytes], root: bytes) -> Iterator[File | Blocked]:
    try:
        seen = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Blocked(f"a file cannot be looked at ({reason(error)})")
        return
    if stat.S_ISREG(seen.st_mode):
        path = entry.path[len(root) :].lstrip(b"/")
        node = (seen.st_dev, seen.st_ino)
        yield File(path, seen.st_size, seen.st_mtime, seen.st_nlink, node)
