"""Confirmed plans in the ledger, as digests of their steps."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping

from attrs import field, frozen
from sqlalchemy import delete, insert, select

from dsr.ledger.database import Part, Unit
from dsr.ledger.rows import open_row
from dsr.ledger.tables import plan_parts, plans
from dsr.model import Verb
from dsr.report import canonical

__all__ = ["Confirmed", "Plans", "delete_plan"]


@frozen
class Confirmed:
    """A plan that a person has confirmed, without personal data.

    `token` names it. `at` is when it was made. `counts` maps store -> category -> verb -> number
    of records. `parts` maps each store to the keyed digests (`Ledger.digest`) of its steps:
    sorted, eight bytes each, one after another.
    """

    token: str
    at: dt.datetime
    counts: Mapping[str, Mapping[str, Mapping[Verb, int]]]
    parts: Mapping[str, bytes] = field(repr=False)


class Plans(Part):
    """The ledger's confirmed plans, one a request."""

    def save_plan(self, id: str, confirmed: Confirmed) -> None:
        """Store the plan of an open request, instead of an earlier one.

        Raises `RequestNotFound`, or `RequestError` when the request is closed.
        """
        parts = [
            {"request": id, "store": store, "digests": digests}
            for store, digests in confirmed.parts.items()
        ]
        row = {
            "request": id,
            "token": confirmed.token,
            "at": confirmed.at,
            "counts": canonical(confirmed.counts).decode(),
        }
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            delete_plan(unit, id)
            unit.connection.execute(insert(plans).values(row))
            if parts:
                unit.connection.execute(insert(plan_parts), parts)

    def plan(self, id: str) -> Confirmed | None:
        """Return the confirmed plan of a request, None when it has none (or is closed)."""
        with self._database.reading() as connection:
            row = connection.execute(select(plans).where(plans.c.request == id)).one_or_none()
            if row is None:
                return None
            query = select(plan_parts.c.store, plan_parts.c.digests)
            found = connection.execute(
                query.where(plan_parts.c.request == id).order_by(plan_parts.c.store)
            )
            parts = {part.store: part.digests for part in found}
        return Confirmed(row.token, row.at, json.loads(row.counts), parts)

    def digest(self, text: str | bytes) -> int:
        """Return the keyed 64-bit digest of a text; without the ledger's key it says nothing."""
        return self.digester()(text)

    def digester(self) -> Callable[[str | bytes], int]:
        """Return `digest` with everything bound that need be, for hot loops."""
        return self._keys.digester()


def delete_plan(unit: Unit, id: str) -> None:
    """Delete the plan of a request, if there is one."""
    unit.connection.execute(delete(plan_parts).where(plan_parts.c.request == id))
    unit.connection.execute(delete(plans).where(plans.c.request == id))
