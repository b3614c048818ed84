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
SAMPLE: Final = 64 * 1024
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


def zstd(start: bytes) -> int:
    """Return the level, 1 to 19."""
    library = importlib.import_module("zstandard")
    unpack = library.ZstdDecompressor(max_window_size=2**27).decompressobj()
    text = unpack.decompress(start)[:_TEXT]
    used = len(start) - len(unpack.unused_data)
    return _nearest(
        _ZSTD_LEVELS, lambda level: len(library.ZstdCompressor(level=level).compress(text)), used
    )


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
