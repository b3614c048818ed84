"""The ZIP itself: zipstream-ng, with fixed times, each member's hash, and fast ISA-L if installed.

zipstream knows the format (ZIP64, data descriptors, the directory); what it does not offer is
the time of a member that comes from memory, and a hash counted while the bytes pass.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Generator, Iterable
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED

from attrs import frozen
from zipstream.ng import ZipStream, ZipStreamInfo

try:
    from isal.isal_zlib import compressobj, crc32
except ImportError:  # the `fast` extra is not installed: the same, slower
    from zlib import compressobj, crc32  # type: ignore[assignment]

__all__ = ["Archive", "Member"]

_LEVEL: Final = 1
_RAW: Final = -15  # deflate without a header, as ZIP has it
_SIZES_FOLLOW: Final = 1 << 3  # flag: size and checksum stand behind the data
_PRIVATE: Final = 0o600 << 16
_SMALL: Final = 1 << 31  # well below where a member needs ZIP64


@frozen
class Member:
    """What was written: the member's name, its size in bytes, its SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


class Archive(ZipStream):  # type: ignore[misc]  # zipstream has no types
    """A ZIP that is written member by member; end it with `footer()`.

    About 1 KB stays in memory for each member, for the directory at the end.
    """

    def __init__(self, made: dt.datetime) -> None:
        """Give every member the time `made`, on the clock of its own zone."""
        super().__init__()
        self._time = tuple(made.timetuple()[:6])

    def member(
        self, name: str, pieces: Iterable[bytes], *, stored: bool = False, size: int | None = None
    ) -> Generator[bytes, None, Member]:
        """Yield the bytes of a member, deflated unless `stored`; return what was written.

        `size` is what is known beforehand of how large it is.
        """
        info = ZipStreamInfo(name, self._time)
        info.compress_type = ZIP_STORED if stored else ZIP_DEFLATED
        info.external_attr = _PRIVATE
        info.header_offset = self._pos
        info.flag_bits |= _SIZES_FOLLOW
        large = size is None or size > _SMALL
        yield self._track(info.FileHeader(large))
        deflate = None if stored else compressobj(_LEVEL, ZIP_DEFLATED, _RAW)
        checksum, written, packed = 0, 0, 0
        digest = hashlib.sha256()
        for piece in pieces:
            written += len(piece)
            checksum = crc32(piece, checksum)
            digest.update(piece)
            out = deflate.compress(piece) if deflate else piece
            packed += len(out)
            if out:
                yield self._track(out)
        if deflate:
            out = deflate.flush()
            packed += len(out)
            yield self._track(out)
        if not large and written >= _SMALL * 2 - 1:
            msg = "a member outgrew its announced size"
            raise RuntimeError(msg)
        info.CRC, info.file_size, info.compress_size = checksum, written, packed
        yield self._track(info.DataDescriptor(large))
        self._filelist.append(info)
        return Member(name, written, digest.hexdigest())
