"""The tables of sabre/dav, as sabre/dav 3 and 4, Baïkal and Nextcloud lay them out.

Only the columns that all of them have are named here; what else a table has stays as it is.
Nextcloud keeps more: `cards_properties` repeats values of cards, to be searched, and a change
has the time when it was made.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from attrs import frozen

from dsr.errors import StoreUnavailable

__all__ = ["ADDED", "CHANGED", "DELETED", "Tables"]

#: What a change says of a card (the column `operation`).
ADDED: Final = 1
CHANGED: Final = 2
DELETED: Final = 3

_COLUMNS: Final = {
    "cards": ("id", "addressbookid", "carddata", "uri", "lastmodified", "etag", "size"),
    "addressbooks": ("id", "principaluri", "synctoken"),
    "addressbookchanges": ("uri", "synctoken", "addressbookid", "operation"),
}
_PROPERTIES: Final = "cards_properties"
_PROPERTY: Final = ("addressbookid", "cardid", "name", "value", "preferred")
_INTEGERS: Final = frozenset(
    {"id", "addressbookid", "cardid", "size", "synctoken", "operation", "lastmodified"}
)
#: What only Nextcloud's tables have.
_TIME: Final = "created_at"
_UID: Final = "uid"


@frozen
class Tables:
    """The tables of one database.

    `properties` is Nextcloud's copy of values; `has_times` says that changes have a time.
    """

    cards: sa.TableClause
    books: sa.TableClause
    changes: sa.TableClause
    properties: sa.TableClause | None
    has_times: bool

    @classmethod
    def of(cls, connection: sa.Connection, store: str, prefix: str) -> Tables:
        """Look which tables are there. Raises `StoreUnavailable` if one or a column is not."""
        inspector = sa.inspect(connection)
        there = set(inspector.get_table_names())
        found: dict[str, sa.TableClause] = {}
        named: dict[str, set[str]] = {}
        for name, columns in _COLUMNS.items():
            if prefix + name not in there:
                what = f"there is no table {prefix}{name}"
                raise StoreUnavailable(store, what, f"check stores.{store}.url and prefix")
            named[name] = {each["name"] for each in inspector.get_columns(prefix + name)}
            missing = [each for each in columns if each not in named[name]]
            if missing:
                what = f"table {prefix}{name} has no column {', '.join(missing)}"
                raise StoreUnavailable(store, what, "it is not sabre/dav's, or from before 3.0")
            found[name] = _table(prefix + name, columns)
        has_times = _TIME in named["addressbookchanges"]
        if (has_times or _UID in named["cards"]) and prefix + _PROPERTIES not in there:
            what = f"there is no table {prefix}{_PROPERTIES}, where Nextcloud repeats values"
            fix = "grant the database user the rights that the README names: it is hidden else"
            raise StoreUnavailable(store, what, fix)
        changes = found["addressbookchanges"]
        if has_times:
            changes = _table(changes.name, (*_COLUMNS["addressbookchanges"], _TIME))
        return cls(
            cards=found["cards"],
            books=found["addressbooks"],
            changes=changes,
            properties=(
                _table(prefix + _PROPERTIES, _PROPERTY) if prefix + _PROPERTIES in there else None
            ),
            has_times=has_times,
        )


def _table(name: str, columns: tuple[str, ...]) -> sa.TableClause:
    """Return a table without asking the database; `carddata` is a text here, and bytes there."""
    kinds: list[sa.ColumnClause[Any]] = [
        sa.column(each, sa.BigInteger() if each in _INTEGERS | {_TIME} else None)
        for each in columns
    ]
    return sa.table(name, *kinds)
