"""Working space on disk: one unlinked temporary file that many streams share.

However much is written, memory holds one block a stream, and nothing is left on disk when the
file is closed or the process dies: the file has no name.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Final

from dsr.errors import DeliveryError

__all__ = ["BLOCK", "CHUNK", "Scratch", "Stream"]

BLOCK: Final = 128 * 1024  # bytes that a stream holds in memory before it writes them
CHUNK: Final = 256 * 1024  # bytes that are read back at once


class Scratch:
    """The file. Opened by the first block that needs it, so that a small package has none."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._file: IO[bytes] | None = None
        self._end = 0

    def append(self, data: bytes | bytearray) -> int:
        """Write `data` at the end and return where it starts.

        Raises `DeliveryError` when the disk refuses it.
        """
        start = self._end
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="dsr-")  # noqa: SIM115  (closed by close)
            self._file.seek(start)
            self._file.write(data)
        except OSError as error:
            what = f"no working space for the package: {error.strerror}"
            raise DeliveryError(what, "point TMPDIR to a folder with room") from None
        self._end += len(data)
        return start

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes `[start, end)` in pieces of at most `CHUNK`."""
        while start < end and self._file is not None:
            self._file.seek(start)
            piece = self._file.read(min(CHUNK, end - start))
            start += len(piece)
            yield piece

    def close(self) -> None:
        """Forget everything."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Stream:
    """Bytes that are written first and read afterwards, in the same order.

    `pending` is the block that is not on disk yet: append to it, then call `spill_if_full`.
    """

    def __init__(self, scratch: Scratch) -> None:
        """Start empty."""
        self.pending = bytearray()
        self._scratch = scratch
        self._extents: list[tuple[int, int]] = []
        self._spilled = 0

    @property
    def size(self) -> int:
        """All bytes written so far."""
        return self._spilled + len(self.pending)

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self.pending += data
        self.spill_if_full()

    def spill_if_full(self) -> None:
        """Move the pending block to disk once it is large enough."""
        if len(self.pending) >= BLOCK:
            self.spill()

    def spill(self) -> None:
        """Move the pending block to disk."""
        start = self._scratch.append(self.pending)
        end = start + len(self.pending)
        if self._extents and self._extents[-1][1] == start:
            self._extents[-1] = (self._extents[-1][0], end)
        else:
            self._extents.append((start, end))
        self._spilled += len(self.pending)
        self.pending.clear()

    def chunks(self) -> Iterator[bytes]:
        """Yield everything written, in order, in pieces of at most `CHUNK`."""
        for start, end in self._extents:
            yield from self._scratch.read(start, end)
        if self.pending:
            yield bytes(self.pending)

    def lines(self) -> Iterator[bytes]:
        """Yield what was written line by line, without the newlines."""
        rest = b""
        for chunk in self.chunks():
            *complete, rest = (rest + chunk).split(b"\n")
            yield from complete
        if rest:
            yield rest
