"""Record keys: values survive in value and type."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dsr.connectors.sql.keys import Key, decode, encode

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.decimals(allow_nan=False, places=4),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.uuids(),
)


@given(st.text("abc.", min_size=1), st.lists(VALUES), st.integers(0, 3))
def test_values_come_back_as_they_were(table: str, values: list[object], ordinal: int) -> None:
    """A value of another type would not match its row, and the row would stay."""
    key = decode(encode(table, values, ordinal))
    assert key == Key(table, tuple(values))
    assert [type(each) for each in key.values] == [type(each) for each in values]


@given(st.lists(VALUES), st.lists(VALUES))
def test_different_rows_have_different_keys(one: list[object], other: list[object]) -> None:
    """Keys are unique: equal keys mean equal values."""
    assert (encode("t", one) == encode("t", other)) == (
        [(type(each), repr(each)) for each in one] == [(type(each), repr(each)) for each in other]
    )
    assert encode("t", one) != encode("t", one, 1)


def test_a_moment_has_one_key_in_any_session() -> None:
    """Keys are stable: the session's time zone does not change them."""
    utc = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)
    berlin = utc.astimezone(dt.timezone(dt.timedelta(hours=1)))
    assert encode("t", [utc]) == encode("t", [berlin])


def test_numbers_keep_their_scale() -> None:
    """What the database wrote is what is asked for again."""
    key = decode(encode("t", [Decimal("1.50")]))
    assert key is not None
    assert str(key.values[0]) == "1.50"
