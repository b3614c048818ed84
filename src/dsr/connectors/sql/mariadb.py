"""Columns of MariaDB (and MySQL) where they differ from what other databases have.

- A `TIMESTAMP` is kept in UTC and read in the session's zone, which `session.py` sets to UTC.
- A zero date (`0000-00-00 00:00:00`) says "never": it is read as no value.
- Most collations take `a` for `A` and `ä`, and ignore blanks at the end: texts that are keys are
  compared by their bytes.
- Some columns set themselves to the time of any change of their row (`ON UPDATE`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from attrs import evolve, frozen
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.fields import NO_BLANK, Field

__all__ = ["DIALECTS", "Traits", "adapted", "bytewise", "plain_type", "traits"]

#: The names under which SQLAlchemy knows them.
DIALECTS: Final = frozenset({"mysql", "mariadb"})

_ZERO_DAY: Final = "0000-00-00"
_ZERO: Final = f"{_ZERO_DAY} 00:00:00"
#: With every number of decimals that a column may have.
_ZEROS: Final = (_ZERO_DAY, _ZERO, *(f"{_ZERO}.{'0' * digits}" for digits in range(1, 7)))
_LONG: Final = (sa.Text, mysql.TINYTEXT, mysql.MEDIUMTEXT, mysql.LONGTEXT)
#: The first moment that a TIMESTAMP can hold; the one before it stands for zero.
_FIRST: Final = dt.datetime(1970, 1, 1, 0, 0, 1)  # noqa: DTZ001  (as the driver takes it: UTC)


@frozen
class Traits:
    """What reflection does not tell of a column.

    collation  how its texts are compared; empty where it holds none
    renewed    it is set to the current time by every change of its row
    is_json    it takes JSON only: MariaDB's type JSON is a text with this check
    """

    collation: str = ""
    renewed: bool = False
    is_json: bool = False

    @property
    def folds(self) -> bool:
        """Whether its collation takes upper for lower case."""
        return self.collation.endswith("_ci")


def traits(connection: sa.Connection, schema: str | None, table: str) -> Mapping[str, Traits]:
    """Return the traits of every column of a table."""
    place = {"schema": schema, "table": table}
    checks = connection.execute(
        sa.text(
            "SELECT check_clause FROM information_schema.check_constraints"
            " WHERE constraint_schema = coalesce(:schema, database()) AND table_name = :table"
        ),
        place,
    )
    clauses = {clause.strip("()") for (clause,) in checks}
    rows = connection.execute(
        sa.text(
            "SELECT column_name, collation_name, extra FROM information_schema.columns"
            " WHERE table_schema = coalesce(:schema, database()) AND table_name = :table"
        ),
        place,
    )
    return {
        name: Traits(
            collation=collation or "",
            renewed="on update" in extra.lower(),
            is_json=f"json_valid(`{name}`" in clauses,
        )
        for name, collation, extra in rows
    }


def plain_type(kind: TypeEngine[Any], known: Traits) -> TypeEngine[Any]:
    """Return the type to read a column as: reflection gives some that lose what they hold."""
    match kind:
        case _ if known.is_json:
            return sa.JSON()
        case mysql.SET():
            return sa.CHAR()  # read as text, as an Enum is; it can be emptied
        case sa.Float():
            return sa.Double()  # reflected as one that rounds to ten decimals
        case mysql.YEAR() | mysql.BIT():
            return sa.BigInteger()
        case sa.String() if known.collation and not isinstance(kind, sa.Enum):
            # also a CHAR, whose padding is never read: so it can be searched by an index
            is_long = isinstance(kind, _LONG)
            return (mysql.TEXT if is_long else mysql.VARCHAR)(collation=known.collation)
    return kind


def adapted(field: Field, kind: TypeEngine[Any], clock: Clock, known: Traits) -> Field:
    """Return the field of a column as MariaDB has it; `kind` is its reflected type."""
    match kind:
        case mysql.BIT():  # the driver gives bytes
            number = field.column + 0
            return evolve(field, read=number, exact=number)
        case sa.DateTime() | sa.Date():
            return _dated(field, kind, clock, known)
    if field.textual and not known.is_json:
        folded = field.read if known.folds else field.folded
        return evolve(field, exact=bytewise(field.read), folded=folded)
    return field


def bytewise(text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a text to be compared byte by byte, with blanks at its end, in any character set."""
    octets = sa.cast(sa.cast(text, mysql.CHAR(charset="utf8mb4")), sa.LargeBinary)
    return sa.type_coerce(octets, sa.Text())  # compared with text, which arrives as utf8mb4


def _dated(field: Field, kind: TypeEngine[Any], clock: Clock, known: Traits) -> Field:
    empty = (*field.empty, *_ZEROS)
    if not isinstance(kind, mysql.TIMESTAMP):
        wall = field.convert

        def convert(value: object) -> object:
            if isinstance(value, str):  # what Python has no date for
                return None if value in _ZEROS else value
            return wall(value) if wall is not None else value

        return evolve(field, empty=empty, convert=convert, renewed=known.renewed)

    def moment(value: object) -> object:
        if isinstance(value, dt.datetime):
            return value.replace(tzinfo=dt.UTC)
        return None if value in _ZEROS else value

    def store(value: object) -> object:
        said = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
        return clock.aware(said).astimezone(dt.UTC).replace(tzinfo=None)

    blank = field.blank
    if blank is not None and blank is not NO_BLANK:
        blank = _FIRST
        empty = (*empty, _FIRST)
    return evolve(
        field,
        empty=empty,
        blank=blank,
        convert=moment,
        store=store,
        naive=False,
        renewed=known.renewed,
    )
