"""The bytes of a log file, plain or compressed, in blocks of whole lines."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from dsr.connectors.listing import Listed
from dsr.connectors.logs.packing import BROKEN, HEADER, kind_of, unpacker

__all__ = ["Damaged", "Rotated", "Unsupported", "blocks", "is_compressed", "pieces"]

_CHUNK: Final = 256 * 1024
_REST: Final = 4 * 1024
_SALVAGE: Final = 4 * 1024


class Damaged(Exception):
    """Compressed bytes end too early or make no sense; all before that was yielded."""


class Unsupported(Exception):
    """The file is compressed in a way that cannot be read; the argument names it."""


class Rotated(Exception):
    """The file is not the one that was listed: its log was rotated meanwhile."""


def is_compressed(root: Path, file: Listed) -> bool:
    """Return whether a file is compressed. Raises `OSError`."""
    with (root / os.fsdecode(file.path)).open("rb") as raw:
        return bool(kind_of(raw.read(HEADER)))


def pieces(root: Path, file: Listed) -> Iterator[bytes]:
    """Yield the text of a file in pieces of at most 256 KiB, up to its size when listed.

    Raises `OSError`, `Damaged`, `Unsupported` or `Rotated`; before that it yields all there is.
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
    yield from _inflated(path, kind)


def _plain(raw: IO[bytes], size: int) -> Iterator[bytes]:
    piece = b""
    while size and (piece := raw.read(min(_CHUNK, size))):
        size -= len(piece)
        yield piece
    if size:  # truncated under our hands: copytruncate
        raise Rotated
    while piece and not piece.endswith(b"\n"):  # a line that was being written: to its end
        piece = raw.read(_REST)
        end = piece.find(b"\n") + 1 or len(piece)
        piece = piece[:end]
        yield piece


def _inflated(path: Path, kind: str) -> Iterator[bytes]:
    done = 0
    with path.open("rb") as raw:
        text = unpacker(kind, raw)
        if text is None:
            raise Unsupported(kind)
        try:
            with text:
                while piece := text.read1(_CHUNK):
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


def blocks(parts: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines, many at once, with the offset of the first; the last may lack its end.

    Memory is bounded by a piece and the longest line. An error of `parts` is passed on after
    the lines before it.
    """
    offset = 0
    rest: list[bytes] = []
    try:
        for part in parts:
            end = part.rfind(b"\n") + 1
            if end:
                block = b"".join((*rest, part[:end]))
                yield offset, block
                offset += len(block)
                rest = [part[end:]] if end < len(part) else []
            elif part:
                rest.append(part)
    except (Damaged, Rotated, OSError):
        if rest:
            yield offset, b"".join(rest)
        raise
    if rest:
        yield offset, b"".join(rest)
