"""Identifiers of one kind inside texts: which rows to look at, and whom a text means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field

from dsr.connectors.sql.inside import REMEMBERED, Pieces
from dsr.match import Matcher
from dsr.model import Identifier
from dsr.phone import nationals, spellings

__all__ = ["Text"]

Positions = tuple[int, ...]
_NOBODY: Final[Positions] = ()
#: Up to this many identifiers are looked for with LIKE; above, every row's text is looked at.
_FEW: Final = 50
#: What LIKE does not take as it stands, and letters that databases fold in ways of their own.
_SPECIAL: Final = re.compile(r"[%_\\]")
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")


@define
class Text:
    """Identifiers of one kind (by their positions), to be found inside texts."""

    asked: Mapping[int, Identifier] = field(repr=False)
    region: str

    @cached_property
    def _places(self) -> dict[Identifier, Positions]:
        places: dict[Identifier, Positions] = {}
        for place, each in self.asked.items():
            plain = Identifier(each.kind, each.value)  # one for all tenures of a number
            places[plain] = (*places.get(plain, _NOBODY), place)
        return places

    @cached_property
    def _matcher(self) -> Matcher:
        # the standard library is faster on texts as short as a column's (measured)
        return Matcher(tuple(self._places), self.region, "standard")

    @cached_property
    def pieces(self) -> Pieces:
        """The same, by the pieces of the texts."""
        return Pieces(self._places, self._matcher)

    def condition(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Return which rows to look at: by the digits in their order, or by the words.

        The shortest spelling of a number ends all others; separators may stand between its digits.
        """
        shortest = {each: min(spellings(each.value, self.region), key=len) for each in self._phones}
        return self._any(text, {each: "%".join(digits) for each, digits in shortest.items()})

    def roughly(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Return the same where a number's digits stand together (in a document of many)."""
        return self._any(
            text, {each: min(spellings(each.value, self.region), key=len) for each in self._phones}
        )

    def national(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Return the same where the country code stands elsewhere."""
        shortest = {each: min(nationals(each.value)[1], key=len) for each in self._phones}
        return self._any(text, {each: "%".join(digits) for each, digits in shortest.items()})

    @property
    def _phones(self) -> Iterator[Identifier]:
        few = len(self._places) <= _FEW
        return (each for each in self._places if few and each.kind == "phone")

    def _any(
        self, text: sa.ColumnElement[Any], numbers: Mapping[Identifier, str]
    ) -> sa.ColumnElement[bool]:
        if len(self._places) > _FEW:
            return text != ""
        return sa.or_(
            *(
                text.like(f"%{numbers[each]}%") if each in numbers else _holds(text, each)
                for each in self._places
            )
        )

    @cached_property
    def named(self) -> Callable[[str], Positions]:
        """What tells whom a text means."""
        return lru_cache(REMEMBERED)(self._named)  # rows of one person repeat their texts

    def _named(self, text: str) -> Positions:
        found = self._matcher.matches(text)
        return tuple(sorted(position for each in found for position in self._places[each]))

    def inside(self, place: int) -> Callable[[Sequence[Any]], Positions]:
        """Return who is meant by the text at `place` of a row."""
        named = self.named

        def who(row: Sequence[Any]) -> Positions:
            value = row[place]
            if value is None or value == "":
                return _NOBODY
            return named(value if isinstance(value, str) else str(value))

        return who


def _holds(text: sa.ColumnElement[Any], who: Identifier) -> sa.ColumnElement[bool]:
    """Return a condition that every text meets which speaks of `who`, and others may."""
    word = who.value
    if who.kind in {"sip", "email"}:  # behind it may stand %40 for the @, or another column
        word = word.partition("@")[0]
    if who.kind == "ip" and ":" in word:  # IPv6 has several spellings
        word = ":"
    pattern = _FOREIGN.sub("_", _SPECIAL.sub(r"\\\g<0>", word.lower()))
    return sa.func.lower(text).like(f"%{pattern}%", escape="\\")
