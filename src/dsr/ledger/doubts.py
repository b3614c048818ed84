"""Doubts about who makes a request: while one is open, a second date stands beside the strict one.

Art. 12(6) GDPR lets an operator ask for more where it has reasonable doubts; that it had them,
and since when, must be on record.
"""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt

from attrs import frozen
from sqlalchemy import insert, select, update

from dsr.errors import RequestError
from dsr.ledger.database import Part
from dsr.ledger.rows import open_row
from dsr.ledger.tables import doubts, requests

__all__ = ["Doubt", "Doubts"]


@frozen
class Doubt:
    """A `reason` to doubt who asks, in words that name no person, and since when (`asked`)."""

    asked: dt.datetime
    reason: str


class Doubts(Part):
    """The ledger's doubts: at most one of a request is open."""

    def add_doubt(self, id: str, reason: str, at: dt.datetime) -> None:
        """Record that the person behind a request was asked to prove who they are, and why.

        The same doubt once more is success. Raises `RequestNotFound`, or `RequestError` when the
        person is verified or the request closed, or when another doubt is open.
        """
        with self._database.writing() as unit:
            row = open_row(unit.connection, id)
            if row.state != "open":
                what = f"request {id} is verified: who makes it is in no doubt"
                raise RequestError(what, "raise doubts before the person is verified")
            query = select(doubts.c.doubt).where(doubts.c.request == id, doubts.c.ended.is_(None))
            found = unit.connection.execute(query).scalar_one_or_none()
            if found is None:
                new = {"request": id, "asked": at, "doubt": reason}
                unit.connection.execute(insert(doubts).values(new))
                unit.note("doubt raised", at=at, request=id)
            elif found != reason:
                what = f"another doubt about request {id} is open"
                raise RequestError(what, "end that one first")

    def end_doubt(self, id: str, at: dt.datetime) -> None:
        """End the doubt about a request. Twice is success, and so is it where there is none.

        Raises `RequestNotFound`, or `RequestError` when the request is closed.
        """
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            change = update(doubts).where(doubts.c.request == id, doubts.c.ended.is_(None))
            if unit.connection.execute(change.values(ended=at)).rowcount:
                unit.note("doubt ended", at=at, request=id)

    def open_doubts(self) -> dict[str, Doubt]:
        """Return the doubts that are open about open requests, by the request's id."""
        query = select(doubts).join(requests, requests.c.id == doubts.c.request)
        query = query.where(doubts.c.ended.is_(None), requests.c.state == "open")
        with self._database.reading() as connection:
            return {row.request: Doubt(row.asked, row.doubt) for row in connection.execute(query)}
