"""Many people with a code each, and processes that guess at them."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Final

from attrs import frozen
from sqlalchemy import insert, select

from dsr.ledger import Attempt, Ledger, Limits
from dsr.ledger.keys import Keys
from dsr.ledger.tables import challenges, counters, requests
from tests.ledger.people import KEY, NOW

_BATCH: Final = 1_000  # rows written at once
_WAIT: Final = 120  # seconds for the others on a busy machine
_END: Final = NOW + dt.timedelta(minutes=10)


@frozen
class Guess:
    """One try at the code of person `number`, from `source`; `right` if it is the code.

    `limits` are those of that moment, if they are others than those of all guesses.
    """

    number: int
    source: str = ""
    right: bool = False
    limits: Limits | None = None


def fill(ledger: Ledger, count: int, *, share: int = 1) -> None:
    """Give `count` people an open request and a code, as `add` and `save_challenge` would.

    Of one number are always `share` of them, one after another.
    """
    for start in range(0, count, _BATCH):
        people = range(start, min(start + _BATCH, count))
        with ledger._database.writing() as unit:
            unit.connection.execute(insert(requests), [_request(each) for each in people])
            rows = [_challenge(ledger._keys, each, each // share) for each in people]
            unit.connection.execute(insert(challenges), rows)


def _request(person: int) -> dict[str, object]:
    return {
        "id": f"n{person}",
        "right": "access",
        "state": "open",
        "received": NOW,
        "due": NOW.date(),
        "language": "en",
    }


def _challenge(keys: Keys, person: int, number: int) -> dict[str, object]:
    secret = json.dumps({"secret": "x", "real": True}).encode()
    return {
        "request": f"n{person}",
        "serial": 1,
        "secret": keys.seal(secret, f"challenge of request n{person}"),
        "number": keys.hash("number", f"+49309{number}"),
        "expires": _END,
        "attempts": 0,
    }


def guess(url: str, limits: Limits, tries: Sequence[Guess]) -> Counter[tuple[int, str]]:
    """Guess in this process; return how often each person's code was `compared`, and so on."""
    found: Counter[tuple[int, str]] = Counter()
    with Ledger.open(url, KEY) as ledger:
        for each in tries:
            for barrier in _BARRIERS:
                barrier.wait()
            request = f"n{each.number}"
            attempt = ledger.take_attempt(request, each.limits or limits, NOW, each.source)
            if not isinstance(attempt, Attempt):
                found[each.number, attempt] += 1
                continue
            found[each.number, "compared"] += 1
            if each.right and ledger.redeem(request, attempt.serial, NOW, each.source):
                found[each.number, "in"] += 1
    return found


def at_once(
    url: str, limits: Limits, work: Sequence[Sequence[Guess]], *, in_step: bool = False
) -> list[Counter[tuple[int, str]]]:
    """Let a process do each part of the work, all at the same time; return what each found.

    `in_step` makes them wait for each other before each guess, so that all guess at one moment.
    """
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(len(work), timeout=_WAIT) if in_step else None
    with ProcessPoolExecutor(
        len(work), mp_context=spawn, initializer=_keep_step, initargs=(barrier,)
    ) as pool:
        return list(pool.map(guess, [url] * len(work), [limits] * len(work), work))


#: What this process waits at before each guess.
_BARRIERS: Final[list[Barrier]] = []


def _keep_step(barrier: Barrier | None) -> None:
    """Begin a process, which goes in step with others if there is a barrier."""
    if barrier is not None:
        _BARRIERS.append(barrier)


def total(found: Sequence[Counter[tuple[int, str]]]) -> Counter[str]:
    """Return how often each result came, over all people and processes."""
    results: Counter[str] = Counter()
    for each in found:
        for (_, result), count in each.items():
            results[result] += count
    return results


def overall_failures(ledger: Ledger) -> int:
    """Return what the ledger has counted for all numbers together."""
    query = select(counters.c.failures).where(counters.c.number == bytes(32))
    with ledger._database.reading() as connection:
        return int(connection.execute(query).scalar_one())
