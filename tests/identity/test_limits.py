"""Guessing: the limits hold exactly, whatever comes at once, and never end the right."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from dsr.errors import NotVerified
from dsr.identity import FileSender, OneTimePin
from dsr.identity.pin import limit_reached
from dsr.ledger import Ledger, Limits
from dsr.model import Identifier, Subject
from tests.identity.post import Post
from tests.ledger.people import ERIKA, KEY, MAX, NOW, PHONE, a_request

REQUEST: Final = a_request()
DAY: Final = dt.timedelta(days=1)
OTHER: Final = "+4930901821"
HOME: Final = "203.0.113.77"


def _guess(
    otp: OneTimePin,
    ledger: Ledger,
    pin: str,
    request: str = "r1",
    *,
    now: dt.datetime = NOW,
    source: str = "",
) -> str:
    """Return what a guess came to: `in`, `no` or `limit`."""
    try:
        otp.verify(ledger, a_request(request), pin, now, source=source)
    except NotVerified as error:
        return "limit" if "limit" in str(error) else "no"
    return "in"


def test_five_failures_are_the_end_of_a_pin(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """After them not even the right PIN is right (law.md rule 41)."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    assert [_guess(otp, ledger, post.wrong()) for _ in range(5)] == ["no"] * 5
    assert _guess(otp, ledger, post.pin()) == "limit"


def test_four_failures_are_not(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """The border is exact."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    assert [_guess(otp, ledger, post.wrong()) for _ in range(4)] == ["no"] * 4
    assert _guess(otp, ledger, post.pin()) == "in"


def test_a_lockout_names_another_channel(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """It never ends the right (law.md rule 44): the request stands."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    for _ in range(5):
        _guess(otp, ledger, post.wrong())
    with pytest.raises(NotVerified, match="offer another way to verify, such as"):
        otp.verify(ledger, REQUEST, post.pin(), NOW)
    assert ledger.get("r1").state == "open"
    assert [each.event for each in ledger.entries()][-1] == "verification refused"


@pytest.mark.parametrize("limit", ["attempts", "per_number", "per_source", "overall", "hard"])
def test_every_limit_reads_the_same(ledger: Ledger, post: Post, limit: str) -> None:
    """Which one was reached tells a stranger nothing; the trail says which, and not whose.

    Rule 44: it names another channel, the request stands, and its duties run on.
    """
    otp = OneTimePin(FileSender(post.path), **{limit: 1})
    before = ledger.get("r1")
    otp.challenge(ledger, REQUEST, PHONE, NOW, source=HOME)
    assert _guess(otp, ledger, post.wrong(), source=HOME) == "no"
    refused = []
    with pytest.raises(NotVerified) as caught:
        otp.verify(ledger, REQUEST, post.pin(), NOW, source=HOME)
    refused.append(str(caught.value))
    if limit != "attempts":  # a new PIN is what ends that one
        with pytest.raises(NotVerified) as caught:
            otp.challenge(ledger, REQUEST, PHONE, NOW, source=HOME)
        refused.append(str(caught.value))
    assert set(refused) == {str(limit_reached())}
    assert "offer another way to verify" in refused[0]
    assert "the request stands" in refused[0]
    assert ledger.get("r1") == before
    entries = list(ledger.entries())
    notes = {each.note for each in entries if each.event.endswith("refused")}
    assert notes == {f"limit reached: {limit}"}
    assert all(each not in str(entries) for each in (PHONE[1:], HOME))


def test_a_stranger_cannot_keep_a_person_out(ledger: Ledger, post: Post) -> None:
    """Rule 44: whose number was guessed at until a person must decide verifies in another way.

    The hard stop is of the number: another number, a login, a PIN or a colleague's decision, and
    all their counters, are as open as before; and the decision lets the number in again.
    """
    otp = OneTimePin(FileSender(post.path), hard=5, overall=5)
    otp.challenge(ledger, REQUEST, PHONE, NOW, source="198.51.100.1")
    for _ in range(5):
        _guess(otp, ledger, post.wrong(), source="198.51.100.1")
    later = NOW + 100 * DAY
    with pytest.raises(NotVerified, match="offer another way to verify"):
        otp.challenge(ledger, REQUEST, PHONE, later, source=HOME)
    assert ledger.take_guess("r1", "staff:anna", otp.limits, NOW, HOME)
    ledger.guess_was_right("r1", "staff:anna", NOW, HOME)
    assert ledger.take_guess("r1", "standing-pin:A-1001", otp.limits, NOW, HOME)
    ledger.add(a_request("r2"), MAX)
    otp.challenge(ledger, a_request("r2"), OTHER, later, source=HOME)
    assert _guess(otp, ledger, post.pin(), "r2", now=later, source=HOME) == "in"
    assert ledger.get("r1").state == "open"
    ledger.reset_failures(PHONE, later)
    otp.challenge(ledger, REQUEST, PHONE, later, source=HOME)
    assert _guess(otp, ledger, post.pin(), now=later, source=HOME) == "in"


def test_one_source_gets_twenty_guesses_a_day(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Rule 41: at however many numbers; others are not hindered by it."""
    results: Counter[str] = Counter()
    for number in range(6):
        request, phone = f"n{number}", f"+493090190{number}"
        ledger.add(a_request(request), Subject((Identifier("phone", phone),)))
        otp.challenge(ledger, a_request(request), phone, NOW)
        results.update(_guess(otp, ledger, post.wrong(), request, source=HOME) for _ in range(4))
    assert results == {"no": 20, "limit": 4}
    assert _guess(otp, ledger, post.pin(), "n5", source="198.51.100.1") == "in"


def test_the_defaults_are_those_of_the_rule(post: Post) -> None:
    """Rule 41: 5 failures a code, 10 a day a number, 50, then a person."""
    assert OneTimePin(FileSender(post.path)).limits == Limits(
        attempts=5, per_number=10, per_source=20, overall=1_000, hard=50
    )


def test_a_new_pin_keeps_the_failures(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Ten failures a day for a number, over all its PINs; then none is sent (rule 41)."""
    for _ in range(2):
        otp.challenge(ledger, REQUEST, PHONE, NOW)
        assert [_guess(otp, ledger, post.wrong()) for _ in range(5)] == ["no"] * 5
    with pytest.raises(NotVerified, match="another way"):
        otp.challenge(ledger, REQUEST, PHONE, NOW)
    assert len(post.messages()) == 2
    otp.challenge(ledger, REQUEST, PHONE, NOW + DAY)
    assert _guess(otp, ledger, post.pin(), now=NOW + DAY) == "in"


def test_failures_count_for_the_number(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Opening ever more requests for a number gives no more guesses at it."""
    results: Counter[str] = Counter()
    for number in range(2, 6):
        request = f"r{number}"
        ledger.add(a_request(request), ERIKA)
        otp.challenge(ledger, a_request(request), PHONE, NOW)
    for number in range(2, 6):
        results.update(_guess(otp, ledger, post.wrong(), f"r{number}") for _ in range(5))
    assert results == {"no": 10, "limit": 10}


def test_another_number_is_not_locked(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Who guesses at one person locks nobody else out."""
    for _ in range(2):
        otp.challenge(ledger, REQUEST, PHONE, NOW)
        for _ in range(5):
            _guess(otp, ledger, post.wrong())
    ledger.add(a_request("r2"), MAX)
    otp.challenge(ledger, a_request("r2"), OTHER, NOW)
    assert _guess(otp, ledger, post.pin(), "r2") == "in"


def test_ten_messages_a_day_for_a_number(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Nobody is flooded with messages; an unknown number is refused after as many."""
    for _ in range(10):
        otp.challenge(ledger, REQUEST, PHONE, NOW)
    with pytest.raises(NotVerified) as known:
        otp.challenge(ledger, REQUEST, PHONE, NOW)
    ledger.add(a_request("r2"), MAX)
    for _ in range(10):
        otp.challenge(ledger, a_request("r2"), None, NOW)
    with pytest.raises(NotVerified) as unknown:
        otp.challenge(ledger, a_request("r2"), None, NOW)
    assert str(known.value) == str(unknown.value)
    assert len(post.messages()) == 10


def test_failures_in_a_row_stop_hard(ledger: Ledger, post: Post) -> None:
    """Patience does not help: the count goes on over days, until a success (rule 41)."""
    otp = OneTimePin(FileSender(post.path), hard=12)
    results: list[str] = []
    for day in range(3):
        otp.challenge(ledger, REQUEST, PHONE, NOW + day * DAY)
        results += [_guess(otp, ledger, post.wrong(), now=NOW + day * DAY) for _ in range(5)]
    assert results == ["no"] * 12 + ["limit"] * 3
    with pytest.raises(NotVerified, match="limit"):
        otp.challenge(ledger, REQUEST, PHONE, NOW + 9 * DAY)


def test_a_success_ends_the_row(ledger: Ledger, post: Post) -> None:
    """Who mistypes now and then is never stopped hard."""
    otp = OneTimePin(FileSender(post.path), hard=6)
    for day in range(4):
        otp.challenge(ledger, REQUEST, PHONE, NOW + day * DAY)
        results = [_guess(otp, ledger, post.wrong(), now=NOW + day * DAY) for _ in range(4)]
        assert results == ["no"] * 4
        assert _guess(otp, ledger, post.pin(), now=NOW + day * DAY) == "in"


def test_one_guess_at_each_of_many_numbers_is_limited(ledger: Ledger, post: Post) -> None:
    """One guess at 100,000 numbers would succeed in 9.5 % of cases: all failures of a day count."""
    otp = OneTimePin(FileSender(post.path), overall=3)
    numbers = {f"n{number}": f"+493090190{number}" for number in range(4)}
    for request, phone in numbers.items():
        ledger.add(a_request(request), Subject((Identifier("phone", phone),)))
    for request in ("n0", "n1", "n2"):
        otp.challenge(ledger, a_request(request), numbers[request], NOW)
        assert _guess(otp, ledger, post.wrong(), request) == "no"
    with pytest.raises(NotVerified, match="limit"):
        otp.challenge(ledger, a_request("n3"), numbers["n3"], NOW)
    otp.challenge(ledger, a_request("n3"), numbers["n3"], NOW + DAY)
    assert _guess(otp, ledger, post.pin(), "n3", now=NOW + DAY) == "in"


def test_fifty_threads_get_five_guesses(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """An attempt is counted before it is compared: no race gives one more, or loses one."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    wrong, start = post.wrong(), threading.Barrier(50)

    def work(_: int) -> str:
        start.wait()
        return _guess(otp, ledger, wrong)

    with ThreadPoolExecutor(50) as pool:
        results = Counter(pool.map(work, range(50)))
    assert results == {"no": 5, "limit": 45}
    events = Counter(each.event for each in ledger.entries())
    assert events["verification failed"] == 5
    assert events["verification refused"] == 45


def test_fifty_threads_with_the_pin_get_in_once(
    ledger: Ledger, otp: OneTimePin, post: Post
) -> None:
    """Single use holds against whoever sends the same PIN at the same moment."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    pin, start = post.pin(), threading.Barrier(50)

    def work(_: int) -> str:
        start.wait()
        return _guess(otp, ledger, pin)

    with ThreadPoolExecutor(50) as pool:
        results = Counter(pool.map(work, range(50)))
    assert results["in"] == 1
    assert Counter(each.event for each in ledger.entries())["verified"] == 1


def _guess_often(url: str, path: Path, pin: str, count: int) -> list[str]:
    """Guess from a process of its own."""
    with Ledger.open(url, KEY) as ledger:
        otp = OneTimePin(FileSender(path))
        return [_guess(otp, ledger, pin) for _ in range(count)]


def test_processes_get_five_guesses_together(
    ledger: Ledger, url: str, otp: OneTimePin, post: Post
) -> None:
    """More workers of the backend are no more guesses."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=spawn) as pool:
        jobs = [pool.submit(_guess_often, url, post.path, post.wrong(), 10) for _ in range(3)]
        results = Counter(result for job in jobs for result in job.result())
    assert results == {"no": 5, "limit": 25}
