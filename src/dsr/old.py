"""What has grown old, on disk: a store's listing is read to its end before anything is written."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Final, NamedTuple, Self

from dsr.model import Record
from dsr.spool import Spool, Spot

__all__ = ["Old", "Olds"]

_SCHEMA: Final = """
CREATE TABLE old (id INTEGER PRIMARY KEY, store TEXT, digest INTEGER, record BLOB);
CREATE INDEX old_spot ON old (store, digest);
"""


class Old(NamedTuple):
    """A record whose stage is due, and its store."""

    store: str
    record: Record

    @property
    def spot(self) -> Spot:
        """Where it is."""
        return Spot(self.store, hash(self.record.key))


class Olds:
    """The records that are due, in the order in which they were listed. A context manager."""

    def __init__(self) -> None:
        """Start with none."""
        self._spool = Spool()
        for statement in _SCHEMA.split(";"):
            self._spool.db.execute(statement)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self._spool.__exit__()

    def add(self, old: Old) -> None:
        """Remember one more."""
        self._spool.db.execute(
            "INSERT INTO old VALUES (NULL,?,?,?)", (*old.spot, pickle.dumps(old.record))
        )

    def has(self, spot: Spot) -> bool:
        """Return whether the record there is among them."""
        query = "SELECT 1 FROM old WHERE store = ? AND digest = ?"
        return self._spool.db.execute(query, spot).fetchone() is not None

    def batches(self, size: int) -> Iterator[list[Old]]:
        """Yield all of them, `size` at a time."""
        last = 0
        while rows := self._spool.db.execute(
            "SELECT id, store, record FROM old WHERE id > ? ORDER BY id LIMIT ?", (last, size)
        ).fetchall():
            last = rows[-1][0]
            yield [Old(store, pickle.loads(record)) for _, store, record in rows]  # noqa: S301  (our own, of this process)
