"""What a reading has to come back to, in a temporary database of SQLite and not in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from attrs import field, frozen

from dsr.model import Identifier
from dsr_kamailio.legs import Sign

__all__ = ["Notes"]

_SCHEMA: Final = """
CREATE TABLE share (call TEXT, who INTEGER, party TEXT, row TEXT,
  PRIMARY KEY (call, who, party, row));
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

    def share(self, call: str, who: Identifier, signs: Iterable[Sign]) -> None:
        """Note that `who` is in a call with others that are asked for, with these signs."""
        rows = [(call, self._places[who], *sign) for sign in signs]
        self._database.executemany("INSERT OR IGNORE INTO share VALUES (?, ?, ?, ?)", rows)

    def doubt(self, call: str, who: Identifier, table: str) -> None:
        """Note that a row of a call (empty: of none) in this table may name `who`."""
        row = (call, self._places[who], table)
        self._database.execute("INSERT OR IGNORE INTO doubt VALUES (?, ?, ?)", row)

    def shared(self, size: int) -> Iterator[dict[str, dict[Identifier, set[Sign]]]]:
        """Yield the calls noted by `share` and who has which signs, at most `size` together."""
        for rows in self._pages("share", size):
            calls: dict[str, dict[Identifier, set[Sign]]] = {}
            for call, place, party, row in rows:
                people = calls.setdefault(call, {})
                people.setdefault(self.who[place], set()).add(Sign(party, row))
            yield calls

    def doubts(self, size: int) -> Iterator[dict[str, dict[Identifier, set[str]]]]:
        """Yield the calls noted by `doubt` and who may be in which tables, `size` together."""
        for rows in self._pages("doubt", size):
            calls: dict[str, dict[Identifier, set[str]]] = {}
            for call, place, name in rows:
                calls.setdefault(call, {}).setdefault(self.who[place], set()).add(name)
            yield calls

    def _pages(self, table: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield all rows of at most `size` calls."""
        page = (
            f"SELECT * FROM {table} WHERE call IN"  # noqa: S608  (constants)
            f" (SELECT DISTINCT call FROM {table} WHERE call > ? OR ? ORDER BY call LIMIT ?)"
            " ORDER BY call"
        )
        last, first = "", True
        while rows := self._database.execute(page, (last, first, size)).fetchall():
            yield rows
            last, first = rows[-1][0], False
