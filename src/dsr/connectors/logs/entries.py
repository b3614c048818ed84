"""Where the entries of a log begin: one line each, or a line with a time stamp and those after.

A SIP trace, a traceback or a journal's record is one entry of many lines. Lines without a stamp
go with the one before them only in logs whose entries begin with their stamp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from dsr.connectors.logs.stamps import OPENINGS

__all__ = ["LARGEST", "Layout"]

#: Bytes after which an entry is taken for several: a log without any stamps from there on.
LARGEST: Final = 64 * 1024
_LOOK: Final = 64 * 1024
_LINES: Final = 200


@frozen
class Layout:
    """How the entries of one file begin; without `opening` each line is one.

    `json`: the lines are JSON objects; `yearless`: their time stamps name no year.
    """

    opening: re.Pattern[bytes] | None = None
    json: bool = False
    yearless: bool = False

    @classmethod
    def of(cls, start: bytes, form: str) -> Layout:
        """Return the layout of a file by its first bytes; `form` is the setting `format`."""
        for line in start[:_LOOK].split(b"\n", _LINES)[:_LINES]:
            if line.lstrip()[:1] == b"{":
                return cls(json=True)
            for opening in OPENINGS[form]:
                if told := opening.match(line):
                    return cls(opening, yearless=told.lastgroup == "yearless")
        return cls()

    def cut(self, buffer: bytearray, filled: int) -> int:
        """Return where the last record begins in the first `filled` bytes; 0 if there is one.

        Without `opening`, where the last whole line ends.
        """
        end = buffer.rfind(b"\n", 0, filled) + 1
        if self.opening is None or not end:
            return end
        start = self._opening_before(buffer, end)
        for boundary in self._boundaries(buffer, start, filled):
            start = boundary
        return start

    def record(self, block: bytes, place: int) -> tuple[int, int]:
        """Return start and end (with its newline) of the record at `place` of a block."""
        if self.opening is None:
            end = block.find(b"\n", place) + 1
            return block.rfind(b"\n", 0, place) + 1, end or len(block)
        start = self._opening_before(block, place + 1)
        stop = self._opening_behind(block, place)
        for boundary in self._boundaries(block, start, stop):
            if boundary > place:
                return start, boundary
            start = boundary
        return start, stop

    def opening_line(self, block: bytes, place: int) -> bytes:
        """Return the line before `place` that opens the entry there; empty if it is not here."""
        if self.opening is None:
            return b""
        start = self._opening_before(block, place)
        line = block[start:].split(b"\n", 1)[0] if place else b""
        return line if self.opening.match(line) else b""

    def _opening_before(self, text: bytes | bytearray, place: int) -> int:
        """Return the start of the last line before `place` that opens an entry, or 0."""
        assert self.opening is not None  # noqa: S101  (for mypy: both callers asked)
        start = place
        while start:
            start = text.rfind(b"\n", 0, start - 1) + 1
            if self.opening.match(text, start):
                break
        return start

    def _opening_behind(self, text: bytes, place: int) -> int:
        """Return the start of the first line behind `place` that opens an entry, or the end."""
        assert self.opening is not None  # noqa: S101  (for mypy: the caller asked)
        start = text.find(b"\n", place) + 1
        while start and not self.opening.match(text, start):
            start = text.find(b"\n", start) + 1
        return start or len(text)

    def _boundaries(self, text: bytes | bytearray, start: int, stop: int) -> Iterator[int]:
        """Yield where an entry that is too large is divided: at line ends, whatever the blocks."""
        while stop - start > LARGEST:
            start = text.find(b"\n", start + LARGEST, stop) + 1
            if not start or start == stop:
                return
            yield start
