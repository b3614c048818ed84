"""Rule 43: delivery only to a contact that is older than the request."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.policy.delivery import deliverable
from tests.things import NOW

MICROSECOND = dt.timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("since", "settled", "why"),
    [
        (None, "0 days", "nobody knows since when it is on file"),
        (NOW + MICROSECOND, "0 days", "it is not older than the request"),
        (NOW, "0 days", "it is not older than the request"),
        (NOW - MICROSECOND, "0 days", None),
        (NOW - MICROSECOND, "", None),
        (
            NOW - dt.timedelta(days=6),
            "7 days",
            "it was changed less than 7 days before the request",
        ),
        (NOW - dt.timedelta(days=7), "7 days", None),
        (None, "7 days", "nobody knows since when it is on file"),
        (dt.datetime.min.replace(tzinfo=dt.UTC), "7 days", None),
    ],
)
def test_a_contact_must_be_older(since: dt.datetime | None, settled: str, why: str | None) -> None:
    """Rule 43: unknown, later, at the same moment, or only just before: not there."""
    assert deliverable(since, NOW, settled) == why


@given(
    st.datetimes(timezones=st.just(dt.UTC), min_value=dt.datetime(2000, 1, 1)),  # noqa: DTZ001
    st.timedeltas(min_value=dt.timedelta(0), max_value=dt.timedelta(days=5000)),
    st.integers(0, 100),
)
def test_no_later_contact_is_ever_deliverable(
    received: dt.datetime, later: dt.timedelta, days: int
) -> None:
    """Rule 43: for every time of receipt, nothing that is on file from then on may be used."""
    since = min(received, dt.datetime(2100, 1, 1, tzinfo=dt.UTC)) + later
    received = min(received, since)
    assert deliverable(since, received, f"{days} days") is not None
