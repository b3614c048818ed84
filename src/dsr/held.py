"""Which records stand under a hold, or a restriction, that names a person: for all of them at once.

A request reads the stores for those who ask and for those who are held along with them; whoever
deletes for everybody must know of all held records before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final, Self, cast

from dsr.connector import Connector
from dsr.find import THINGS, Reading
from dsr.model import Record, Subject, Unread
from dsr.policy.reasons import Reason, hold_covers, of_hold
from dsr.spool import Spool, Spot
from dsr.survey import Ground, holds_by_link, plain

__all__ = ["HeldRecords"]

_SCHEMA: Final = """
CREATE TABLE held (store TEXT, digest INTEGER, reason TEXT, law TEXT, until TEXT, fields TEXT);
CREATE INDEX held_spot ON held (store, digest);
"""


class HeldRecords:
    """The records under such holds on one day, on disk. A context manager."""

    def __init__(self, ground: Ground) -> None:
        """Read every store for the people whom the standing holds name."""
        held = [each for each in ground.standing if each.subject is not None]
        self._by_link = holds_by_link(held)
        self._spool = Spool()
        for statement in _SCHEMA.split(";"):
            self._spool.db.execute(statement)
        reading = Reading(
            ground.connectors,
            [cast("Subject", each.subject) for each in held],
            self._spool,
            ground.executor,
        )
        for item in reading if held else ():
            if not isinstance(item, Unread) and hold_covers(held[item.subject], item.record):
                self._add(item.spot, of_hold(held[item.subject]))
        self._unknown = _unknown(reading.unread, ground.connectors)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self._spool.__exit__()

    def _add(self, spot: Spot, reason: Reason) -> None:
        until = reason.until.isoformat() if reason.until else None
        fields = "\0".join(sorted(reason.fields))
        self._spool.db.execute(
            "INSERT INTO held VALUES (?,?,?,?,?,?)",
            (*spot, reason.reason, reason.law, until, fields),
        )

    def knows(self, store: str) -> bool:
        """Return whether all records of a store that are held are known."""
        return store not in self._unknown

    def on(self, spot: Spot, record: Record) -> Iterator[Reason]:
        """Yield why the record there stays: whom it concerns, or which call it leads to."""
        for reason, law, until, fields in self._spool.db.execute(
            "SELECT DISTINCT reason, law, until, fields FROM held WHERE store = ? AND digest = ?",
            spot,
        ):
            day = dt.date.fromisoformat(until) if until else None
            yield Reason(reason, law, day, frozenset(fields.split("\0")) - {""})
        for link in record.links:
            for hold in self._by_link.get(plain(link), ()):
                if hold_covers(hold, record):
                    yield of_hold(hold)


def _unknown(unread: set[str], connectors: Sequence[Connector]) -> set[str]:
    """Return the stores that may hold more: those not read, and those that links of them reach."""
    if not unread:
        return set()
    return unread | {each.name for each in connectors if each.accepts & THINGS}
