"""Links to packages: which secret opens which place, once, and until when.

Of a link only the keyed hash of its secret is stored, and the place sealed: who reads the
database can neither follow a link nor tell where a package lies.
"""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from attrs import field, frozen
from sqlalchemy import Row, insert, select, update

from dsr.ledger.database import Part
from dsr.ledger.rows import request_row
from dsr.ledger.tables import deliveries
from dsr.report import canonical

__all__ = ["Deliveries", "Parcel"]


@frozen
class Parcel:
    """A package with a link: its request, its place and SHA-256, and until when it is there."""

    number: int
    request: str
    place: str = field(repr=False)
    sha256: str
    expires: dt.datetime


class Deliveries(Part):
    """The ledger's links to packages."""

    def add_delivery(  # noqa: PLR0917  (as named as it can be: no two are of one kind)
        self,
        id: str,
        secret: str,
        place: str,
        sha256: str,
        expires: dt.datetime,
        at: dt.datetime,
    ) -> None:
        """Store a link to the package of a request; earlier links of the request end.

        Raises `RequestNotFound`.
        """
        hashed = self._hashed(secret)
        sealed = self._keys.seal(
            canonical({"place": place, "sha256": sha256}), _sealed_for(id, hashed)
        )
        mine = deliveries.c.request == id
        with self._database.writing() as unit:
            request_row(unit.connection, id, lock=True)
            ended = update(deliveries).where(mine, deliveries.c.expires > at)
            unit.connection.execute(ended.values(expires=at))
            row = {"request": id, "hash": hashed, "place": sealed, "expires": expires}
            unit.connection.execute(insert(deliveries).values(row))
            unit.note("link made", at=at, request=id, note=sha256)

    def take_delivery(self, secret: str, at: dt.datetime) -> Parcel | None:
        """Use a link up, and return what it leads to; None if it is unknown, used or over.

        Of several processes that try at once, one gets it. The secret is only ever compared as
        its keyed hash, so that how long it takes tells nothing of it.
        """
        query = select(deliveries).where(deliveries.c.hash == self._hashed(secret))
        with self._database.writing() as unit:
            row = unit.connection.execute(query.with_for_update()).one_or_none()
            if row is None:
                return None
            if row.place is None or row.fetched is not None or at >= row.expires:
                unit.note("link refused", at=at, request=row.request)
                return None
            used = update(deliveries).where(deliveries.c.number == row.number)
            unit.connection.execute(used.values(fetched=at))
            parcel = self._parcel(row)
            unit.note("package fetched", at=at, request=row.request, note=parcel.sha256)
        return parcel

    def parcels(self) -> list[Parcel]:
        """Return every link whose place is still known, the oldest first."""
        query = select(deliveries).where(deliveries.c.place.is_not(None))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(deliveries.c.number)).all()
        return [self._parcel(row) for row in rows]

    def forget_parcel(self, parcel: Parcel, at: dt.datetime, *, removed: bool) -> None:
        """Forget where a link leads: it is over. `removed` says that its package is, too."""
        known = deliveries.c.place.is_not(None)
        gone = update(deliveries).where(deliveries.c.number == parcel.number, known)
        event = "package removed" if removed else "link ended"
        with self._database.writing() as unit:
            if unit.connection.execute(gone.values(place=None)).rowcount:
                unit.note(event, at=at, request=parcel.request, note=parcel.sha256)

    def _hashed(self, secret: str) -> bytes:
        return self._keys.hash("delivery", secret)

    def _parcel(self, row: Row[Any]) -> Parcel:
        sealed_for = _sealed_for(row.request, row.hash)
        opened: dict[str, str] = json.loads(self._keys.unseal(row.place, sealed_for))
        return Parcel(row.number, row.request, opened["place"], opened["sha256"], row.expires)


def _sealed_for(id: str, hashed: bytes) -> str:
    return f"delivery of request {id}, link {hashed.hex()}"
