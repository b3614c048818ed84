"""How hard a file was compressed, as near as its bytes tell.

- bzip2 says it in its header; xz by the size of its dictionary, which two presets share at most.
- gzip says "best" or "fastest" in its header, and nothing in between; zstd says nothing. The text
  of the file's first bytes is then compressed at each level, and the level whose size comes
  nearest is taken: exact for the libraries that `gzip` and `zstd` themselves use.
"""

from __future__ import annotations

import importlib
import lzma
import zlib
from collections.abc import Callable, Iterable
from typing import Final

__all__ = ["SAMPLE", "bzip2", "gzip", "gzip_header", "has_checksum", "xz", "zstd"]

#: Compressed bytes that are enough to tell a level.
SAMPLE: Final = 128 * 1024
_TEXT: Final = 4 * 1024 * 1024  # bytes of text that they may hold

_BY_FLAG: Final = {2: 9, 4: 1}  # RFC 1952, XFL: the most, and the fastest
_BETWEEN: Final = (6, 5, 7, 8, 4, 3, 2, 9, 1)  # the usual first: ties go to it
_ZSTD_LEVELS: Final = (3, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 19)
_NAME: Final = 0x08
_HEADER: Final = 10
#: Preset by the size of the dictionary in bytes, as xz(1) lists them.
_PRESETS: Final = {2**18: 0, 2**20: 1, 2**21: 2, 2**22: 4, 2**23: 6, 2**24: 7, 2**25: 8, 2**26: 9}


def bzip2(header: bytes) -> int:
    """Return the level, 1 to 9."""
    digit = header[3:4]
    return int(digit) if digit in b"123456789" and digit else 9


def xz(header: bytes) -> tuple[int, int]:
    """Return the kind of checksum and the preset (xz file format 1.0.4, sections 2.1.1 and 3.1)."""
    check = header[7] & 0x0F
    place = header.find(b"\x21\x01", 14)  # filter LZMA2, one byte of properties
    bits = header[place + 2] if 0 < place < len(header) - 2 else 0
    size = (2 | (bits & 1)) << (bits // 2 + 11)
    known = check if lzma.is_check_supported(check) else lzma.CHECK_CRC64
    return known, _PRESETS.get(size, lzma.PRESET_DEFAULT)


def gzip(header: bytes, start: bytes) -> int:
    """Return the level, 1 to 9."""
    if header[8] in _BY_FLAG:
        return _BY_FLAG[header[8]]
    unpack = zlib.decompressobj(wbits=31)
    text = unpack.decompress(start, _TEXT)
    used = len(start) - len(unpack.unconsumed_tail) - len(unpack.unused_data)

    def size(level: int) -> int:
        pack = zlib.compressobj(level, zlib.DEFLATED, 31)
        return len(pack.compress(text) + pack.flush())

    return _nearest(_BETWEEN, size, used)


def zstd(start: bytes, length: int) -> int:
    """Return the level, 1 to 19, of a file that starts so; `length` is that of its text.

    A level means other parameters for a short text than for a long one.
    """
    library = importlib.import_module("zstandard")
    unpack = library.ZstdDecompressor(max_window_size=2**27).decompressobj()
    text = unpack.decompress(start)
    used = _whole_blocks(start, library.frame_header_size(start))

    def size(level: int) -> int:
        chosen = library.ZstdCompressionParameters.from_level(level, source_size=length)
        return len(library.ZstdCompressor(compression_params=chosen).compress(text))

    return _nearest(_ZSTD_LEVELS, size, used)


def _whole_blocks(start: bytes, place: int) -> int:
    """Return where the last whole block of the first frame ends (RFC 8878, section 3.1.1.2)."""
    while place + 3 <= len(start):
        header = int.from_bytes(start[place : place + 3], "little")
        is_repeated = header >> 1 & 3 == 1
        behind = place + 3 + (1 if is_repeated else header >> 3)
        if behind > len(start):
            break
        place = behind
        if header & 1:  # the last one
            break
    return place


def _nearest(candidates: Iterable[int], size: Callable[[int], int], wanted: int) -> int:
    return min(candidates, key=lambda level: abs(size(level) - wanted))


def has_checksum(header: bytes) -> bool:
    """Return whether zstd frames carry a checksum (RFC 8878, section 3.1.1.1.1)."""
    return bool(header[4] & 0x04)


def gzip_header(header: bytes) -> bytes:
    """Return the header for the file packed again: as it was, with its name if that is near."""
    name_end = header.find(b"\0", _HEADER)
    only_name = header[3] == _NAME and name_end > 0
    kept = header[: name_end + 1] if only_name else header[:_HEADER]
    return kept[:3] + bytes([_NAME if only_name else 0]) + kept[4:]
