"""Whom a reading looks for in one table: the condition on rows, and who is meant by each row.

The condition may let through rows too many, never too few; `Party.who` then decides. Positions
are indexes into the identifiers asked for: cheaper in the hot loop than the identifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field, frozen

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.fields import Field
from dsr.connectors.sql.sets import any_of
from dsr.connectors.sql.tables import Side
from dsr.match import Matcher
from dsr.model import Identifier, Kind
from dsr.phone import spellings

__all__ = ["FOLDED", "Party", "Search", "Wanted"]

Positions = tuple[int, ...]
Who = Callable[[Sequence[Any]], Positions]

_NOBODY: Final[Positions] = ()
#: Up to this many identifiers are looked for with LIKE; above, every row's text is looked at.
_FEW: Final = 50
#: Kinds that are compared without regard to case.
FOLDED: Final[frozenset[Kind]] = frozenset({"sip", "email"})


@frozen
class Party:
    """A side of the table: `who` tells by a row (its values in order) whom it names there."""

    about: frozenset[str]
    who: Who


@frozen
class Search:
    """What to select from one table, and whom each row of it is about."""

    condition: sa.ColumnElement[bool]
    parties: tuple[Party, ...]


@define
class Wanted:
    """The identifiers of one reading, spelled once for all tables."""

    who: Sequence[Identifier] = field(repr=False)
    region: str
    dialect: str
    _texts: dict[tuple[Kind, bool], dict[str, Positions]] = field(
        factory=dict, init=False, repr=False
    )
    _matchers: dict[Kind, _Text] = field(factory=dict, init=False, repr=False)

    def search(self, bound: Bound) -> Search | None:
        """Return how to look into a table; None if it can hold none of the identifiers."""
        kinds = {each.kind for each in self.who if each.value}
        sides = [side for side in bound.map.sides if side.kind in kinds]
        if not sides:
            return None
        conditions: list[sa.ColumnElement[bool]] = []
        parties = []
        for group in _alike(bound, sides):
            side = group[0]
            if side.match == "contains":
                condition, whos = self._containing(bound, group)
            else:
                condition, whos = self._equal(bound, group)
            conditions += condition
            parties += [
                Party(bound.about(side), who) for side, who in zip(group, whos, strict=True)
            ]
        return Search(sa.or_(*conditions), tuple(parties))

    def _equal(
        self, bound: Bound, group: Sequence[Side]
    ) -> tuple[list[sa.ColumnElement[bool]], list[Who]]:
        """Look for whole values; the sides of a group share one set of them."""
        kind, domain = group[0].kind, group[0].domain
        texts = self._spelled(kind, bare=domain is None)
        first = bound.field(group[0].column)
        folded = kind in FOLDED and first.textual
        index = _index(texts, first)
        if domain is not None:
            users = sorted({each.rpartition("@")[0] for each in texts})
            among = any_of(self.dialect, users, sa.Text())
        else:
            among = any_of(self.dialect, sorted({*index}, key=str), first.array)
        conditions = []
        whos: list[Who] = []
        for side in group:
            user = bound.field(side.column)
            column = user.column if user.read is user.column else user.read
            condition = among(user.folded if folded else column)
            place = bound.fields.index(user)
            if side.domain is None:
                whos.append(_looked_up(index, place, folded=folded))
            else:
                other = bound.field(side.domain)
                domains = sorted({each.rpartition("@")[2] for each in texts})
                condition &= any_of(self.dialect, domains, sa.Text())(sa.func.lower(other.read))
                whos.append(_joined(texts, place, bound.fields.index(other)))
            conditions.append(condition)
        return conditions, whos

    def _containing(
        self, bound: Bound, group: Sequence[Side]
    ) -> tuple[list[sa.ColumnElement[bool]], list[Who]]:
        """Look for identifiers inside text; the matcher decides."""
        kind = group[0].kind
        if kind not in self._matchers:
            asked = {
                place: each
                for place, each in enumerate(self.who)
                if each.kind == kind and each.value
            }
            self._matchers[kind] = _Text(asked, self.region)
        text = self._matchers[kind]
        fields = [bound.field(side.column) for side in group]
        conditions = [text.condition(each) for each in fields]
        return conditions, [text.inside(bound.fields.index(each)) for each in fields]

    def _spelled(self, kind: Kind, *, bare: bool) -> dict[str, Positions]:
        """Return each text that stands for an identifier of this kind, and for which."""
        if (kind, bare) not in self._texts:
            found: dict[str, Positions] = {}
            for place, each in enumerate(self.who):
                if each.kind == kind and each.value:
                    for text in _texts_of(each, self.region, bare=bare):
                        found[text] = (*found.get(text, _NOBODY), place)
            self._texts[kind, bare] = found
        return self._texts[kind, bare]


@define
class _Text:
    """Identifiers of one kind inside text."""

    asked: Mapping[int, Identifier] = field(repr=False)
    region: str

    @cached_property
    def _places(self) -> dict[Identifier, Positions]:
        places: dict[Identifier, Positions] = {}
        for place, each in self.asked.items():
            plain = Identifier(each.kind, each.value)  # one for all tenures of a number
            places[plain] = (*places.get(plain, _NOBODY), place)
        return places

    def condition(self, column: Field) -> sa.ColumnElement[bool]:
        """Return which rows to look at: by the digits in their order, or by the words."""
        text = column.read if column.textual else sa.cast(column.read, sa.Text)
        if len(self._places) > _FEW:
            return text != ""
        return sa.or_(*(_holds(text, each, self.region) for each in self._places))

    def inside(self, place: int) -> Who:
        """Return who is meant by the text at `place` of a row."""
        places = self._places
        matches = Matcher(tuple(places), self.region).matches

        def who(row: Sequence[Any]) -> Positions:
            value = row[place]
            if value is None or value == "":
                return _NOBODY
            found = matches(value if isinstance(value, str) else str(value))
            return tuple(sorted(position for each in found for position in places[each]))

        return who


def _alike(bound: Bound, sides: Iterable[Side]) -> list[list[Side]]:
    """Group the sides that are looked for with the same values."""
    groups: dict[object, list[Side]] = {}
    for side in sides:
        array = type(bound.field(side.column).array) if side.match == "equal" else None
        alike = (side.kind, side.match, side.domain is None, array)
        groups.setdefault(alike, []).append(side)
    return list(groups.values())


def _texts_of(who: Identifier, region: str, *, bare: bool) -> Iterable[str]:
    """Return the texts that a column holds for an identifier; `bare`: without its domain too."""
    if who.kind == "phone":
        return spellings(who.value, region)
    if who.kind not in FOLDED:
        return (who.value,)
    value = who.value.lower()
    if who.kind == "sip" and bare:
        return {value, f"sip:{value}", f"sips:{value}", value.partition("@")[0]}
    return (value,)


def _index(texts: Mapping[str, Positions], column: Field) -> dict[object, Positions]:
    """Return whom each value of a column means."""
    index: dict[object, Positions] = {}
    for text, places in texts.items():
        value = column.parse(text)
        if value is not None:
            known = index.get(value, _NOBODY)
            index[value] = known + tuple(each for each in places if each not in known)
    return index


def _looked_up(index: Mapping[object, Positions], place: int, *, folded: bool) -> Who:
    get = index.get
    if folded:
        return lambda row: get(row[place].lower(), _NOBODY) if row[place] else _NOBODY
    texts = any(isinstance(each, str) for each in index)

    def who(row: Sequence[Any]) -> Positions:
        value = row[place]
        if texts and value.__class__ is int:  # SQLite keeps digits as a number in some columns
            value = str(value)
        return get(value, _NOBODY)

    return who


def _joined(index: Mapping[str, Positions], user: int, domain: int) -> Who:
    def who(row: Sequence[Any]) -> Positions:
        return index.get(f"{row[user]}@{row[domain]}".lower(), _NOBODY)

    return who


def _holds(text: sa.ColumnElement[Any], who: Identifier, region: str) -> sa.ColumnElement[bool]:
    if who.kind == "phone":
        # the shortest spelling ends all others; separators may stand between its digits
        digits = min(spellings(who.value, region), key=len)
        return text.like(f"%{'%'.join(digits)}%")
    word = who.value.partition("@")[0] if who.kind == "sip" else who.value
    return sa.func.lower(text).contains(word.lower(), autoescape=True)
