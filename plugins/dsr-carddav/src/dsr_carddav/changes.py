"""Sets of cards deleted and changed as sabre/dav does it, so that clients follow.

sabre/dav notes each change with the book's synctoken and then raises that by one. A client
that comes with an older token is told what changed since; were a card only deleted from the
table, the client would keep its copy, and give it back with its next change.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import md5
from typing import Any, Final, NamedTuple, TypeVar

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from dsr.connectors.sql.errors import is_passing
from dsr.connectors.sql.session import prepare
from dsr.connectors.sql.sets import any_of
from dsr.connectors.vcards.cards import Card
from dsr_carddav.books import digest
from dsr_carddav.cards import only_card
from dsr_carddav.tables import CHANGED, DELETED, Tables

__all__ = ["Changer", "key_of", "read_key"]

#: Cards of one transaction: few statements where cards only go, little memory where they change.
_DELETED_AT_ONCE: Final = 5_000
_CHANGED_AT_ONCE: Final = 200
_TRIES: Final = 3  # against deadlocks with the server
_NAMED: Final = 254  # characters that Nextcloud keeps of a value

Edit = Callable[[Card], Card]
T = TypeVar("T")


def key_of(number: int, uri: str) -> str:
    """Return a card's key: its row, and what shows that the row is still that card's."""
    return f"{number}-{digest(uri)}"


def read_key(key: str) -> int | None:
    """Return the row of a key; None for what is none."""
    number = key.partition("-")[0]
    return int(number) if number.isascii() and number.isdecimal() else None


class _Row(NamedTuple):
    """A card in the table."""

    id: int
    book: int
    raw: Any


@frozen
class Changer:
    """Changes cards through one connection, each batch in a transaction of its own."""

    connection: sa.Connection
    tables: Tables

    def delete(self, keys: Iterable[str]) -> None:
        """Delete the cards of these keys; keys that are gone are no error."""
        for batch in _batches(keys, _DELETED_AT_ONCE):
            self._again(partial(self._delete, batch))

    def change(self, edits: Mapping[str, Edit]) -> tuple[set[str], list[str]]:
        """Change cards; return the keys that are gone, and what edits could not do."""
        gone: set[str] = set()
        problems: list[str] = []
        for batch in _batches(edits, _CHANGED_AT_ONCE):
            left, wrong = self._again(partial(self._change, batch, edits))
            gone |= left
            problems += wrong
        return gone, problems

    def _again(self, do: Callable[[], T]) -> T:
        """Call `do` in a transaction, again where the database says that this may help."""
        for left in range(_TRIES - 1, -1, -1):
            try:
                with self.connection.begin():
                    prepare(self.connection, "UTC")
                    return do()
            except SQLAlchemyError as error:
                if not left or not is_passing(error):
                    raise
        raise AssertionError  # the last try returns or raises

    def _delete(self, keys: Sequence[str]) -> None:
        rows = list(self._locked(keys, with_data=False).values())
        if not rows:
            return
        ids = [each.id for each in rows]
        self._note(rows, DELETED)
        if self.tables.properties is not None:
            condition = self._among(self.tables.properties.c.cardid, ids)
            self.connection.execute(sa.delete(self.tables.properties).where(condition))
        cards = self.tables.cards
        self.connection.execute(sa.delete(cards).where(self._among(cards.c.id, ids)))

    def _change(self, keys: Sequence[str], edits: Mapping[str, Edit]) -> tuple[set[str], list[str]]:
        rows = self._locked(keys, with_data=True)
        problems: list[str] = []
        changed: list[tuple[_Row, Card, Card]] = []
        for key, row in rows.items():
            card = only_card(as_bytes(row.raw))
            try:
                edited = edits[key](card) if card else None
            except ValueError as error:
                problems.append(str(error))
                continue
            if card is None or edited is None:
                problems.append("a card is not one whole card")
            elif edited.raw != card.raw:
                changed.append((row, card, edited))
        if changed:
            self._store(changed)
        return set(keys) - rows.keys(), problems

    def _store(self, changed: Sequence[tuple[_Row, Card, Card]]) -> None:
        cards = self.tables.cards
        names = ("carddata", "etag", "size", "lastmodified")
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        now = int(time.time())
        statement = sa.update(cards).where(cards.c.id == sa.bindparam("row")).values(values)
        new = [
            {
                "row": row.id,
                "new_carddata": edited.raw.decode() if isinstance(row.raw, str) else edited.raw,
                "new_etag": md5(edited.raw, usedforsecurity=False).hexdigest(),
                "new_size": len(edited.raw),
                "new_lastmodified": now,
            }
            for row, _, edited in changed
        ]
        self.connection.execute(statement, new)
        self._note([row for row, _, _ in changed], CHANGED)
        if self.tables.properties is not None:
            self._repeat(self.tables.properties, changed)

    def _repeat(
        self, properties: sa.TableClause, changed: Sequence[tuple[_Row, Card, Card]]
    ) -> None:
        """Write the values of changed cards anew to the table that repeats them."""
        ids = [row.id for row, _, _ in changed]
        wanted = sa.select(properties.c.cardid, properties.c.name).where(
            self._among(properties.c.cardid, ids)
        )
        repeated = {(number, name) for number, name in self.connection.execute(wanted)}
        self.connection.execute(sa.delete(properties).where(self._among(properties.c.cardid, ids)))
        new = [
            {
                "addressbookid": row.book,
                "cardid": row.id,
                "name": each.name.upper(),
                "value": each.value[:_NAMED],
                "preferred": int(b"PREF" in each.head.upper()),
            }
            for row, _, edited in changed
            for each in edited.properties
            if (row.id, each.name.upper()) in repeated and each.value.strip(" ;,")
        ]
        if new:
            self.connection.execute(sa.insert(properties), new)

    def _locked(self, keys: Sequence[str], *, with_data: bool) -> dict[str, _Row]:
        """Return the cards that are there, by their keys; nobody else can change them now."""
        cards = self.tables.cards.c
        asked = set(keys)
        ids = sorted({number for each in keys if (number := read_key(each)) is not None})
        raw = cards.carddata if with_data else sa.null()
        wanted = sa.select(cards.id, cards.uri, cards.addressbookid, raw)
        wanted = wanted.where(self._among(cards.id, ids)).order_by(cards.id).with_for_update()
        rows = {}
        for number, uri, book, data in self.connection.execute(wanted) if ids else ():
            key = key_of(number, as_text(uri))
            if key in asked:
                rows[key] = _Row(number, book, data)
        return rows

    def _note(self, rows: Sequence[_Row], operation: int) -> None:
        """Note a change of each of these cards, and raise the synctokens of their books."""
        cards, books, changes = self.tables.cards, self.tables.books, self.tables.changes
        counts = Counter(each.book for each in rows)
        self.connection.execute(  # no other change of these books comes between
            sa.select(books.c.id)
            .where(self._among(books.c.id, sorted(counts)))
            .order_by(books.c.id)
            .with_for_update()
        )
        place = sa.func.row_number().over(partition_by=cards.c.addressbookid, order_by=cards.c.id)
        columns = [
            cards.c.uri,
            (books.c.synctoken + place - 1).label("synctoken"),
            cards.c.addressbookid,
            sa.literal(operation, sa.Integer).label("operation"),
        ]
        if self.tables.has_times:
            columns.append(sa.literal(int(time.time()), sa.BigInteger).label("created_at"))
        noted = (
            sa.select(*columns)
            .select_from(cards.join(books, books.c.id == cards.c.addressbookid))
            .where(self._among(cards.c.id, [each.id for each in rows]))
        )
        self.connection.execute(sa.insert(changes).from_select(changes.c.keys(), noted))
        by_count: dict[int, list[int]] = {}
        for book, count in sorted(counts.items()):
            by_count.setdefault(count, []).append(book)
        raised = sa.case(
            *((self._among(books.c.id, each), count) for count, each in by_count.items()), else_=0
        )
        self.connection.execute(
            sa.update(books)
            .where(self._among(books.c.id, sorted(counts)))
            .values(synctoken=books.c.synctoken + raised)
        )

    def _among(
        self, column: sa.ColumnElement[Any], values: Sequence[int]
    ) -> sa.ColumnElement[bool]:
        dialect = self.connection.dialect.name
        return any_of(dialect, values, sa.BigInteger(), changing=True)(column)


def as_bytes(value: Any) -> bytes:  # noqa: ANN401  (a database value)
    """Return a card as its bytes, whatever type its column has."""
    return value.encode() if isinstance(value, str) else bytes(value)


def as_text(value: Any) -> str:  # noqa: ANN401  (a database value)
    """Return a URI as text: sabre/dav keeps some in binary columns."""
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")


def _batches(keys: Iterable[str], size: int) -> Iterable[list[str]]:
    ordered = sorted(keys, key=lambda key: (read_key(key) or 0, key))
    return (ordered[start : start + size] for start in range(0, len(ordered), size))
