"""Levels are what they say: "and" is every one, "or" is at least one, and nothing is no level."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dsr.identity.levels import FACTORS, AllOf, AnyOf, Factor, Level, One, at_least, level, missing

SETS = st.frozensets(st.sampled_from(FACTORS))
LEVELS: st.SearchStrategy[Level] = st.recursive(
    st.sampled_from(FACTORS).map(One),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: AllOf(tuple(each))),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: AnyOf(tuple(each))),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "proved", "met"),
    [
        ("one-time-pin", {"one-time-pin"}, True),
        ("one-time-pin", {"login"}, False),
        ("one-time-pin and standing-pin", {"one-time-pin"}, False),
        ("one-time-pin and standing-pin", {"one-time-pin", "standing-pin"}, True),
        ("login or sip", {"sip"}, True),
        ("login or sip and one-time-pin", {"sip"}, False),
        ("login or sip and one-time-pin", {"login"}, True),
        ("(login or sip) and one-time-pin", {"login"}, False),
        ("(login or sip) and one-time-pin", {"login", "one-time-pin"}, True),
        ("person", frozenset(), False),
    ],
)
def test_a_level_means_what_it_says(text: str, proved: set[Factor], met: bool) -> None:
    """Expected by hand: "and" binds closer than "or"."""
    assert level(text).met(frozenset(proved)) is met


@pytest.mark.parametrize(
    "text",
    [
        "",
        "and",
        "pin",
        "one-time-pin and",
        "or sip",
        "(sip",
        "sip)",
        "sip login",
        "()",
        "sip AND x",
    ],
)
def test_what_is_no_level_is_refused(text: str) -> None:
    """A mistake in the configuration never opens a door."""
    with pytest.raises(ValueError, match="write"):
        level(text)


@pytest.mark.parametrize("text", ["standing-pin", "sip or standing-pin", "(standing-pin)"])
def test_a_standing_pin_is_never_enough(text: str) -> None:
    """Rule 40 (LG Bonn, 29 OWi 1/20): a static secret alone never unlocks disclosure."""
    with pytest.raises(ValueError, match="never enough"):
        level(text)


@pytest.mark.parametrize("cls", [AllOf, AnyOf])
def test_an_empty_level_cannot_be(cls: type[AllOf | AnyOf]) -> None:
    """Nothing to prove would let everybody in."""
    with pytest.raises(ValueError, match="empty"):
        cls(())


@given(LEVELS, SETS)
def test_no_factor_meets_a_level_by_its_absence(wanted: Level, proved: frozenset[Factor]) -> None:
    """Proving more never takes a level away, and proving nothing never meets one."""
    assert not wanted.met(frozenset())
    if wanted.met(proved):
        assert all(wanted.met(proved | {each}) for each in FACTORS)


@given(LEVELS)
def test_a_level_is_written_as_it_is_read(wanted: Level) -> None:
    """The text of a level means the same level."""
    assume(not wanted.met(frozenset({"standing-pin"})))
    again = level(str(wanted))
    assert at_least(again, wanted)
    assert at_least(wanted, again)


@given(LEVELS, SETS)
def test_what_is_missing_is_enough_and_not_more(wanted: Level, proved: frozenset[Factor]) -> None:
    """Each set that is told completes the level, and none of it could be left out."""
    told = missing(wanted, proved)
    assert bool(told) is not wanted.met(proved)
    for each in told:
        assert wanted.met(proved | each)
        assert not any(wanted.met(proved | (each - {one})) for one in each)


@pytest.mark.parametrize(
    ("erasure", "access", "holds"),
    [
        ("one-time-pin and standing-pin", "one-time-pin", True),
        ("one-time-pin", "one-time-pin", True),
        ("one-time-pin", "one-time-pin and standing-pin", False),
        ("login", "login or sip", True),
        ("login or sip", "login", False),
    ],
)
def test_one_level_is_at_least_another(erasure: str, access: str, holds: bool) -> None:
    """Rule 43: erasure needs at least the level of access."""
    assert at_least(level(erasure), level(access)) is holds
