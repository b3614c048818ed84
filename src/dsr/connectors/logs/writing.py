"""Redaction of log files: the same bytes replaced by the same number of bytes.

A plain file is overwritten in place, so that a daemon which holds it open goes on writing into
it. A compressed one is written anew beside it and takes its place at once. Either way a line
is touched only if it still is the line that was read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from dsr.connectors.listing import Listed
from dsr.connectors.logs.keys import LineKey, masked
from dsr.connectors.logs.packing import HEADER, kind_of, packer
from dsr.connectors.logs.reading import Rotated, blocks, pieces
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.replacing import Changed, replacing

__all__ = ["Edit", "moment_of", "redact_file"]


@frozen
class Edit:
    """The parts of one line to cover; a part is `(start, end)` in bytes, relative to the line."""

    key: LineKey
    spans: tuple[tuple[int, int], ...]

    def apply(self, line: bytes, moment: bytes) -> bytes | None:
        """Return the line with the parts covered; None if it is not the line that was meant."""
        if not self.key.fits(line, moment):
            return None
        covered = bytearray(line)
        for start, end in self.spans:
            covered[start:end] = masked(line[start:end])
        return bytes(covered)


def moment_of(stamp: bytes, inode: int) -> bytes:
    """Return what, besides its shape, tells a line from another one at the same place.

    `inode` is 0 for a compressed file, which gets a new one with every redaction.
    """
    return b"%d %b" % (inode, stamp)


def redact_file(root: Path, name: bytes, edits: Sequence[Edit], clock: Clock) -> int:
    """Make the edits in one file, and return how many found another line in their place.

    Raises `OSError`, or `Damaged` or `Unsupported` for a compressed file that cannot be
    rewritten; then nothing in it was changed.
    """
    path = root / os.fsdecode(name)
    edits = sorted(edits, key=lambda edit: edit.key.offset)
    with path.open("r+b", buffering=0) as raw:
        header = raw.read(HEADER)
        if not kind_of(header):
            return _overwrite(raw.fileno(), edits, clock)
    return _rewrite(path.resolve(), header, edits, clock)


def _overwrite(file: int, edits: Sequence[Edit], clock: Clock) -> int:
    before = os.fstat(file)
    strangers = 0
    for edit in edits:
        line = _line_at(file, edit.key)
        stamp = clock.read(line, before.st_mtime).text
        covered = edit.apply(line, moment_of(stamp, before.st_ino))
        if covered is None:
            strangers += 1
        elif covered != line:
            os.pwrite(file, covered, edit.key.offset)
    os.fsync(file)
    after = os.fstat(file)
    if after.st_size == before.st_size:  # else its daemon wrote too
        os.utime(file, ns=(after.st_atime_ns, before.st_mtime_ns))
    return strangers


def _line_at(file: int, key: LineKey) -> bytes:
    """Return the bytes of the key's place if a line starts there; empty if none does."""
    if key.offset and os.pread(file, 1, key.offset - 1) != b"\n":
        return b""
    return os.pread(file, key.length, key.offset)


def _rewrite(path: Path, header: bytes, edits: Sequence[Edit], clock: Clock) -> int:
    seen = path.stat()
    file = Listed(os.fsencode(path.name), seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime)
    work = _Work(edits, clock)
    try:
        with replacing(path, keep_time=True) as new:
            with packer(header, new.file) as text:
                for offset, block in blocks(pieces(path.parent, file)):
                    text.write(work.edited(offset, block))
            new.wanted = work.changed
    except Changed:
        raise Rotated from None
    return work.strangers + len(work.waiting)


class _Work:
    """The edits still to make in a text that comes block by block, and what became of the rest."""

    def __init__(self, edits: Sequence[Edit], clock: Clock) -> None:
        self.waiting = list(reversed(edits))
        self.clock = clock
        self.strangers = 0
        self.changed = False

    def edited(self, offset: int, block: bytes) -> bytes:
        """Return the block of whole lines that starts at `offset`, with its edits made."""
        text: bytes | bytearray = block
        while self.waiting and self.waiting[-1].key.offset < offset + len(block):
            edit = self.waiting.pop()
            start = edit.key.offset - offset
            first = not start or block[start - 1 : start] == b"\n"
            line = bytes(text[start : start + edit.key.length]) if first else b""
            covered = edit.apply(line, moment_of(self.clock.read(line, 0).text, 0))
            if covered is None:
                self.strangers += 1
            elif covered != line:
                text = text if isinstance(text, bytearray) else bytearray(text)
                text[start : start + len(line)] = covered
                self.changed = True
        return bytes(text)
