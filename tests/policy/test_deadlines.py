"""By when an answer is due: the law's own vectors, and what must hold of every day."""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dsr.policy.calendars import check_calendar, working_day
from dsr.policy.deadlines import PROMPTLY, due, extended, is_prompt, month_end, paused_until
from dsr.policy.model import Deadlines
from tests.things import request as a_request

BERLIN: Final = ZoneInfo("Europe/Berlin")
LAW: Final = Deadlines()
GERMAN: Final = Deadlines(calendar="DE")
PROMISED: Final = Deadlines(promise="30 days", capped=True, calendar="DE")
DAYS: Final = st.dates(dt.date(2024, 1, 1), dt.date(2040, 12, 31))
CALENDARS: Final = st.sampled_from(
    [LAW, GERMAN, PROMISED, Deadlines("14 days"), Deadlines("30 days")]
)


def at(day: str | dt.date, hour: int = 12) -> dt.datetime:
    date = dt.date.fromisoformat(day) if isinstance(day, str) else day
    return dt.datetime.combine(date, dt.time(hour), BERLIN)


#: Received, the raw month, moved to a working day, with a promise of 30 days, extended (raw and
#: moved). Days of the week and German public holidays by hand: Good Friday 2026 is 3 April,
#: Easter Monday the 6th; 1 May is Labour Day, 25 and 26 December are Christmas.
#: The extension of 2028-01-31 ends on Sunday 30 April 2028, and Monday 1 May is Labour Day: the
#: next working day is Tuesday the 2nd, as Reg. 1182/71 Art. 3(4) has it, not the 1st.
VECTORS: Final = [
    ("2026-03-05", "2026-04-05", "2026-04-07", "2026-04-04", "2026-06-05", "2026-06-05"),
    ("2026-08-31", "2026-09-30", "2026-09-30", "2026-09-30", "2026-11-30", "2026-11-30"),
    ("2026-01-31", "2026-02-28", "2026-03-02", "2026-03-02", "2026-04-30", "2026-04-30"),
    ("2025-01-30", "2025-02-28", "2025-02-28", "2025-02-28", "2025-04-30", "2025-04-30"),
    ("2027-02-01", "2027-03-01", "2027-03-01", "2027-03-01", "2027-05-01", "2027-05-03"),
    ("2026-11-25", "2026-12-25", "2026-12-28", "2026-12-25", "2027-02-25", "2027-02-25"),
    ("2026-04-01", "2026-05-01", "2026-05-04", "2026-05-01", "2026-07-01", "2026-07-01"),
    ("2028-01-31", "2028-02-29", "2028-02-29", "2028-02-29", "2028-04-30", "2028-05-02"),
]


@pytest.mark.parametrize(
    ("received", "raw", "moved", "promised", "longest", "longest_moved"), VECTORS
)
def test_the_vectors_of_the_law(
    received: str, raw: str, moved: str, promised: str, longest: str, longest_moved: str
) -> None:
    """Rules 1 to 4 (Art. 12(3); Reg. 1182/71 Art. 3): counted by hand, with and without days off.

    A promise of 30 days that is later than the (moved) month ends with the month: of 2025-01-30,
    2027-02-01 and 2028-01-31.
    """
    when = at(received)
    assert due(when, BERLIN, LAW).day.isoformat() == raw
    assert due(when, BERLIN, GERMAN).day.isoformat() == moved
    assert due(when, BERLIN, PROMISED).day.isoformat() == promised
    assert extended(when, BERLIN, LAW).day.isoformat() == longest
    assert extended(when, BERLIN, GERMAN).day.isoformat() == longest_moved
    assert extended(when, BERLIN, PROMISED).day.isoformat() == longest_moved
    assert month_end(when, BERLIN, PROMISED).isoformat() == moved


def test_the_day_of_receipt_is_the_operators_day() -> None:
    """Rule 1 (GDPR Art. 12(3)): 23:30 UTC on the 30th is 31 January in Berlin: due 28 February."""
    when = dt.datetime(2026, 1, 30, 23, 30, tzinfo=dt.UTC)
    assert due(when, BERLIN, LAW).day == dt.date(2026, 2, 28)
    assert due(when, ZoneInfo("UTC"), LAW).day == dt.date(2026, 2, 28)
    assert extended(when, BERLIN, LAW).day == dt.date(2026, 4, 30)
    before = dt.datetime(2026, 3, 4, 22, 59, tzinfo=dt.UTC)  # 23:59 in Berlin
    assert due(before, BERLIN, LAW).day == dt.date(2026, 4, 4)
    assert due(before + dt.timedelta(minutes=1), BERLIN, LAW).day == dt.date(2026, 4, 5)


def test_a_subdivision_has_holidays_of_its_own() -> None:
    """Rule 2 (Reg. 1182/71 Art. 3(4)): 6 January is a day off in Bavaria, not in Berlin."""
    received = at("2026-12-06")
    assert due(received, BERLIN, Deadlines(calendar="DE-BY")).day == dt.date(2027, 1, 7)
    assert due(received, BERLIN, Deadlines(calendar="DE-BE")).day == dt.date(2027, 1, 6)
    assert due(received, BERLIN, Deadlines(calendar="FR")).day == dt.date(2027, 1, 6)


def test_saturday_and_sunday_are_no_working_days_anywhere() -> None:
    """Rule 2 (Reg. 1182/71 Art. 2(2)): it names them, whatever a country's own week looks like."""
    friday = dt.date(2026, 11, 13)
    assert working_day(friday, "AE") == friday
    for offset in (1, 2):
        assert working_day(friday + dt.timedelta(days=offset), "AE") == dt.date(2026, 11, 16)


@pytest.mark.parametrize("text", ["XX", "DE-ZZ", "Germany", "de", "-", "DE-", "DE-BY-X", " "])
def test_an_unknown_calendar_is_refused(text: str) -> None:
    """A calendar with a slip of the pen must not become one without holidays."""
    with pytest.raises(ValueError, match='such as "DE"'):
        check_calendar(text)
    with pytest.raises(ValueError, match='such as "DE"'):
        Deadlines(calendar=text)


def test_each_end_tells_its_rule() -> None:
    """Rules 1 to 4 (GDPR Art. 12(3)): who reads the date can check it."""
    assert due(at("2026-08-31"), BERLIN, GERMAN).rule == "one month after receipt (GDPR Art. 12(3))"
    assert due(at("2026-03-05"), BERLIN, GERMAN).rule == (
        "one month after receipt (GDPR Art. 12(3)), moved to the next working day"
        " (Reg. (EEC) 1182/71 Art. 3(4), calendar DE)"
    )
    assert due(at("2026-03-05"), BERLIN, PROMISED).rule == "30 days after receipt, as promised"
    assert due(at("2025-01-30"), BERLIN, PROMISED).rule.startswith("one month after receipt")
    assert extended(at("2026-03-05"), BERLIN, GERMAN).rule == (
        "three months after receipt, extended (GDPR Art. 12(3))"
    )


@pytest.mark.parametrize(
    ("asked", "prompt"),
    [("2026-03-05", True), ("2026-03-12", True), ("2026-03-13", False)],
)
def test_a_doubt_is_prompt_for_seven_days(asked: str, prompt: bool) -> None:
    """Rule 5 (GDPR Art. 12(6); the number is our choice): the seventh day is the last."""
    assert dt.timedelta(days=7) == PROMPTLY
    received, until = at("2026-03-05", 23), at(asked, 23)
    assert is_prompt(received, until, BERLIN) is prompt


@pytest.mark.parametrize(
    ("deadlines", "is_extended", "now", "expected"),
    [
        (LAW, False, "2026-03-10", "2026-04-05"),  # asked today: nothing is paused yet
        (LAW, False, "2026-03-12", "2026-04-07"),
        (GERMAN, False, "2026-03-11", "2026-04-07"),  # Easter Monday and a day
        (GERMAN, False, "2026-03-14", "2026-04-09"),
        (PROMISED, False, "2026-03-12", "2026-04-06"),  # 30 days and two
        (GERMAN, True, "2026-03-11", "2026-06-08"),  # Saturday 6 June 2026
    ],
)
def test_a_pause_adds_its_days(
    deadlines: Deadlines, is_extended: bool, now: str, expected: str
) -> None:
    """Rule 5 (Art. 12(6)): received on 5 March 2026, asked on the 10th, still open on the day."""
    received = at("2026-03-05")
    found = evolve(a_request("access"), extended=is_extended, received=received)
    assert paused_until(found, BERLIN, deadlines, at("2026-03-10"), at(now)).isoformat() == expected


@given(DAYS, CALENDARS)
def test_the_hour_of_receipt_does_not_count(day: dt.date, deadlines: Deadlines) -> None:
    """Rule 1 (Reg. 1182/71 Art. 3(1)): the day of receipt is not counted, however early."""
    assert due(at(day, 0), BERLIN, deadlines) == due(at(day, 23), BERLIN, deadlines)
    assert due(at(day), BERLIN, deadlines).day > day


@given(DAYS)
def test_the_month_ends_on_the_same_date_or_the_months_last(day: dt.date) -> None:
    """Rule 1 (Reg. 1182/71 Art. 3(2)(c)): never in the month after the next."""
    end = due(at(day), BERLIN, LAW).day
    assert (end.year * 12 + end.month) - (day.year * 12 + day.month) == 1
    if end.day != day.day:
        assert end.day < day.day
        assert (end + dt.timedelta(days=1)).day == 1


@given(DAYS)
def test_moved_is_the_first_working_day_from_the_raw_one(day: dt.date) -> None:
    """Rule 2 (Reg. 1182/71 Art. 3(4)): the first working day, never before the raw end."""
    raw, moved = due(at(day), BERLIN, LAW).day, due(at(day), BERLIN, GERMAN).day
    assert moved >= raw
    assert moved.weekday() < 5
    assert working_day(moved, "DE") == moved
    skipped = [raw + dt.timedelta(days=each) for each in range((moved - raw).days)]
    assert all(working_day(each, "DE") == moved for each in skipped)
    assert len(skipped) <= 5  # from Good Friday, or Christmas before a weekend


@given(DAYS, CALENDARS)
def test_a_later_receipt_is_never_due_earlier(day: dt.date, deadlines: Deadlines) -> None:
    """Rules 1 to 3 (GDPR Art. 12(3)): the order of requests is the order of their ends."""
    later = at(day + dt.timedelta(days=1))
    assert due(at(day), BERLIN, deadlines).day <= due(later, BERLIN, deadlines).day
    assert extended(at(day), BERLIN, deadlines).day <= extended(later, BERLIN, deadlines).day


@given(DAYS, CALENDARS)
def test_a_promise_only_shortens(day: dt.date, deadlines: Deadlines) -> None:
    """Rules 3 and 4 (GDPR Art. 12(3)): none outlasts the month or touches the extension."""
    end, month = due(at(day), BERLIN, deadlines).day, month_end(at(day), BERLIN, deadlines)
    assert end <= month
    if deadlines.promise:
        days = int(deadlines.promise.split()[0])
        assert end == min(month, day + dt.timedelta(days=days))
    else:
        assert end == month
    without = Deadlines(calendar=deadlines.calendar)
    assert extended(at(day), BERLIN, deadlines) == extended(at(day), BERLIN, without)
