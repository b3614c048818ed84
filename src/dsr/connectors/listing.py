"""The files of a folder that some patterns name, and what stands in the way of reading them.

Patterns are those of a shell: `*.log` names files of the folder itself, `*/*.log` those of the
folders in it, `**/*.vcf` those at any depth. A symbolic link to a file counts as that file.

`walk` holds the names of one folder at a time; besides, only files with several names take
memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from attrs import field, frozen

from dsr.connectors.disk import reason
from dsr.errors import StoreUnavailable

__all__ = ["Listed", "Part", "listing", "parts", "walk"]


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
    """One listed file, and its place among all of them, to name it without its name.

    `count` is how many there are; 0 if nobody counted.
    """

    file: Listed
    number: int
    count: int = 0

    def __str__(self) -> str:
        """Return how messages name the file."""
        of = f" of {self.count}" if self.count else ""
        return f"file {self.number}{of} in name order"


def parts(
    store: str, root: Path, patterns: Sequence[str], skip: AbstractSet[bytes] = frozenset()
) -> list[Part]:
    """Return the files of `listing`, numbered from 1, without those whose paths are in `skip`."""
    files = [each for each in listing(store, root, patterns) if each.path not in skip]
    return [Part(each, number, len(files)) for number, each in enumerate(files, 1)]


def listing(store: str, root: Path, patterns: Sequence[str]) -> list[Listed]:
    """Return what `walk` yields."""
    return list(walk(store, root, patterns))


def walk(store: str, root: Path, patterns: Sequence[str]) -> Iterator[Listed]:
    """Yield the files that the patterns name, each file once, sorted by path.

    Raises `StoreUnavailable` if the folder itself cannot be listed; a folder in it or a file
    that cannot be looked at comes with its `error`.
    """
    ways = [tuple(pattern.split("/")) for pattern in patterns]
    top = os.fsencode(root)
    try:
        yield from _once(top, ways, _walk(top, b"", ways))
    except OSError as error:
        what = f"its folder cannot be read ({reason(error)})"
        raise StoreUnavailable(store, what, "mount it, or correct path") from None


class _Seen(NamedTuple):
    """A file as it was met, and whether another name of it may be met as well."""

    file: Listed
    is_link: bool
    has_names: bool


def _once(root: bytes, ways: Sequence[tuple[str, ...]], found: Iterable[_Seen]) -> Iterator[Listed]:
    """Yield each file under the first of its names only."""
    real = os.path.realpath(root)
    shared: set[tuple[int, int]] = set()  # files that were met under one of several names
    for each in found:
        node = each.file.device, each.file.inode
        if each.file.error:
            yield each.file
            continue
        if node in shared:
            continue
        if each.is_link or each.has_names:
            shared.add(node)
        if each.is_link:
            target = os.path.relpath(os.path.realpath(os.path.join(root, each.file.path)), real)  # noqa: PTH118  (bytes)
            if target < each.file.path and _leads(ways, os.fsdecode(target)):
                continue  # the file itself came before
        yield each.file


def _walk(root: bytes, folder: bytes, ways: Sequence[tuple[str, ...]]) -> Iterator[_Seen]:
    """Yield what lies in `folder` (relative, with the slash at its end) along the ways, sorted."""
    for name, is_folder in _sorted(root, folder):
        text, path = os.fsdecode(name), folder + name
        if is_folder:
            deeper = [way for each in ways for way in _below(each, text)]
            if deeper:
                try:
                    yield from _walk(root, path + b"/", deeper)
                except OSError as error:
                    what = f"a folder cannot be listed ({reason(error)})"
                    yield _Seen(Listed(path, error=what), is_link=False, has_names=False)
        elif any(_names(way, text) for way in ways):
            yield from _look(root, path)


def _sorted(root: bytes, folder: bytes) -> list[tuple[bytes, bool]]:
    """Return the names in a folder and whether each is one, in the order of paths."""
    with os.scandir(os.path.join(root, folder)) as entries:  # noqa: PTH118  (bytes)
        found = [
            each.name + b"/" if each.is_dir(follow_symlinks=False) else each.name
            for each in entries
        ]
    found.sort()
    return [(each.removesuffix(b"/"), each.endswith(b"/")) for each in found]


def _leads(ways: Sequence[tuple[str, ...]], path: str) -> bool:
    """Return whether any way leads to a file at this path."""
    *folders, name = path.split("/")
    for folder in folders:
        ways = [way for each in ways for way in _below(each, folder)]
    return any(_names(way, name) for way in ways)


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


def _look(root: bytes, path: bytes) -> Iterator[_Seen]:
    where = os.path.join(root, path)  # noqa: PTH118  (bytes)
    try:
        is_link = stat.S_ISLNK(os.lstat(where).st_mode)
        seen = os.stat(where)  # noqa: PTH116  (bytes)
    except FileNotFoundError:  # gone meanwhile, or a link that leads nowhere
        return
    except OSError as error:
        what = f"a file cannot be looked at ({reason(error)})"
        yield _Seen(Listed(path, error=what), is_link=False, has_names=False)
        return
    if stat.S_ISREG(seen.st_mode):
        file = Listed(path, seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime)
        yield _Seen(file, is_link, seen.st_nlink > 1)
