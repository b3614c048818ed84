"""Many people with a code each, and processes that guess at them."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from attrs import frozen
from sqlalchemy import insert, select

from dsr.ledger import Attempt, Ledger, Limits
from dsr.ledger.tables import challenges, counters, requests
from tests.ledger.people import KEY, NOW

_BATCH: Final = 1_000  # rows written at once
_END: Final = NOW + dt.timedelta(minutes=10)


@frozen
class Guess:
    """One try at the code of person `number`, from `source`; `right` if it is the code."""

    number: int
    source: str = ""
    right: bool = False


def fill(ledger: Ledger, count: int) -> None:
    """Give `count` people an open request and a code, as `add` and `save_challenge` would."""
    keys = ledger._keys
    for start in range(0, count, _BATCH):
        ids = [f"n{number}" for number in range(start, min(start + _BATCH, count))]
        with ledger._database.writing() as unit:
            unit.connection.execute(
                insert(requests),
                [
                    {
                        "id": id,
                        "right": "access",
                        "state": "open",
                        "received": NOW,
                        "due": NOW.date(),
                        "language": "en",
                    }
                    for id in ids  # noqa: A001  (as in the model)
                ],
            )
            unit.connection.execute(
                insert(challenges),
                [
                    {
                        "request": id,
                        "serial": 1,
                        "secret": keys.seal(
                            json.dumps({"secret": id, "real": True}).encode(),
                            f"challenge of request {id}",
                        ),
                        "number": keys.hash("number", f"+49309{id}"),
                        "expires": _END,
                        "attempts": 0,
                    }
                    for id in ids  # noqa: A001  (as in the model)
                ],
            )


def guess(url: str, limits: Limits, tries: Sequence[Guess]) -> Counter[tuple[int, str]]:
    """Guess in this process; return how often each person's code was `compared`, and so on."""
    found: Counter[tuple[int, str]] = Counter()
    with Ledger.open(url, KEY) as ledger:
        for each in tries:
            request = f"n{each.number}"
            attempt = ledger.take_attempt(request, limits, NOW, each.source)
            if not isinstance(attempt, Attempt):
                found[each.number, attempt] += 1
                continue
            found[each.number, "compared"] += 1
            if each.right and ledger.redeem(request, attempt.serial, NOW, each.source):
                found[each.number, "in"] += 1
    return found


def at_once(
    url: str, limits: Limits, work: Sequence[Sequence[Guess]]
) -> list[Counter[tuple[int, str]]]:
    """Let a process do each part of the work, all at the same time; return what each found."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(work), mp_context=spawn) as pool:
        return list(pool.map(guess, [url] * len(work), [limits] * len(work), work))


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
