"""Writing a file anew in one step: at any moment it is the old one or the new one, whole.

A crash in between leaves a copy beside it that holds data like the file itself. `leftovers`
finds such copies; the next rewriting of the file takes them over.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from attrs import define

from dsr.connectors.listing import Listed, listing

__all__ = ["INTERRUPTED", "Changed", "Replacement", "leftovers", "replacing", "sync"]

#: What to tell of a leftover.
INTERRUPTED: Final = "rewriting a file was interrupted and left a copy: run again, or remove it"
_ENDING: Final = ".dsr-rewriting"


class Changed(Exception):
    """Somebody else replaced the file while it was rewritten; it was left alone."""


@define
class Replacement:
    """The new file to write to, and whether it shall take the place of the old one."""

    file: IO[bytes]
    wanted: bool = False


@contextmanager
def replacing(path: Path, *, keep_time: bool) -> Generator[Replacement]:
    """Give a file that becomes `path` at the end, if `wanted` was set and nothing was raised.

    Mode and (where allowed) owner and extended attributes, such as access lists, are kept, with
    `keep_time` also the time of its last change.
    Raises `OSError`, or `Changed`.
    """
    path = path.resolve()
    seen = path.stat()
    beside = path.with_name(f".{path.name}{_ENDING}")
    try:
        with beside.open("wb") as file:
            os.fchmod(file.fileno(), seen.st_mode & 0o7777)
            with suppress(PermissionError):  # only root may give files away
                os.fchown(file.fileno(), seen.st_uid, seen.st_gid)
            _copy_attributes(path, file.fileno())
            replacement = Replacement(file)
            yield replacement
            file.flush()
            os.fsync(file.fileno())
        if not replacement.wanted:
            return
        if keep_time:
            os.utime(beside, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        now = path.stat()
        if (now.st_ino, now.st_mtime_ns, now.st_size) != (
            seen.st_ino,
            seen.st_mtime_ns,
            seen.st_size,
        ):
            raise Changed
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync(path.parent)


def _copy_attributes(path: Path, file: int) -> None:
    """Give the file the extended attributes of `path`, as far as its user may and its disk can."""
    with suppress(OSError):
        for name in os.listxattr(path):
            with suppress(OSError):  # security.* are the system's own
                os.setxattr(file, name, os.getxattr(path, name))


def sync(folder: Path) -> None:
    """Make sure that the disk knows which files are in the folder."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(here)
    finally:
        os.close(here)


def leftovers(store: str, root: Path, patterns: Sequence[str]) -> list[Listed]:
    """Return the copies that interrupted rewritings left of files that the patterns name.

    Raises `StoreUnavailable` if the folder cannot be listed.
    """
    names = [pattern.rpartition("/") for pattern in patterns]
    return listing(store, root, [f"{folder}{slash}.*{_ENDING}" for folder, slash, _ in names])
