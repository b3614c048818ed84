"""The verbs on rows: sets of keys in, few statements out.

A batch is one transaction. Keys come sorted, so that every run takes the same order and two runs
at once do not wait for each other in a circle. A statement touches the rows whose key
matches and nothing else: a key that is gone matches none, which makes twice a success.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from attrs import frozen

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.fields import NO_BLANK, Field
from dsr.connectors.sql.keys import Key
from dsr.connectors.sql.reading import exactly
from dsr.connectors.sql.sets import PARAMETERS, any_of, rows_in
from dsr.errors import Refused

__all__ = ["Writer"]

#: Rows that one statement changes at most: few statements, and no flood of write-ahead log.
_BATCH: Final = 5_000

#: Why a column is refused.
_ABSENT: Final = "does not exist"
_KEY: Final = "is part of the key, which cannot change: erase the row"
_NOT_NULL: Final = "cannot be emptied: it is NOT NULL, and its type has no empty value"
_TYPE: Final = "cannot hold the new value: it is of another type"

Values = tuple[Any, ...]


@frozen
class Writer:
    """Changes rows of one table through one connection."""

    store: str
    bound: Bound
    connection: sa.Connection

    def erase(self, keys: Iterable[Key]) -> None:
        """Delete the rows of these keys."""
        for condition in self._batches(keys):
            self._run(sa.delete(self.bound.table).where(condition), condition)

    def redact(self, fields: Mapping[Key, frozenset[str]]) -> None:
        """Empty the named columns of these rows."""
        for names, keys in _by_names(fields).items():
            values = {name: self._blank(name) for name in sorted(names)}
            if values:
                self.update(keys, values)

    def update(self, keys: Iterable[Key], values: Mapping[str, object]) -> None:
        """Set columns (all known, in the form that they take) of these rows."""
        for condition in self._batches(keys):
            self._run(sa.update(self.bound.table).where(condition).values(dict(values)), condition)

    def check_blank(self, names: Iterable[str]) -> None:
        """Raise `Refused` if one of these columns cannot be emptied."""
        for name in names:
            self._blank(name)

    def changes(self, changes: Mapping[str, object]) -> dict[str, object]:
        """Return `changes` in the form that the columns take.

        Raises `Refused` that names the column which is unknown, part of the key, or of a type
        that cannot hold the new value.
        """
        taken: dict[str, object] = {}
        for name, value in changes.items():
            column = self._changeable(name)
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
        with self.connection.begin():
            if not self.bound.unique:
                self._plan_for_sets()
            if not (self.bound.unique or self.bound.whole):
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
            .group_by(*(each.read for each in self.bound.key))
            .having(sa.func.count() > 1)
            .limit(1)
        )
        if self.connection.execute(twins).first() is not None:
            name = self.bound.map.name
            what = f"two rows of table {name} have the same key"
            fix = f"add a column to stores.{self.store}.tables.{name}.key, or leave it out"
            raise Refused(self.store, what, fix)

    def _batches(self, keys: Iterable[Key]) -> Iterator[sa.ColumnElement[bool]]:
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
        dialect = self.connection.dialect.name
        nulls = [
            each.read.is_(None) for each, null in zip(self.bound.key, pattern, strict=True) if null
        ]
        full = [place for place, null in enumerate(pattern) if not null]
        if not full:
            return sa.and_(*nulls)
        key = [self.bound.key[place] for place in full]
        columns = [(self._compared(each, dialect), each.array) for each in key]
        values = [[row[place] for place in full] for row in rows]
        narrow = self._narrowed(key, values) if len(key) > 1 else []
        return sa.and_(*nulls, *narrow, rows_in(dialect, columns, values))

    def _narrowed(
        self, key: Sequence[Field], rows: Sequence[Sequence[object]]
    ) -> list[sa.ColumnElement[bool]]:
        """Return conditions that follow from the rows, by which an index may serve.

        No database looks into an index for a row of many values. The columns that people are
        searched by have one, and the first of a configured key may.
        """
        searched = {each.column for each in self.bound.map.sides if each.match == "equal"}
        conditions = []
        for place, each in enumerate(key):
            if each.name in searched or each is self.bound.key[0]:
                values = {row[place] for row in rows}
                if all(isinstance(value, str) for value in values):
                    among = any_of(
                        self.connection.dialect.name, sorted(values, key=str), each.array
                    )
                    conditions.append(among(each.read))
        return conditions

    def _compared(self, column: Field, dialect: str) -> sa.ColumnElement[Any]:
        return exactly(column.read, dialect) if self.bound.whole else column.read


def _by_names(fields: Mapping[Key, frozenset[str]]) -> dict[frozenset[str], list[Key]]:
    """Group the keys by what is to be emptied, in a stable order."""
    groups: dict[frozenset[str], list[Key]] = defaultdict(list)
    for key, names in fields.items():
        groups[names].append(key)
    return dict(sorted(groups.items(), key=lambda each: sorted(each[0])))
