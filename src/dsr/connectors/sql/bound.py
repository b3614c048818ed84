"""A table map joined with the table as it really is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from attrs import evolve, frozen
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import NoSuchTableError

from dsr.connectors.sql import mariadb
from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.digest import digest_field
from dsr.connectors.sql.fields import Field, field_of
from dsr.connectors.sql.nearby import columns_like, tables_like
from dsr.connectors.sql.tables import CONTENT, Side, TableMap
from dsr.errors import StoreUnavailable

__all__ = ["Bound", "bind"]


@frozen(eq=False)
class Bound:
    """A mapped table and its columns.

    fields  every column that is read, in the table's order: all but the secret ones
    key     those that name a row; when `whole`, the row's digest (last) and, because an index
            on them may serve, the columns that are searched by equality
    whole   whether the whole row is its key
    primary the columns of the primary key, by name
    unique  whether the database itself keeps two rows from having one key
    """

    map: TableMap
    table: sa.Table
    fields: tuple[Field, ...]
    key: tuple[Field, ...]
    whole: bool
    primary: tuple[str, ...]
    unique: bool

    def field(self, name: str) -> Field:
        """Return the column of this name; raises `KeyError`."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)

    def about(self, side: Side) -> frozenset[str]:
        """Return the names of the columns, and the paths, that speak about a side.

        The searched one is always among them, but for a call or object, which is nobody, and for
        a text of which only pieces speak of the side.
        """
        if side.about is None and not side.part and (side.is_party or not self.map.has_parties):
            keys = () if self.whole else (each.name for each in self.key)
            silent = {self.map.at, self.map.restricted, *keys} - {side.column}
            every = (*(each.name for each in self.fields), *map(str, self.map.paths))
            return frozenset(self._called(name) for name in every if name not in silent)
        named = {*(side.about or ())}
        if side.is_party and not side.part:
            named |= {side.column} | ({side.country} if side.country else set())
        return frozenset(map(self._called, named))

    def _called(self, name: str) -> str:
        return CONTENT if name == self.map.content else name

    def spoken(self, names: Iterable[str]) -> Iterator[tuple[int, str, tuple[object, ...]]]:
        """Yield place, name in `Found.about`, and empty values of those columns among `names`."""
        for place, each in enumerate(self.fields):
            name = self._called(each.name)
            if name in names:
                yield place, name, each.empty


def bind(connection: sa.Connection, map_: TableMap, clock: Clock) -> Bound:
    """Look the table up. Raises `StoreUnavailable` that names a missing table or column."""
    inspector = sa.inspect(connection)
    schema, name = map_.place
    try:
        columns = inspector.get_columns(name, schema)
        primary = inspector.get_pk_constraint(name, schema)["constrained_columns"]
    except NoSuchTableError:
        what = f"there is no table {map_.table or map_.name}"
        near = tables_like(inspector, map_)
        fix = f"{near}correct or remove stores.{clock.store}.tables.{map_.name}"
        raise StoreUnavailable(clock.store, what, fix) from None
    fields = _fields(connection, map_, columns, primary, clock)
    by_name = {each.name: each for each in fields}
    absent = [each for each in map_.columns if each not in by_name]
    if absent:
        what = f"table {map_.name} has no column {', '.join(absent)}"
        near = columns_like(absent, [*by_name])
        fix = f"{near}correct stores.{clock.store}.tables.{map_.name}"
        raise StoreUnavailable(clock.store, what, fix)
    table = sa.Table(name, sa.MetaData(), *(each.column for each in fields), schema=schema)
    names = map_.key or tuple(primary)
    whole = not names
    key = tuple(by_name[each] for each in names)
    if whole:
        searched = (by_name.get(each.column) for each in map_.sides if each.match == "equal")
        narrow = [each for each in dict.fromkeys(searched) if each is not None and each.textual]
        key = (*narrow, digest_field(connection.dialect.name, table, fields))
    return Bound(
        map=map_,
        table=table,
        fields=tuple(each for each in fields if each.name not in map_.secret),
        key=key,
        whole=whole,
        primary=tuple(primary),
        unique=bool(primary) and set(primary) <= set(names),
    )


def _fields(
    connection: sa.Connection,
    map_: TableMap,
    columns: Sequence[ReflectedColumn],
    primary: Sequence[str],
    clock: Clock,
) -> tuple[Field, ...]:
    """Return the columns of a table as they are, and as this database compares them."""
    dialect = connection.dialect.name
    is_mariadb = dialect in mariadb.DIALECTS
    traits: Mapping[str, mariadb.Traits] = {}
    if is_mariadb:
        traits = mariadb.traits(connection, *map_.place)
    fields = []
    for each in columns:
        name, kind = each["name"], each["type"]
        nullable = each["nullable"] and name not in primary
        known = traits.get(name, mariadb.Traits())
        plain = mariadb.plain_type(kind, known) if is_mariadb else kind
        made = field_of(name, plain, clock, dialect, nullable=nullable)
        made = evolve(made, formula=each.get("computed", {}).get("sqltext", ""))
        if is_mariadb:
            made = mariadb.adapted(made, kind, clock, known)
        elif dialect == "sqlite" and made.textual:
            made = evolve(made, exact=sa.collate(made.read, "BINARY"))
        if name == map_.content:
            made = _sized(made, dialect)
        fields.append(made)
    return tuple(fields)


def _sized(field: Field, dialect: str) -> Field:
    """Return a column of bytes of which only the size is read."""
    octets: sa.ColumnElement[Any] = field.column
    if dialect == "sqlite":  # which has octet_length only since 3.43
        octets = sa.cast(octets, sa.LargeBinary)
    length = sa.func.length if dialect == "sqlite" else sa.func.octet_length
    read = length(octets, type_=sa.BigInteger())
    return evolve(field, read=read, exact=read, empty=(None, 0), convert=None, textual=False)
