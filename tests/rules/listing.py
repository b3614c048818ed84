"""Which tests carry which rule: read from their docstrings.

`python -m tests.rules.listing` writes the page that the reference shows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["EXPLANATION", "PAGE", "carried", "page", "rules"]

ROOT: Final = Path(__file__).parent.parent.parent
EXPLANATION: Final = ROOT / "docs" / "explanation" / "law.md"
PAGE: Final = ROOT / "docs" / "reference" / "rules.md"

_ROW: Final = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \|$", re.MULTILINE)
_NAMED: Final = re.compile(r"Rules? ((?:\d+(?:, | and | to |-)?)+)")
_HEAD: Final = """# The rules, and the tests that carry them

Made from the tests (`python -m tests.rules.listing`); what the rules ask is in
[The law, and where it is in the code](../explanation/law.md).

| rule | tests |
|---|---|
"""


def rules() -> dict[int, str]:
    """Return each rule's number and what it asks."""
    return {int(number): text for number, text, _ in _ROW.findall(EXPLANATION.read_text("utf-8"))}


def carried() -> dict[int, list[str]]:
    """Return for each rule the tests that name it, as file and function, sorted."""
    found: dict[int, list[str]] = {number: [] for number in rules()}
    for path in sorted(ROOT.glob("**/test_*.py")):
        if any(part.startswith(".") for part in path.relative_to(ROOT).parts):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in _numbers(ast.get_docstring(node) or ""):
                    where = f"`{path.relative_to(ROOT)}` `{node.name}`"
                    found.setdefault(number, []).append(where)
    return {number: sorted(set(tests)) for number, tests in sorted(found.items())}


def _numbers(text: str) -> Iterator[int]:
    for named in _NAMED.findall(text):
        for part in re.split(r", | and ", named):
            first, _, last = part.strip(" ,").replace(" to ", "-").partition("-")
            if first.isdigit():
                yield from range(int(first), int(last or first) + 1)


def page() -> str:
    """Return the page."""
    asked = rules()
    rows = [
        f"| {number} | {'<br>'.join(tests) or 'none'} |"
        for number, tests in carried().items()
        if number in asked
    ]
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
