"""The files of a folder that some patterns name, and what stands in the way of reading them.

Patterns are those of a shell: `*.log` names files of the folder itself, `*/*.log` those of the
folders in it, `**/*.vcf` those at any depth. A symbolic link to a file counts as that file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import field, frozen

from dsr.connectors.disk import reason
from dsr.errors import StoreUnavailable

__all__ = ["Listed", "Part", "listing", "parts"]


@frozen
class Listed:
    """A file: its path below the folder, and which file it was when it was listed.

    `size` in bytes; `modified` in seconds since 1970. `error` says why it is none to read.
    """

    path: bytes = field(repr=False)
    device: int = 0
    inode: int = 0
    size: int = 0
    modified: float = 0.0
    error: str = ""


@frozen
class Part:
    """One listed file, and its place among all of them, to name it without its name."""

    file: Listed
    number: int
    count: int

    def __str__(self) -> str:
        """Return how messages name the file."""
        return f"file {self.number} of {self.count} in name order"


def parts(
    store: str, root: Path, patterns: Sequence[str], skip: AbstractSet[bytes] = frozenset()
) -> list[Part]:
    """Return the files of `listing`, numbered from 1, without those whose paths are in `skip`."""
    files = [each for each in listing(store, root, patterns) if each.path not in skip]
    return [Part(each, number, len(files)) for number, each in enumerate(files, 1)]


def listing(store: str, root: Path, patterns: Sequence[str]) -> list[Listed]:
    """Return the files that the patterns name, each file once, sorted by path.

    Raises `StoreUnavailable` if the folder itself cannot be listed; a folder in it or a file
    that cannot be looked at is in the list with its `error`.
    """
    ways = [tuple(pattern.split("/")) for pattern in patterns]
    try:
        found = list(_walk(os.fsencode(root), b"", ways))
    except OSError as error:
        what = f"its folder cannot be read ({reason(error)})"
        raise StoreUnavailable(store, what, "mount it, or correct path") from None
    once: dict[object, Listed] = {}
    for each in sorted(found, key=lambda file: file.path):
        once.setdefault(each.path if each.error else (each.device, each.inode), each)
    return list(once.values())


def _walk(root: bytes, folder: bytes, ways: Sequence[tuple[str, ...]]) -> Iterator[Listed]:
    """Yield what lies in `folder` (relative, with the slash at its end) along the ways."""
    with os.scandir(os.path.join(root, folder)) as entries:  # noqa: PTH118  (bytes)
        for entry in entries:
            name, path = os.fsdecode(entry.name), folder + entry.name
            deeper = [way for each in ways for way in _below(each, name)]
            if any(_names(way, name) for way in ways):
                yield from _look(entry, path)
            if deeper and entry.is_dir(follow_symlinks=False):
                try:
                    yield from _walk(root, path + b"/", deeper)
                except OSError as error:
                    yield Listed(path, error=f"a folder cannot be listed ({reason(error)})")


def _names(way: tuple[str, ...], name: str) -> bool:
    """Return whether the rest of a pattern names a file of this folder."""
    while way[0] == "**" and len(way) > 1:
        way = way[1:]
    return len(way) == 1 and fnmatchcase(name, way[0])


def _below(way: tuple[str, ...], name: str) -> Iterator[tuple[str, ...]]:
    """Yield what is left of a pattern inside the folder `name`."""
    if way[0] == "**":
        yield way
        if len(way) > 1:
            yield from _below(way[1:], name)
    elif len(way) > 1 and fnmatchcase(name, way[0]):
        yield way[1:]


def _look(entry: os.DirEntry[bytes], path: bytes) -> Iterator[Listed]:
    try:
        seen = entry.stat()
    except FileNotFoundError:  # gone meanwhile, or a link that leads nowhere
        return
    except OSError as error:
        yield Listed(path, error=f"a file cannot be looked at ({reason(error)})")
        return
    if stat.S_ISREG(seen.st_mode):
        yield Listed(path, seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime)
