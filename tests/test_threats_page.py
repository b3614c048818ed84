"""docs/explanation/threats.md: each attack has tests, and they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = (ROOT / "docs" / "explanation" / "threats.md").read_text("utf-8")
ROWS: Final = re.findall(r"^\| (?!attack|---)(.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
#: What issue and literature name (law.md rule 43).
NAMED: Final = (
    "recycled number",
    "SIM card",
    "swapping the e-mail address",
    "mailbox",
    "who is a customer",
    "replaying",
    "staff",
    "what anybody may know",
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_threat_is_linked_to_tests_that_exist(row: tuple[str, str, str]) -> None:
    """Rule 43 (GDPR Art. 32): an attack without a test is only hoped to fail."""
    names = re.findall(r"`([^`]+)`", row[2])
    assert names
    path = ROOT
    for name in names:
        if name.startswith("tests/"):
            path = ROOT / name
            assert path.is_file(), name
            continue
        tree = ast.parse(path.read_text("utf-8"))
        there = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
        assert name in there, (path, name)


def test_the_attacks_that_are_known_are_there() -> None:
    """Rule 43 (GDPR Art. 32): replay, address swap, voicemail, enumeration, and the others."""
    told = " ".join(attack for attack, _, _ in ROWS)
    assert [each for each in NAMED if each not in told] == []
