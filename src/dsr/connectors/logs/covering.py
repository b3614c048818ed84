"""What takes the place of redacted bytes: as many, and such that the entry stays readable.

Letters and digits become `x`. A bare number in JSON becomes nines, and a list of byte numbers
(journald writes messages so that are no UTF-8) the numbers of `X` and `x`: JSON stays JSON.
"""

from __future__ import annotations

import re
from typing import Final

from dsr.connectors.logs.keys import COVERED, filled

__all__ = ["covered", "is_filler"]

_LIST: Final = re.compile(rb"\d{1,3}(?:\s*,\s*\d{1,3}){2,}")
_NUMBER: Final = re.compile(rb"\d{2,3}")
_DIGITS: Final = re.compile(rb"\d+")
_VALUE_BEFORE: Final = re.compile(rb"[:,\[]\s*\Z")
_VALUE_BEHIND: Final = re.compile(rb"\s*(?:[,}\]]|\Z)")
_ESCAPED: Final = re.compile(rb"\\.")
_ROOM: Final = 8  # bytes of blanks between a JSON value and what it belongs to
_NINES: Final = 4  # digits: fewer may be an extension
_TWO, _THREE = b"88", b"120"  # X and x


def covered(entry: bytes, start: int, end: int) -> bytes:
    """Return what to write over `entry[start:end]`, of the same length; twice is the same."""
    text = entry[start:end]
    if _LIST.fullmatch(text):
        return _NUMBER.sub(_covered_byte, text)
    if _DIGITS.fullmatch(text) and _is_bare(entry, start, end):
        return b"9" * len(text)
    return filled(text)


def _covered_byte(number: re.Match[bytes]) -> bytes:
    if int(number[0]) not in COVERED:
        return number[0]
    return _TWO if len(number[0]) == len(_TWO) else _THREE


def _is_bare(entry: bytes, start: int, end: int) -> bool:
    """Return whether a number stands in JSON without quotes."""
    line = entry.rfind(b"\n", 0, start) + 1
    return (
        entry[line : line + _ROOM].lstrip().startswith(b"{")
        and _VALUE_BEFORE.search(entry, max(line, start - _ROOM), start) is not None
        and _VALUE_BEHIND.match(entry, end) is not None
        and _ESCAPED.sub(b"", entry[line:start]).count(b'"') % 2 == 0
    )


def is_filler(text: bytes) -> bool:
    """Return whether nothing is left to redact in `text`."""
    return text == filled(text) or (
        text.isdigit() and text == b"9" * len(text) and len(text) >= _NINES
    )
