"""What tells the cards of one file apart, also when others of them were removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

from attrs import define, field

from dsr.connectors.vcards.books import cards
from dsr.connectors.vcards.cards import Card

__all__ = ["Digests", "Marks"]


_FEW: Final = 10_000  # digests in memory; more go to disk
_SCHEMA: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -2048;
CREATE TABLE known (digest INTEGER PRIMARY KEY);
BEGIN;
"""


@define
class Digests:
    """A set of marks, in memory while they are few, and in an anonymous file when they are many."""

    _few: set[int] = field(factory=set)
    _many: sqlite3.Connection | None = None

    def add(self, mark: str) -> bool:
        """Add a mark. Return whether it was new."""
        digest = _number(mark)
        if self._many is not None:
            query = "INSERT OR IGNORE INTO known VALUES (?)"
            return self._many.execute(query, (digest,)).rowcount == 1
        if digest in self._few:
            return False
        self._few.add(digest)
        if len(self._few) == _FEW:
            self._many = sqlite3.connect("", isolation_level=None)
            self._many.executescript(_SCHEMA)
            rows = ((each,) for each in sorted(self._few))
            self._many.executemany("INSERT INTO known VALUES (?)", rows)
            self._few.clear()
        return True

    def __contains__(self, mark: str) -> bool:
        """Return whether a mark was added."""
        if self._many is None:
            return _number(mark) in self._few
        query = "SELECT 1 FROM known WHERE digest = ?"
        return self._many.execute(query, (_number(mark),)).fetchone() is not None

    def close(self) -> None:
        """Forget them all."""
        if self._many is not None:
            self._many.close()


@define
class Marks:
    """What tells the cards of one file apart: the UID, where no other card has the same."""

    repeated: Digests
    _seen: Digests = field(factory=Digests)

    @classmethod
    @contextmanager
    def of(cls, path: Path) -> Iterator[Marks]:
        """Look at all cards of a file. Raises `OSError`."""
        once, marks = Digests(), cls(Digests())
        try:
            with path.open("rb") as file:
                for card in cards(file):
                    uid = _uid(card) if isinstance(card, Card) else ""
                    if uid and not once.add(uid):
                        marks.repeated.add(uid)
            once.close()
            yield marks
        finally:
            for each in (once, marks.repeated, marks._seen):
                each.close()

    def all(self, card: Card) -> frozenset[str]:
        """Return every mark that means this card; the last way to name it, its bytes, always."""
        uid = _uid(card)
        own = {uid} if uid and uid not in self.repeated else set[str]()
        return frozenset(own | {"c" + _digest(card.raw)})

    def first(self, card: Card) -> str:
        """Return the mark of the card; empty if the same card came before in this file."""
        uid = _uid(card)
        if uid and uid not in self.repeated:
            return uid
        mark = "c" + _digest(card.raw)
        return mark if self._seen.add(mark) else ""


def _number(mark: str) -> int:
    """Return the digest of a mark as SQLite holds numbers."""
    return int.from_bytes(bytes.fromhex(mark[1:]), signed=True)


def _uid(card: Card) -> str:
    uid = next((each.value for each in card.properties if each.name == "uid" and each.value), "")
    return uid and "u" + _digest(uid.encode())


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()
