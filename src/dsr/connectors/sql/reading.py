"""From the rows of one table to what was found: the hot loop.

Everything that can be known before the first row is computed before it. Rows stream from the
server in portions; nothing of a row outlives it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field, frozen

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.content import Blobs
from dsr.connectors.sql.inside import Insight, Opened
from dsr.connectors.sql.keys import encode
from dsr.connectors.sql.links import follower
from dsr.connectors.sql.search import Search
from dsr.errors import StoreUnavailable
from dsr.model import Found, Identifier, Record

__all__ = ["Reading", "shared_key", "statement"]

Row = Sequence[Any]
Statement = sa.Select[Any] | sa.CompoundSelect[Any]
Names = frozenset[str]

#: Rows that are fetched together: enough that the round trip does not count.
PORTION: Final = 1000


def statement(
    bound: Bound, search: Search, inside: sa.ColumnElement[bool], *, apart: bool
) -> Statement:
    """Return what selects the rows of one table, of those that are `inside`.

    Of a table without a key, the row's digest and then its number among equal rows follow the
    columns. Where nothing keeps two rows from having one key, rows come in the order of their
    keys, so that it shows. With `apart`, the rows of each condition are selected apart, without
    those of the conditions before it: each can use its own index, and no database has to
    remember which rows it has given already.
    """
    if not apart:
        return _ordered(bound, _rows(bound, sa.and_(inside, sa.or_(*search.conditions))))
    parts = []
    for place, each in enumerate(search.conditions):
        before = [~sa.func.coalesce(other, sa.false()) for other in search.conditions[:place]]
        parts.append(_rows(bound, sa.and_(inside, each, *before)))
    if bound.unique or bound.whole:
        return sa.union_all(*parts)
    order = [each.exact.label(f"dsr_order_{place}") for place, each in enumerate(bound.key)]
    united = sa.union_all(*(each.add_columns(*order) for each in parts))
    return united.order_by(*(each.name for each in order))


def _rows(bound: Bound, condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    columns = [each.read.label(each.name) for each in bound.fields]
    select = sa.select(*columns).select_from(bound.table).where(condition)
    if bound.whole:
        digest = bound.key[-1].read
        number = sa.func.row_number().over(partition_by=digest) - 1
        return select.add_columns(digest.label("dsr_digest"), number.label("dsr_number"))
    return select


def _ordered(bound: Bound, select: sa.Select[Any]) -> sa.Select[Any]:
    if bound.unique or bound.whole:
        return select
    return select.order_by(*(each.exact for each in bound.key))


@frozen
class Reading:
    """Turns the rows of `bound` into what `search` finds in them."""

    store: str
    region: str
    bound: Bound
    search: Search
    clock: Clock
    who: Sequence[Identifier] = field(repr=False)
    blobs: Blobs | None = None

    def founds(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield what is found in `rows`: one `Found` for each row and identifier in it."""
        if self.search.insight is not None:
            yield from self._founds_inside(rows, self.search.insight)
            return
        parties = [(1 << bit, each.who) for bit, each in enumerate(self.search.parties)]
        names = _Names(self.bound, self.search)
        record = self._record_maker()
        keys = self._keys()
        who = self.who
        for row in rows:
            met: dict[int, int] = {}
            for bit, named in parties:
                for position in named(row):
                    met[position] = met.get(position, 0) | bit
            if not met:
                continue
            personal = names.personal(row)
            matches = [
                (who[position], names.about(sides, personal)) for position, sides in met.items()
            ]
            for key in keys(row):
                made = record(key, row, personal)
                for each, about in matches:
                    yield Found(each, made, about)

    def _founds_inside(self, rows: Iterable[Row], insight: Insight) -> Iterator[Found]:
        """Yield the same where columns are looked into."""
        record = self._record_maker()
        keys = self._keys()
        for row in rows:
            seen = insight.look(row)
            if seen is None:
                continue
            opened, met, personal = seen
            for key in keys(row):
                made = record(key, row, personal, opened)
                for position, about in met.items():
                    yield Found(self.who[position], made, about)

    def records(self, rows: Iterable[Row]) -> Iterator[Record]:
        """Yield the record of every row, whomever it is about."""
        names = _Names(self.bound, self.search)
        record, keys, insight = self._record_maker(), self._keys(), self.search.insight
        for row in rows:
            opened, personal = insight.everybody(row) if insight else (None, names.personal(row))
            for key in keys(row):
                yield record(key, row, personal, opened)

    def _keys(self) -> Callable[[Row], Iterable[str]]:
        """Return what makes the keys of a row: one, or one for each of several equal rows."""
        name = self.bound.map.name
        if self.bound.whole:  # the digest and the number follow the columns
            narrow = [self.bound.fields.index(each) for each in self.bound.key[:-1]]
            width = len(self.bound.fields)
            places = [*narrow, width]
            return lambda row: (encode(name, [row[each] for each in places], row[width + 1]),)
        places = [self.bound.fields.index(each) for each in self.bound.key]
        if self.bound.unique:
            return lambda row: (encode(name, [row[place] for place in places]),)
        last = ""

        def distinct(row: Row) -> Iterable[str]:
            nonlocal last
            key = encode(name, [row[place] for place in places])
            if key == last:
                raise shared_key(self.store, name)
            last = key
            return (key,)

        return distinct

    def _record_maker(self) -> Callable[..., Record]:
        bound, moment = self.bound, self.clock.moment
        names = [each.name for each in bound.fields]
        category, at, restricted = bound.map.category, bound.map.at, bound.map.restricted
        markable = restricted is not None and not bound.whole
        converts = [
            (place, each.name, each.convert)
            for place, each in enumerate(bound.fields)
            if each.convert is not None
        ]
        opens = {path.column for path in bound.map.paths}  # they are read as documents
        converts = [each for each in converts if each[1] not in opens]
        links = [follower(each, self.clock, self.region) for each in bound.map.links]
        content, blobs = bound.map.content, self.blobs

        def record(key: str, row: Row, personal: Names, opened: Opened | None = None) -> Record:
            data: dict[str, Any] = dict(zip(names, row))  # noqa: B905  (the keyword costs half as much again)
            for place, name, convert in converts:
                value = row[place]
                if value is not None:
                    data[name] = convert(value)
            if opened is not None:
                data.update(opened.rests)
                data.update((each.name, each.value) for each in opened.members())
            size = data.pop(content) if content else None
            when: Any = data.get(at) if at else None
            if when.__class__ is not dt.datetime:  # those are aware by now
                when = moment(when)
            return Record(
                key,
                category,
                data,
                when,
                personal,
                blobs.blob(key, size) if size and blobs else None,
                tuple([each for follow in links for each in follow(data, opened)]) if links else (),
                None,
                bool(data[restricted]) if restricted else False,
                markable,
            )

        return record


@define
class _Names:
    """Sets of column names for a row, each made once: rows fall into few patterns."""

    bound: Bound
    search: Search
    _columns: tuple[tuple[int, str, tuple[object, ...]], ...] = field(init=False)
    _personal: dict[tuple[bool, ...], Names] = field(factory=dict, init=False)
    _about: dict[tuple[int, Names], Names] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        spoken = Names().union(*(self.bound.about(each) for each in self.bound.map.sides))
        self._columns = tuple(self.bound.spoken(spoken))

    def personal(self, row: Row) -> Names:
        """Return the columns that speak of anyone and hold something in this row."""
        pattern = tuple([row[place] not in empty for place, _, empty in self._columns])
        names = self._personal.get(pattern)
        if names is None:
            pairs = zip(self._columns, pattern, strict=True)
            names = self._personal[pattern] = Names(name for (_, name, _), full in pairs if full)
        return names

    def about(self, sides: int, personal: Names) -> Names:
        """Return those of them that speak of the parties in `sides` (a bit for each)."""
        names = self._about.get((sides, personal))
        if names is None:
            named = [
                party.about for bit, party in enumerate(self.search.parties) if sides >> bit & 1
            ]
            names = self._about[sides, personal] = personal & Names().union(*named)
        return names


def shared_key(store: str, table: str) -> StoreUnavailable:
    """Return the error for a configured key that does not name one row."""
    what = f"two rows of table {table} have the same key"
    fix = f"add a column to stores.{store}.tables.{table}.key, or leave it out"
    return StoreUnavailable(store, what, fix)
