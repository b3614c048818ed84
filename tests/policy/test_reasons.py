"""Retention and holds: dates counted from the record, by the law's own examples."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.model import Hold, Record
from dsr.policy.model import Retention
from dsr.policy.reasons import active, hold_covers, reasons, retained_until
from tests.things import category

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = dt.date(2026, 11, 23)


def record(**data: object) -> Record:
    return Record("k", "calls", data, at=dt.datetime(2026, 3, 15, 23, 30, tzinfo=dt.UTC))


def test_six_months_from_the_sending_of_the_bill() -> None:
    """Rule 30 (TDDDG §§ 9, 10): the anchor is a field of the record, not the request."""
    rule = Retention(period="6 months", law="TDDDG § 10", anchor="billed_at")
    billed = record(billed_at=dt.date(2026, 8, 31))
    assert retained_until(rule, billed, BERLIN) == dt.date(2027, 2, 28)


def test_whole_years_start_at_the_end_of_the_calendar_year() -> None:
    """Rule 31 (HGB s. 257): eight years for an invoice of 2026-03-15: erasable on 2035-01-01."""
    rule = Retention(period="8 years", law="HGB § 257", anchor="invoice", whole_years=True)
    for anchor in (dt.date(2026, 3, 15), "2026-03-15", dt.datetime(2026, 3, 15, tzinfo=BERLIN)):
        assert retained_until(rule, record(invoice=anchor), BERLIN) == dt.date(2035, 1, 1)


def test_without_an_anchor_the_records_own_time_counts_in_the_operators_zone() -> None:
    """23:30 UTC is the next day in Berlin."""
    rule = Retention(period="7 days", law="x")
    assert retained_until(rule, record(), BERLIN) == dt.date(2026, 3, 23)


@pytest.mark.parametrize(
    "anchor",
    [None, "", "soon", 17, dt.datetime(2026, 1, 1), "2026-01-01T10:00:00"],  # noqa: DTZ001  (the point)
)
def test_an_unusable_anchor_is_undecidable(anchor: object) -> None:
    """Law 5: a missing date is undecidable: kept, listed, never guessed."""
    rule = Retention(period="7 days", law="x", anchor="anchor")
    assert retained_until(rule, record(anchor=anchor), BERLIN) is None
    (reason,) = reasons(category(keep=(rule,)), record(anchor=anchor), (), TODAY, BERLIN)
    assert reason.until is None


@given(st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)), st.integers(1, 60), st.booleans())
def test_retention_never_ends_before_its_period(
    anchor: dt.date, months: int, whole_years: bool
) -> None:
    """5(1)(e): never erased while the duty lasts; whole years only make it longer."""
    rule = Retention(period=f"{months} months", law="x", anchor="a", whole_years=whole_years)
    until = retained_until(rule, record(a=anchor), BERLIN)
    assert until is not None
    assert (until.year - anchor.year) * 12 + until.month - anchor.month >= months


def test_a_hold_holds_until_its_day() -> None:
    """`until` is the first day on which it no longer holds."""
    hold = Hold("h", "c", "r", "l", until=TODAY)
    assert not active(hold, TODAY)
    assert active(hold, TODAY - dt.timedelta(days=1))
    assert active(Hold("h", "c", "r", "l"), dt.date(2100, 1, 1))


def test_an_undated_record_is_inside_every_span() -> None:
    """Law 5: whether it is inside cannot be decided, so it is held."""
    hold = Hold("h", "c", "r", "l", since=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert hold_covers(hold, Record("k", "calls", {}))
