"""How log files are compressed: told by their first bytes, unpacked and packed again.

zstandard and a faster gzip (isal) come with the extra `fast`. A file is packed again as it was,
as near as that can be known: `levels` says how.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import importlib.util
import lzma
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final, Protocol

from dsr.connectors.logs import levels

__all__ = ["BROKEN", "ENDINGS", "FAST_GZIP", "HEADER", "kind_of", "missing", "packer", "unpacked"]

#: Bytes of a file's start that tell all there is to tell.
HEADER: Final = 64
#: What names of compressed files end with.
ENDINGS: Final = (b".gz", b".zst", b".xz", b".bz2", b".lz4", b".zip")

_PIECE: Final = 96 * 1024
_ZSTD_PIECE: Final = 8 * 1024  # compressed: what one call makes of it must fit in memory
_ZSTD_WINDOW: Final = 2**27  # bytes: what `zstd --long` needs
#: Whether the gzip of the extra `fast` is there.
FAST_GZIP: Final = importlib.util.find_spec("isal") is not None
_ZSTANDARD: Final = importlib.util.find_spec("zstandard") is not None


def _gzip() -> tuple[Any, tuple[type[Exception], ...]]:
    """Return what opens gzip files, and what else it raises: of the extra `fast` if there."""
    if not FAST_GZIP:
        return gzip.open, ()
    igzip = importlib.import_module("isal.igzip")
    return igzip.open, (importlib.import_module("isal.igzip_lib").IsalError,)


def _zstd_errors() -> tuple[type[Exception], ...]:
    return (importlib.import_module("zstandard").ZstdError,) if _ZSTANDARD else ()


_GZIP, _FAST_ERRORS = _gzip()
#: What unpacking raises when the bytes end too early or make no sense.
BROKEN: Final[tuple[type[Exception], ...]] = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    *_FAST_ERRORS,
    *_zstd_errors(),
)

_MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
)


class _Writable(Protocol):
    """What `packer` returns: takes text, writes it compressed."""

    def write(self, data: bytes, /) -> object: ...

    def close(self) -> None: ...


def kind_of(header: bytes) -> str:
    """Return how a file is compressed; empty for plain text."""
    return next((name for magic, name in _MAGIC if header.startswith(magic)), "")


def missing(kind: str) -> str:
    """Return what to do to have files of this kind read; empty when they are."""
    if kind in {"", "gzip", "xz", "bzip2"} or (kind == "zstd" and _ZSTANDARD):
        return ""
    return "install dsr with the extra fast" if kind == "zstd" else "unpack it"


def unpacked(kind: str, raw: IO[bytes]) -> Iterator[bytes]:
    """Yield the text in `raw`, all members or frames of it; raises one of `BROKEN`."""
    if kind == "zstd":
        yield from _unpacked_zstd(raw)
        return
    opened: Any = {"gzip": _GZIP, "xz": lzma.open, "bzip2": bz2.open}[kind]
    with opened(raw, "rb") as file:
        while piece := file.read1(_PIECE):
            yield piece


def _unpacked_zstd(raw: IO[bytes]) -> Iterator[bytes]:
    """Yield the text of all frames. The library's own reader takes a cut file for a whole one."""
    library = importlib.import_module("zstandard")
    decompressor = library.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame: Any = None
    while data := raw.read(_ZSTD_PIECE):
        while data:
            frame = frame or decompressor.decompressobj()
            yield frame.decompress(data)
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError


def packer(start: bytes, length: int, raw: IO[bytes]) -> _Writable:
    """Return what compresses `length` bytes of text into `raw`, as a file that starts so was.

    `start` are the first compressed bytes, `levels.SAMPLE` of them or all. Closing it leaves
    `raw` open.
    """
    header = start[:HEADER]
    match kind_of(header):
        case "xz":
            check, preset = levels.xz(header)
            return lzma.LZMAFile(raw, "wb", check=check, preset=preset)
        case "bzip2":
            return bz2.BZ2File(raw, "wb", compresslevel=levels.bzip2(header))
        case "zstd":
            library = importlib.import_module("zstandard")
            compressor = library.ZstdCompressor(
                level=levels.zstd(start, length), write_checksum=levels.has_checksum(header)
            )
            writer: _Writable = compressor.stream_writer(raw, size=length, closefd=False)
            return writer
    return _Gzip(header, levels.gzip(header, start), raw)


class _Gzip:
    """One gzip member with the header of the file as it was: name, time and all (RFC 1952)."""

    def __init__(self, header: bytes, level: int, raw: IO[bytes]) -> None:
        """Write the header, up to the file's name."""
        self._raw = raw
        self._deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._sum = self._length = 0
        raw.write(levels.gzip_header(header))

    def write(self, data: bytes) -> None:
        """Compress `data`."""
        self._sum = zlib.crc32(data, self._sum)
        self._length += len(data)
        self._raw.write(self._deflate.compress(data))

    def close(self) -> None:
        """Write what is left, the checksum and the length."""
        self._raw.write(self._deflate.flush())
        self._raw.write(self._sum.to_bytes(4, "little"))
        self._raw.write((self._length % 2**32).to_bytes(4, "little"))
