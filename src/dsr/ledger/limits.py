"""Limits on guessing, counted in the database: exact, however many processes guess at once.

A guess is counted as a failure, and that is committed, before anybody compares it; a right one is
taken back afterwards. So no more guesses are ever compared than the limits allow.

Three rows count: of whoever is guessed at, of where the guesses come from, and of all together.
They are locked in this order, after the request, so that nobody waits in a circle; the row that
all share comes last and is held for the shortest time. At most one call of this file and of
`challenges.py` belongs in one transaction, for the same reason.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, Literal

from attrs import frozen
from sqlalchemy import Row, Update, and_, bindparam, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from dsr.errors import LedgerError
from dsr.ledger.database import Part, Unit
from dsr.ledger.rows import request_row
from dsr.ledger.tables import NaiveTimeError, counters

__all__ = ["Counts", "Guesses", "Limit", "Limits", "Whom", "refuse"]

#: The limits by the names of their settings, as the audit trail has them.
Limit = Literal["attempts", "per_number", "per_source", "overall", "hard"]

_ALL_NUMBERS: Final = bytes(32)  # in place of a number's hash: all numbers together


@frozen
class Limits:
    """How many failures are too many (law.md rule 41).

    `attempts` of one code. In a day (UTC): `per_number` of one number, which also limits the
    codes sent to it; `per_source` from one source, which also limits the codes it asks for;
    `overall` of all numbers together. `hard` in a row for one number, over all days, codes and
    sources, until a success that proves that number, or until a person decides.
    """

    attempts: int
    per_number: int
    overall: int
    hard: int
    per_source: int = 20


@frozen
class Whom:
    """Whom a guess counts for, by keyed hashes: who is guessed at, the source, and all together.

    An unknown source is None: only the other two count.
    """

    target: bytes
    source: bytes | None
    everybody: bytes = _ALL_NUMBERS

    @property
    def keys(self) -> list[bytes]:
        """Their rows, in the order in which everybody locks them."""
        return [each for each in (self.target, self.source, self.everybody) if each is not None]


class Counts:
    """The counters of a day (UTC), locked until the transaction ends."""

    def __init__(self, unit: Unit, whom: Whom, at: dt.datetime) -> None:
        """Lock them; those of an earlier day start again. Raises `NaiveTimeError`."""
        if at.tzinfo is None:
            msg = "a guess needs a time with its zone"
            raise NaiveTimeError(msg)
        self._unit, self._whom = unit, whom
        self._day = at.astimezone(dt.UTC).date()
        self._rows = {key: _row(unit, key, self._day) for key in whom.keys}

    def reached(self, limits: Limits) -> Limit | None:
        """Return a limit that failures have reached."""
        own, source = self._rows[self._whom.target], self._source
        if own.streak >= limits.hard:
            return "hard"
        if own.failures >= limits.per_number:
            return "per_number"
        if source is not None and source.failures >= limits.per_source:
            return "per_source"
        if self._rows[self._whom.everybody].failures >= limits.overall:
            return "overall"
        return None

    def sent_enough(self, limits: Limits) -> Limit | None:
        """Return a limit that the codes sent have reached."""
        if self._rows[self._whom.target].sent >= limits.per_number:
            return "per_number"
        if self._source is not None and self._source.sent >= limits.per_source:
            return "per_source"
        return None

    def add_sent(self) -> None:
        """Count a code that is sent."""
        self._execute(_ADD_SENT)

    def add_failure(self) -> None:
        """Count a failure; in a row only for whoever is guessed at."""
        self._execute(_ADD_FAILURE, target=self._whom.target)

    def take_back(self) -> None:
        """Take one failure of this day back, and end the failures in a row.

        A counter that has moved on to a later day does not have it any more.
        """
        self._execute(_TAKE_BACK, target=self._whom.target, of=self._day)

    @property
    def _source(self) -> Row[Any] | None:
        return None if self._whom.source is None else self._rows[self._whom.source]

    def _execute(self, change: Update, **values: object) -> None:
        self._unit.connection.execute(change, {"whom": self._whom.keys, **values})


class Guesses(Part):
    """The ledger's counters, for whatever can be guessed."""

    def take_guess(
        self,
        request_id: str,
        target: str,
        limits: Limits,
        at: dt.datetime,
        source: str = "",
    ) -> bool:
        """Count a guess as failed; False, and nothing is counted, when a limit is reached.

        Only after True may the guess be compared; then call `guess_was_right` if it is right.
        `target` is what is guessed at, such as `staff:anna`; `per_number` and `hard` hold for it.
        The part before its first colon names the kind, and `overall` holds for all of a kind, so
        that whoever uses up one kind closes no other (law.md rule 44): it must not be a stranger's
        choice. `attempts` does not matter here. Of target and `source` only keyed hashes are
        stored; an empty source is unknown. The audit trail says which limit was reached. Raises
        `RequestNotFound`, and `LedgerError` inside a transaction, which could undo the count.
        """
        self._must_commit()
        with self._database.writing() as unit:
            request_row(unit.connection, request_id, lock=True)
            counts = Counts(unit, self._target(target, source), at)
            limit = counts.reached(limits)
            if limit is not None:
                refuse(unit, "verification refused", request_id, limit, at)
                return False
            counts.add_failure()
        return True

    def guess_was_right(
        self, request_id: str, target: str, at: dt.datetime, source: str = ""
    ) -> None:
        """Take back what `take_guess` counted, and end the failures in a row of the target.

        Once for a guess, with the same arguments. Raises `RequestNotFound`.
        """
        with self._database.writing() as unit:
            request_row(unit.connection, request_id, lock=True)
            Counts(unit, self._target(target, source), at).take_back()

    def reset_failures(self, number: str, at: dt.datetime) -> None:
        """End the failures in a row of a number, because a person so decided.

        What was counted today stays until the day (UTC) ends. The audit trail has the decision,
        without the number.
        """
        self._reset(self._number(number, "").target, at, "of a number")

    def reset_guesses(self, target: str, at: dt.datetime) -> None:
        """End the failures in a row of a target of `take_guess`, as `reset_failures` does."""
        self._reset(self._target(target, "").target, at, "of something else that is guessed")

    def forget_counts(self, at: dt.datetime) -> None:
        """Forget the counters of earlier days; failures in a row of a number stay.

        For a routine deletion: nothing is limited by them any more (GDPR Art. 5(1)(e)).
        """
        over = select(counters.c.number).where(
            counters.c.day < at.astimezone(dt.UTC).date(), counters.c.streak == 0
        )
        # what is in use is not over; waiting for it could be waiting in a circle
        free = over.with_for_update(skip_locked=True)
        with self._database.writing() as unit:
            unit.connection.execute(delete(counters).where(counters.c.number.in_(free)))

    def _reset(self, target: bytes, at: dt.datetime, note: str) -> None:
        with self._database.writing() as unit:
            change = update(counters).where(counters.c.number == target)
            unit.connection.execute(change.values(streak=0))
            unit.note("failures in a row reset", at=at, note=note)

    def _number(self, number: str, source: str) -> Whom:
        return Whom(self._keys.hash("number", number), self._source(source))

    def _target(self, target: str, source: str) -> Whom:
        kind = target.partition(":")[0] if ":" in target else ""
        return Whom(
            self._keys.hash("target", target), self._source(source), self._keys.hash("kind", kind)
        )

    def _source(self, source: str) -> bytes | None:
        return self._keys.hash("source", source) if source else None

    def _must_commit(self) -> None:
        if self._database.joined:
            what = "a guess was to be counted in a transaction that could undo it"
            raise LedgerError(what, "count it before the transaction begins")


def refuse(unit: Unit, event: str, request_id: str, limit: Limit, at: dt.datetime) -> None:
    """Note that a limit was reached, and which: never whose."""
    unit.note(event, at=at, request=request_id, note=f"limit reached: {limit}")


def _row(unit: Unit, key: bytes, day: dt.date) -> Row[Any]:
    """Return the counter of `key` as of `day`, made if need be, and locked: in one statement."""
    return unit.connection.execute(
        _TODAY[unit.connection.dialect.name], {"number": key, "day": day}
    ).one()


def _today(new: sqlite.Insert | postgresql.Insert) -> ReturningInsert[Any]:
    """Return the statement of `_row`.

    The clock of one process may be behind another's; a counter never goes back to a day that is
    over, or its failures would be forgotten.
    """
    old, later = counters.c, counters.c.day < new.excluded.day
    again = new.values(sent=0, failures=0, streak=0).on_conflict_do_update(
        index_elements=["number"],
        set_={
            "day": case((later, new.excluded.day), else_=old.day),
            "sent": case((later, 0), else_=old.sent),
            "failures": case((later, 0), else_=old.failures),
        },
    )
    return again.returning(counters)


# Built once: every attempt needs them, and building costs more than running.
_TODAY: Final = {
    "postgresql": _today(postgresql.insert(counters)),
    "sqlite": _today(sqlite.insert(counters)),
}
_COUNTED: Final = update(counters).where(counters.c.number.in_(bindparam("whom", expanding=True)))
_OWN: Final = counters.c.number == bindparam("target")
_ADD_SENT: Final = _COUNTED.values(sent=counters.c.sent + 1)
_ADD_FAILURE: Final = _COUNTED.values(
    failures=counters.c.failures + 1,
    streak=counters.c.streak + case((_OWN, 1), else_=0),
)
_TAKE_BACK: Final = _COUNTED.values(
    failures=counters.c.failures
    - case((and_(counters.c.day == bindparam("of"), counters.c.failures > 0), 1), else_=0),
    streak=case((_OWN, 0), else_=counters.c.streak),
)
