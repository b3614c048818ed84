"""What rotating a log does to its name, and how to know a file again by another name.

logrotate, newsyslog, rsyslog and the daemons themselves append numbers or dates and compress:
`messages`, `messages.1`, `messages.2.gz`, `messages-20260301.zst`, `full.2026-03-01.xz`.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import evolve

from dsr.connectors.listing import Listed, Part
from dsr.connectors.logs.packing import ENDINGS

__all__ = [
    "ROTATING",
    "base_of",
    "followed",
    "is_rotated",
    "lock_until",
    "packed_twin",
    "plain_twin",
]

#: Why a file and its compressed form wait.
ROTATING: Final = "its log is being rotated and compressed"

_ENDING: Final = rb"(?:%b)" % b"|".join(re.escape(each) for each in ENDINGS)
_DATED: Final = rb"(?:[-._]20\d\d-?[01]\d-?[0-3]\d(?:[-._T]?\d{2,6}){0,3}|[-._]\d{10})"
_ROTATED: Final = re.compile(rb"(?:\.\d{1,3}|%b(?:[-.]\d{1,3})?)?%b?\Z" % (_DATED, _ENDING))
_INSIDE: Final = re.compile(
    rb"%b(?=\.log\Z)" % _DATED
)  # freeswitch.log-…, but also name-20260301.log
#: How long after its last change a pair of `x` and `x.gz` is taken for one being compressed.
_BUSY: Final = dt.timedelta(hours=1)


def base_of(path: bytes) -> bytes:
    """Return the name that a log had before it was rotated: what stays of it over the years."""
    whole = _ROTATED.sub(b"", path, count=1)
    return _INSIDE.sub(b"", whole, count=1) or path


def is_rotated(path: bytes) -> bool:
    """Return whether a name is one that rotation gives; else a log may be written under it."""
    return base_of(path) != path


def plain_twin(path: bytes, paths: Collection[bytes]) -> bytes:
    """Return the file that `path` is the compressed form of, if both are there; else nothing."""
    for ending in ENDINGS:
        if path.endswith(ending) and path.removesuffix(ending) in paths:
            return path.removesuffix(ending)
    return b""


def packed_twin(path: bytes, paths: Collection[bytes]) -> bytes:
    """Return the compressed form of `path`, if both are there; else nothing."""
    return next((path + ending for ending in ENDINGS if path + ending in paths), b"")


def lock_until(root: Path, twins: Sequence[bytes]) -> dt.datetime:
    """Return until when the files are taken to be in the middle of a rotation.

    A pair that nobody touched for long (left by a crash, or kept on purpose) is in none: then
    this lies in the past.
    """
    changed = 0.0
    for each in twins:
        with suppress(FileNotFoundError):
            changed = max(changed, (root / os.fsdecode(each)).stat().st_ctime)
    return dt.datetime.fromtimestamp(changed, dt.UTC) + _BUSY


def followed(part: Part, now: Sequence[Listed]) -> Part | None:
    """Return the same file by the name that it has now; None if it is gone."""
    wanted = (part.file.device, part.file.inode)
    for each in now:
        if (each.device, each.inode) == wanted and not each.error:
            return evolve(part, file=evolve(part.file, path=each.path))
    return None
