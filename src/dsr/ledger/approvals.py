"""What staff approved: a plan, by its token, before it may be carried out (four eyes)."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from dsr.errors import NotConfirmed
from dsr.ledger.database import Part
from dsr.ledger.rows import open_row
from dsr.ledger.tables import approvals, plans

__all__ = ["Approvals"]


class Approvals(Part):
    """The ledger's approvals. One of an earlier plan counts for nothing."""

    def approve(self, id: str, token: str, member: str, at: dt.datetime) -> None:
        """Note that `member` approved the request's plan with this token. Twice is success.

        Raises `NotConfirmed` if that is not the token of the last plan, `RequestNotFound`, and
        `RequestError` when the request is closed.
        """
        row = {"request": id, "token": token, "member": member, "at": at}
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            self.check_token(id, token)
            new = unit.insert(approvals).values(row).on_conflict_do_nothing()
            unit.connection.execute(new)
            unit.note("approved", at=at, request=id, note=member)

    def check_token(self, id: str, token: str) -> None:
        """Raise `NotConfirmed` if this is not the token of the request's last plan."""
        query = select(plans.c.token).where(plans.c.request == id)
        with self._database.reading() as connection:
            last = connection.execute(query).scalar()
        if last != token:
            what = f"this is not the token of the last plan of request {id}"
            raise NotConfirmed(what, "look at the plan anew, and approve what it shows")

    def approved(self, id: str, token: str) -> frozenset[str]:
        """Return who of the staff approved the plan with this token."""
        query = select(approvals.c.member)
        query = query.where(approvals.c.request == id, approvals.c.token == token)
        with self._database.reading() as connection:
            return frozenset(connection.execute(query).scalars())
