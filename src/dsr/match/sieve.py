"""Which lines of a text are worth an exact look: cheap, and never one too few.

This is the sieve of the standard library; `hyper` has faster ones. It rewrites the text so that
a byte search decides: without the separators that a phone number may be written with, or in
lower case. Lines stay lines, so a hit in the rewritten text tells the line in the text itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from string import ascii_letters, digits
from typing import Final, Protocol

from attrs import field, frozen

__all__ = [
    "FEW",
    "Rewriting",
    "Sieve",
    "around",
    "lines_with_digits",
    "lines_with_words",
    "numbered",
]

#: Up to this many needles one search each is faster than cutting the text into pieces (measured).
FEW: Final = 12


class Sieve(Protocol):
    """What every sieve can do."""

    def lines(self, text: bytes | memoryview) -> Iterator[tuple[int, int]]:
        """Yield start and end (without the newline) of each line to look at, in order."""


def _only(kept: str) -> bytes:
    """Return a table for `bytes.translate` that blanks all but `kept` and the newline."""
    wanted = (kept + "\n").encode()
    return bytes(byte if byte in wanted else ord(" ") for byte in range(256))


_DIGITS: Final = _only(digits)
_WORDS: Final = _only(digits + ascii_letters + "_")


@frozen
class Rewriting:
    """Lets through the lines that hold one of `needles` after `squeeze`.

    `squeeze` must keep every newline. `many` returns the numbers of the lines of a squeezed
    text with one of many needles; it may name too many lines, never too few.
    """

    needles: frozenset[bytes] = field(repr=False)
    squeeze: Callable[[bytes], bytes]
    many: Callable[[bytes, frozenset[bytes]], Iterable[int]]

    def lines(self, text: bytes | memoryview) -> Iterator[tuple[int, int]]:
        """Yield start and end (without the newline) of each line to look at, in order."""
        whole = bytes(text)
        squeezed = self.squeeze(whole)
        few = len(self.needles) <= FEW
        numbers = sorted((_lines_with if few else self.many)(squeezed, self.needles))
        if numbers:
            yield from numbered(whole, numbers)


def numbered(text: bytes, numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield start and end of the lines of these numbers (from 0, in order)."""
    ends = list(accumulate(map(len, text.split(b"\n"))))
    for number in numbers:
        yield (ends[number - 1] + number if number else 0), ends[number] + number


def around(text: bytes, ends: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield start and end of the lines in which something ends, each once, in order.

    What ends there is not empty and no newline.
    """
    stop = 0
    for end in sorted(ends):
        if end > stop:
            start = text.rfind(b"\n", 0, end) + 1
            stop = text.find(b"\n", end)
            stop = len(text) if stop < 0 else stop
            yield start, stop


def _lines_with(squeezed: bytes, needles: frozenset[bytes]) -> set[int]:
    """Return the numbers of the lines that contain one of a few needles."""
    numbers = set()
    for needle in needles:
        number, counted, place = 0, 0, squeezed.find(needle)
        while place >= 0:
            number += squeezed.count(b"\n", counted, place)
            numbers.add(number)
            counted = squeezed.find(b"\n", place)  # one hit a line is enough
            place = squeezed.find(needle, counted) if counted >= 0 else -1
    return numbers


def lines_with_digits(squeezed: bytes, needles: frozenset[bytes]) -> set[int]:
    """Return the numbers of the lines with a needle (all digits, of one length) in a run."""
    width = len(next(iter(needles)))
    return {
        number
        for number, line in enumerate(squeezed.translate(_DIGITS).split(b"\n"))
        for run in line.split()
        if len(run) >= width
        for start in range(len(run) - width + 1)
        if run[start : start + width] in needles
    }


def lines_with_words(squeezed: bytes, needles: frozenset[bytes]) -> set[int]:
    """Return the numbers of the lines with a needle as a whole word (ASCII letters, digits, _)."""
    return {
        number
        for number, line in enumerate(squeezed.translate(_WORDS).split(b"\n"))
        if not needles.isdisjoint(line.split())
    }
