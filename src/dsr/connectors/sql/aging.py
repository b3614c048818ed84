"""Rows that have grown old, whoever they are about: for routine deletion.

The database is asked for rows that may be old enough; whether one is, its own time as Python
reads it decides. So every spelling of a time that `Clock` knows is judged the same way here as
when the row is found.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql import sqltypes

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.fields import Field
from dsr.connectors.sql.paths import column_of, is_path
from dsr.errors import ConfigurationError
from dsr.model import Record

__all__ = ["anchor_of", "is_older", "may_be_older"]

#: Wall-clock times are up to this far from the moment they stand for when a clock goes back.
_MARGIN: Final = dt.timedelta(hours=2)
_DAY: Final = dt.timedelta(days=1)
#: From which count on, how many of them make a second: as `Clock.moment` reads numbers.
_UNITS: Final = ((0, 1), (10**11, 10**3), (10**14, 10**6), (10**17, 10**9))


def anchor_of(bound: Bound, anchor: str, store: str) -> str:
    """Return the column or path that a period counts from; `anchor` empty: the table's `at`.

    Raises `ConfigurationError` for one that the table does not have.
    """
    name = anchor or bound.map.at
    table = f"stores.{store}.tables.{bound.map.name}"
    if not name:
        what = f"{table} has no `at` to count a period of category {bound.map.category} from"
        raise ConfigurationError(what, "name one, or an anchor for the period")
    known = {each.name for each in bound.fields}
    if column_of(name) not in known or (is_path(name) and name not in bound.map.names):
        what = f'{table} has no column "{name}" to count a period from'
        raise ConfigurationError(what, f"correct the anchor in categories.{bound.map.category}")
    return name


def may_be_older(
    bound: Bound, anchor: str, before: dt.datetime, clock: Clock
) -> sa.ColumnElement[bool]:
    """Return the condition that a row may be older: it lets through too many, never too few."""
    field = bound.field(column_of(anchor))
    column = field.column
    if is_path(anchor):
        return column.is_not(None)
    if isinstance(column.type, sa.DateTime):
        border = before + _MARGIN
        return column < (clock.naive(border) if field.naive else border)
    if isinstance(column.type, sa.Date):
        return column <= (before.astimezone(clock.zone) + _DAY).date()
    if isinstance(column.type, sa.Numeric | sa.Integer | sa.Float):
        return _counted(column, before)
    return _written(field, before)


def _counted(column: sa.Column[Any], before: dt.datetime) -> sa.ColumnElement[bool]:
    """Compare Unix time in whatever unit its size tells."""
    seconds = int(before.timestamp()) + 1
    parts = [(column >= size) & (column < seconds * unit) for size, unit in _UNITS]
    return sa.or_(*parts, column < 0)


def _written(field: Field, before: dt.datetime) -> sa.ColumnElement[bool]:
    """Compare ISO 8601 by its first characters; what is written otherwise is looked at."""
    text: sa.ColumnElement[Any] = field.read
    if not isinstance(field.column.type, sqltypes.NullType) and not field.textual:
        return field.column.is_not(None)
    border = (before.astimezone(dt.UTC) + _DAY + _DAY).date().isoformat()
    other = sa.func.substr(sa.cast(text, sa.Text), 5, 1) != "-"
    return sa.and_(field.column.is_not(None), sa.or_(text < sa.literal(border, sa.Text), other))


def is_older(record: Record, anchor: str, before: dt.datetime, clock: Clock) -> bool:
    """Return whether the time at the record's `anchor` lies before; a row without one is not."""
    moment = clock.moment(record.data.get(anchor))
    return moment is not None and moment < before
