"""Limits on guessing: what counts for what, what is taken back, and what a person resets."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from sqlalchemy import event, func, select

from dsr.errors import LedgerError, RequestNotFound
from dsr.ledger import Attempt, Ledger, Limits
from dsr.ledger.tables import NaiveTimeError, counters
from tests.ledger.crowd import overall_failures
from tests.ledger.people import ERIKA, MAX, NOW, PHONE, a_request, everything

#: Nothing is limited but what a test lowers.
WIDE: Final = Limits(attempts=99, per_number=99, per_source=99, overall=99, hard=99)
SECRET: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
DAY: Final = dt.timedelta(days=1)
ANNA: Final = "staff:anna"
HOME: Final = "203.0.113.77"


@pytest.fixture(autouse=True)
def opened(ledger: Ledger) -> None:
    """Open two requests."""
    ledger.add(a_request(), ERIKA)
    ledger.add(a_request("r2"), MAX)


def _save(
    ledger: Ledger,
    limits: Limits = WIDE,
    *,
    request: str = "r1",
    number: str = PHONE,
    at: dt.datetime = NOW,
    source: str = "",
) -> bool:
    return ledger.save_challenge(
        request,
        secret=SECRET,
        number=number,
        real=True,
        expires=at + dt.timedelta(minutes=10),
        limits=limits,
        at=at,
        source=source,
    )


def _notes(ledger: Ledger) -> list[tuple[str, str]]:
    return [(each.event, each.note) for each in ledger.entries()]


def _rows(ledger: Ledger) -> int:
    with ledger._database.reading() as connection:
        return connection.execute(select(func.count()).select_from(counters)).scalar_one()


@pytest.mark.parametrize("limit", ["per_number", "per_source", "overall", "hard"])
def test_each_limit_holds_for_any_factor(ledger: Ledger, limit: str) -> None:
    """Rule 41: as many guesses are compared as the limit says; the trail says which, not whose."""
    limits = evolve(WIDE, **{limit: 3})
    assert [ledger.take_guess("r1", ANNA, limits, NOW, HOME) for _ in range(5)] == [
        *[True] * 3,
        *[False] * 2,
    ]
    assert _notes(ledger) == [("verification refused", f"limit reached: {limit}")] * 2


@pytest.mark.parametrize("limit", ["attempts", "per_number", "per_source", "overall", "hard"])
def test_each_limit_holds_for_codes(ledger: Ledger, limit: str) -> None:
    """Rule 41: the same for the codes that are sent."""
    limits = evolve(WIDE, **{limit: 3})
    assert _save(ledger, limits, source=HOME)
    found = [ledger.take_attempt("r1", limits, NOW, HOME) for _ in range(5)]
    assert [isinstance(each, Attempt) for each in found] == [True] * 3 + [False] * 2
    assert found[3:] == ["limit"] * 2
    assert _notes(ledger) == [("verification refused", f"limit reached: {limit}")] * 2


@pytest.mark.parametrize(
    ("limit", "number"), [("per_number", PHONE), ("per_source", "+4930901829")]
)
def test_codes_are_limited_by_number_and_source(ledger: Ledger, limit: str, number: str) -> None:
    """Rule 41: nobody floods a number with messages, nor many numbers from one place."""
    limits = evolve(WIDE, **{limit: 3})
    assert [_save(ledger, limits, source=HOME) for _ in range(3)] == [True] * 3
    assert not _save(ledger, limits, request="r2", number=number, source=HOME)
    assert _notes(ledger) == [("challenge refused", f"limit reached: {limit}")]
    assert _save(ledger, limits, request="r2", number="+4930901828", source="198.51.100.1")
    assert _save(ledger, limits, request="r2", number=number, source=HOME, at=NOW + DAY)


def test_an_unknown_source_is_not_limited(ledger: Ledger) -> None:
    """A backend that gives none does not lock its customers out; the other limits hold."""
    limits = evolve(WIDE, per_source=1, per_number=3)
    assert [ledger.take_guess("r1", ANNA, limits, NOW) for _ in range(4)] == [True] * 3 + [False]


def test_a_source_is_limited_over_all_factors(ledger: Ledger) -> None:
    """Rule 41: whoever has tried codes may not go on with PINs, numbers or names."""
    limits = evolve(WIDE, per_source=3)
    assert _save(ledger, limits, source=HOME)
    assert isinstance(ledger.take_attempt("r1", limits, NOW, HOME), Attempt)
    assert ledger.take_guess("r1", ANNA, limits, NOW, HOME)
    assert ledger.take_guess("r2", "standing-pin:A-1", limits, NOW, HOME)
    assert ledger.take_attempt("r1", limits, NOW, HOME) == "limit"
    assert isinstance(ledger.take_attempt("r1", limits, NOW, "198.51.100.1"), Attempt)


def test_who_uses_up_one_factor_closes_no_other(ledger: Ledger) -> None:
    """Rule 44: a lockout names another channel; so no stranger can lock that one, too."""
    limits = evolve(WIDE, overall=2)
    assert _save(ledger, limits)
    for _ in range(2):
        assert isinstance(ledger.take_attempt("r1", limits, NOW), Attempt)
    assert ledger.take_attempt("r1", limits, NOW) == "limit"
    assert ledger.take_guess("r1", ANNA, limits, NOW)
    assert ledger.take_guess("r1", "staff:bert", limits, NOW)
    assert not ledger.take_guess("r1", "staff:carla", limits, NOW), "a kind is counted together"


def test_names_without_a_kind_are_counted_together(ledger: Ledger) -> None:
    """A target that names no kind does not escape the limit on all of them."""
    limits = evolve(WIDE, overall=2)
    assert [ledger.take_guess("r1", each, limits, NOW) for each in "abc"] == [True, True, False]


def test_a_right_guess_takes_back_one(ledger: Ledger) -> None:
    """Who knows one code cannot wash the failures at others away with it."""
    limits = evolve(WIDE, per_source=5, overall=5)
    for _ in range(4):
        assert ledger.take_guess("r1", ANNA, limits, NOW, HOME)
    for _ in range(9):
        assert ledger.take_guess("r1", "staff:mine", limits, NOW, HOME)
        ledger.guess_was_right("r1", "staff:mine", NOW, HOME)
    assert ledger.take_guess("r1", ANNA, limits, NOW, HOME)
    assert not ledger.take_guess("r1", ANNA, limits, NOW, HOME)


def test_another_factor_does_not_end_the_row(ledger: Ledger) -> None:
    """Rule 41: only what proves the number ends its failures in a row."""
    limits = evolve(WIDE, hard=3)
    for _ in range(3):
        assert _save(ledger, limits)
        assert isinstance(ledger.take_attempt("r1", limits, NOW), Attempt)
    for other in (PHONE, f"standing-pin:{PHONE}", f"sip:{PHONE}"):
        assert ledger.take_guess("r1", other, limits, NOW)
        ledger.guess_was_right("r1", other, NOW)
    assert not _save(ledger, limits, at=NOW + 9 * DAY)


def test_only_a_person_ends_a_hard_stop(ledger: Ledger) -> None:
    """Rule 41: days do not; a person's decision does, and the trail has it without the number."""
    limits = evolve(WIDE, hard=3)
    assert _save(ledger, limits)
    for _ in range(3):
        assert isinstance(ledger.take_attempt("r1", limits, NOW), Attempt)
    later = NOW + 400 * DAY
    ledger.forget_counts(later)
    assert not _save(ledger, limits, at=later)
    ledger.reset_failures("+4930901829", later)
    assert not _save(ledger, limits, at=later), "another number's"
    ledger.reset_failures(PHONE, later)
    assert _save(ledger, limits, at=later)
    assert _notes(ledger)[-1] == ("failures in a row reset", "of a number")
    assert ledger.verify_audit() == 4


def test_a_person_lets_other_factors_go_on(ledger: Ledger) -> None:
    """The same for a member of the staff who mistyped too often."""
    limits = evolve(WIDE, hard=1)
    assert ledger.take_guess("r1", ANNA, limits, NOW)
    assert not ledger.take_guess("r1", ANNA, limits, NOW + DAY)
    ledger.reset_guesses(ANNA, NOW + DAY)
    assert ledger.take_guess("r1", ANNA, limits, NOW + DAY)


def test_a_reset_keeps_what_a_day_has(ledger: Ledger) -> None:
    """It opens no further guesses today: the limits of a day hold without exception."""
    limits = evolve(WIDE, per_number=2, hard=2)
    assert [ledger.take_guess("r1", ANNA, limits, NOW) for _ in range(3)] == [True, True, False]
    ledger.reset_guesses(ANNA, NOW)
    assert not ledger.take_guess("r1", ANNA, limits, NOW)
    assert ledger.take_guess("r1", ANNA, limits, NOW + DAY)


def test_a_clock_that_is_behind_gives_no_guess_more(ledger: Ledger) -> None:
    """Two machines at midnight: a counter never goes back to the day that is over."""
    limits, midnight = evolve(WIDE, per_number=3), NOW.replace(hour=0, minute=0, second=0)
    before, after = midnight - dt.timedelta(seconds=2), midnight + dt.timedelta(seconds=2)
    times = (after, before, after, before, after)
    assert [ledger.take_guess("r1", ANNA, limits, each) for each in times] == [
        *[True] * 3,
        *[False] * 2,
    ]


def test_midnight_takes_nothing_back_from_others(ledger: Ledger) -> None:
    """A guess of yesterday that proves right now does not free one of today."""
    limits = evolve(WIDE, overall=2)
    assert ledger.take_guess("r1", "staff:bert", limits, NOW)
    assert ledger.take_guess("r1", ANNA, limits, NOW + DAY)
    ledger.guess_was_right("r1", "staff:bert", NOW)
    assert ledger.take_guess("r1", ANNA, limits, NOW + DAY)
    assert not ledger.take_guess("r1", ANNA, limits, NOW + DAY)


def test_a_day_is_one_of_utc(ledger: Ledger) -> None:
    """One midnight for all processes, whatever zone their clocks show."""
    limits = evolve(WIDE, per_number=1)
    east = dt.timezone(dt.timedelta(hours=14))
    assert ledger.take_guess("r1", ANNA, limits, NOW.replace(hour=0))
    assert not ledger.take_guess("r1", ANNA, limits, NOW.replace(hour=23).astimezone(east))
    with pytest.raises(NaiveTimeError):
        ledger.take_guess("r1", ANNA, limits, NOW.replace(tzinfo=None))


def test_a_guess_is_counted_for_good_before_it_is_compared(ledger: Ledger) -> None:
    """No failure may be undone by what follows, so a transaction around it is refused."""
    assert _save(ledger)
    with ledger.transaction():
        for take in (
            lambda: ledger.take_guess("r1", ANNA, WIDE, NOW),
            lambda: ledger.take_attempt("r1", WIDE, NOW),
        ):
            with pytest.raises(LedgerError, match="count it before the transaction begins"):
                take()


def test_an_unknown_request_has_no_guesses(ledger: Ledger) -> None:
    """There is nothing to verify."""
    with pytest.raises(RequestNotFound):
        ledger.take_guess("r9", ANNA, WIDE, NOW)
    with pytest.raises(RequestNotFound):
        ledger.guess_was_right("r9", ANNA, NOW)
    assert _rows(ledger) == 0


def test_counts_of_earlier_days_are_forgotten(ledger: Ledger) -> None:
    """Where guesses came from is not kept beyond its day (GDPR Art. 5(1)(e)); rows of failures are.

    Forgetting them changes no limit.
    """
    assert ledger.take_guess("r1", ANNA, WIDE, NOW, HOME)
    assert ledger.take_guess("r1", "staff:bert", WIDE, NOW, HOME)
    ledger.guess_was_right("r1", "staff:bert", NOW, HOME)
    ledger.forget_counts(NOW)
    assert _rows(ledger) == 4  # anna, bert, the source, all of the kind
    ledger.forget_counts(NOW + DAY)
    assert _rows(ledger) == 1
    assert not ledger.take_guess("r1", ANNA, evolve(WIDE, hard=1), NOW + DAY)


def test_whom_and_from_where_is_nowhere(
    ledger: Ledger, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Rule 45 (law 8): target, number and source are in no column, entry or error."""
    limits = evolve(WIDE, per_source=1)
    assert _save(ledger, limits, source=HOME)
    ledger.take_attempt("r1", limits, NOW, HOME)
    ledger.take_guess("r1", "standing-pin:A-1001", limits, NOW, HOME)
    ledger.reset_failures(PHONE, NOW)
    shown = everything(url, tmp_path) + str(_notes(ledger)).encode() + caplog.text.encode()
    assert b"limit reached: per_source" in shown
    for each in (HOME, PHONE[1:], "A-1001"):
        assert each.encode() not in shown


def test_an_attempt_is_a_handful_of_statements(ledger: Ledger) -> None:
    """Guessing is cheap to refuse, and the row that all share is locked for a moment only."""
    assert _save(ledger)
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(str(arguments[2]).split(maxsplit=1)[0])

    event.listen(ledger._database.engine, "before_cursor_execute", note)
    ledger.take_attempt("r1", WIDE, NOW, HOME)
    work = [each for each in seen if each != "BEGIN"]
    assert work == ["SELECT"] * 2 + ["INSERT"] * 3 + ["UPDATE"] * 2
    assert overall_failures(ledger) == 1
