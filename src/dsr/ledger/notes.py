"""What a person says of a record that is not overwritten: kept sealed beside it (GDPR Art. 16).

A note is found by the keyed hash of its record's store and key. It goes with the record.
"""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen
from sqlalchemy import delete, func, select

from dsr.ledger.database import Part
from dsr.ledger.tables import notes, requests
from dsr.model import Outcome
from dsr.report import canonical

__all__ = ["Note", "Notes"]

_AT_ONCE: Final = 500


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
            new = unit.insert(notes).values(row)
            again = new.on_conflict_do_update(index_elements=["record", "request"], set_=row)
            unit.connection.execute(again)

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

    def forget_notes(self, store: str, keys: Iterable[str]) -> None:
        """Forget what is claimed of records that are gone. Twice is success."""
        hashes = [self._keys.hash("note", store, key) for key in keys]
        with self._database.writing() as unit:
            for start in range(0, len(hashes), _AT_ONCE):
                part = hashes[start : start + _AT_ONCE]
                unit.connection.execute(delete(notes).where(notes.c.record.in_(part)))


def _place(hash_: bytes) -> str:
    return f"note on record {hash_.hex()}"
