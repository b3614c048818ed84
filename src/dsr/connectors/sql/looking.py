"""What `check` tells of tables that are no plain tables, and of paths into documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import unquote

import sqlalchemy as sa

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.inside import Opened
from dsr.connectors.sql.members import text_of
from dsr.connectors.sql.paths import Path, parse
from dsr.connectors.sql.sides import insight, looks_inside
from dsr.model import Finding

__all__ = ["is_decorated", "looked_at"]

#: Rows whose documents are looked at.
_SAMPLE: Final = 200
#: From so many digits on, a text is taken for a phone number.
_NUMBER: Final = 7


def looked_at(connection: sa.Connection, bound: Bound) -> Iterator[Finding]:
    """Yield what is wrong with a view, or with the paths of a map; changes nothing."""
    place = f"table {bound.map.name}"
    yield from _view(connection, bound, place)
    if looks_inside(bound):
        yield from _paths(connection, bound, place)


def _view(connection: sa.Connection, bound: Bound, place: str) -> Iterator[Finding]:
    inspector = sa.inspect(connection)
    schema, name = bound.map.place
    dialect = connection.dialect.name
    if dialect == "postgresql" and name in inspector.get_materialized_view_names(schema):
        text = "is a materialized view: map the tables behind it, and refresh it afterwards"
        yield Finding("left", f"{place} {text}: until then it keeps what they had")
        yield Finding("right", f"{place}: a materialized view can only be read")
        return
    if name not in inspector.get_view_names(schema):
        return
    if dialect == "sqlite" or not _is_updatable(connection, schema, name):
        text = "is a view that can only be read: to erase, map the tables behind it"
        yield Finding("right", f"{place} {text}")


def _is_updatable(connection: sa.Connection, schema: str | None, name: str) -> bool:
    current = "current_schema()" if connection.dialect.name == "postgresql" else "database()"
    said = connection.execute(
        sa.text(
            "SELECT is_updatable FROM information_schema.views WHERE table_name = :name"  # noqa: S608  (no value)
            f" AND table_schema = coalesce(:schema, {current})"
        ),
        {"schema": schema, "name": name},
    ).scalar()
    return said == "YES"


def _paths(connection: sa.Connection, bound: Bound, place: str) -> Iterator[Finding]:
    """Look at some documents: for members that none has, and numbers that equality misses."""
    opened = list(_sample(connection, bound))
    for path in bound.map.paths:
        documents = any(each.rests.get(path.column) not in (None, "") for each in opened)
        if documents and not any(each.found[path] for each in opened):
            text = f"{place}: no document of the first {_SAMPLE} rows has {path}: is it misspelled?"
            yield Finding("advice", text)
    for side in bound.map.sides:
        means = parse(side.column)
        if side.kind != "phone" or side.match != "equal" or not isinstance(means, Path):
            continue
        if any(is_decorated(each) for each in _texts(opened, means)):
            text = (
                f"{place}: {side.column} holds numbers with separators or in a URI: set"
                ' match = "contains" on its side, or they are not found'
            )
            yield Finding("fault", text)


def _sample(connection: sa.Connection, bound: Bound) -> Iterator[Opened]:
    read = [each.read for each in bound.fields]
    rows = connection.execute(sa.select(*read).select_from(bound.table).limit(_SAMPLE))
    look = insight(bound, ())
    for row in rows:
        yield look.open(row)


def _texts(opened: Iterable[Opened], path: Path) -> Iterator[str]:
    for each in opened:
        for member in each.found[path]:
            yield unquote(text_of(member.value) or "")


def is_decorated(value: Any) -> bool:  # noqa: ANN401  (a database value)
    """Return whether a text is a number with more than digits and plusses."""
    if not isinstance(value, str):
        return False
    digits = sum(map(str.isdigit, value))
    return digits >= _NUMBER and len(value.replace("+", "")) > digits
