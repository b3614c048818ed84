"""Removing files: under all their names, with the folders that this leaves empty."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final

from dsr.connectors.disk import File, Folder, Node, parent, reason

__all__ = ["LINKED", "erase"]

#: Why a file is left alone whose bytes would live on.
LINKED: Final = "it has another name (a hard link) outside this store: remove that first"

_WRITE: Final = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def erase(folder: Folder, paths: Sequence[bytes]) -> list[str]:
    """Remove the files (and empty folders: a slash at the end), and return why some stay.

    Raises `StoreUnavailable` if the root is not there.
    """
    problems: list[str] = []
    linked: dict[Node, bytes] = {}
    for path in paths:
        if path.endswith(b"/"):
            problems += _prune(folder, path)
    files = sorted(path for path in paths if not path.endswith(b"/"))
    for above, group in groupby(files, parent):
        names = [path[len(above) :] for path in group]
        problems += _remove(folder, above, names, linked)
    if linked:
        problems += _remove_linked(folder, linked)
    return problems


def _remove(
    folder: Folder, above: bytes, names: Sequence[bytes], linked: dict[Node, bytes]
) -> Iterator[str]:
    """Remove the names from one folder, and yield why for each that stays.

    A file with other names is left for later, in `linked`.
    """
    is_emptied = False
    try:
        with folder.open(above) as here:
            for name in names:
                try:
                    seen = os.stat(name, dir_fd=here, follow_symlinks=False)
                    if not stat.S_ISREG(seen.st_mode):
                        yield "not a file"
                    elif seen.st_nlink > 1:
                        linked[seen.st_dev, seen.st_ino] = above + name
                    else:
                        os.unlink(name, dir_fd=here)
                        is_emptied = True
                except FileNotFoundError:
                    continue
                except OSError as error:
                    yield reason(error)
            os.fsync(here)  # also when all were gone: an earlier run may have crashed before
    except FileNotFoundError:
        return
    except OSError as error:
        yield from [reason(error)] * len(names)
    if is_emptied:
        yield from _prune(folder, above)


def _remove_linked(folder: Folder, linked: dict[Node, bytes]) -> Iterator[str]:
    """Remove files under all the names that they have in the store.

    The bytes go first: whatever name a crash leaves, it is one of nothing.
    """
    names: dict[Node, list[File]] = {}
    for each in folder.walk():
        if isinstance(each, File) and each.node in linked:
            names.setdefault(each.node, []).append(each)
    for node, files in names.items():
        if len(files) < files[0].links:
            yield LINKED
            continue
        own = linked[node]
        yield from _empty(folder, own)
        for each in sorted(files, key=lambda file: file.path == own):
            yield from _unlink(folder, each.path)


def _empty(folder: Folder, path: bytes) -> Iterator[str]:
    try:
        with folder.open(path) as here:
            file = os.open(path[len(parent(path)) :], _WRITE, dir_fd=here)
            try:
                os.ftruncate(file, 0)
                os.fsync(file)
            finally:
                os.close(file)
    except FileNotFoundError:
        return
    except OSError as error:
        yield reason(error)


def _unlink(folder: Folder, path: bytes) -> Iterator[str]:
    above = parent(path)
    try:
        with folder.open(path) as here:
            with suppress(FileNotFoundError):
                os.unlink(path[len(above) :], dir_fd=here)
            os.fsync(here)
    except FileNotFoundError:
        return
    except OSError as error:
        yield reason(error)
        return
    yield from _prune(folder, above)


def _prune(folder: Folder, path: bytes) -> Iterator[str]:
    """Remove the folder if it is empty, then the one above it, and so on below the root."""
    while path:
        name = path.rstrip(b"/")
        above = parent(path)
        try:
            with folder.open(name) as here:
                os.rmdir(name[len(above) :], dir_fd=here)
                os.fsync(here)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                yield reason(error)
            return
        path = above
