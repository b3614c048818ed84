"""A table map joined with the table as it really is."""

from __future__ import annotations

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import NoSuchTableError

from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.fields import Field, field_of
from dsr.connectors.sql.tables import Side, TableMap
from dsr.errors import StoreUnavailable

__all__ = ["Bound", "bind"]


@frozen(eq=False)
class Bound:
    """A mapped table and its columns.

    fields  every column, in the table's order
    key     those that name a row; all of them when `whole`
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
        """Return the names of the columns that speak about a side.

        The searched one is always among them, but for a call or object that parties share.
        """
        if not side.is_party and self.map.has_parties:
            return frozenset(side.about or ())
        if side.about is not None:
            return frozenset({side.column, *side.about})
        keys = () if self.whole else (each.name for each in self.key)
        silent = {self.map.at, self.map.restricted, *keys} - {side.column}
        return frozenset(each.name for each in self.fields if each.name not in silent)


def bind(connection: sa.Connection, map_: TableMap, clock: Clock) -> Bound:
    """Look the table up. Raises `StoreUnavailable` that names a missing table or column."""
    inspector = sa.inspect(connection)
    schema, name = map_.place
    try:
        columns = inspector.get_columns(name, schema)
        primary = inspector.get_pk_constraint(name, schema)["constrained_columns"]
    except NoSuchTableError:
        what = f"there is no table {map_.table or map_.name}"
        fix = f"correct or remove stores.{clock.store}.tables.{map_.name}"
        raise StoreUnavailable(clock.store, what, fix) from None
    dialect = connection.dialect.name
    fields = tuple(
        field_of(
            each["name"],
            each["type"],
            clock,
            dialect,
            nullable=each["nullable"] and each["name"] not in primary,
        )
        for each in columns
    )
    by_name = {each.name: each for each in fields}
    absent = [each for each in map_.columns if each not in by_name]
    if absent:
        what = f"table {map_.name} has no column {', '.join(absent)}"
        fix = f"correct stores.{clock.store}.tables.{map_.name}"
        raise StoreUnavailable(clock.store, what, fix)
    table = sa.Table(name, sa.MetaData(), *(each.column for each in fields), schema=schema)
    names = map_.key or primary or [each.name for each in fields]
    return Bound(
        map=map_,
        table=table,
        fields=fields,
        key=tuple(by_name[each] for each in names),
        whole=not (map_.key or primary),
        primary=tuple(primary),
        unique=bool(primary) and set(primary) <= set(names),
    )
