"""A code proves one member of the staff, at one time."""

from __future__ import annotations

import datetime as dt

import pytest

from dsr.identity.staff import ROLES, Member

#: RFC 6238, appendix B: the secret "12345678901234567890", and the last six of its eight digits.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")]


def _at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_codes_of_the_standard_are_right(seconds: int, code: str) -> None:
    """RFC 6238, appendix B (SHA-1, thirty seconds)."""
    member = Member("ada", frozenset({"approve"}), SECRET)
    assert member.step(code, _at(seconds)) == seconds // 30
    assert member.step(f" {code[:3]} {code[3:]}", _at(seconds)) == seconds // 30


@pytest.mark.parametrize(("later", "right"), [(-30, True), (30, True), (60, False), (-60, False)])
def test_a_clock_may_be_off_by_one_step(later: int, right: bool) -> None:
    """RFC 6238, section 5.2: one step for the delay, and no more."""
    member = Member("ada", frozenset(), SECRET)
    step = member.step("279037", _at(2000000000 + later))
    assert (step == 2000000000 // 30) is right


@pytest.mark.parametrize("code", ["", "000000", "279036", "27903", "2790370", "二七九〇三七", "x"])
def test_anything_else_is_wrong(code: str) -> None:
    """No other text is a code."""
    assert Member("ada", frozenset(), SECRET).step(code, _at(2000000000)) is None


def test_who_has_no_authenticator_proves_nothing() -> None:
    """Whoever has no secret cannot approve; and the secret is in no log line."""
    assert Member("bob", frozenset({"approve"})).step("279037", _at(2000000000)) is None
    assert SECRET not in repr(Member("ada", frozenset(), SECRET))


def test_a_role_is_leave_for_one_thing() -> None:
    """Least privilege: nobody may do what no role of theirs names."""
    member = Member("ada", frozenset({"open", "verify"}))
    assert [role for role in ROLES if member.may(role)] == ["open", "verify"]
