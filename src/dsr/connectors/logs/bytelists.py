"""Text that JSON holds as a list of byte numbers: `"MESSAGE":[43,52,57]` is `+49`.

`journalctl -o json` writes every field so that is not valid UTF-8, or has control characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dsr.match import Match, Matcher

__all__ = ["list_matches"]

_STARTS: Final = (b":[", b": [")
_LIST: Final = re.compile(rb"\[(\s*\d{1,3}(?:\s*,\s*\d{1,3})+\s*)\]")
_NUMBER: Final = re.compile(rb"\d+")
_BYTE: Final = 255


def list_matches(block: bytes, matcher: Matcher) -> Iterator[Match]:
    """Yield what `matcher` finds in the lists of a block, as places in the block."""
    for start in _STARTS:
        place = block.find(start)
        while place >= 0:
            place += len(start) - 1
            if told := _LIST.match(block, place):
                yield from _inside(told, matcher)
            place = block.find(start, place + 1)


def _inside(told: re.Match[bytes], matcher: Matcher) -> Iterator[Match]:
    numbers = told[1].split(b",")
    values = [int(each) for each in numbers]
    if max(values) > _BYTE:
        return
    found = list(matcher.scan(bytes(values)))
    if not found:
        return
    spans = [each.span() for each in _NUMBER.finditer(told.string, *told.span(1))]
    for start, end, who in found:
        yield Match(spans[start][0], spans[end - 1][1], who)
