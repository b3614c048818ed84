"""Whom a reading looks for in one table: the condition on rows, and who is meant by each row.

The condition may let through rows too many, never too few; `Party.who` then decides. Positions
are indexes into the identifiers asked for: cheaper in the hot loop than the identifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field, frozen

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.fields import Field
from dsr.connectors.sql.inside import Insight, Spots
from dsr.connectors.sql.members import encoded, looked_up, member
from dsr.connectors.sql.paths import Path, column_of, is_path, parse
from dsr.connectors.sql.sets import any_of
from dsr.connectors.sql.sides import (
    about_of,
    domain_of,
    insight,
    looks_inside,
    of_column,
    of_members,
    of_pieces,
)
from dsr.connectors.sql.split import Split
from dsr.connectors.sql.tables import Side
from dsr.connectors.sql.text import Text
from dsr.connectors.sql.values import FOLDED, indexed, joined, texts_of, valued
from dsr.model import Identifier, Kind

__all__ = ["Party", "Search", "Wanted"]

Positions = tuple[int, ...]
Who = Callable[[Sequence[Any]], Positions]

_NOBODY: Final[Positions] = ()


@frozen
class Party:
    """A side of the table: `who` tells by a row (its values in order) whom it names there."""

    about: frozenset[str]
    who: Who


@frozen
class Search:
    """What to select from one table (rows that meet any condition), and whom each is about.

    Where a map looks inside columns, `insight` says whom a row is about, and not `parties`.
    """

    conditions: tuple[sa.ColumnElement[bool], ...]
    parties: tuple[Party, ...]
    insight: Insight | None = None


@define
class Wanted:
    """The identifiers of one reading, spelled once for all tables."""

    who: Sequence[Identifier] = field(repr=False)
    region: str
    dialect: str
    _texts: dict[tuple[Kind, bool], dict[str, Positions]] = field(
        factory=dict, init=False, repr=False
    )
    _matchers: dict[Kind, Text] = field(factory=dict, init=False, repr=False)

    def search(self, bound: Bound) -> Search | None:
        """Return how to look into a table; None if it can hold none of the identifiers."""
        kinds = {each.kind for each in self.who if each.value}
        sides = [side for side in bound.map.sides if side.kind in kinds]
        if not sides:
            return None
        conditions: list[sa.ColumnElement[bool]] = []
        parties = []
        spots: list[Spots] = []
        for group in _alike(bound, sides):
            side = group[0]
            if is_path(side.column) or side.part:
                condition, inside = self._inside(bound, side)
                conditions.append(condition)
                spots.append(inside)
                continue
            if side.country is not None:
                each, whos = self._split(bound, group)
            elif side.match == "contains":
                each, whos = self._containing(bound, group)
            else:
                each, whos = self._equal(bound, group)
            conditions += each
            parties += [(side, who) for side, who in zip(group, whos, strict=True)]
        if not looks_inside(bound):
            named = tuple(Party(bound.about(side), who) for side, who in parties)
            return Search(tuple(conditions), named)
        spots += [of_column(about_of(bound, side), who) for side, who in parties]
        return Search(tuple(conditions), (), insight(bound, spots))

    def _inside(self, bound: Bound, side: Side) -> tuple[sa.ColumnElement[bool], Spots]:
        """Look for identifiers in members of a document, or in pieces of a text."""
        about, field_ = about_of(bound, side), bound.field(column_of(side.column))
        path = parse(side.column)
        extracted = member(field_, path, self.dialect) if isinstance(path, Path) else None
        if side.match == "contains":
            text = self._text(side.kind)
            condition = text.condition(_text_of(field_) if extracted is None else extracted)
            if side.part:
                return condition, of_pieces(bound, side, about, text.pieces)
            assert isinstance(path, Path)  # noqa: S101  (neither a path nor a part: `_containing`)
            return condition, of_members(about, path, text.named)
        assert isinstance(path, Path)  # noqa: S101  (`part` needs `contains`)
        texts = self._spelled(side.kind, bare=side.domain is None)
        folded = side.kind in FOLDED
        domain = None if side.domain is None else domain_of(bound, side.domain)
        if extracted is not None:
            written = {each.rpartition("@")[0] for each in texts} if domain else set(texts)
            among = any_of(self.dialect, sorted(encoded(written)), sa.Text())
            condition = among(sa.func.lower(extracted) if folded else extracted)
        else:
            condition = self._text(side.kind).roughly(_text_of(field_))
        return condition, of_members(about, path, looked_up(texts, folded=folded), domain)

    def _split(
        self, bound: Bound, group: Sequence[Side]
    ) -> tuple[list[sa.ColumnElement[bool]], list[Who]]:
        """Look for numbers whose country code stands in a column of its own."""
        asked = Split.of(self.who, self.region)
        conditions, whos = [], []
        for side in group:
            number, country = bound.field(side.column), bound.field(str(side.country))
            places = bound.fields.index(number), bound.fields.index(country)
            if side.match == "contains":
                conditions.append(self._text("phone").national(_text_of(number)))
            else:
                values = {number.parse(each) for each in asked.numbers} - {None}
                among = any_of(self.dialect, sorted(values, key=str), number.array)
                conditions.append(among(number.read))
            whos.append(asked.who(*places))
        return conditions, whos

    def _equal(
        self, bound: Bound, group: Sequence[Side]
    ) -> tuple[list[sa.ColumnElement[bool]], list[Who]]:
        """Look for whole values; the sides of a group share one set of them."""
        kind, domain = group[0].kind, group[0].domain
        texts = self._spelled(kind, bare=domain is None)
        first = bound.field(group[0].column)
        folded = kind in FOLDED and first.textual
        index = indexed(texts, first)
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
                whos.append(valued(index, place, folded=folded))
            else:
                other = bound.field(side.domain)
                domains = sorted({each.rpartition("@")[2] for each in texts})
                condition &= any_of(self.dialect, domains, sa.Text())(sa.func.lower(other.read))
                whos.append(joined(texts, place, bound.fields.index(other)))
            conditions.append(condition)
        return conditions, whos

    def _containing(
        self, bound: Bound, group: Sequence[Side]
    ) -> tuple[list[sa.ColumnElement[bool]], list[Who]]:
        """Look for identifiers inside text; the matcher decides."""
        text = self._text(group[0].kind)
        fields = [bound.field(side.column) for side in group]
        conditions = [text.condition(_text_of(each)) for each in fields]
        return conditions, [text.inside(bound.fields.index(each)) for each in fields]

    def _text(self, kind: Kind) -> Text:
        if kind not in self._matchers:
            asked = {
                place: each
                for place, each in enumerate(self.who)
                if each.kind == kind and each.value
            }
            self._matchers[kind] = Text(asked, self.region)
        return self._matchers[kind]

    def _spelled(self, kind: Kind, *, bare: bool) -> dict[str, Positions]:
        """Return each text that stands for an identifier of this kind, and for which."""
        if (kind, bare) not in self._texts:
            found: dict[str, Positions] = {}
            for place, each in enumerate(self.who):
                if each.kind == kind and each.value:
                    for text in texts_of(each, self.region, bare=bare):
                        found[text] = (*found.get(text, _NOBODY), place)
            self._texts[kind, bare] = found
        return self._texts[kind, bare]


def _alike(bound: Bound, sides: Iterable[Side]) -> list[list[Side]]:
    """Group the sides that are looked for with the same values."""
    groups: dict[object, list[Side]] = {}
    for side in sides:
        alike: object = side  # one that looks inside is a group of its own
        if not (is_path(side.column) or side.part):
            array = type(bound.field(side.column).array) if side.match == "equal" else None
            alike = (side.kind, side.match, side.domain is None, side.country is None, array)
        groups.setdefault(alike, []).append(side)
    return list(groups.values())


def _text_of(column: Field) -> sa.ColumnElement[Any]:
    return column.read if column.textual else sa.cast(column.read, sa.Text)
