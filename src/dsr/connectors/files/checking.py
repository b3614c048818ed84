"""What `dsr check` says of a folder of recordings."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from typing import Final

from dsr.connectors.disk import Blocked, Empty, File, Folder, parent
from dsr.model import Finding

__all__ = ["findings"]

#: Where file systems, file servers and desktops keep what was deleted.
_KEPT: Final = (
    ".snapshot", ".snapshots", ".zfs", "#snapshot", "@Recently-Snapshot",
    ".Trash", ".Trashes", "#recycle", "@Recycle", ".recycle",
)  # fmt: skip
_NO_RIGHT: Final = "a folder is not writable, so nothing in it can be erased"
_LINKED: Final = "a file has another name (a hard link) outside, which an erasure does not reach"
_STICKY: Final = "a folder is sticky and not ours, so only its files' owners may erase them"


def findings(folder: Folder, *, writing: int) -> list[Finding]:
    """Return what is wrong, not allowed, left behind or better. Raises `StoreUnavailable`."""
    counted: Counter[tuple[str, str]] = Counter()
    outside: Counter[tuple[int, int]] = Counter()  # names of a file that were not met yet
    above: set[bytes] = {b""}
    for each in folder.walk():
        if isinstance(each, Blocked):
            counted["fault", each.reason] += 1
            continue
        above.add(each.path if isinstance(each, Empty) else parent(each.path))
        if isinstance(each, File):
            if not os.access(_absolute(folder, each.path), os.R_OK):
                counted["right", "a file cannot be read"] += 1
            if each.links > 1:
                outside[each.node] = (outside[each.node] or each.links) - 1
    for path in above:
        counted.update(("right", text) for text in _of_folder(_absolute(folder, path)))
    if any(outside.values()):
        counted["left", _LINKED] = sum(map(bool, outside.values()))
    found = [_finding(kind, text, count) for (kind, text), count in sorted(counted.items())]
    found += [Finding("left", text) for text in _kept(folder)]
    if not writing:
        text = "recordings that are just being written are not spared: set writing, such as 60"
        found.append(Finding("advice", text))
    return found


def _finding(kind: str, text: str, count: int) -> Finding:
    shown = f"{text} ({count} times)"
    match kind:
        case "fault":
            return Finding("fault", shown)
        case "left":
            return Finding("left", shown)
    return Finding("right", shown)


def _absolute(folder: Folder, path: bytes) -> bytes:
    return os.path.join(os.fsencode(folder.root), path)  # noqa: PTH118  (bytes)


def _of_folder(path: bytes) -> Iterator[str]:
    try:
        seen = os.stat(path)  # noqa: PTH116  (bytes)
    except OSError:  # gone meanwhile; what cannot be listed was told
        return
    if not os.access(path, os.W_OK | os.X_OK):
        yield _NO_RIGHT
    elif seen.st_mode & stat.S_ISVTX and os.geteuid() not in (0, seen.st_uid):
        yield _STICKY


def _kept(folder: Folder) -> Iterator[str]:
    """Yield which places for deleted files there are, in the root or above it."""
    root = folder.root.resolve()
    for name in _KEPT:
        if any((above / name).exists() for above in (root, *root.parents)):
            yield f"a folder {name} lies in its folder or above: it may keep what is erased here"
