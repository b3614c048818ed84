"""The bytes of a log file, plain or compressed, in blocks of whole entries."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from dsr.connectors.disk import reason
from dsr.connectors.listing import Listed
from dsr.connectors.logs.packing import BROKEN, HEADER, kind_of, missing, unpacked

__all__ = [
    "CHUNK",
    "FAILURES",
    "Damaged",
    "Rotated",
    "Unsupported",
    "blocks",
    "kind_at",
    "pieces",
    "unread",
]

#: Bytes read at once: they fit into the caches of a processor, and copies of them are below what
#: the allocator of glibc takes from the system anew each time (128 KiB), a fault for each page.
CHUNK: Final = 96 * 1024
_REST: Final = 4 * 1024
_SALVAGE: Final = 4 * 1024

#: Tells where the last record begins in the first so many bytes of a buffer; 0: only one is there.
Cut = Callable[[bytearray, int], int]


class Damaged(Exception):
    """Compressed bytes end too early or make no sense; all before that was yielded."""


class Unsupported(Exception):
    """The file is compressed in a way that cannot be read; the arguments: how, and what to do."""


class Rotated(Exception):
    """The file is not the one that was listed: its log was rotated meanwhile."""


#: What reading a file raises.
FAILURES: Final[tuple[type[Exception], ...]] = (OSError, Damaged, Rotated, Unsupported)


def unread(error: Exception) -> str:
    """Return why a file could not be read, without its name, to stand behind "file 3 of 7"."""
    match error:
        case FileNotFoundError():
            return "is gone, its log was rotated: read again"
        case Rotated():
            return "is not the file it was, its log was rotated: read again"
        case Unsupported(args=(kind, todo)):
            return f"is compressed as {kind}, which cannot be read: {todo}"
        case Damaged():
            return "is damaged, the text behind the damage cannot be read"
        case OSError():
            return f"cannot be read ({reason(error)})"
    raise error


def kind_at(root: Path, path: bytes) -> str:
    """Return how a file is compressed; empty for plain text. Raises `OSError`."""
    with (root / os.fsdecode(path)).open("rb") as raw:
        return kind_of(raw.read(HEADER))


def pieces(root: Path, file: Listed) -> Iterator[bytes | memoryview]:
    """Yield the text of a file in pieces of at most 96 KiB, up to its size when listed.

    A piece is valid until the next is asked for. Raises `OSError`, `Damaged`, `Unsupported` or
    `Rotated`; before that it yields all there is.
    """
    path = root / os.fsdecode(file.path)
    with path.open("rb", buffering=0) as raw:
        seen = os.fstat(raw.fileno())
        if (seen.st_dev, seen.st_ino) != (file.device, file.inode) or seen.st_size < file.size:
            raise Rotated
        kind = kind_of(os.pread(raw.fileno(), HEADER, 0))
        if not kind:
            yield from _plain(raw, file.size)
            return
    if todo := missing(kind):
        raise Unsupported(kind, todo)
    yield from _inflated(path, kind)


def _plain(raw: IO[bytes], size: int) -> Iterator[bytes | memoryview]:
    buffer = memoryview(bytearray(CHUNK))  # a new one for each piece would cost a page fault each
    last = b""
    while size and (read := os.readv(raw.fileno(), [buffer[: min(CHUNK, size)]])):
        size -= read
        last = bytes(buffer[read - 1 : read])
        yield buffer[:read]
    if size:  # truncated under our hands: copytruncate
        raise Rotated
    while last and not last.endswith(b"\n"):  # a line that was being written: to its end
        last = os.read(raw.fileno(), _REST)
        end = last.find(b"\n") + 1 or len(last)
        last = last[:end]
        yield last


def _inflated(path: Path, kind: str) -> Iterator[bytes]:
    done = 0
    with path.open("rb") as raw:
        try:
            for piece in unpacked(kind, raw):
                done += len(piece)
                yield piece
        except BROKEN:
            pass
        except OSError as error:
            if error.errno is not None:  # else it is what bz2 says of invalid bytes
                raise
        else:
            return
    if kind == "gzip":
        yield from _salvaged(path, done)
    raise Damaged


def _salvaged(path: Path, skip: int) -> Iterator[bytes]:
    """Yield what zlib can make of a damaged file, to the last byte, behind `skip` bytes."""
    inflate = zlib.decompressobj(wbits=31)
    with path.open("rb") as raw:
        while data := raw.read(_SALVAGE):
            before = inflate.copy()
            try:
                text = inflate.decompress(data)
            except zlib.error:
                text = b"".join(_to_the_damage(before, data))
                yield text[skip:]
                return
            if inflate.eof:  # one more member follows
                raw.seek(-len(inflate.unused_data), os.SEEK_CUR)
                inflate = zlib.decompressobj(wbits=31)
            yield text[skip:]
            skip -= min(skip, len(text))


def _to_the_damage(inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    for start in range(len(data)):
        try:
            yield inflate.decompress(data[start : start + 1])
        except zlib.error:
            return


def blocks(parts: Iterable[bytes | memoryview], cut: Cut) -> Iterator[tuple[int, memoryview]]:
    """Yield whole records, many at once, with the offset of the first; the last may lack its end.

    A block is valid until the next is asked for. Memory is bounded by a piece and the longest
    record. An error of `parts` is passed on after the records before it.
    """
    offset = filled = 0
    buffer = bytearray(2 * CHUNK)
    try:
        for part in parts:
            end = filled + len(part)
            if end > len(buffer):
                buffer = buffer[:filled] + bytearray(max(end, 2 * filled) - filled)
            buffer[filled:end] = part
            filled = end
            whole = cut(buffer, filled)
            if whole:
                yield offset, memoryview(buffer)[:whole].toreadonly()
                offset += whole
                filled -= whole
                buffer[:filled] = buffer[whole : whole + filled]
    except (Damaged, Rotated, OSError):
        if filled:
            yield offset, memoryview(buffer)[:filled].toreadonly()
        raise
    if filled:
        yield offset, memoryview(buffer)[:filled].toreadonly()
