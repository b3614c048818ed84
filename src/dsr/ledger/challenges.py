"""Challenges in the ledger: sealed secrets, and attempts counted exactly across processes.

An attempt is counted before its code is compared. However many processes guess at once, no
more guesses are compared than the limits allow.
"""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Final, Literal

from attrs import field, frozen
from sqlalchemy import Row, select, update

from dsr.ledger.database import Part, Unit
from dsr.ledger.rows import open_row, request_row
from dsr.ledger.tables import challenges, counters
from dsr.report import canonical

__all__ = ["Attempt", "Challenges", "Limits"]

_EVERYBODY: Final = bytes(32)  # in place of a number's hash: all numbers together


@frozen
class Limits:
    """How many failures are too many.

    `attempts` of one code; `per_number` in a day (UTC) for one number, which also limits the
    codes sent to it; `overall` in a day for all numbers together; `hard` in a row for one number,
    over all days and codes, until a success.
    """

    attempts: int
    per_number: int
    overall: int
    hard: int


@frozen
class Attempt:
    """Leave to compare one guess: the challenge's number, its secret, and whether it counts.

    A challenge that is not `real` was sent to nobody: no guess is right.
    """

    serial: int
    secret: str = field(repr=False)
    real: bool


class Challenges(Part):
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
    ) -> bool:
        """Store a challenge instead of an earlier one, unless a limit is reached: then False.

        `number` is what the limits count for; only its keyed hash is stored. What was counted
        for it stays counted. Raises `RequestNotFound`, or `RequestError` when closed.
        """
        who = self._keys.hash("number", number)
        secret_and_real = canonical({"secret": secret, "real": real})
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            rows = _counters(unit, who, at.astimezone(dt.UTC).date())
            if rows[who].sent >= limits.per_number or _reached(rows, who, limits):
                return False
            _count(unit, rows[who], sent=1)
            old = select(challenges.c.serial).where(challenges.c.request == id)
            row = {
                "request": id,
                "serial": (unit.connection.execute(old).scalar() or 0) + 1,
                "secret": self._keys.seal(secret_and_real, _place(id)),
                "number": who,
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
    ) -> Attempt | Literal["none", "limit"]:
        """Count an attempt as failed and return the leave to compare it.

        `none`: there is no code that could be right (never made, used, expired). `limit`: a
        limit is reached. Neither is counted. Call `redeem` if the guess is right. Raises
        `RequestNotFound`.
        """
        with self._database.writing() as unit:
            row = _challenge(unit, id)
            if row is None:
                return "none"
            rows = _counters(unit, row.number, at.astimezone(dt.UTC).date())
            if row.attempts >= limits.attempts or _reached(rows, row.number, limits):
                return "limit"
            if row.secret is None or at >= row.expires:
                return "none"
            change = update(challenges).where(challenges.c.request == id)
            unit.connection.execute(change.values(attempts=row.attempts + 1))
            for each in rows.values():
                _count(unit, each, failures=1, streak=1)
        opened: dict[str, Any] = json.loads(self._keys.unseal(row.secret, _place(id)))
        return Attempt(row.serial, opened["secret"], opened["real"])

    def redeem(self, id: str, serial: int, at: dt.datetime) -> bool:
        """Use up a challenge whose code was guessed right; False if another did so before.

        What `take_attempt` counted is taken back, and the failures in a row end. Raises
        `RequestNotFound`.
        """
        with self._database.writing() as unit:
            row = _challenge(unit, id)
            if row is None or row.serial != serial or row.secret is None:
                return False
            used = update(challenges).where(challenges.c.request == id).values(secret=None)
            unit.connection.execute(used)
            rows = _counters(unit, row.number, at.astimezone(dt.UTC).date())
            for each in rows.values():
                _count(unit, each, failures=-min(1, each.failures), streak=-each.streak)
        return True


def _place(id: str) -> str:
    return f"challenge of request {id}"


def _challenge(unit: Unit, id: str) -> Row[Any] | None:
    """Return the challenge of a request, which is locked first: the order is the same for all."""
    request_row(unit.connection, id, lock=True)
    query = select(challenges).where(challenges.c.request == id)
    return unit.connection.execute(query).one_or_none()


def _counters(unit: Unit, who: bytes, day: dt.date) -> dict[bytes, Row[Any]]:
    """Return the counters of `who` and of everybody as of `day`, locked in one order for all."""
    found = {}
    for each in (who, _EVERYBODY):
        fresh = {"number": each, "day": day, "sent": 0, "failures": 0, "streak": 0}
        unit.connection.execute(unit.insert(counters).values(fresh).on_conflict_do_nothing())
        query = select(counters).where(counters.c.number == each)
        row = unit.connection.execute(query.with_for_update()).one()
        if row.day < day:
            change = update(counters).where(counters.c.number == each)
            unit.connection.execute(change.values(day=day, sent=0, failures=0))
            row = unit.connection.execute(query).one()
        found[each] = row
    return found


def _reached(rows: dict[bytes, Row[Any]], who: bytes, limits: Limits) -> bool:
    own, all_of_them = rows[who], rows[_EVERYBODY]
    return any(
        (
            own.failures >= limits.per_number,
            own.streak >= limits.hard,
            all_of_them.failures >= limits.overall,
        )
    )


def _count(unit: Unit, row: Row[Any], *, sent: int = 0, failures: int = 0, streak: int = 0) -> None:
    change = update(counters).where(counters.c.number == row.number)
    counted = {
        "sent": row.sent + sent,
        "failures": row.failures + failures,
        "streak": row.streak + streak,
    }
    unit.connection.execute(change.values(counted))
