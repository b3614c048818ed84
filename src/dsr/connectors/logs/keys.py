"""The key of a line, and the filler: what a line looks like whatever was redacted in it.

The filler keeps the shape of what it covers: letters and digits become `x`, all else stays, as
do the number of bytes. So a line has the same `shape` before and after any of its parts were
redacted, and a key with it still tells whether those bytes are the line that was read.
"""

from __future__ import annotations

from hashlib import blake2b
from string import ascii_letters, digits
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attrs import field, frozen

__all__ = ["LineKey", "is_filler", "masked"]

_COVERED: Final = frozenset((ascii_letters + digits).encode()) | set(range(0x80, 0x100))
_MASK: Final = bytes(ord("x") if byte in _COVERED else byte for byte in range(256))


def masked(text: bytes) -> bytes:
    """Return the filler for `text`."""
    return text.translate(_MASK)


def is_filler(text: bytes) -> bool:
    """Return whether nothing is left to redact in `text`."""
    return text == masked(text)


@frozen
class LineKey:
    """Where a line is (file, offset and length in bytes) and what tells it from another there.

    `shape` stays when parts of the line are redacted; `moment` is of its time stamp and, in a
    file that is never rewritten, of the file itself.
    """

    path: bytes = field(repr=False)
    offset: int
    length: int
    shape: str
    moment: str

    @classmethod
    def of(cls, path: bytes, offset: int, line: bytes, moment: bytes) -> LineKey:
        """Return the key of a line (without its newline)."""
        return cls(path, offset, len(line), _digest(masked(line)), _digest(moment))

    @classmethod
    def parse(cls, key: str) -> LineKey:
        """Return the key that `str` wrote. Raises `ValueError` for any other text."""
        path, offset, length, shape, moment = key.split(":")
        return cls(unquote_to_bytes(path), int(offset), int(length), shape, moment)

    def __str__(self) -> str:
        """Return the key as text."""
        path = quote_from_bytes(self.path)
        return f"{path}:{self.offset}:{self.length}:{self.shape}:{self.moment}"

    def fits(self, line: bytes, moment: bytes) -> bool:
        """Return whether `line` is the line of the key, some of it perhaps redacted."""
        if len(line) != self.length or b"\n" in line or _digest(masked(line)) != self.shape:
            return False
        return is_filler(line) or _digest(moment) == self.moment


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=6).hexdigest()
