"""Rows whose columns are looked into: documents opened, texts taken apart.

A member of a document that the map names is a field of its own; the document that is left is the
column's. Of a text that names several people, each piece is a field about one of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, NamedTuple

from attrs import field, frozen

from dsr.connectors.sql.paths import Path, Piece
from dsr.match import Matcher
from dsr.model import Identifier

__all__ = [
    "REMEMBERED",
    "About",
    "Document",
    "Insight",
    "Member",
    "Opened",
    "Pieces",
    "Spot",
    "Spots",
]

Positions = tuple[int, ...]
Span = tuple[int, int]
Names = frozenset[str]

#: What in a text may speak of somebody: a number of three digits or more, the user of a channel
#: or address, a display name. Not what Asterisk puts behind a channel (`-0000001a;2`).
_SOMEBODY: Final = re.compile(
    r"-[0-9a-f]{8}(?:;\d+)?(?![\w])"
    r"|(?P<number>\+?\d{3,})"
    r"|(?:(?:PJ)?SIP|IAX2|SCCP|Local|Agent|user|sofia/[\w.-]+)/(?P<channel>[\w.+%]+)"
    r"|(?P<address>[\w.+%-]{2,})(?=@)"
    r'|"(?P<name>[^"]*[^\W\d_][^"]*)"',
    re.IGNORECASE,
)
#: Texts whose meaning is remembered while a table is read.
REMEMBERED: Final = 2048
_NO_NAMES: Final[Names] = frozenset()
_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})


@frozen
class Document:
    """A column at `place` of a row that holds a JSON document, and the `paths` into it.

    The longest paths come first: what they mean is no part of what a shorter one means. Each
    stands beside its name if it can mean one member of objects only, and beside "" if not.
    """

    place: int
    column: str
    paths: tuple[tuple[Path, str], ...]

    @classmethod
    def of(cls, place: int, column: str, paths: Iterable[Path]) -> Document:
        """Sort the paths."""
        ordered = sorted(paths, key=lambda path: len(path.steps), reverse=True)
        return cls(place, column, tuple((path, _only_name(path)) for path in ordered))


class Member(NamedTuple):
    """A member of a document: its name as a field, where it is, and its value."""

    name: str
    steps: tuple[str | None, ...]
    value: Any


class Opened(NamedTuple):
    """A row with its documents opened.

    `found` has the members that each path means; `rests` what is left of each document.
    """

    row: Sequence[Any]
    found: Mapping[Path, Sequence[Member]]
    rests: Mapping[str, object]

    def members(self) -> Iterator[Member]:
        """Yield every member that the map names."""
        for members in self.found.values():
            yield from members


def _open(row: Sequence[Any], documents: Iterable[Document]) -> Opened:
    """Open the documents of a row. What is no document has no members, and is left as it is."""
    found: dict[Path, Sequence[Member]] = {}
    rests: dict[str, object] = {}
    for each in documents:
        document = row[each.place]
        if isinstance(document, str):
            with suppress(ValueError):
                document = json.loads(document)
        for path, name in each.paths:
            found[path] = _taken(document, path, name)
        rests[each.column] = document
    return Opened(row, found, rests)


def _only_name(path: Path) -> str:
    numbered = any(each is None or each.isdecimal() for each in path.steps)
    return "" if numbered else str(path)


def _taken(document: Any, path: Path, name: str) -> Sequence[Member]:  # noqa: ANN401  (JSON)
    """Return the members that a path means, and take them out of the document."""
    if name:  # one member of one object, as most are
        for step in path.steps[:-1]:
            document = document.get(step) if document.__class__ is dict else None
        if document.__class__ is not dict or path.steps[-1] not in document:
            return ()
        return (Member(name, path.steps, document.pop(path.steps[-1])),)
    members = [Member(*each) for each in path.expand(document)]
    for each in members:
        _take_out(document, each.steps)
    return members


def _take_out(document: Any, steps: Sequence[Any]) -> None:  # noqa: ANN401  (a JSON value)
    """Remove a member; in an array, leave null in its place, so that the others keep theirs."""
    for step in steps[:-1]:
        document = document[int(step)] if isinstance(document, list) else document.get(step)
        if document is None:  # taken out already, with what it was in
            return
    if isinstance(document, list):
        document[int(steps[-1])] = None
    elif isinstance(document, dict):
        document.pop(steps[-1], None)


@frozen
class About:
    """The fields that speak about a side, found in each row: those that hold something.

    columns  place, name, and the values that say nothing
    paths    each with the number of its first steps that are those of the searched member
    """

    columns: tuple[tuple[int, str, tuple[object, ...]], ...]
    paths: tuple[tuple[Path, int], ...] = ()

    def names(self, opened: Opened, steps: tuple[str | None, ...] = ()) -> Names:
        """Return the fields of a row; `steps` lead to the member that was searched."""
        row, rests = opened.row, opened.rests
        found = [
            name
            for place, name, empty in self.columns
            if row[place] not in empty and rests.get(name, name) not in _NOTHING
        ]
        for path, shared in self.paths:
            found += [
                each.name
                for each in opened.found[path]
                if each.value not in _NOTHING and each.steps[:shared] == steps[:shared]
            ]
        return frozenset(found)


class Spot(NamedTuple):
    """A place in a row that speaks of somebody: whom, in which fields, or in which piece."""

    positions: Positions
    about: Names
    piece: Piece | None = None


Spots = Callable[[Opened], Iterable[Spot]]
#: The texts of a row that are taken apart: their names, and what they hold.
Texts = Callable[[Opened], Iterable[tuple[str, str]]]


@frozen
class Pieces:
    """Identifiers of one kind in a text, by the pieces of it that speak of them."""

    places: Mapping[Identifier, Positions] = field(repr=False)
    matcher: Matcher
    of: Callable[[str], Sequence[tuple[Span, Positions]]] = field(init=False, repr=False)

    @of.default
    def _of(self) -> Callable[[str], Sequence[tuple[Span, Positions]]]:
        """Return what gives each piece of a text, in characters, and whom it means."""
        return lru_cache(REMEMBERED)(self._find)  # rows of one person repeat their texts

    def _find(self, text: str) -> Sequence[tuple[Span, Positions]]:
        octets = text.encode("utf-8", "surrogateescape")
        plain = len(octets) == len(text)
        found = []
        for start, end, who in self.matcher.scan(octets):
            span = (start, end) if plain else (_characters(octets, start), _characters(octets, end))
            found.append((span, self.places[who]))
        return found


def _characters(octets: bytes, place: int) -> int:
    return len(octets[:place].decode("utf-8", "surrogateescape"))


def _strangers(name: str, text: str, known: Sequence[Span]) -> Iterator[str]:
    """Yield the pieces of a text that may speak of somebody else than those `known` in it.

    Rather one too many: where somebody else may be in a row, it is redacted and not erased.
    """
    for found in _SOMEBODY.finditer(text):
        if found.lastgroup is None:
            continue
        start, end = found.span(found.lastgroup)
        if not any(start < last and end > first for first, last in known):
            yield str(Piece(name, start, end))


@frozen
class Insight:
    """How the rows of one table are looked into.

    documents  the columns to open
    spots      one for each side that is looked for: whom it names in a row
    everyone   the fields that speak of anybody
    texts      one for each text of which pieces speak of somebody
    """

    documents: tuple[Document, ...]
    spots: tuple[Spots, ...]
    everyone: About
    texts: tuple[Texts, ...]

    def open(self, row: Sequence[Any]) -> Opened:
        """Open the documents of a row."""
        return _open(row, self.documents)

    def everybody(self, row: Sequence[Any]) -> tuple[Opened, Names]:
        """Return a row opened, and all its personal fields, whomever they speak of."""
        opened = self.open(row)
        personal = self.everyone.names(opened)
        for texts in self.texts:
            for name, text in texts(opened):
                personal |= frozenset(_strangers(name, text, ()))
        return opened, personal

    def look(self, row: Sequence[Any]) -> tuple[Opened, dict[int, Names], Names] | None:
        """Return a row opened, whom it speaks of and where, and all its personal fields.

        None if it speaks of none of those who are looked for.
        """
        opened = self.open(row)
        met: dict[int, Names] = {}
        known: dict[str, list[Span]] = {}
        for spots in self.spots:
            for positions, about, piece in spots(opened):
                names = about
                if piece is not None:
                    known.setdefault(piece.name, []).append((piece.start, piece.end))
                    names |= {str(piece)}
                for position in positions:
                    met[position] = met.get(position, _NO_NAMES) | names
        if not met:
            return None
        personal = self.everyone.names(opened).union(*met.values())
        for texts in self.texts:
            for name, text in texts(opened):
                personal |= frozenset(_strangers(name, text, known.get(name, ())))
        return opened, met, personal
