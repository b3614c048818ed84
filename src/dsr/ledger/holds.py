"""Holds in the ledger; whom one is about is sealed, and forgotten when it is released."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Final

from sqlalchemy import Row, insert, select, update

from dsr.errors import RequestError
from dsr.ledger.database import Part
from dsr.ledger.requests import seal_subject, unseal_subject
from dsr.ledger.rows import raise_version
from dsr.ledger.tables import holds, ledger
from dsr.model import Hold
from dsr.report import canonical

__all__ = ["Holds"]

_FIX: Final = "see the list of holds"


class Holds(Part):
    """The ledger's holds."""

    def add_hold(self, hold: Hold, at: dt.datetime) -> None:
        """Place a hold. The very same once more is success.

        Raises `RequestError` if another hold has its id, or if it has been released.
        """
        subject = None
        if hold.subject is not None:
            subject = seal_subject(self._keys, hold.subject, _place(hold.id))
        row = {
            "id": hold.id,
            "case": hold.case,
            "reason": hold.reason,
            "law": hold.law,
            "until": hold.until,
            "subject": subject,
            "categories": canonical(sorted(hold.categories)).decode(),
            "since": hold.since,
            "before": hold.before,
            "fields": canonical(sorted(hold.fields)).decode(),
            "ground": hold.ground,
            "jurisdiction": hold.jurisdiction,
            "added": at,
        }
        with self._database.writing() as unit:
            raise_version(unit.connection)  # first: it makes the others wait
            query = select(holds).where(holds.c.id == hold.id)
            found = unit.connection.execute(query).one_or_none()
            if found is None:
                unit.connection.execute(insert(holds).values(row))
                unit.note("hold added", at=at, note=hold.id)
            elif found.released is not None or self._hold(found) != hold:
                what = "another hold has this id"
                raise RequestError(what, _FIX)

    def release_hold(self, id: str, at: dt.datetime) -> None:
        """Release a hold; from now on it no longer says whom it was about. Twice is success.

        Raises `RequestError` if there is none of this id.
        """
        with self._database.writing() as unit:
            raise_version(unit.connection)
            query = select(holds.c.released).where(holds.c.id == id)
            found = unit.connection.execute(query).one_or_none()
            if found is None:
                what = "the ledger has no hold of this id"
                raise RequestError(what, _FIX)
            if found.released is None:
                change = update(holds).where(holds.c.id == id)
                unit.connection.execute(change.values(released=at, subject=None))
                unit.note("hold released", at=at, note=id)

    def holds(self, *, released: bool = False) -> list[Hold]:
        """Return the holds that are in force, or else the released ones (without subjects).

        A hold whose last day has passed is in force here: policies judge days.
        """
        query = select(holds).order_by(holds.c.added, holds.c.id)
        if released:
            query = query.where(holds.c.released.is_not(None))
        else:
            query = query.where(holds.c.released.is_(None))
        with self._database.reading() as connection:
            return [self._hold(row) for row in connection.execute(query)]

    def holds_version(self) -> int:
        """Return a number that grows whenever a hold is placed or released."""
        with self._database.reading() as connection:
            found = connection.execute(select(ledger.c.holds_version)).scalar_one()
        version: int = found
        return version

    def _hold(self, row: Row[Any]) -> Hold:
        subject = None
        if row.subject is not None:
            subject = unseal_subject(self._keys, row.subject, _place(row.id))
        return Hold(
            id=row.id,
            case=row.case,
            reason=row.reason,
            law=row.law,
            until=row.until,
            subject=subject,
            categories=frozenset(json.loads(row.categories)),
            since=row.since,
            before=row.before,
            fields=frozenset(json.loads(row.fields)),
            ground=row.ground,
            jurisdiction=row.jurisdiction,
        )


def _place(id: str) -> str:
    return f"subject of hold {id}"
