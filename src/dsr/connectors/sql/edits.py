"""Changes inside a column: one member of a JSON document, one piece of a text, and no byte more.

No database can replace a member and leave the rest of the text as it stands (they reorder, drop
blanks, shorten numbers), and each row's pieces lie elsewhere. So the texts of a batch are read,
changed here, and written back by one statement: it maps each old text to its new one, and leaves a
row alone whose text has become another meanwhile. A piece is overwritten with as many `*`, so that
the other pieces stay where they are; a member becomes `null`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects.postgresql import JSON

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.fields import Field
from dsr.connectors.sql.paths import Path, Piece, locate, parse
from dsr.connectors.sql.tables import CONTENT

__all__ = ["MASK", "Edit", "absent", "columns", "divided", "edited", "edits_of", "rounds", "texts"]

#: Overwrites each character of a piece.
MASK: Final = "*"

Values = tuple[Any, ...]


@frozen
class Edit:
    """A part of a column, and the value that a member gets; a piece is always covered.

    `needed`: the member has to be there, because it is to be corrected.
    """

    part: Path | Piece
    value: object = None
    needed: bool = False


def divided(bound: Bound, names: Iterable[str]) -> tuple[frozenset[str], tuple[Edit, ...]]:
    """Divide the names of a redaction into whole columns, and parts of the other columns."""
    content = bound.map.content
    named = {content if content and name == CONTENT else name for name in names}
    means = {name: parse(name) for name in sorted(named)}
    whole = frozenset(name for name, each in means.items() if isinstance(each, str))
    parts = tuple(
        Edit(each)
        for each in means.values()
        if not isinstance(each, str) and each.column not in whole
    )
    return whole, parts


def edits_of(changes: Mapping[str, object]) -> tuple[dict[str, object], tuple[Edit, ...]]:
    """Divide a correction into whole columns and members of documents."""
    whole: dict[str, object] = {}
    members = []
    for name, value in changes.items():
        part = parse(name)
        if isinstance(part, Path):
            members.append(Edit(part, value, needed=True))
        else:
            whole[name] = value
    return whole, tuple(members)


def columns(edits: Iterable[Edit]) -> tuple[str, ...]:
    """Return the columns that the edits are in, each once, in a stable order."""
    return tuple(sorted({each.part.column for each in edits}))


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return the text of one column with the edits made; what is not there is passed over."""
    pieces: dict[str, list[Piece]] = defaultdict(list)
    changes: list[tuple[int, int, str]] = []
    for each in edits:
        if isinstance(each.part, Piece):
            pieces[each.part.name].append(each.part)
        else:
            changes += _members(text, each.part, each.value)
    for name, parts in pieces.items():
        path = parse(name)
        if isinstance(path, Path):
            changes += _covered_members(text, path, parts)
        else:
            text = _covered(text, parts)
    changes.sort(key=lambda change: (change[0], -change[1]))
    whole, done = [], 0
    for start, end, new in changes:
        if start >= done:  # else it lies inside one that is replaced
            whole += [text[done:start], new]
            done = end
    return "".join([*whole, text[done:]])


def _members(text: str, path: Path, value: object) -> Iterator[tuple[int, int, str]]:
    """Yield what replaces a member: a number stays one where its new value is one."""
    for start, end in _located(text, path):
        new = json.dumps(value, ensure_ascii=False)
        if isinstance(value, str) and text[start] in "-0123456789" and _is_number(value):
            new = value
        yield start, end, new


def _covered_members(
    text: str, path: Path, parts: Sequence[Piece]
) -> Iterator[tuple[int, int, str]]:
    for start, end in _located(text, path):
        value = json.loads(text[start:end])
        if isinstance(value, str):
            yield start, end, json.dumps(_covered(value, parts), ensure_ascii=False)


def _located(text: str, path: Path) -> list[tuple[int, int]]:
    try:
        return list(locate(text, path.steps))
    except ValueError:  # no document any more: it has no members
        return []


def _is_number(text: str) -> bool:
    try:
        return json.dumps(json.loads(text)) == text and text not in {"true", "false", "null"}
    except ValueError:
        return False


def _covered(text: str, parts: Iterable[Piece]) -> str:
    signs = list(text)
    for each in parts:
        end = min(each.end, len(signs))
        signs[each.start : end] = MASK * max(0, end - each.start)
    return "".join(signs)


def texts(
    connection: sa.Connection, bound: Bound, condition: sa.ColumnElement[bool], names: Sequence[str]
) -> dict[Values, list[Any]]:
    """Read columns of the rows that `condition` names: key values to texts."""
    width = len(bound.key)
    read = [bound.field(name).read for name in names]
    select = sa.select(*(each.read for each in bound.key), *read)
    rows = connection.execute(select.select_from(bound.table).where(condition))
    return {tuple(row[:width]): list(row[width:]) for row in rows}


def absent(
    names: Sequence[str],
    found: Mapping[Values, Sequence[Any]],
    asked: Mapping[Values, Sequence[Edit]],
) -> str:
    """Return the column of a member that is to be corrected and is not there; empty if none is."""
    for key, olds in found.items():
        for each in asked.get(key, ()):
            if each.needed and isinstance(each.part, Path):
                old = olds[names.index(each.part.column)]
                if not isinstance(old, str) or not _located(old, each.part):
                    return each.part.column  # a member may be named after a person
    return ""


def rounds(
    bound: Bound, found: Mapping[Values, Sequence[Any]], asked: Mapping[Values, Sequence[Edit]]
) -> Iterator[tuple[list[Values], dict[str, sa.ColumnElement[Any]]]]:
    """Yield keys that one statement can change together, and what it sets their columns to.

    More than one round is needed only where two rows have the same text and different edits.
    """
    names = columns(each for edits in asked.values() for each in edits)
    waiting = dict.fromkeys(asked)
    while waiting:
        maps: dict[str, dict[str, str]] = {name: {} for name in names}
        later: dict[Values, None] = {}
        keys = []
        for key in waiting:
            new = _news(names, found.get(key, ()), asked[key])
            if any(maps[name].get(old, wanted) != wanted for name, old, wanted in new):
                later[key] = None
                continue
            for name, old, wanted in new:
                maps[name][old] = wanted
            keys.append(key)
        yield keys, {name: _mapped(bound.field(name), each) for name, each in maps.items() if each}
        waiting = later


def _news(
    names: Sequence[str], olds: Sequence[Any], edits: Sequence[Edit]
) -> list[tuple[str, str, str]]:
    """Return column, old and new text of one row, for each column that has edits or might."""
    news = []
    for name, old in zip(names, olds, strict=False):  # no olds: the row is gone
        if isinstance(old, str):
            new = edited(old, [each for each in edits if each.part.column == name])
            news.append((name, old, new))
    return news


def _mapped(field: Field, news: Mapping[str, str]) -> sa.ColumnElement[Any]:
    """Return the column with each old text mapped to its new one, and any other as it is."""
    whens = [
        (sa.bindparam(None, old, type_=sa.Text()), sa.bindparam(None, new, type_=sa.Text()))
        for old, new in news.items()
        if old != new
    ]
    if not whens:
        return field.column
    text = sa.case(*whens, value=field.exact, else_=field.read)
    return sa.cast(text, field.column.type) if isinstance(field.column.type, JSON) else text
