"""Whom a row of a comma-separated file names, by the same column maps as the database's.

`Sql` asks a database; here there is only the text, and the map's sides are read directly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from attrs import define, field, frozen

from dsr.match import Matcher
from dsr.model import KINDS, Identifier, Kind
from dsr_asterisk.meaning import silent
from dsr_asterisk.rows import Row, is_filler

__all__ = ["People", "Side", "sides_of"]

#: What two people share: it names neither.
_THINGS: Final[frozenset[Kind]] = frozenset({"call", "object"})


@frozen
class Side:
    """A column that names somebody, and the columns that speak of them then."""

    kind: Kind
    column: str
    inside: bool
    part: bool
    about: tuple[str, ...]


def sides_of(maps: Sequence[Mapping[str, Any]]) -> tuple[Side, ...]:
    """Return sides as `sql` is told of them; each names what it is about, or is a piece."""
    sides = []
    for each in maps:
        kind = next(name for name in KINDS if name in each)
        about = tuple(cast("Sequence[str]", each.get("about", ())))
        inside, part = each.get("match") == "contains", bool(each.get("part"))
        if kind not in _THINGS and not part:
            about = (each[kind], *about)
        sides.append(Side(kind, each[kind], inside, part, about))
    return tuple(sides)


@define
class People:
    """Finds any of `who` in rows. Made once for a reading."""

    who: Sequence[Identifier] = field(repr=False)
    region: str
    sides: Sequence[Side]
    _whole: dict[Kind, dict[str, list[Identifier]]] = field(factory=dict, init=False, repr=False)
    _matchers: dict[Kind, Matcher] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Index the identifiers by what a column can hold of them."""
        kinds: dict[Kind, list[Identifier]] = {}
        for each in self.who:
            kinds.setdefault(each.kind, []).append(each)
            whole = self._whole.setdefault(each.kind, {})
            for text in _texts(each):
                whole.setdefault(text, []).append(each)
        self._matchers = {kind: Matcher(people, self.region) for kind, people in kinds.items()}

    def personal(self, row: Row) -> frozenset[str]:
        """Return the columns that speak of anybody and hold something."""
        named = {name for side in self.sides for name in side.about}
        if "event" in row.cells:
            named -= silent(row.cells["event"].text)
        return frozenset(
            name for name, cell in row.cells.items() if name in named and not is_filler(cell.text)
        )

    def about(self, row: Row) -> dict[Identifier, frozenset[str]]:
        """Return whom the row names, and the columns (or pieces of them) about each.

        A piece `lastdata[6:10]` is counted in bytes of the line between the field's quotes.
        """
        found: dict[Identifier, frozenset[str]] = {}
        personal = self.personal(row)
        for side in self.sides:
            if side.kind in self._matchers and side.column in row.cells:
                for who, names in self._in(side, row):
                    told = names if side.part else names & personal
                    if told or not names:  # else it was no identifier here
                        found[who] = found.get(who, frozenset()) | told
        return found

    def _in(self, side: Side, row: Row) -> Iterator[tuple[Identifier, frozenset[str]]]:
        text = row.cells[side.column].text
        if side.part:
            raw = text.replace('"', '""').encode("utf-8", "surrogateescape")
            for match in self._matchers[side.kind].scan(raw):
                yield match.who, frozenset({f"{side.column}[{match.start}:{match.end}]"})
            return
        about = frozenset(side.about)
        # a number is written in many ways wherever it stands: the matcher knows them
        if side.inside or side.kind == "phone":
            yield from ((who, about) for who in self._matchers[side.kind].matches(text))
        else:
            folded = text.lower() if side.kind in {"sip", "email"} else text
            whole = self._whole[side.kind].get(folded, ())
            yield from ((who, about) for who in whole)


def _texts(who: Identifier) -> set[str]:
    """Return the texts that stand for an identifier where a column holds nothing else."""
    if who.kind == "sip":
        value = who.value.lower()
        return {value, f"sip:{value}", f"sips:{value}", value.partition("@")[0]}
    return {who.value.lower() if who.kind == "email" else who.value}
