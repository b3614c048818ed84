"""Expected outcomes as a table that people write and read: right x category x person x time.

The table stands in the test module of an operator, written by hand from the operator's page and
the law:

    [erasure]
    invoices | both | always        | keep 1 tax 2035-01-01
    logs     | Anna | inside, after | redact 2
    logs     | Anna | hold          | keep 2 claim open
    logs     | Bruno | always       | -

A cell lists, in this order: what is done (`export`, `erase`, `redact`, … and how many records),
what is kept (`keep`, how many, by which laws, the first day on which it is kept no longer or
`open`), and what could not be done (`gap`, how many, why). A `-` expects nothing at all; where all
cells of a case are one, nothing is left to know the person by. A line with a cell alone carries on
the cell above. Laws and reasons have short names, explained below the table of the README. A case
that the table forgets is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from attrs import frozen

from tests.operators.harness import Labels, Person, Point

__all__ = ["Case", "Matrix", "check_page", "parse", "points_page"]

_ALWAYS: Final = "always"
_NOTHING: Final = "-"
_BOTH: Final = "both"
_NOBODY: Final = "nothing is left to know this person by"
_UPDATE: Final = "pytest --update-operators tests/operators"


class Case(NamedTuple):
    """One row: a right, who asks, and when."""

    right: str
    who: str
    when: str

    def __str__(self) -> str:
        """Name the test after it."""
        return "-".join(self)


@frozen
class Matrix:
    """The table: for each case what is expected of each category; nothing is left out."""

    categories: Sequence[str]
    rows: Mapping[Case, Mapping[str, str]]

    def cases(self) -> list[Case]:
        """Return the cases in the table's order."""
        return list(self.rows)

    def page(self, labels: Labels) -> str:
        """Return it as Markdown: a table a right, equal rows of one person joined."""
        parts = [
            f"**{right.capitalize()}**\n\n{self._table(list(cases))}"
            for right, cases in groupby(self.rows, key=lambda case: case.right)
        ]
        return "\n\n".join([*parts, *_legend(labels)])

    def _table(self, cases: Sequence[Case]) -> str:
        lines = [
            _line("who", "when", *self.categories),
            _line(*["---"] * (2 + len(self.categories))),
        ]
        rows = [(case.who, case.when, *self._cells(case)) for case in cases]
        for (who, *cells), same in groupby(rows, key=lambda row: (row[0], *row[2:])):
            lines.append(_line(who, ", ".join(row[1] for row in same), *cells))
        return "\n".join(lines)

    def _cells(self, case: Case) -> list[str]:
        if not self.rows[case]:
            return [_NOBODY, *[""] * (len(self.categories) - 1)]
        return [
            self.rows[case].get(category, "").replace(", ", "<br>") for category in self.categories
        ]


def parse(text: str, people: Sequence[Person], points: Sequence[Point]) -> Matrix:
    """Read a table. Raises `ValueError` for a case that it says twice, or not at all."""
    names = [each.name for each in people]
    times = [each.name for each in points]
    rows: dict[Case, dict[str, str]] = {}
    categories: dict[str, None] = {}
    for right, category, who, when, cell in _lines(text):
        categories[category] = None
        for name in names if who == _BOTH else [who]:
            for time in times if when == _ALWAYS else re.split(r",\s*", when):
                row = rows.setdefault(Case(right, name, time), {})
                if category in row:
                    msg = f"{right}, {name}, {time}: {category} stands twice"
                    raise ValueError(msg)
                row[category] = cell
    known = {Case(case.right, name, time) for case in rows for name in names for time in times}
    if rows.keys() != known or any(row.keys() != categories.keys() for row in rows.values()):
        msg = "the table does not say of each category, person and time what comes out"
        raise ValueError(msg)
    filled = {
        case: {name: cell for name, cell in row.items() if cell != _NOTHING}
        for case, row in rows.items()
    }
    return Matrix(list(categories), filled)


def _lines(text: str) -> list[tuple[str, str, str, str, str]]:
    """Return (right, category, who, when, cell) of each line, continued ones joined."""
    found: list[tuple[str, str, str, str, str]] = []
    right = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            right = line.strip("[]")
            continue
        category, who, when, cell = (part.strip() for part in line.split("|"))
        if category:
            found.append((right, category, who, when, cell))
        else:
            found[-1] = (*found[-1][:4], f"{found[-1][4]} {cell}")
    return found


def points_page(
    policy: Mapping[str, Mapping[str, Mapping[str, str]]],
    decided: Mapping[str, Mapping[str, Mapping[str, str]]],
) -> str:
    """Return the open points of a policy.toml as Markdown, with what dsr.toml decides."""
    lines = [
        _line("point", "the page leaves open", "we recommend", "dsr.toml decides, for example")
    ]
    lines.append(_line(*["---"] * 4))
    for name, point in policy["unresolved"].items():
        decision = decided["unresolved"][name]["decision"]
        lines.append(_line(f"`{name}`", point["question"], point["recommendation"], decision))
    return "\n".join(lines)


def check_page(page: Path, section: str, text: str, *, update: bool) -> None:
    """Compare a marked section of a page with `text`; with `update` write it first.

    The section begins with `<!-- NAME: written by … -->` and ends with `<!-- end of NAME -->`.
    """
    begin, end = f"<!-- {section}: written by `{_UPDATE}` -->", f"<!-- end of {section} -->"
    whole = page.read_text("utf-8")
    assert begin in whole, f"{page.name} has no line: {begin}"
    before, _, rest = whole.partition(begin)
    found, marked, after = rest.partition(end)
    assert marked, f"{page.name} has no line: {end}"
    if update:
        page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")
        return
    assert found.strip() == text, f"out of date: {_UPDATE}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _legend(labels: Labels) -> Iterator[str]:
    laws = [f"| {label} | {law} |" for label, law in labels.laws.items()]
    yield "\n".join(("| kept for | by |", "| --- | --- |", *laws))
    gaps = [f"| {label} | … {part} … |" for label, part in labels.gaps.items()]
    yield "\n".join(("| gap | the receipt says |", "| --- | --- |", *gaps))
