"""Grants: the proof that a request was verified, which only the ledger's key can make."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import hmac

from attrs import field, frozen
from sqlalchemy import select

from dsr.ledger.database import Part
from dsr.ledger.rows import request_row
from dsr.ledger.tables import grants
from dsr.model import Request

__all__ = ["Grant", "Grants"]


@frozen
class Grant:
    """That a request was verified: by which `method`, when, and the proof of it."""

    method: str
    at: dt.datetime
    proof: bytes = field(repr=False)


class Grants(Part):
    """The ledger's grants, one a request."""

    def grant(self, request: Request, method: str, at: dt.datetime) -> bytes:
        """Return the proof that `request` was verified by `method`, and store it.

        It is bound to the request's id and right. A later one takes its place. Raises
        `RequestNotFound`.
        """
        proof = self._proof(request, method, at)
        row = {"request": request.id, "method": method, "at": at, "proof": proof}
        with self._database.writing() as unit:
            request_row(unit.connection, request.id)
            new = unit.insert(grants).values(row)
            again = new.on_conflict_do_update(index_elements=["request"], set_=row)
            unit.connection.execute(again)
        return proof

    def granted(self, id: str) -> Grant | None:
        """Return the grant of a request, unchecked; None when it has none."""
        query = select(grants).where(grants.c.request == id)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return Grant(row.method, row.at, row.proof) if row else None

    def check_grant(self, request: Request, method: str, at: dt.datetime, proof: bytes) -> bool:
        """Return whether `grant` made this proof for just this; takes the same time always."""
        return hmac.compare_digest(proof, self._proof(request, method, at))

    def _proof(self, request: Request, method: str, at: dt.datetime) -> bytes:
        moment = at.astimezone(dt.UTC).isoformat()
        return self._keys.grant(request.id, request.right, method, moment)
