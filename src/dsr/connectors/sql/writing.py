"""The verbs on rows: sets of keys in, few statements out.

A batch is one transaction. Keys come sorted, so that every run takes the same order and two runs
at once do not wait for each other in a circle; where another program does, the batch is tried
again. A statement touches the rows whose key matches and nothing else: a key that is gone matches
none, which makes twice a success.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from dsr.connectors.sql import edits
from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.errors import is_passing
from dsr.connectors.sql.fields import NO_BLANK, Field
from dsr.connectors.sql.keys import Key
from dsr.connectors.sql.session import prepare
from dsr.connectors.sql.sets import PARAMETERS, any_of, rows_in
from dsr.errors import Refused

__all__ = ["Writer"]

#: Rows that one statement changes at most: few statements, and no flood of write-ahead log.
_BATCH: Final = 5_000

#: The same where the texts of the rows are read to be changed: so many are held in memory.
_EDITED: Final = 1_000

#: How often a batch is tried that others' locks or changes broke, and the first pause between.
_TRIES: Final = 4
_PAUSE: Final = 0.05

#: Why a column is refused.
_ABSENT: Final = "does not exist"
_KEY: Final = "is part of the key, which cannot change: erase the row"
_NOT_NULL: Final = "cannot be emptied: it is NOT NULL, and its type has no empty value"
_COMPUTED: Final = "is computed from other columns: name those, not this one alone"
_TYPE: Final = "cannot hold the new value: it is of another type"

Values = tuple[Any, ...]


@frozen
class Writer:
    """Changes rows of one table through one connection; `zone` is the store's time zone."""

    store: str
    bound: Bound
    connection: sa.Connection
    zone: str

    def erase(self, keys: Iterable[Key]) -> None:
        """Delete the rows of these keys."""
        for condition in self.batches(keys):
            self._run(sa.delete(self.bound.table).where(condition), condition)

    def redact(self, fields: Mapping[Key, frozenset[str]]) -> None:
        """Empty the named columns, and the named parts of columns, of these rows."""
        divided = {key: edits.divided(self.bound, names) for key, names in fields.items()}
        for names, keys in _by_names({key: whole for key, (whole, _) in divided.items()}).items():
            values = self.blanks(names)
            if plain := [key for key in keys if values and not divided[key][1]]:
                self.update(plain, values)
            self.edit({key: divided[key][1] for key in keys if divided[key][1]}, values)

    def rectify(self, keys: Sequence[Key], changes: Mapping[str, object]) -> None:
        """Set columns, and members of documents, of these rows. Raises `Refused` as `changes`."""
        whole, members = edits.edits_of(changes)
        values = self.changes(whole)
        if members:
            self.edit(dict.fromkeys(keys, members), values)
        elif values:
            self.update(keys, values)

    def edit(self, asked: Mapping[Key, Sequence[edits.Edit]], values: Mapping[str, object]) -> None:
        """Change parts of columns, and set `values`, of each row in one statement.

        Raises `Refused` that names a column, or a member to correct, that is not there.
        """
        names = edits.columns(each for parts in asked.values() for each in parts)
        for name in names:
            self._changeable(name)
        keys = list(asked)
        for start in range(0, len(keys), _EDITED):
            batch = {key.values: asked[key] for key in keys[start : start + _EDITED]}
            table = keys[start].table
            found: dict[Values, list[Any]] = {}
            for condition in self.batches(Key(table, each) for each in batch):
                with self.connection.begin():
                    prepare(self.connection, self.zone)
                    found |= edits.texts(self.connection, self.bound, condition, names)
            if absent := edits.absent(names, found, batch):
                raise self._refused(absent, _ABSENT)
            for chosen, new in edits.rounds(self.bound, found, batch):
                if new or values:
                    self.update([Key(table, each) for each in chosen], {**values, **new})

    def update(self, keys: Iterable[Key], values: Mapping[str, object]) -> None:
        """Set columns (all known, in the form that they take) of these rows."""
        # columns that would take any change for a change of their own keep what they hold
        kept = {each.name: each.column for each in self.bound.fields if each.renewed}
        for condition in self.batches(keys):
            change = sa.update(self.bound.table).where(condition).values({**kept, **values})
            self._run(change, condition)

    def blanks(self, names: Iterable[str]) -> dict[str, object]:
        """Return what empties these columns; parts of columns are only looked for.

        A computed column follows those that it is computed from. Raises `Refused` if one of
        `names` cannot be emptied.
        """
        whole, parts = edits.divided(self.bound, names)
        for name in edits.columns(parts):
            self._changeable(name)
        ordered = sorted(whole)
        values = {name: self._blank(name) for name in ordered if not self._formula(name)}
        for name in ordered:
            formula = self._formula(name)
            if formula and not any(_mentions(formula, each) for each in values):
                raise self._refused(name, _COMPUTED)
        return values

    def changes(self, changes: Mapping[str, object]) -> dict[str, object]:
        """Return `changes` in the form that the columns take.

        Raises `Refused` that names the column which is unknown, part of the key, or of a type
        that cannot hold the new value.
        """
        taken: dict[str, object] = {}
        for name, value in changes.items():
            column = self._changeable(name)
            if column.formula:
                raise self._refused(name, _COMPUTED)
            try:
                taken[name] = None if value is None else column.store(value)
            except (ValueError, ArithmeticError, LookupError, TypeError):
                raise self._refused(name, _TYPE) from None
        return taken

    def _blank(self, name: str) -> object:
        column = self._changeable(name)
        if column.blank is NO_BLANK:
            raise self._refused(name, _NOT_NULL)
        return column.blank

    def _formula(self, name: str) -> str:
        return self._changeable(name).formula

    def _changeable(self, name: str) -> Field:
        try:
            column = self.bound.field(name)
        except KeyError:
            raise self._refused(name, _ABSENT) from None
        if column in self.bound.key and not self.bound.whole:
            raise self._refused(name, _KEY)
        return column

    def _refused(self, name: str, why: str) -> Refused:
        return Refused(self.store, f"table {self.bound.map.name}: column {name} {why}")

    def _run(self, change: sa.Delete | sa.Update, condition: sa.ColumnElement[bool]) -> None:
        """Carry out one batch in a transaction of its own; try again what may pass."""
        for attempt in range(1, _TRIES + 1):
            try:
                self._try(change, condition)
            except SQLAlchemyError as error:
                if attempt == _TRIES or not is_passing(error):
                    raise
                time.sleep(_PAUSE * 2**attempt)
            else:
                return

    def _try(self, change: sa.Delete | sa.Update, condition: sa.ColumnElement[bool]) -> None:
        with self.connection.begin():
            prepare(self.connection, self.zone)
            if not (self.bound.unique or self.bound.whole):
                self._plan_for_sets()
                self._check_alone(condition)
            self.connection.execute(change)

    def _plan_for_sets(self) -> None:
        """Keep PostgreSQL from comparing every row with every key.

        It multiplies what each column of a key sifts out, expects next to nothing, and chooses
        a nested loop: minutes where hashing takes a moment (measured).
        """
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(sa.text("SET LOCAL enable_nestloop = off"))

    def _check_alone(self, condition: sa.ColumnElement[bool]) -> None:
        """Refuse if two rows have one key: the other one may be somebody else's."""
        twins = (
            sa.select(sa.literal(1))
            .select_from(self.bound.table)
            .where(condition)
            .group_by(*(each.exact for each in self.bound.key))
            .having(sa.func.count() > 1)
            .limit(1)
        )
        if self.connection.execute(twins).first() is not None:
            name = self.bound.map.name
            what = f"two rows of table {name} have the same key"
            fix = f"add a column to stores.{self.store}.tables.{name}.key, or leave it out"
            raise Refused(self.store, what, fix)

    def batches(self, keys: Iterable[Key]) -> Iterator[sa.ColumnElement[bool]]:
        """Yield conditions that together match the rows of `keys`, each for one statement.

        SQL never finds NULL equal to NULL: keys with NULL in the same columns go together.
        """
        size = _BATCH
        if self.connection.dialect.name != "postgresql":  # one parameter for each value
            size = min(size, PARAMETERS // len(self.bound.key))
        patterns: dict[tuple[bool, ...], list[Values]] = defaultdict(list)
        for key in keys:
            self._check_width(key)
            patterns[tuple([each is None for each in key.values])].append(key.values)
        for pattern in sorted(patterns):
            rows = list(dict.fromkeys(patterns[pattern]))
            for start in range(0, len(rows), size):
                yield self._condition(pattern, rows[start : start + size])

    def _check_width(self, key: Key) -> None:
        if len(key.values) != len(self.bound.key):
            what = f"the columns of table {self.bound.map.name} have changed since it was read"
            raise Refused(self.store, what, "plan again")

    def _condition(self, pattern: Sequence[bool], rows: Sequence[Values]) -> sa.ColumnElement[bool]:
        """Return the condition that a row has one of these keys, and may be found by an index.

        No database looks into an index for a row of many values, or for a text in another
        collation than the index's: what decides is compared as a whole, and byte by byte; what
        follows from it is there for the index.
        """
        dialect = self.connection.dialect.name
        key = self.bound.key
        nulls = [each.read.is_(None) for each, null in zip(key, pattern, strict=True) if null]
        full = [place for place, null in enumerate(pattern) if not null]
        deciding = full[-1:] if self.bound.whole else full
        alone = len(deciding) == 1 and key[deciding[0]].exact is key[deciding[0]].read
        narrow = []
        for place in full:
            if self._narrows(key[place]) and not (alone and place in deciding):
                values = sorted({row[place] for row in rows}, key=str)
                if all(isinstance(each, str) for each in values):  # SQLite keeps types loosely
                    among = any_of(dialect, values, key[place].array, changing=True)
                    narrow.append(among(key[place].read))
        columns = [(key[place].exact, key[place].array) for place in deciding]
        chosen = [[row[place] for place in deciding] for row in rows]
        decisive = [rows_in(dialect, columns, chosen)] if deciding else []
        return sa.and_(*nulls, *narrow, *decisive)

    def _narrows(self, column: Field) -> bool:
        """Return whether an index may serve: people are searched by it, or it leads a key."""
        searched = {each.column for each in self.bound.map.sides if each.match == "equal"}
        is_first = not self.bound.whole and column is self.bound.key[0]
        return column.textual and bool(column.name) and (is_first or column.name in searched)


def _mentions(formula: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", formula) is not None


def _by_names(fields: Mapping[Key, frozenset[str]]) -> dict[frozenset[str], list[Key]]:
    """Group the keys by what is to be emptied, in a stable order."""
    groups: dict[frozenset[str], list[Key]] = defaultdict(list)
    for key, names in fields.items():
        groups[names].append(key)
    return dict(sorted(groups.items(), key=lambda each: sorted(each[0])))
