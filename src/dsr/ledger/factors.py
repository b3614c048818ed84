"""What was proved of who makes a request, and what of it counts only once."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt

from attrs import field, frozen
from sqlalchemy import delete, insert, select

from dsr.ledger.database import Part
from dsr.ledger.rows import open_row, request_row
from dsr.ledger.tables import factors, nonces, used

__all__ = ["Factors", "Proved"]


@frozen
class Proved:
    """A factor that was proved, when, and by which of the staff, if a person decided it."""

    factor: str
    at: dt.datetime
    by: str = field(default="", repr=False)


class Factors(Part):
    """The ledger's factors, and what was used up to prove them."""

    def add_factor(self, id: str, factor: str, at: dt.datetime, by: str = "") -> None:
        """Note that `factor` was proved for a request; a later proof takes an earlier's place.

        Raises `RequestNotFound`, or `RequestError` when it is closed.
        """
        row = {"request": id, "factor": factor, "at": at, "by": by}
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            new = unit.insert(factors).values(row)
            again = new.on_conflict_do_update(index_elements=["request", "factor"], set_=row)
            unit.connection.execute(again)

    def proved(self, id: str, since: dt.datetime) -> list[Proved]:
        """Return what was proved for a request from `since` on, in the order of time."""
        query = select(factors).where(factors.c.request == id, factors.c.at >= since)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(factors.c.at, factors.c.factor)).all()
        return [Proved(row.factor, row.at, row.by) for row in rows]

    def forget_factors(self, id: str) -> None:
        """Forget what was proved for a request: it has led to a grant, or must be proved anew."""
        with self._database.writing() as unit:
            unit.connection.execute(delete(factors).where(factors.c.request == id))

    def use(self, kind: str, value: str, until: dt.datetime, at: dt.datetime) -> bool:
        """Use up a token's name, a nonce or a code's time step; False if it was used before.

        Of several processes that try at once, one succeeds. From `until` on the caller refuses
        it for its age, so that it is forgotten then.
        """
        row = {"hash": self._keys.hash("used", kind, value), "until": until}
        with self._database.writing() as unit:
            unit.connection.execute(delete(used).where(used.c.until <= at))
            new = unit.insert(used).values(row).on_conflict_do_nothing()
            return unit.connection.execute(new.returning(used.c.until)).scalar() is not None

    def save_nonce(self, id: str, nonce: str, expires: dt.datetime) -> None:
        """Store the nonce of a request's digest challenge, instead of an earlier one.

        Raises `RequestNotFound`, or `RequestError` when it is closed.
        """
        sealed = self._keys.seal(nonce.encode(), _place(id))
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            unit.connection.execute(delete(nonces).where(nonces.c.request == id))
            row = {"request": id, "nonce": sealed, "expires": expires}
            unit.connection.execute(insert(nonces).values(row))

    def take_nonce(self, id: str, at: dt.datetime) -> str | None:
        """Return the nonce of a request's challenge and forget it; None if it has none or is over.

        Raises `RequestNotFound`.
        """
        with self._database.writing() as unit:
            request_row(unit.connection, id, lock=True)
            query = select(nonces).where(nonces.c.request == id)
            row = unit.connection.execute(query).one_or_none()
            unit.connection.execute(delete(nonces).where(nonces.c.request == id))
        if row is None or at >= row.expires:
            return None
        return self._keys.unseal(row.nonce, _place(id)).decode()


def _place(id: str) -> str:
    return f"nonce of request {id}"
