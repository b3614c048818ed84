"""What a person says of a record that is not overwritten: kept sealed beside it (GDPR Art. 16).

A note is found by the keyed hash of its record's store and key. It goes with the record.
"""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen
from sqlalchemy import delete, func, select, update

from dsr.ledger.database import Part, Unit
from dsr.ledger.tables import notes, requests
from dsr.model import Outcome
from dsr.report import canonical

__all__ = ["Forgotten", "Note", "Notes"]

_AT_ONCE: Final = 500

#: A note as the ledger had it: sealed.
Forgotten = Mapping[str, Any]


@frozen
class Note:
    """What one request claims of a record: the fields, and what they should say instead."""

    request: str
    at: dt.datetime
    claimed: Mapping[str, str] = field(repr=False)
    outcome: Outcome = ""


class Notes(Part):
    """The ledger's notes on records."""

    def annotate(
        self, store: str, key: str, id: str, claimed: Mapping[str, str], at: dt.datetime
    ) -> None:
        """Note what request `id` claims of a record; once more takes the earlier note's place."""
        hash_ = self._keys.hash("note", store, key)
        row = {
            "record": hash_,
            "request": id,
            "at": at,
            "document": self._keys.seal(canonical(dict(claimed)), _place(hash_)),
        }
        with self._database.writing() as unit:
            self._put(unit, row)

    def has_notes(self) -> bool:
        """Return whether there is any note at all: most ledgers have none."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(notes)).scalar_one() > 0

    def is_noted_by(self, id: str) -> bool:
        """Return whether request `id` claims anything of a record that is still there."""
        query = select(notes.c.request).where(notes.c.request == id).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).one_or_none() is not None

    def notes(self, store: str, key: str) -> list[Note]:
        """Return what people claim of a record, the oldest first."""
        hash_ = self._keys.hash("note", store, key)
        query = (
            select(notes, requests.c.outcome)
            .join(requests, requests.c.id == notes.c.request)
            .where(notes.c.record == hash_)
            .order_by(notes.c.at, notes.c.request)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [
            Note(
                row.request,
                row.at,
                json.loads(self._keys.unseal(row.document, _place(hash_))),
                row.outcome,
            )
            for row in rows
        ]

    def forget_notes(self, store: str, gone: Mapping[str, frozenset[str]]) -> list[Forgotten]:
        """Forget what is claimed of records that go, by their keys, or of these fields of them.

        Returns what `restore_notes` puts back where the store refuses. Twice is success.
        """
        forgotten: list[Forgotten] = []
        hashes = {self._keys.hash("note", store, key): names for key, names in gone.items()}
        with self._database.writing() as unit:
            records = list(hashes)
            for start in range(0, len(records), _AT_ONCE):
                part = records[start : start + _AT_ONCE]
                query = select(notes).where(notes.c.record.in_(part))
                for row in unit.connection.execute(query).mappings().all():
                    forgotten.append(dict(row))
                    self._forget(unit, dict(row), hashes[row["record"]])
        return forgotten

    def restore_notes(self, forgotten: Iterable[Forgotten]) -> None:
        """Put back what `forget_notes` took. Twice is success."""
        with self._database.writing() as unit:
            for row in forgotten:
                self._put(unit, row)

    def _forget(self, unit: Unit, row: Forgotten, names: frozenset[str]) -> None:
        """Forget one request's claims of the fields `names` of a record; of all when empty."""
        mine = (notes.c.record == row["record"]) & (notes.c.request == row["request"])
        claimed = json.loads(self._keys.unseal(row["document"], _place(row["record"])))
        left = {name: value for name, value in claimed.items() if names and name not in names}
        if left:
            document = self._keys.seal(canonical(left), _place(row["record"]))
            unit.connection.execute(update(notes).where(mine).values(document=document))
        else:
            unit.connection.execute(delete(notes).where(mine))

    def _put(self, unit: Unit, row: Forgotten) -> None:
        new = unit.insert(notes).values(row)
        again = new.on_conflict_do_update(index_elements=["record", "request"], set_=row)
        unit.connection.execute(again)


def _place(hash_: bytes) -> str:
    return f"note on record {hash_.hex()}"
