"""When routine deletion is due: the border of a stage, against the calendar."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.model import Record
from dsr.policy.model import Retention, Stage
from dsr.policy.reasons import retained_until
from dsr.policy.stages import border, is_due

BERLIN = ZoneInfo("Europe/Berlin")
PERIODS = st.builds(
    "{} {}".format, st.integers(0, 400), st.sampled_from(["days", "weeks", "months", "years"])
)


@pytest.mark.parametrize(
    ("stage", "today", "first"),
    [
        (Stage("7 days"), "2026-03-10", "2026-03-04T00:00:00+01:00"),
        # 31 March 2026 + 6 months is 30 September, as is 30 March + 6 months
        (Stage("6 months"), "2026-09-29", "2026-03-30T00:00:00+02:00"),
        (Stage("6 months"), "2026-09-30", "2026-04-01T00:00:00+02:00"),
        # law.md rule 31: an invoice of 2026-03-15 is erasable on 2035-01-01
        (Stage("8 years", whole_years=True), "2034-12-31", "2026-01-01T00:00:00+01:00"),
        (Stage("8 years", whole_years=True), "2035-01-01", "2027-01-01T00:00:00+01:00"),
        (Stage("1 year"), "2025-02-28", "2024-03-01T00:00:00+01:00"),
        (Stage("0 days"), "2026-03-10", "2026-03-11T00:00:00+01:00"),
    ],
)
def test_the_border_is_the_first_moment_that_is_not_due(
    stage: Stage, today: str, first: str
) -> None:
    """Reg. 1182/71 Art. 3(2): to the day, the last of a month where it lacks that day."""
    found = border(stage, dt.date.fromisoformat(today), BERLIN)
    assert found == dt.datetime.fromisoformat(first)


@given(
    text=PERIODS,
    whole=st.booleans(),
    today=st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)),
    days=st.integers(-2, 40),
)
def test_the_border_agrees_with_retention(
    text: str, whole: bool, today: dt.date, days: int
) -> None:
    """Law 10: a record before the border is past the same period as a duty, one after it is not."""
    number, unit = text.split()
    if unit == "years" and int(number) > 100:
        text = f"{int(number) % 100} years"
    stage = Stage(text, whole_years=whole)
    duty = Retention(text, law="AO", whole_years=whole)
    first = border(stage, today, BERLIN)
    for at in (first - dt.timedelta(seconds=1), first - dt.timedelta(days=max(days, 1))):
        until = retained_until(duty, Record("k", "calls", {}, at=at), BERLIN)
        assert until is not None
        assert until <= today
    later = first + dt.timedelta(days=max(days, 0))
    until = retained_until(duty, Record("k", "calls", {}, at=later), BERLIN)
    assert until is not None
    assert until > today or later.date() > today


@pytest.mark.parametrize(
    ("anchor", "today", "due"),
    [
        # midnight of the 31st in UTC is still the 30th in Denver: the day is the 31st all the same
        (dt.date(2025, 12, 31), "2026-01-06", False),
        (dt.date(2025, 12, 31), "2026-01-07", True),
        ("2025-12-31", "2026-01-06", False),
        (dt.datetime(2025, 12, 31, 3, tzinfo=dt.UTC), "2026-01-06", True),  # the 30th in Denver
        (None, "2026-01-06", True),  # only its store could read it
        ("31/12/2025", "2026-01-06", True),
    ],
)
def test_a_day_is_one_of_the_operators_calendar(anchor: object, today: str, due: bool) -> None:
    """Art. 5(1)(e): what a store lists by its own clock is due by the operator's day alone."""
    record = Record("k", "accounts", {"closed": anchor})
    for name in ("closed", "accounts.closed"):
        stage = Stage("7 days", anchor=name)
        day = dt.date.fromisoformat(today)
        assert is_due(stage, record, day, ZoneInfo("America/Denver")) is due
