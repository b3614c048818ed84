"""Grants: the proof that a request was verified, which only the ledger's key can make."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import hmac
from typing import Any

from attrs import field, frozen
from sqlalchemy import Row, select

from dsr.ledger.database import Part
from dsr.ledger.requests import subject_of, unseal_subject
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

        It is bound to the request's id and right, and to its identifiers with their tenure as
        they are now. A later one takes its place. Raises `RequestNotFound`.
        """
        with self._database.writing() as unit:
            tenure = self._tenure(request_row(unit.connection, request.id))
            proof = self._proof(request, method, at, tenure or b"")
            row = {
                "request": request.id,
                "method": method,
                "at": at,
                "proof": proof,
                "tenure": tenure,
            }
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
        """Return whether `grant` made this proof for just this, and whom it is about is the same.

        Once a request has forgotten whom it was about, the tenure at the time of the grant counts.
        """
        query = select(grants.c.tenure).where(grants.c.request == request.id)
        with self._database.reading() as connection:
            then = connection.execute(query).scalar() or b""
            now = self._tenure(request_row(connection, request.id))
        genuine = hmac.compare_digest(proof, self._proof(request, method, at, then))
        return genuine and (now is None or hmac.compare_digest(now, then))

    def _proof(self, request: Request, method: str, at: dt.datetime, tenure: bytes) -> bytes:
        moment = at.astimezone(dt.UTC).isoformat()
        return self._keys.grant(request.id, request.right, method, moment, tenure.hex())

    def _tenure(self, row: Row[Any]) -> bytes | None:
        """Return the keyed hash of a request's identifiers with their tenure; None if forgotten."""
        if row.subject is None:
            return None
        subject = unseal_subject(self._keys, row.subject, subject_of(row.id))
        parts = [
            part
            for each in subject.identifiers
            for part in (each.kind, each.value, _moment(each.since), _moment(each.until))
        ]
        return self._keys.hash("tenure", *parts)


def _moment(at: dt.datetime | None) -> str:
    return at.astimezone(dt.UTC).isoformat() if at else ""
