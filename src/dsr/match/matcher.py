"""`Matcher`: any identifiers of any kinds in any text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Literal

from attrs import field, frozen

from dsr.match import hyper
from dsr.match.numbers import Numbers
from dsr.match.span import Match
from dsr.match.words import Words
from dsr.model import Identifier

__all__ = ["Matcher"]


@frozen
class Matcher:
    """Finds any of `who` in text, in every spelling and with their borders.

    `region` (ISO 3166-1 alpha-2) is the home region for numbers written without country code.
    What is found for one identifier does not depend on which others are looked for, nor on the
    `engine` that leaves out the rest: Hyperscan where it is installed (extra `fast`), else the
    standard library.
    """

    who: Sequence[Identifier] = field(repr=False)
    region: str
    engine: Literal["", "hyperscan", "standard"] = ""
    _engines: tuple[Numbers | Words, ...] = field(init=False, repr=False, eq=False)

    @_engines.default
    def _build(self) -> tuple[Numbers | Words, ...]:
        distinct = dict.fromkeys(self.who)
        phones = [each for each in distinct if each.kind == "phone"]
        others = [each for each in distinct if each.kind != "phone"]
        fast = self.engine == "hyperscan" or (not self.engine and hyper.INSTALLED)
        engines: list[Numbers | Words] = []
        if phones:
            engines.append(Numbers(phones, self.region, fast=fast))
        if others:
            engines.append(Words(others, fast=fast))
        return tuple(engines)

    def scan(self, text: bytes | memoryview) -> Iterator[Match]:
        """Yield every place in `text` that speaks of one of `who`, in order of position.

        A match never crosses a newline. May need memory for copies of `text`: pass pieces of
        whole lines, 64 to 256 KiB each.
        """
        found: list[Match] = []
        whole = text if isinstance(text, bytes) else b""
        for engine in self._engines:
            for start, end in engine.sieve.lines(text):
                whole = whole or bytes(text)
                found += engine.scan(whole, start, end)
        return iter(sorted(found, key=itemgetter(0, 1)))

    def matches(self, text: str) -> frozenset[Identifier]:
        """Return those of `who` that `text` speaks of."""
        return frozenset(match.who for match in self.scan(text.encode("utf-8", "surrogateescape")))
