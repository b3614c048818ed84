"""What a reading has to come back to, in a temporary database of SQLite and not in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final

from attrs import field, frozen

from dsr.model import Identifier

__all__ = ["Notes"]

_SCHEMA: Final = """
CREATE TABLE share (call TEXT, who INTEGER, sign TEXT, PRIMARY KEY (call, who, sign));
CREATE TABLE doubt (call TEXT, who INTEGER, name TEXT, PRIMARY KEY (call, who, name));
"""


@frozen
class Notes:
    """Calls in which several of `who` are named, and calls in which one may be."""

    who: Sequence[Identifier] = field(repr=False)
    _places: dict[Identifier, int] = field(repr=False)
    _database: sqlite3.Connection = field(repr=False)

    @classmethod
    @contextmanager
    def open(cls, who: Sequence[Identifier]) -> Iterator[Notes]:
        """Take notes for one reading; they are gone with the block."""
        with closing(sqlite3.connect("")) as database:
            database.executescript(_SCHEMA)
            yield cls(who, {each: place for place, each in enumerate(who)}, database)

    def share(self, call: str, who: Identifier, signs: Iterable[str]) -> None:
        """Note that `who` is in a call with others that are asked for, with these signs."""
        rows = [(call, self._places[who], sign) for sign in signs]
        self._database.executemany("INSERT OR IGNORE INTO share VALUES (?, ?, ?)", rows)

    def doubt(self, call: str, who: Identifier, table: str) -> None:
        """Note that a row of a call (empty: of none) in this table may name `who`."""
        row = (call, self._places[who], table)
        self._database.execute("INSERT OR IGNORE INTO doubt VALUES (?, ?, ?)", row)

    def shared(self, size: int) -> Iterator[dict[str, dict[Identifier, set[str]]]]:
        """Yield the calls noted by `share` and who has which signs, at most `size` together."""
        return self._pages("share", "sign", size)

    def doubts(self, size: int) -> Iterator[dict[str, dict[Identifier, set[str]]]]:
        """Yield the calls noted by `doubt` and who may be in which tables, `size` together."""
        return self._pages("doubt", "name", size)

    def _pages(
        self, table: str, column: str, size: int
    ) -> Iterator[dict[str, dict[Identifier, set[str]]]]:
        page = (
            f"SELECT call, who, {column} FROM {table} WHERE call IN (SELECT DISTINCT call FROM {table}"  # noqa: S608  (constants)
            " WHERE call > ? OR ? ORDER BY call LIMIT ?)"
        )
        last, first = "", True
        while True:
            calls: dict[str, dict[Identifier, set[str]]] = {}
            for call, place, value in self._database.execute(page, (last, first, size)):
                calls.setdefault(call, {}).setdefault(self.who[place], set()).add(value)
            if not calls:
                return
            yield calls
            last, first = max(calls), False
