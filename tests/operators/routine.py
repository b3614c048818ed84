"""What routine deletion does on which day, as a table that people write and read.

The table stands in the test module of an operator, written by hand from the page and the law.
`dsr sweep` runs on its days one after the other, over the same stores:

    [2026-08-04 23:59:59 | the last second of six months]
    -
    [2026-08-05 00:00:00 | six months after January's bill]
    call_metadata | erase 3, gap 1 linked | Anna: c2; others: c0, c2, c5

A line names a category, the cell that comes out of it (as in `tests.operators.matrix`), and whose
facts go by it: each fact that begins with one of the texts, and no other. A `-` alone expects that
nothing at all is due; a line without its first two columns carries on the one above. After `+`
stands, whole, what comes instead: the row without a name.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen

__all__ = ["Day", "parse_days", "routine_page", "without"]

_HEAD: Final = re.compile(r"\[(?P<at>[\d :-]+)\|(?P<why>[^]]+)\]")

Facts = Mapping[str, set[str]]


@frozen
class Day:
    """One run: when, why then, what comes out of each category, and whose facts begin so."""

    at: dt.datetime
    why: str
    cells: Mapping[str, str]
    gone: Mapping[str, Sequence[str]]


def parse_days(text: str, zone: ZoneInfo) -> list[Day]:
    """Read a table; its times are shown by clocks in `zone`. Raises `ValueError`."""
    days: list[Day] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        head = _HEAD.fullmatch(line)
        if head:
            at = dt.datetime.fromisoformat(head["at"].strip()).replace(tzinfo=zone)
            days.append(Day(at, head["why"].strip(), {}, {}))
        elif line != "-":
            category, cell, gone = (part.strip() for part in line.split("|"))
            category = category or list(days[-1].cells)[-1]
            if cell and category in days[-1].cells:
                msg = f"{days[-1].at}: {category} stands twice"
                raise ValueError(msg)
            days[-1] = _with(days[-1], category, cell, gone)
    return days


def _with(day: Day, category: str, cell: str, gone: str) -> Day:
    found = dict(day.gone)
    for part in filter(None, map(str.strip, gone.split(";"))):
        owner, _, texts = part.partition(":")
        found[owner] = [*found.get(owner, ()), *map(str.strip, texts.split(","))]
    cells = {**day.cells, category: cell} if cell else day.cells
    return Day(day.at, day.why, cells, found)


def without(facts: Facts, day: Day) -> dict[str, set[str]]:
    """Return what is left of the facts; each text of the table must begin one of them."""
    left = {owner: set(each) for owner, each in facts.items()}
    for owner, texts in day.gone.items():
        if owner.startswith("+"):
            left[owner[1:]].update(texts)
            continue
        for text in texts:
            gone = {each for each in left[owner] if each.startswith(text)}
            assert gone, f"{day.at}: nothing of {owner} begins with {text!r}"
            left[owner] -= gone
    return left


def routine_page(days: Sequence[Day]) -> str:
    """Return the table as Markdown."""
    lines = ["| when | why then | what comes out |", "| --- | --- | --- |"]
    for day in days:
        cells = "<br>".join(f"{name}: {cell}" for name, cell in day.cells.items())
        when = day.at.strftime("%Y-%m-%d %H:%M:%S")
        lines.append(f"| {when} | {day.why} | {cells or 'nothing is due'} |")
    return "\n".join(lines)
