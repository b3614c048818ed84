"""Holds in the stores themselves: a store that can lock its records is told of a hold, too.

The ledger's hold is what counts: every verb is checked against it. A lock in the store (S3
Object Lock) protects the same records from everybody else who may write there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from attrs import field, frozen

from dsr.connector import Connector, Locks, Restricts
from dsr.errors import StoreError
from dsr.find import Reading
from dsr.model import Hold, Subject, Unread
from dsr.policy.reasons import hold_covers
from dsr.spool import Spool
from dsr.stores import Stores

__all__ = ["Locked", "lift", "lift_restriction", "place"]

_BATCH: Final = 1_000
_SCHEMA: Final = """
CREATE TABLE covered (store TEXT, digest INTEGER, key TEXT, PRIMARY KEY (store, digest));
CREATE TABLE other (store TEXT, digest INTEGER, PRIMARY KEY (store, digest));
"""


@frozen
class Locked:
    """How many records each store locked or freed, and what stood in the way (sentences)."""

    stores: Mapping[str, int] = field(factory=dict)
    problems: tuple[str, ...] = ()


def place(stores: Stores, hold: Hold, now: dt.datetime) -> Locked:
    """Lock the records that `hold` covers in every store that can.

    Twice is success: what was recorded since is locked then, too. What a store refuses is a
    problem that is told: the ledger's hold covers it all the same.
    """
    return _each(stores, hold, (), now, _LOCKING, on=True)


def lift(stores: Stores, hold: Hold, now: dt.datetime) -> Locked:
    """Free the records that `hold` covers and no other hold does, where dsr locked them.

    Call it before the ledger forgets whom the hold is about.
    """
    others = [each for each in stores.ground(now).standing if each.id != hold.id]
    return _each(stores, hold, others, now, _LOCKING, on=False)


def lift_restriction(stores: Stores, restriction: Hold, now: dt.datetime) -> Locked:
    """Lift a restriction (Art. 18) in the stores, where no other one stands on the record.

    Call it before the ledger forgets whom it is about.
    """
    others = [each for each in stores.restrictions() if each.id != restriction.id]
    return _each(stores, restriction, others, now, _RESTRICTING, on=False)


@frozen
class _Way:
    """How a store is told: the method it must have, and what the audit trail calls it."""

    protocol: type
    method: str
    on: str
    off: str


_LOCKING: Final = _Way(Locks, "lock", "locked for a hold", "freed from a hold")
_RESTRICTING: Final = _Way(Restricts, "restrict", "restricted", "restriction lifted")


def _each(
    stores: Stores,
    hold: Hold,
    others: Sequence[Hold],
    now: dt.datetime,
    way: _Way,
    *,
    on: bool,
) -> Locked:
    lockers = [each for each in stores.connectors if isinstance(each, way.protocol)]
    if not lockers:
        return Locked()
    if hold.subject is None:
        names = ", ".join(each.name for each in lockers)
        told = f"{names}: locked for holds on a person only: a store is not read for everybody"
        return Locked(problems=(told,))
    problems: list[str] = []
    with Spool() as spool:
        spool.db.executescript(_SCHEMA)
        problems += _spooled(spool, stores, hold, others, marked=way is _RESTRICTING)
        counts = {}
        for connector in lockers:
            count = 0
            for keys in _batches(spool, connector.name):
                done, refused = _locked(connector, keys, way, on=on)
                count += done
                problems += refused
            if count:
                counts[connector.name] = count
    with stores.ledger.transaction():
        event = way.on if on else way.off
        for store, count in counts.items():
            stores.ledger.audit(event, at=now, store=store, counts={"records": count}, note=hold.id)
    return Locked(counts, tuple(dict.fromkeys(problems)))


def _spooled(
    spool: Spool, stores: Stores, hold: Hold, others: Sequence[Hold], *, marked: bool
) -> Iterator[str]:
    """Read every store; remember what `hold` covers, and what another hold does as well.

    With `marked`, only what its store shows as restricted is covered.
    """
    general = [each for each in others if each.subject is None]
    personal = [each for each in others if each.subject is not None]
    subjects = [cast("Subject", each.subject) for each in (hold, *personal)]
    for item in Reading(stores.connectors, subjects, spool, stores.executor):
        if isinstance(item, Unread):
            yield item.reason
            continue
        of = (hold, *personal)[item.subject]
        if not hold_covers(of, item.record):
            continue
        if of is hold and (item.record.restricted or not marked):
            spool.db.execute(
                "INSERT OR IGNORE INTO covered VALUES (?,?,?)", (*item.spot, item.record.key)
            )
        if of is not hold or any(hold_covers(each, item.record) for each in general):
            spool.db.execute("INSERT OR IGNORE INTO other VALUES (?,?)", item.spot)


def _batches(spool: Spool, store: str) -> Iterator[list[str]]:
    """Yield the keys that no other hold covers."""
    after = ""
    while rows := spool.db.execute(
        "SELECT key FROM covered AS c WHERE store = ? AND key > ? AND NOT EXISTS ("
        " SELECT 1 FROM other AS o WHERE o.store = c.store AND o.digest = c.digest)"
        " ORDER BY key LIMIT ?",
        (store, after, _BATCH),
    ).fetchall():
        after = rows[-1][0]
        yield [key for (key,) in rows]


def _locked(
    connector: Connector, keys: Sequence[str], way: _Way, *, on: bool
) -> tuple[int, list[str]]:
    """Lock or free a batch; narrow a refusal down by halves. Return how many, and why not."""
    try:
        getattr(connector, way.method)(keys, on)
    except StoreError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001  (a connector's bug must not hide the others)
        name = type(error).__name__
        problem = f"store {connector.name}: {way.method} ended with an unexpected {name}"
    else:
        return len(keys), []
    if len(keys) == 1:
        return 0, [problem]
    middle = len(keys) // 2
    halves = [_locked(connector, half, way, on=on) for half in (keys[:middle], keys[middle:])]
    return sum(done for done, _ in halves), [each for _, found in halves for each in found]
