"""The key of a record, and the filler: what an entry looks like whatever was redacted in it.

The filler keeps the shape of what it covers: letters and digits become `x`, all else stays, as
does the number of bytes. So a line has the same `shape` before and after any of its parts were
redacted, and a key with it still tells whether those bytes are the line that was read.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from string import ascii_letters, digits
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attrs import field, frozen

__all__ = ["COVERED", "EntryKey", "filled", "masked"]

#: The bytes that the filler replaces.
COVERED: Final = frozenset((ascii_letters + digits).encode()) | set(range(0x80, 0x100))
_ESCAPE: Final = re.compile(rb"\\u([0-9A-Fa-f]{4})|%([0-9A-Fa-f]{2})|[^\\%]+|[\\%]")
#: No letters, though not ASCII: what a phone number may be grouped with.
_SEPARATORS: Final = frozenset({0xA0, *range(0x2010, 0x2016)})
_BYTE: Final = 255
_MASK: Final = bytes(ord("x") if byte in COVERED else byte for byte in range(256))


def masked(text: bytes) -> bytes:
    """Return the shape of `text`."""
    return text.translate(_MASK)


def filled(text: bytes) -> bytes:
    r"""Return the filler for `text`: escapes such as \u00fc and %c3 stay escapes, of an x."""
    return _ESCAPE.sub(_filled_piece, text)


def _filled_piece(piece: re.Match[bytes]) -> bytes:
    """Return the filler for an escape, or for what stands between two."""
    escaped = piece[1] or piece[2]
    if not escaped:
        return masked(piece[0])
    code = int(escaped, 16)
    is_letter = code in COVERED if piece[2] else code > _BYTE or code in COVERED
    if not is_letter or (piece[1] and code in _SEPARATORS):
        return piece[0]
    return rb"\u0078" if piece[1] else b"%78"


@frozen
class EntryKey:
    """Where an entry is, and what tells its first line from another there.

    An entry with a time stamp is known by the name that its log has before it is rotated, by
    its offset, its stamp and its `shape`: so the key stays when the log is rotated, compressed,
    or parts of the entry are redacted. One without a stamp is known by the file itself
    (`exact`). `length` (bytes) and `shape` are of the first line alone: lines that are still to
    come do not change the key. `moment` is of the stamp, or of the file.
    """

    path: bytes = field(repr=False)
    offset: int
    length: int
    shape: str
    moment: str
    exact: bool

    @classmethod
    def of(cls, path: bytes, offset: int, line: bytes, moment: bytes, *, exact: bool) -> EntryKey:
        """Return the key of an entry by its first line (without the newline)."""
        return cls(path, offset, len(line), _digest(masked(line)), _digest(moment), exact)

    @classmethod
    def parse(cls, key: str) -> EntryKey:
        """Return the key that `str` wrote. Raises `ValueError` for any other text."""
        kind, path, offset, length, shape, moment = key.split(":")
        if kind not in {"file", "log"}:
            raise ValueError
        where = unquote_to_bytes(path)
        return cls(where, int(offset), int(length), shape, moment, kind == "file")

    def __str__(self) -> str:
        """Return the key as text."""
        kind, path = "file" if self.exact else "log", quote_from_bytes(self.path)
        return f"{kind}:{path}:{self.offset}:{self.length}:{self.shape}:{self.moment}"

    def fits(self, line: bytes, moment: bytes) -> bool:
        """Return whether `line` is the first line of the key, some of it perhaps redacted."""
        if len(line) != self.length or b"\n" in line or _digest(masked(line)) != self.shape:
            return False
        return line == filled(line) or _digest(moment) == self.moment


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=6).hexdigest()
