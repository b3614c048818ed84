"""A log file as a whole: what names it through rotations, and when its last entry was written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import quote_from_bytes

from dsr.connectors.listing import Listed
from dsr.connectors.logs.keys import masked
from dsr.connectors.logs.reading import FAILURES, blocks, pieces
from dsr.connectors.logs.rotation import base_of
from dsr.connectors.logs.stamps import Clock, Stamp
from dsr.connectors.logs.writing import laid_out
from dsr.connectors.logs.years import Years

__all__ = ["KEYS", "Undated", "file_key", "last_entry", "start_of"]

#: What the keys of files begin with, and those of entries do not.
KEYS: Final = "rotated:"
_LINE: Final = 4 * 1024  # bytes of a first line that are looked at


class Undated(Exception):
    """The file has time stamps that tell no time: they name no zone, or no day that exists."""


def start_of(root: Path, file: Listed, clock: Clock) -> bytes:
    """Return how a file begins, the same for its copies and after redaction.

    Empty if it cannot be read.
    """
    try:
        line = _first_line(root, file)
    except FAILURES:
        return b""
    return masked(line) + b"\n" + clock.sign(line)


def file_key(root: Path, file: Listed, clock: Clock) -> str:
    """Return what names a rotated file, whatever number, date or ending rotation gives it next.

    That is its log's name and its first line's shape and time stamp; without a stamp, the inode.
    Copies of a file share its key. Raises one of `FAILURES`.
    """
    line = _first_line(root, file)
    moment = clock.sign(line) or b"%d" % file.inode
    name = quote_from_bytes(base_of(file.path))
    return f"{KEYS}{name}:{_digest(masked(line))}:{_digest(moment)}"


def last_entry(root: Path, file: Listed, clock: Clock, before: dt.datetime) -> dt.datetime:
    """Return the latest time of all entries; where no entry has one, of the file's last writing.

    Where one is not before `before`, the first such: the file is then known to be younger.
    Raises `Undated`, or one of `FAILURES`.
    """
    latest: dt.datetime | None = None
    for stamp in _stamps(root, file, clock):
        if stamp.at is None:
            raise Undated
        latest = stamp.at if latest is None else max(latest, stamp.at)
        if latest >= before:
            break
    return latest or dt.datetime.fromtimestamp(file.modified, dt.UTC)


def _stamps(root: Path, file: Listed, clock: Clock) -> Iterator[Stamp]:
    """Yield the time stamps of all entries that have one."""
    layout, text = laid_out(pieces(root, file), clock.format)
    years = Years.of(file.path, file.modified)
    if layout.yearless:
        years = years.with_order(pieces(root, file))
    for offset, block in blocks(text, layout.cut):
        whole = bytes(block)
        place = 0
        while place < len(whole):
            stop = layout.record(whole, place)[1]
            stamp = clock.read(whole[place:stop], offset + place, years)
            if stamp.text:
                yield stamp
            place = stop


def _first_line(root: Path, file: Listed) -> bytes:
    piece = bytes(next(pieces(root, file), b""))
    return piece.split(b"\n", 1)[0].removesuffix(b"\r")[:_LINE]


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
