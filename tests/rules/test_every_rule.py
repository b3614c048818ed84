"""Every rule of docs/explanation/law.md has a test, and the reference names them all."""

from __future__ import annotations

import pytest

from tests.rules.listing import (
    EXPLANATION,
    LEFT_OUT,
    PAGE,
    carried,
    is_unsourced,
    page,
    rules,
    unsourced,
)


def test_every_rule_has_a_test() -> None:
    """None of the 45 is missing, and each is carried by a test."""
    assert sorted(rules()) == list(range(1, 46))
    tests = carried()
    assert [number for number in rules() if not tests[number]] == []


def test_the_reference_lists_them() -> None:
    """The page is made from the tests: run `python -m tests.rules.listing`."""
    assert PAGE.read_text("utf-8") == page()


def test_whoever_names_a_rule_names_its_source() -> None:
    """The article, act or judgment stands in brackets behind the rule: "Rule 41 (…): …"."""
    assert unsourced() == []


def test_what_is_left_out_is_a_part_of_a_rule() -> None:
    """What is left out belongs to a rule, and the explanation of the rules leads there."""
    assert {number for number, _ in LEFT_OUT} <= set(rules())
    assert "../reference/rules.md#left-out-and-why" in EXPLANATION.read_text("utf-8")


@pytest.mark.parametrize(
    ("docstring", "named"),
    [
        ("Rule 7: it is told.", True),
        ("Told (rule 7).", True),
        ("Law 3, law.md rule 7: it is told.", True),
        ("Rules 7, 25 (some day): it is told.", True),
        ("Rule 7 (GDPR Art. 15): it is told.", False),
        ("Rules 7 and 25 (Arts. 15, 20(1)): it is told.", False),
        ("Rule 46: no rule of this page.", False),
        ("It is told.", False),
    ],
)
def test_a_rule_without_its_source_is_noticed(docstring: str, named: bool) -> None:
    """Whichever way it is written; who breaks this page's promise hears of it."""
    assert is_unsourced(docstring, {7, 25}) is named
