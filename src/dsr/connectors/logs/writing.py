"""Redaction of log files: the same bytes replaced by the same number of bytes.

A plain file is overwritten in place, so that a daemon which holds it open goes on writing into
it. A compressed one is written anew beside it and takes its place at once. Either way an entry
is touched only if it still is the one that was read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from attrs import frozen

from dsr.connectors.listing import Listed
from dsr.connectors.logs import levels
from dsr.connectors.logs.covering import covered
from dsr.connectors.logs.entries import Layout
from dsr.connectors.logs.keys import EntryKey
from dsr.connectors.logs.overwriting import overwrite
from dsr.connectors.logs.packing import packer
from dsr.connectors.logs.reading import Damaged, Rotated, blocks, pieces
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.replacing import Changed, replacing

__all__ = ["Edit", "Made", "laid_out", "moment_of", "redact_packed", "redact_plain"]

_BEHIND: Final = 8  # bytes behind a part that tell how it is covered


@frozen
class Edit:
    """The parts of one entry to cover; a part is `(start, end)` in bytes, relative to the entry.

    An end of None is the end of the entry.
    """

    key: EntryKey
    spans: tuple[tuple[int, int | None], ...]

    @property
    def reach(self) -> int | None:
        """How many bytes of the entry are needed; None for all."""
        ends = [end for _, end in self.spans]
        return max(self.key.length, *(end or 0 for end in ends)) if None not in ends else None

    def changes(self, entry: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield what to write where into the entry; nothing for what is covered already."""
        for start, end in self.spans:
            stop = len(entry.removesuffix(b"\n")) if end is None else end
            if stop <= len(entry) and (new := covered(entry, start, stop)) != entry[start:stop]:
                yield start, new


def moment_of(clock: Clock, line: bytes, inode: int) -> tuple[bytes, bool]:
    """Return what besides its shape tells a first line from another, and whether it is dated.

    `inode` is 0 for a compressed file, which gets a new one with every redaction.
    """
    sign = clock.sign(line)
    return (sign, True) if sign else (b"%d" % inode, False)


def laid_out(
    text: Iterator[bytes | memoryview], form: str
) -> tuple[Layout, Iterator[bytes | memoryview]]:
    """Return the layout of a file by the beginning of its text, and all of the text."""
    first = next(text, b"")
    return Layout.of(bytes(first[: levels.SAMPLE]), form), chain([first], text)


class Made(NamedTuple):
    """The keys of the edits whose entries are in a file, and of those that changed it."""

    found: set[EntryKey]
    changed: set[EntryKey]


def redact_plain(path: Path, edits: Iterable[Edit], clock: Clock) -> Made:
    """Make the edits whose entries are in a plain file.

    Raises `OSError`, or `Rotated` if the file was truncated meanwhile.
    """
    made = Made(set(), set())
    with path.open("r+b", buffering=0) as raw:
        file = raw.fileno()
        before = os.fstat(file)
        for edit in edits:
            entry = _entry_at(file, edit, clock, before.st_ino)
            if entry is None:
                continue
            made.found.add(edit.key)
            for start, new in edit.changes(entry):
                overwrite(file, edit.key.offset + start, new)
                made.changed.add(edit.key)
        if made.changed:
            os.fsync(file)
            after = os.fstat(file)
            if after.st_size == before.st_size:  # else its daemon wrote too
                os.utime(file, ns=(after.st_atime_ns, before.st_mtime_ns))
    return made


def _entry_at(file: int, edit: Edit, clock: Clock, inode: int) -> bytes | None:
    """Return as much of the edit's entry as it needs; None if another one is in its place."""
    key = edit.key
    if key.offset and os.pread(file, 1, key.offset - 1) != b"\n":
        return None
    line = os.pread(file, key.length, key.offset)
    if not key.fits(line, moment_of(clock, line, inode)[0]):
        return None
    reach = edit.reach
    if reach is not None:
        return os.pread(file, reach + _BEHIND, key.offset)
    size = os.fstat(file).st_size
    text = os.pread(file, min(size - key.offset, 4 * levels.SAMPLE), key.offset)
    layout = Layout.of(os.pread(file, levels.SAMPLE, 0), clock.format)
    return text[: layout.record(text, 0)[1]]


def redact_packed(
    root: Path, file: Listed, edits: Sequence[Edit], clock: Clock, length: int | None
) -> Made:
    """Make the edits whose entries are in a compressed file.

    `length` is what its text must have in bytes, where that is known: it is still being
    compressed if it has less. Raises `OSError`, or `Damaged`, `Rotated` or `Unsupported`;
    then nothing in it was changed.
    """
    path = (root / os.fsdecode(file.path)).resolve()
    looking = _Work(edits, clock)
    for _ in looking.text(pieces(root, file)):
        pass
    if length is not None and looking.done != length:
        raise Damaged
    if not looking.made.changed:
        return looking.made
    work = _Work(edits, clock)
    with path.open("rb") as raw:
        start = raw.read(levels.SAMPLE)
    try:
        with replacing(path, keep_time=True) as new:
            out = packer(start, looking.done, new.file)
            for text in work.text(pieces(root, file)):
                out.write(text)
            out.close()
            new.wanted = True
    except Changed:
        raise Rotated from None
    return work.made


class _Work:
    """The edits to make in a text that comes in pieces: which were made, and the new text."""

    def __init__(self, edits: Iterable[Edit], clock: Clock) -> None:
        self._waiting = sorted(edits, key=lambda edit: -edit.key.offset)
        self._clock = clock
        self.made = Made(set(), set())
        self.done = 0  # bytes of text

    def text(self, parts: Iterator[bytes | memoryview]) -> Iterator[bytes]:
        """Yield the text with the edits made."""
        layout, whole = laid_out(parts, self._clock.format)
        for offset, block in blocks(whole, layout.cut):
            self.done = offset + len(block)
            if self._waiting and self._waiting[-1].key.offset < self.done:
                yield self._edited(offset, bytes(block), layout)
            else:
                yield bytes(block)

    def _edited(self, offset: int, block: bytes, layout: Layout) -> bytes:
        text = bytearray(block)
        while self._waiting and self._waiting[-1].key.offset < offset + len(block):
            edit = self._waiting.pop()
            key = edit.key
            start = key.offset - offset
            if start and block[start - 1 : start] != b"\n":
                continue
            line = block[start : start + key.length]
            if not key.fits(line, moment_of(self._clock, line, 0)[0]):
                continue
            self.made.found.add(key)
            entry = block[start : layout.record(block, start)[1]]
            for place, new in edit.changes(entry):
                text[start + place : start + place + len(new)] = new
                self.made.changed.add(key)
        return bytes(text)
