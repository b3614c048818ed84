"""IPv6 addresses in text: any of their spellings (RFC 4291, section 2.2), as one address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

__all__ = ["groups_of", "places"]

#: What an address may consist of, in lower case; URLs write the colon as %3a.
_RUN: Final = re.compile(rb"(?:[0-9a-f:.]|%3a){2,}")
_LETTER: Final = re.compile(rb"[g-z_]\Z")
_GROUPS: Final = 8
_TELLING: Final = 3  # hexadecimal digits: shorter groups stand in every line
_COLON: Final = re.compile(rb":|%3a")


def groups_of(address: ipaddress.IPv6Address) -> list[bytes]:
    """Return the ways to write the group of an address that tells most; none if all are short."""
    groups = [group.lstrip("0") for group in address.exploded.split(":")]
    longest = max(groups, key=len)
    if len(longest) < _TELLING:
        return []
    return [longest.rjust(width, "0").encode() for width in range(len(longest), 5)]


def places(line: bytes, address: ipaddress.IPv6Address) -> Iterator[tuple[int, int]]:
    """Yield where `line` (lower case) has the address, alone or with a port behind it."""
    for run in _RUN.finditer(line):
        text, start = run[0].rstrip(b"."), run.start()
        if line[run.end() : run.end() + 1].isalpha() or len(_COLON.findall(text)) <= 1:
            continue
        led = _COLON.match(text)
        if led and not _COLON.match(text, led.end()):  # from:2001:…, not ::1
            text, start = text[led.end() :], start + led.end()
        elif _LETTER.search(line, 0, start):
            continue
        if text.endswith(b":") and not text.endswith(b"::"):
            text = text[:-1]
        end = _length(text, address)
        if end:
            yield start, start + end


def _length(text: bytes, address: ipaddress.IPv6Address) -> int:
    """Return how many bytes of `text` are the address; 0 if it is another."""
    if _is(text, address):
        return len(text)
    colons = [each.start() for each in _COLON.finditer(text)]
    if len(colons) == _GROUPS and _is(text[: colons[-1]], address):  # one too many: a port
        return colons[-1]
    return 0


def _is(text: bytes, address: ipaddress.IPv6Address) -> bool:
    try:
        return ipaddress.IPv6Address(text.replace(b"%3a", b":").decode()) == address
    except ValueError:
        return False
