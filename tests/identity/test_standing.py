"""The standing PIN: Argon2id, the same work for everybody, and right only where it is on file."""

from __future__ import annotations

import pytest
from argon2 import extract_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr.identity import standing
from dsr.identity.standing import hashed, proves

ON_FILE = hashed("4711")


def test_the_hash_is_argon2id() -> None:
    """RFC 9106: the variant that resists both side channels and special hardware."""
    assert ON_FILE.startswith("$argon2id$")
    assert "4711" not in ON_FILE


@pytest.mark.parametrize(
    ("pin", "hashes", "right"),
    [
        ("4711", [ON_FILE], True),
        ("4712", [ON_FILE], False),
        ("4711", [], False),
        ("4711", ["not a hash", ON_FILE], True),
        ("4711", ["4711"], False),
        ("", [ON_FILE], False),
        ("no PIN is on file", [], False),
        ("4711" * 100, [hashed("4711" * 100)], False),
    ],
)
def test_only_the_pin_on_file_is_right(pin: str, hashes: list[str], right: bool) -> None:
    """The stand-in for nobody's PIN is nobody's, and a store of plain PINs proves nothing."""
    assert proves(pin, hashes) is right


def test_nobody_costs_as_much_as_somebody() -> None:
    """Rule 11 (GDPR Art. 15(1)): known and unknown people take the same work, not the same luck."""
    stand_in = extract_parameters(standing._NOBODY)
    assert stand_in == extract_parameters(ON_FILE)


@settings(max_examples=20)
@given(st.text(max_size=80))
def test_whatever_a_stranger_sends_is_read(pin: str) -> None:
    """No text ends in anything but no."""
    assert proves(pin, [ON_FILE]) is (pin == "4711")
