"""Every rule of docs/explanation/law.md has a test, and the reference names them all."""

from __future__ import annotations

from tests.rules.listing import PAGE, carried, page, rules


def test_every_rule_has_a_test() -> None:
    """None of the 38 is missing, and each is carried by a test."""
    assert sorted(rules()) == list(range(1, 39))
    tests = carried()
    assert [number for number in rules() if not tests[number]] == []


def test_the_reference_lists_them() -> None:
    """The page is made from the tests: run `python -m tests.rules.listing`."""
    assert PAGE.read_text("utf-8") == page()
