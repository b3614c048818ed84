"""One column of a real table: how it is read, compared, emptied and written.

SQLite columns are read and written raw: what a row holds need not be of the type that the
table declares, and a value that is read must match itself when it is written back. Elsewhere the
database keeps types; those that Python has no plain value for are read as text.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from attrs import Factory, field, frozen
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.sql import sqltypes
from sqlalchemy.types import TypeEngine

from dsr.connectors.sql.clock import EPOCH, Clock

__all__ = ["NO_BLANK", "Field", "field_of"]

#: Marks a column for which no empty value exists.
NO_BLANK: Final = object()

Convert = Callable[[Any], object]
_INT64: Final = 2**63


def _same(value: Any) -> object:  # noqa: ANN401  (a database value)
    return value


@frozen(eq=False)
class Field:
    """One column.

    name      as the database has it
    column    for writing, and for comparing where an index should serve
    read      what is selected, grouped by, and compared with key values
    array     the type of an element when values travel as an array (PostgreSQL)
    empty     the values that say nothing
    blank     what a redaction writes; NO_BLANK where the column must say something
    convert   from a value read to the value in `Record.data`; None: it is the same
    parse     from the text of an identifier to what the column would hold; None: cannot hold it
    store     from a new value to what the column takes; raises ValueError where it cannot
    naive     whether it holds timestamps without a zone
    textual   whether `read` is text
    exact     `read`, compared byte by byte where the collation of the column would not
    folded    what is compared with lower-case text
    formula   the SQL expression that the database computes it by; empty for an ordinary column
    renewed   whether any change of its row sets it to the current time, unless it is set itself
    """

    name: str
    column: sa.Column[Any] = field(repr=False)
    read: sa.ColumnElement[Any] = field(repr=False)
    array: TypeEngine[Any] = field(repr=False)
    empty: tuple[object, ...]
    blank: object
    convert: Convert | None = None
    parse: Callable[[str], object | None] = _same
    store: Convert = _same
    naive: bool = False
    textual: bool = True
    exact: sa.ColumnElement[Any] = field(
        default=Factory(lambda self: self.read, takes_self=True), repr=False
    )
    folded: sa.ColumnElement[Any] = field(
        default=Factory(lambda self: sa.func.lower(self.read), takes_self=True), repr=False
    )
    formula: str = ""
    renewed: bool = False


def field_of(
    name: str, kind: TypeEngine[Any], clock: Clock, dialect: str, *, nullable: bool
) -> Field:
    """Return the field for a reflected column of type `kind`."""
    make = _raw if dialect == "sqlite" else _typed
    return make(name, kind, clock, nullable)


def _raw(name: str, kind: TypeEngine[Any], clock: Clock, nullable: bool) -> Field:  # noqa: FBT001
    column: sa.Column[Any] = sa.Column(name, sqltypes.NullType())
    convert: Convert | None = None
    store: Convert = _plain
    blank: object = ""
    match kind:
        case sa.DateTime():
            convert, blank = clock.text, "1970-01-01 00:00:00"
            store = _wall(clock)
        case sa.Date():
            convert, blank = _date, "1970-01-01"
        case sa.Boolean():
            convert, blank = _flag, 0
        case sa.Numeric() | sa.Integer():
            blank = 0
        case sa.LargeBinary():
            blank = b""
        case sa.JSON():
            blank = "{}"
    return Field(
        name=name,
        column=column,
        read=column,
        array=kind,
        empty=_empty(kind, blank, nullable),
        blank=None if nullable else blank,
        convert=convert,
        store=store,
        naive=isinstance(kind, sa.DateTime),
        textual=isinstance(kind, sa.String),
    )


def _typed(name: str, kind: TypeEngine[Any], clock: Clock, nullable: bool) -> Field:  # noqa: FBT001
    column: sa.Column[Any] = sa.Column(name, kind)
    if isinstance(kind, sa.DateTime):
        return _timestamp(column, clock, timezone=bool(kind.timezone), nullable=nullable)
    how = next(how for types, how in _TYPES if isinstance(kind, types))
    array = how.array or kind
    return Field(
        name=name,
        column=column,
        read=how.read(column),
        array=array,
        empty=_empty(kind, how.blank, nullable),
        blank=None if nullable else how.blank,
        convert=how.convert,
        parse=how.parse,
        store=how.store,
        textual=isinstance(array, sa.String),
    )


def _timestamp(column: sa.Column[Any], clock: Clock, *, timezone: bool, nullable: bool) -> Field:
    blank = EPOCH if timezone else EPOCH.replace(tzinfo=None)

    def store(value: object) -> object:
        return clock.aware(_moment(value)) if timezone else clock.naive(_moment(value))

    return Field(
        name=str(column.name),  # plain, not a quoted_name: it ends up in JSON
        column=column,
        read=column,
        array=sa.DateTime(timezone=timezone),
        empty=_empty(column.type, blank, nullable),
        blank=None if nullable else blank,
        convert=None if timezone else clock.aware,
        parse=_never,
        store=store,
        naive=not timezone,
        textual=False,
    )


def _empty(kind: TypeEngine[Any], blank: object, nullable: bool) -> tuple[object, ...]:  # noqa: FBT001
    """Return the values that say nothing. NULL first: it is the usual one."""
    match kind:
        case sa.JSON() | sa.ARRAY():
            return (None, "", "{}", "[]", "null")
        case sa.LargeBinary():
            return (None, b"")
    empty = (None, "")
    return empty if nullable or blank in empty or blank is NO_BLANK else (*empty, blank)


def _never(_: str) -> None:
    return None


def _whole(text: str) -> int | None:
    """Return the number whose digits are `text`; None if a number would be written otherwise."""
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0"):
        return None
    number = int(text)
    return number if number < _INT64 else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _uuid_or_raise(value: object) -> uuid.UUID:
    return uuid.UUID(str(value))


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def _truth(value: object) -> bool:
    if isinstance(value, str):
        return {"true": True, "false": False}[value.lower()]
    return bool(value)


def _flag(value: object) -> object:
    return bool(value) if value in (0, 1) else value


def _day(value: object) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


def _date(value: object) -> object:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _moment(value: object) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))


def _wall(clock: Clock) -> Convert:
    """Return what writes a moment as SQLite's timestamps are: wall-clock time, as text."""
    return lambda value: clock.naive(_moment(value)).isoformat(sep=" ")


def _plain(value: object) -> object:
    """Return what SQLite can hold for a Python value."""
    match value:
        case dt.date():  # also a moment: in a column that is not declared as one
            return value.isoformat()
        case bool():
            return int(value)
        case None | int() | float() | str() | bytes():
            return value
        case dict() | list():
            return json.dumps(value)
    return str(value)


def _column(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return column


def _text(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(column, sa.Text)


def _json(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.func.to_json(column), sa.Text)


def _host(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.func.host(column, type_=sa.Text())


@frozen
class _How:
    """How a database type is treated; `array` None: as an array of the column's own type."""

    array: TypeEngine[Any] | None = None
    read: Callable[[sa.Column[Any]], sa.ColumnElement[Any]] = _column
    convert: Convert | None = None
    parse: Callable[[str], object | None] = _same
    store: Convert = _same
    blank: object = ""


#: The first that fits counts.
_TYPES: Final[tuple[tuple[type, _How], ...]] = (
    (sa.CHAR, _How(sa.Text(), _text)),  # padded by some databases: the text of it is not
    (sa.Enum, _How(sa.Text(), _text, blank=NO_BLANK)),
    (sa.String, _How(sa.Text())),
    (sa.Boolean, _How(parse=_never, store=_truth, blank=False)),
    (sa.Integer, _How(sa.BigInteger(), parse=_whole, store=int, blank=0)),
    (sa.Float, _How(parse=_never, store=float, blank=0.0)),
    (sa.Numeric, _How(sa.Numeric(), parse=_whole, store=_decimal, blank=Decimal(0))),
    (sa.Date, _How(parse=_never, store=_day, blank=EPOCH.date())),
    (sa.LargeBinary, _How(convert=bytes, parse=_never, blank=b"")),
    (sqltypes.Uuid, _How(convert=str, parse=_uuid, store=_uuid_or_raise, blank=uuid.UUID(int=0))),
    (sa.JSON, _How(sa.Text(), _text, convert=json.loads, blank={})),
    (sa.ARRAY, _How(sa.Text(), _json, convert=json.loads, blank=[])),
    (INET, _How(sa.Text(), _host, blank=NO_BLANK)),
    (TypeEngine, _How(sa.Text(), _text, blank=NO_BLANK)),
)
