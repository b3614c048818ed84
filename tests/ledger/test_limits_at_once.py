"""Many processes that guess at many numbers at once get what the limits allow, exactly.

`benchmarks/guessing.py` is the same with 100,000 numbers.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

from dsr.ledger import Ledger, Limits
from tests.ledger.crowd import Guess, at_once, fill, overall_failures, total

PROCESSES: Final = 3
DEFAULTS: Final = Limits(attempts=5, per_number=10, per_source=20, overall=1_000, hard=50)
MANY: Final = 1_000_000


def _limits(**limits: int) -> Limits:
    wide = dict.fromkeys(("attempts", "per_number", "per_source", "overall", "hard"), MANY)
    return Limits(**wide | limits)


def test_one_guess_at_each_of_many_numbers(ledger: Ledger, url: str) -> None:
    """Rule 41: of 10,000 guesses, one a number, 1,000 are compared: not one more or fewer."""
    fill(ledger, 10_000)
    work = [[Guess(n) for n in range(part, 10_000, PROCESSES)] for part in range(PROCESSES)]
    found = total(at_once(url, DEFAULTS, work))
    assert found == {"compared": 1_000, "limit": 9_000}
    assert overall_failures(ledger) == 1_000
    assert ledger.verify_audit() == 9_000


def test_many_guesses_at_each_of_some_numbers(ledger: Ledger, url: str) -> None:
    """Rule 41: however many processes guess at one code at a time, five are compared."""
    fill(ledger, 40)
    work = [[Guess(n) for n in range(40) for _ in range(3)] for _ in range(PROCESSES)]
    found = at_once(url, _limits(attempts=5), work)
    compared = Counter[int]()
    for each in found:
        compared.update({n: count for (n, what), count in each.items() if what == "compared"})
    assert compared == dict.fromkeys(range(40), 5)
    assert total(found) == {"compared": 40 * 5, "limit": 40 * 4}
    assert overall_failures(ledger) == 40 * 5


def test_many_sources_at_once(ledger: Ledger, url: str) -> None:
    """Rule 41: a source that sends its guesses through all workers gets no more of them.

    Numbers and sources are met in another order by each process: nobody waits in a circle.
    """
    fill(ledger, 100)
    chance = random.Random(41)
    pairs = [Guess(n, f"192.0.2.{n % 10}") for n in range(100)]
    work = [chance.sample(pairs, len(pairs)) for _ in range(PROCESSES)]
    found = total(at_once(url, _limits(per_source=12), work))
    assert found == {"compared": 10 * 12, "limit": 300 - 10 * 12}


def test_right_guesses_at_once_take_back_their_own(ledger: Ledger, url: str) -> None:
    """Who is right costs nobody a guess, and gives nobody one: what stays counted are failures."""
    fill(ledger, 300)
    work = [
        [Guess(n, right=n % 2 == 0) for n in range(part, 300, PROCESSES)]
        for part in range(PROCESSES)
    ]
    found = total(at_once(url, _limits(), work))
    assert found == {"compared": 300, "in": 150}
    assert overall_failures(ledger) == 150


def test_thousand_guesses_a_day_do_not_pay() -> None:
    """Rule 41: one guess at each of 100,000 numbers succeeds in 9.5 % of cases; of 1,000, in 0.1 %.

    A code has six digits; a guess at each number is right with one in a million. The best that
    guesses at few codes can do is the sum of their chances.
    """
    right = 1 / 10**6
    assert round(100 * (1 - (1 - right) ** 100_000), 1) == 9.5
    assert 1 - (1 - right) ** DEFAULTS.overall < 0.001
    codes = DEFAULTS.overall // DEFAULTS.attempts
    assert 1 - (1 - DEFAULTS.attempts * right) ** codes < 0.001
