"""Challenges in the ledger: sealed secrets of codes, each with the attempts at it.

An attempt is counted before its code is compared (`dsr.ledger.limits`). However many processes
guess at once, no more guesses are compared than the limits allow.
"""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Literal

from attrs import field, frozen
from sqlalchemy import Row, select, update

from dsr.ledger.database import Unit
from dsr.ledger.limits import Counts, Guesses, Limits, Whom, refuse
from dsr.ledger.rows import open_row, request_row
from dsr.ledger.tables import challenges
from dsr.report import canonical

__all__ = ["Attempt", "Challenges", "Limits"]


@frozen
class Attempt:
    """Leave to compare one guess: the challenge's number, its secret, and whether it counts.

    A challenge that is not `real` was sent to nobody: no guess is right.
    """

    serial: int
    secret: str = field(repr=False)
    real: bool


class Challenges(Guesses):
    """The ledger's challenges, one a request."""

    def save_challenge(
        self,
        id: str,
        *,
        secret: str,
        number: str,
        real: bool,
        expires: dt.datetime,
        limits: Limits,
        at: dt.datetime,
        source: str = "",
    ) -> bool:
        """Store a challenge instead of an earlier one, unless a limit is reached: then False.

        `number` and `source` (who asks for it, such as a client's address; empty if unknown) are
        what the limits count for; only their keyed hashes are stored. What was counted for them
        stays counted. The audit trail says which limit was reached. Raises `RequestNotFound`, or
        `RequestError` when closed.
        """
        whom = self._number(number, source)
        secret_and_real = canonical({"secret": secret, "real": real})
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            counts = Counts(unit, whom, at)
            limit = counts.reached(limits) or counts.sent_enough(limits)
            if limit is not None:
                refuse(unit, "challenge refused", id, limit, at)
                return False
            counts.add_sent()
            old = select(challenges.c.serial).where(challenges.c.request == id)
            row = {
                "request": id,
                "serial": (unit.connection.execute(old).scalar() or 0) + 1,
                "secret": self._keys.seal(secret_and_real, _place(id)),
                "number": whom.target,
                "expires": expires,
                "attempts": 0,
            }
            new = unit.insert(challenges).values(row)
            again = new.on_conflict_do_update(index_elements=["request"], set_=row)
            unit.connection.execute(again)
        return True

    def take_attempt(
        self,
        id: str,
        limits: Limits,
        at: dt.datetime,
        source: str = "",
    ) -> Attempt | Literal["none", "limit"]:
        """Count an attempt as failed and return the leave to compare it.

        `none`: there is no code that could be right (never made, used, expired). `limit`: a
        limit is reached; the audit trail says which. Neither is counted. Call `redeem` if the
        guess is right. Raises `RequestNotFound`, and `LedgerError` inside a transaction, which
        could undo the count.
        """
        self._must_commit()
        with self._database.writing() as unit:
            row = _challenge(unit, id)
            if row is None:
                return "none"
            counts = Counts(unit, Whom(row.number, self._source(source)), at)
            limit = counts.reached(limits)
            if limit is None and row.attempts >= limits.attempts:
                limit = "attempts"
            if limit is not None:
                refuse(unit, "verification refused", id, limit, at)
                return "limit"
            if row.secret is None or at >= row.expires:
                return "none"
            change = update(challenges).where(challenges.c.request == id)
            unit.connection.execute(change.values(attempts=row.attempts + 1))
            counts.add_failure()
        opened: dict[str, Any] = json.loads(self._keys.unseal(row.secret, _place(id)))
        return Attempt(row.serial, opened["secret"], opened["real"])

    def redeem(self, id: str, serial: int, at: dt.datetime, source: str = "") -> bool:
        """Use up a challenge whose code was guessed right; False if another did so before.

        What `take_attempt` counted is taken back, and the failures in a row end: `at` and
        `source` are the same as there. Raises `RequestNotFound`.
        """
        with self._database.writing() as unit:
            row = _challenge(unit, id)
            if row is None or row.serial != serial or row.secret is None:
                return False
            used = {"secret": None, "attempts": row.attempts - 1}
            change = update(challenges).where(challenges.c.request == id)
            unit.connection.execute(change.values(used))
            Counts(unit, Whom(row.number, self._source(source)), at).take_back()
        return True


def _place(id: str) -> str:
    return f"challenge of request {id}"


def _challenge(unit: Unit, id: str) -> Row[Any] | None:
    """Return the challenge of a request, which is locked first: the order is the same for all."""
    request_row(unit.connection, id, lock=True)
    query = select(challenges).where(challenges.c.request == id)
    return unit.connection.execute(query).one_or_none()
