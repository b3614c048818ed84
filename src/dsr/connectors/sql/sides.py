"""Sides that look inside columns, as what `Insight` asks of each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.inside import About, Document, Insight, Opened, Pieces, Spot, Spots
from dsr.connectors.sql.members import text_of
from dsr.connectors.sql.paths import Path, Piece, parse
from dsr.connectors.sql.tables import Side

__all__ = [
    "about_of",
    "domain_of",
    "insight",
    "looks_inside",
    "of_column",
    "of_members",
    "of_pieces",
]

Positions = tuple[int, ...]
Row = Sequence[Any]
Named = Callable[[str], Positions]


def looks_inside(bound: Bound) -> bool:
    """Return whether a map names members of documents or pieces of texts."""
    return bool(bound.map.paths) or any(side.part for side in bound.map.sides)


def insight(bound: Bound, spots: Iterable[Spots]) -> Insight:
    """Return how the rows of a table are looked into for those whom `spots` names."""
    by_column: dict[str, list[Path]] = {}
    for path in bound.map.paths:
        by_column.setdefault(path.column, []).append(path)
    documents = [
        Document.of(bound.fields.index(bound.field(column)), column, paths)
        for column, paths in by_column.items()
    ]
    names = frozenset[str]().union(*(bound.about(side) for side in bound.map.sides))
    parts = dict.fromkeys(side.column for side in bound.map.sides if side.part)
    return Insight(
        tuple(documents),
        tuple(spots),
        _about(bound, names, None),
        tuple(_texts(bound, name) for name in parts),
    )


def about_of(bound: Bound, side: Side) -> About:
    """Return which fields of a row speak about a side."""
    searched = parse(side.column)
    return _about(bound, bound.about(side), searched if isinstance(searched, Path) else None)


def _about(bound: Bound, names: frozenset[str], searched: Path | None) -> About:
    means = [parse(name) for name in sorted(names)]
    paths = [each for each in means if isinstance(each, Path)]
    return About(
        tuple(bound.spoken(names)), tuple((each, _shared(each, searched)) for each in paths)
    )


def _shared(path: Path, searched: Path | None) -> int:
    """Return how many first steps name the same member in both: up to the last `*` of these."""
    if searched is None or searched.column != path.column:
        return 0
    shared = 0
    for number, (one, other) in enumerate(zip(path.steps, searched.steps, strict=False), start=1):
        if one != other:
            break
        if one is None:
            shared = number
    return shared


def of_column(about: About, who: Callable[[Row], Positions]) -> Spots:
    """Return the spots of a side that is a column of its own."""

    def spots(opened: Opened) -> Iterator[Spot]:
        positions = who(opened.row)
        if positions:
            yield Spot(positions, about.names(opened))

    return spots


def of_members(
    about: About, path: Path, named: Named, domain: Callable[[Opened], str | None] | None = None
) -> Spots:
    """Return the spots of a side whose identifier is a member (with another as its domain)."""

    def spots(opened: Opened) -> Iterator[Spot]:
        for member in opened.found[path]:
            text = text_of(member.value)
            if text and domain is not None:
                text = f"{text}@{domain(opened)}"
            positions = named(text) if text else ()
            if positions:
                yield Spot(positions, about.names(opened, member.steps))

    return spots


def of_pieces(bound: Bound, side: Side, about: About, pieces: Pieces) -> Spots:
    """Return the spots of a side of which only pieces of a text speak."""
    texts = _texts(bound, side.column)

    def spots(opened: Opened) -> Iterator[Spot]:
        for name, text in texts(opened):
            for (start, end), positions in pieces.of(text):
                yield Spot(positions, about.names(opened), Piece(name, start, end))

    return spots


def _texts(bound: Bound, name: str) -> Callable[[Opened], Iterable[tuple[str, str]]]:
    """Return what takes the texts of a side out of a row, with their names."""
    searched = parse(name)
    if isinstance(searched, Path):
        path = searched
        return lambda opened: [
            (each.name, each.value) for each in opened.found[path] if isinstance(each.value, str)
        ]
    place = bound.fields.index(bound.field(name))

    def texts(opened: Opened) -> Iterable[tuple[str, str]]:
        value = opened.row[place]
        return ((name, value),) if isinstance(value, str) else ()

    return texts


def domain_of(bound: Bound, name: str) -> Callable[[Opened], str | None]:
    """Return what reads the domain that belongs to a user, out of a member or a column."""
    searched = parse(name)
    if isinstance(searched, Path):
        path = searched
        return lambda opened: next((text_of(each.value) for each in opened.found[path]), None)
    place = bound.fields.index(bound.field(name))
    return lambda opened: opened.row[place]
