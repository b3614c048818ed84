"""docs/explanation/law.md says truly where each article lives: its modules, and its tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

import attrs
import pytest

from dsr.policy.model import Category

ROOT: Final = Path(__file__).parent.parent
_TEXT: Final = (ROOT / "docs" / "explanation" / "law.md").read_text("utf-8")
_CODE: Final = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """One line of the table."""

    article: str
    modules: list[str]
    tests: list[str]


def _rows() -> list[Row]:
    table = _TEXT.partition("## Where each article lives")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| Art")]
    return [Row(cells[0].strip(), *map(_CODE.findall, cells[2:])) for cells in lines]


ROWS: Final = _rows()


def _articles(text: str) -> set[str]:
    """Return the articles that a text names: `12` of `Art. 12(4) to 12(6)`, `77` of `77 to 79`."""
    return set(re.findall(r"\b(\d+)(?:\(|,|$| )", text.removeprefix("Art. ")))


def test_every_article_of_a_persons_rights_is_there() -> None:
    """Arts. 12, 15 to 23, 7(3) and 77: each has modules that carry it, and tests."""
    named = set[str]().union(*(_articles(row.article) for row in ROWS))
    assert {"12", *map(str, range(15, 24)), "77"} <= named
    assert "Art. 7(3)" in {row.article for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.article)
def test_what_carries_an_article_exists(row: Row) -> None:
    """A reader who follows a line finds each module, setting and test; one of these cites it."""
    assert row.modules
    assert row.tests
    for name in row.modules:
        if name.startswith("Category."):
            assert name.partition(".")[2] in attrs.fields_dict(Category)
        else:
            path = ROOT / "src" / Path(*name.split("."))
            assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), name
    numbers = "|".join(sorted(_articles(row.article)))
    texts = [(ROOT / each).read_text("utf-8") for each in row.tests]
    assert any(re.search(rf"\bArts?\.[^\n]*\b(?:{numbers})\b", each) for each in texts)
