"""`index.html`: everything for the eye, in one page that needs neither network nor script."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Final, Literal

import msgspec
from attrs import field, frozen

from dsr.package.cover import Cover
from dsr.package.language import Language
from dsr.package.pages import page_chunks
from dsr.package.recordings import MEDIATYPES
from dsr.package.table import FILE, STORE, Table
from dsr.package.withheld import Row

__all__ = ["Bar", "Cell", "Section", "index"]

_ROWS: Final = 500  # records of a category that the page shows
_TEXT: Final = 240  # characters of a value that it shows
_MONTHS: Final = 24  # bars of a chart
_STEP, _HEIGHT = 36, 120  # the width of a bar with its gap, and the height of the tallest
_NUMBERS: Final = frozenset({int, float, NoneType})


@frozen
class Cell:
    """A value as the page shows it. `kind` is how: text, number, audio player, or link."""

    text: str
    kind: Literal["text", "number", "audio", "file"] = "text"
    mediatype: str = ""


@frozen
class Bar:
    """A month of the chart: its names, its number of records, its place and height in pixels.

    `year` is empty but under the first bar of a year.
    """

    label: str
    year: str
    name: str
    count: str
    left: int
    height: int


@frozen
class Section:
    """One category on the page."""

    title: str
    slug: str
    table: Table = field(repr=False)


def index(
    cover: Cover,
    sections: Sequence[Section],
    withheld: Sequence[Row],
    *,
    contacts: bool,
) -> Iterator[bytes]:
    """Yield the page in pieces. The rows of one category at a time are in memory."""
    text = cover.text
    return page_chunks(
        "index.html",
        cover,
        sections=sections,
        withheld=withheld,
        contacts=contacts,
        limit=_ROWS,
        most=_MONTHS,
        rows=lambda table: _rows(table, cover, text),
        bars=lambda table: _bars(table.months, text),
        step=_STEP,
        height=_HEIGHT,
    )


def _rows(table: Table, cover: Cover, text: Language) -> tuple[list[str], list[list[Cell]]]:
    """Return the columns that hold anything in the first records, and these records' cells.

    Recordings come first, then the first time.
    """
    records = table.head(_ROWS)
    times = [name for name, kinds in table.kinds.items() if dt.datetime in kinds]
    names = list(dict.fromkeys([FILE, *times[:1], *table.kinds, STORE]))
    names = [name for name in names if any(each.get(name) not in (None, "") for each in records)]
    show = _Shown(table.kinds, cover, text)
    return names, [[show(name, each.get(name)) for name in names] for each in records]


class _Shown:
    """Turns values of the JSON lines into cells."""

    def __init__(self, kinds: Mapping[str, frozenset[type]], cover: Cover, text: Language) -> None:
        self._times = {name for name, each in kinds.items() if dt.datetime in each}
        self._numbers = {name for name, each in kinds.items() if each <= _NUMBERS}
        self._zone = cover.operator.zone
        self._text = text

    def __call__(self, name: str, value: object) -> Cell:
        if value is None:
            return Cell("")
        if name == FILE and isinstance(value, str):
            mediatype = MEDIATYPES.get(value.rpartition(".")[2], "")
            audible = mediatype.startswith(("audio/", "video/"))
            return Cell(value, "audio" if audible else "file", mediatype)
        if name in self._times and isinstance(value, str):
            return Cell(self._time(value))
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        clipped = text if len(text) <= _TEXT else text[:_TEXT] + "…"
        return Cell(clipped, "number" if name in self._numbers else "text")

    def _time(self, value: str) -> str:
        try:
            return self._text.time(dt.datetime.fromisoformat(value), self._zone)
        except ValueError:  # a text among times
            return value[:_TEXT]


def _bars(months: Mapping[tuple[int, int], int], text: Language) -> list[Bar]:
    """Return a bar for each of the last months, those without records too."""
    if not months:
        return []
    last, first = max(months), min(months)
    span = min((last[0] - first[0]) * 12 + last[1] - first[1] + 1, _MONTHS)
    ordinals = [last[0] * 12 + last[1] - 1 - back for back in reversed(range(span))]
    shown = [(each // 12, each % 12 + 1) for each in ordinals]
    tallest = max(months.get(each, 0) for each in shown)
    bars = []
    for place, (year, month) in enumerate(shown):
        count = months.get((year, month), 0)
        bars.append(
            Bar(
                label=text.short_month(month),
                year=str(year) if place == 0 or month == 1 else "",
                name=text.month(year, month),
                count=text.number(count),
                left=place * _STEP,
                height=max(round(_HEIGHT * count / tallest), 2) if count else 0,
            )
        )
    return bars
