"""How log files are compressed: told by their first bytes, unpacked and packed again."""

from __future__ import annotations

import bz2
import gzip
import importlib
import importlib.util
import lzma
import zlib
from io import BufferedIOBase
from typing import IO, Any, Final

__all__ = ["BROKEN", "HEADER", "kind_of", "packer", "unpacker"]

#: Bytes of a file's start that tell all there is to tell.
HEADER: Final = 10


def _gzip() -> tuple[Any, tuple[type[Exception], ...]]:
    """Return the class for gzip files, and what else it raises: of the extra `fast` if there."""
    if importlib.util.find_spec("isal") is None:
        return gzip.GzipFile, ()
    igzip = importlib.import_module("isal.igzip")
    return igzip.IGzipFile, (importlib.import_module("isal.igzip_lib").IsalError,)


_GZIP, _FAST_ERRORS = _gzip()
#: What unpacking raises when the bytes end too early or make no sense.
BROKEN: Final[tuple[type[Exception], ...]] = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    *_FAST_ERRORS,
)

_MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
)
_LEVELS: Final = {2: 9, 4: 1}  # RFC 1952, XFL: what the one who compressed it said
_USUAL: Final = 6


def kind_of(header: bytes) -> str:
    """Return how a file is compressed; empty for plain text."""
    return next((name for magic, name in _MAGIC if header.startswith(magic)), "")


def unpacker(kind: str, raw: IO[bytes]) -> BufferedIOBase | None:
    """Return a file of the text in `raw`; None for a kind that cannot be read."""
    match kind:
        case "gzip":
            file: BufferedIOBase = _GZIP(fileobj=raw, mode="rb")
            return file
        case "xz":
            return lzma.LZMAFile(raw, "rb")
        case "bzip2":
            return bz2.BZ2File(raw, "rb")
    return None


def packer(header: bytes, raw: IO[bytes]) -> BufferedIOBase:
    """Return a file that compresses into `raw` as the file with this header was."""
    match kind_of(header):
        case "xz":
            return lzma.LZMAFile(raw, "wb")
        case "bzip2":
            return bz2.BZ2File(raw, "wb")
    level = {} if _FAST_ERRORS else {"compresslevel": _LEVELS.get(header[8], _USUAL)}
    file: BufferedIOBase = _GZIP(filename="", mode="wb", fileobj=raw, mtime=0, **level)
    return file
