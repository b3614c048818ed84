"""One log file as records: the entries that speak of somebody, with their keys and times."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

from attrs import field, frozen

from dsr.connectors.listing import Listed
from dsr.connectors.logs.bytelists import list_matches
from dsr.connectors.logs.entries import Layout
from dsr.connectors.logs.keys import EntryKey
from dsr.connectors.logs.reading import Damaged, Rotated, blocks, kind_at, pieces
from dsr.connectors.logs.rotation import base_of
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.logs.writing import laid_out, moment_of
from dsr.connectors.logs.years import Years
from dsr.match import Match, Matcher

__all__ = ["Entry", "LogFile"]

_TAIL: Final = 4 * 1024


class Entry(NamedTuple):
    """An entry without its last newline: its key, when it was written, who is in it (relative)."""

    key: EntryKey
    text: bytes
    at: dt.datetime | None
    matches: Sequence[Match]


@frozen
class LogFile:
    """One listed file below `folder`.

    `known_alone`: its entries are known by this file's name only, for the same ones are in
    another file, too.
    """

    folder: Path = field(repr=False)
    listed: Listed
    clock: Clock
    known_alone: bool = False

    def records(self, matcher: Matcher) -> Iterator[Entry]:
        """Yield the entries in which `matcher` finds anybody.

        Raises `OSError`, `Damaged`, `Unsupported` or `Rotated`, after what came before.
        """
        layout, text = laid_out(pieces(self.folder, self.listed), self.clock.format)
        context = _Context(self, layout)
        for offset, block in blocks(text, layout.cut):
            found = list(matcher.scan(block))
            if layout.json:
                found = sorted([*found, *list_matches(bytes(block), matcher)], key=itemgetter(0, 1))
            if found:
                yield from context.entries(offset, bytes(block), found)
            context.remember(block)


class _Context:
    """What is known of a file while its blocks are read."""

    def __init__(self, file: LogFile, layout: Layout) -> None:
        """Find out what the keys and times of its entries hang on."""
        self._file = file
        self._layout = layout
        self._inode = 0 if kind_at(file.folder, file.listed.path) else file.listed.inode
        self._opened = b""  # the line that opens the entry which a block may go on with
        self._known: Years | None = None

    def entries(self, offset: int, block: bytes, found: Sequence[Match]) -> Iterator[Entry]:
        """Yield the entries of a block that the matches are in."""
        waiting = deque(found)
        while waiting:
            start, stop = self._layout.record(block, waiting[0].start)
            inside = []
            while waiting and waiting[0].start < stop:
                first, last, who = waiting.popleft()
                inside.append(Match(first - start, last - start, who))
            text = block[start:stop].removesuffix(b"\n").removesuffix(b"\r")
            at = self._clock.read(text, offset + start, self._years()).at
            if at is None and self._layout.opening and not self._layout.opening.match(text):
                opened = self._layout.opening_line(block, start) or self._opened
                at = self._clock.read(opened, offset + start, self._years()).at
            yield Entry(self._key(text, offset + start), text, at, inside)

    def remember(self, block: memoryview) -> None:
        """Keep the last line of a block that opens an entry, for what the next one begins with."""
        if self._layout.opening is not None:
            for text in (bytes(block[-_TAIL:]), block):
                opened = self._layout.opening_line(bytes(text), len(text))
                if opened:
                    self._opened = opened
                    break

    @property
    def _clock(self) -> Clock:
        return self._file.clock

    def _key(self, text: bytes, offset: int) -> EntryKey:
        line = text.partition(b"\n")[0].removesuffix(b"\r")
        moment, dated = moment_of(self._clock, line, self._inode)
        path = self._file.listed.path
        exact = self._file.known_alone or not dated
        return EntryKey.of(path if exact else base_of(path), offset, line, moment, exact=exact)

    def _years(self) -> Years:
        """Return the years of stamps without one; the file is read once more for their order."""
        if self._known is None:
            listed = self._file.listed
            self._known = Years.of(listed.path, listed.modified)
            if self._layout.yearless:
                with suppress(Damaged, Rotated):  # told by the reading that asks
                    self._known = self._known.with_order(pieces(self._file.folder, listed))
        return self._known
