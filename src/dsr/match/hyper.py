"""Sieves that Hyperscan turns with the speed of memory; for the extra `fast`.

They let through what the sieves of the standard library do, and perhaps a line more: the exact
look that follows decides either way.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from attrs import field, frozen

from dsr.match.sieve import around

__all__ = ["INSTALLED", "Both", "Literals", "Patterns"]

INSTALLED: Final = importlib.util.find_spec("hyperscan") is not None
_DATABASES: Final = 4  # compiled sets kept: the parts of a store ask for the same one
_scratches = threading.local()


@frozen
class Patterns:
    """Lets through the lines in which one of `patterns` (Hyperscan's syntax) matches."""

    patterns: tuple[bytes, ...] = field(repr=False)
    caseless: bool = False

    def lines(self, text: bytes | memoryview) -> Iterator[tuple[int, int]]:
        """Yield start and end (without the newline) of each line to look at, in order."""
        hits = _hits(_compiled(self.patterns, self.caseless), text)
        if hits:
            yield from around(bytes(text), hits)


@frozen
class Literals:
    """Lets through the lines that hold one of `needles` once the bytes `without` are gone.

    `without` holds no newline.
    """

    needles: tuple[bytes, ...] = field(repr=False)
    without: bytes

    def lines(self, text: bytes | memoryview) -> Iterator[tuple[int, int]]:
        """Yield start and end (without the newline) of each line to look at, in order."""
        whole = bytes(text)
        squeezed = whole.translate(None, self.without)
        hits = _hits(_compiled(self.needles, caseless=False), squeezed)
        if hits:
            yield from around(whole, _ends_in(whole, squeezed, sorted(hits)))


@frozen
class Both:
    """Lets through the lines that either of two sieves does."""

    one: Patterns | Literals
    other: Patterns

    def lines(self, text: bytes | memoryview) -> Iterator[tuple[int, int]]:
        """Yield start and end (without the newline) of each line to look at, in order."""
        yield from sorted({*self.one.lines(text), *self.other.lines(text)})


def _ends_in(whole: bytes, squeezed: bytes, ends: Sequence[int]) -> Iterator[int]:
    """Yield for each match in the squeezed text a place in its line in the whole text.

    A line of the whole text begins no earlier than in the squeezed one, and ends no earlier.
    """
    here = there = 0  # places in the two texts with as many newlines before them
    for end in ends:
        start = squeezed.rfind(b"\n", there, end) + 1
        if start > there:
            lines = squeezed.count(b"\n", there, start)
            guess = here + start - there
            lines -= whole.count(b"\n", here, guess)
            here = guess
            for _ in range(lines):
                here = whole.index(b"\n", here) + 1
            here = whole.rfind(b"\n", 0, here) + 1
            there = start
        yield here + 1


def _hits(database: Any, text: bytes | memoryview) -> set[int]:  # noqa: ANN401  (no stubs)
    """Return where in `text` matches end."""
    hits: set[int] = set()
    database.scan(text, match_event_handler=_hit, context=hits, scratch=_scratch(database))
    return hits


def _hit(_id: int, _start: int, end: int, _flags: int, hits: set[int]) -> None:
    hits.add(end)


def _scratch(database: Any) -> Any:  # noqa: ANN401  (no stubs)
    """Return this thread's working memory for a database: two threads may not share one."""
    kept: list[tuple[Any, Any]] = getattr(_scratches, "kept", [])
    for known, scratch in kept:
        if known is database:
            return scratch
    scratch = importlib.import_module("hyperscan").Scratch(database)
    _scratches.kept = [(database, scratch), *kept[: _DATABASES - 1]]
    return scratch


@lru_cache(maxsize=_DATABASES)
def _compiled(patterns: tuple[bytes, ...], caseless: bool) -> Any:  # noqa: ANN401, FBT001  (a key)
    hyperscan = importlib.import_module("hyperscan")
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_CASELESS if caseless else 0
    count = len(patterns)
    database.compile(
        expressions=list(patterns), ids=list(range(count)), flags=[flags] * count, elements=count
    )
    return database
