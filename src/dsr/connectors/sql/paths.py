"""Names of what lies inside a column: members of a JSON document, and pieces of a text.

`json->variables.sip_from_user` is a member of the document in column `json`; `*` stands for every
member of an object or an array, and an array's members are numbered from 0. A step that is more
than letters, digits, `_`, `-` and `$` stands in double quotes: `json->"a.b".c`.
`lastdata[7:20]` is a piece of the text in column `lastdata`, or of a member's text, counted in
characters (Unicode code points) from 0, the end not included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from attrs import frozen

__all__ = ["Path", "Piece", "Steps", "column_of", "is_path", "locate", "parse"]

_ARROW: Final = "->"
_STEP: Final = re.compile(r'\*|[\w$-]+|"(?:[^"\\]|\\.)+"')
_PLAIN: Final = re.compile(r"[\w$-]+")
_PIECE: Final = re.compile(r"(?P<name>.+)\[(?P<start>\d+):(?P<end>\d+)\]")
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_value = json.JSONDecoder().raw_decode

#: A step: the name of a member, or None for every member.
Step = str | None
#: The steps to one member.
Steps = tuple[str, ...]
Span = tuple[int, int]


@frozen(cache_hash=True)
class Path:
    """Members of the JSON document in `column`; concrete when no step is None."""

    column: str
    steps: tuple[Step, ...]

    @property
    def is_concrete(self) -> bool:
        """Whether it names one member only."""
        return None not in self.steps

    def __str__(self) -> str:
        """Return the name as configurations and `Found.about` write it."""
        return _named(self.column, self.steps)

    def expand(self, document: object) -> Iterator[tuple[str, Steps, Any]]:
        """Yield the name of each member of `document` that it means, where it is, and its value."""
        for steps, value in _expand(document, self.steps, ()):
            yield _named(self.column, steps), steps, value


@frozen
class Piece:
    """The characters `start` to `end` of the text that `name` (a column or a path) means."""

    name: str
    start: int
    end: int

    @property
    def column(self) -> str:
        """The column that the text lies in."""
        return column_of(self.name)

    def __str__(self) -> str:
        """Return the name as `Found.about` writes it."""
        return f"{self.name}[{self.start}:{self.end}]"


def is_path(name: str) -> bool:
    """Return whether a name means members of a document, not a whole column."""
    return _ARROW in name


def column_of(name: str) -> str:
    """Return the column that a name means, wholly or in part."""
    column, arrow, _ = name.partition(_ARROW)
    piece = None if arrow else _PIECE.fullmatch(name)
    return piece["name"] if piece else column


@lru_cache(maxsize=4096)
def parse(name: str) -> Path | Piece | str:
    """Return what a name means: a part of a column, or the column itself.

    Raises `ValueError` for a path that is malformed.
    """
    piece = _PIECE.fullmatch(name)
    if piece:
        return Piece(piece["name"], int(piece["start"]), int(piece["end"]))
    column, arrow, rest = name.partition(_ARROW)
    if not arrow:
        return name
    steps: list[Step] = []
    place = 0
    while True:
        step = _STEP.match(rest, place)
        if step is None or not column:
            msg = f'"{name}" is no path: write column->member.member, with * for every member'
            raise ValueError(msg)
        steps.append(_step(step[0]))
        place = step.end()
        if place == len(rest):
            return Path(column, tuple(steps))
        if rest[place] != ".":
            place = len(rest)  # no step begins there: malformed
        place += 1


@lru_cache(maxsize=4096)
def _named(column: str, steps: tuple[Step, ...]) -> str:
    return column + _ARROW + ".".join(map(_written, steps))


def _step(text: str) -> Step:
    if text == "*":
        return None
    return str(json.loads(text)) if text.startswith('"') else text


def _written(step: Step) -> str:
    if step is None:
        return "*"
    return step if _PLAIN.fullmatch(step) else json.dumps(step, ensure_ascii=False)


def _expand(document: object, steps: Sequence[Step], above: Steps) -> Iterator[tuple[Steps, Any]]:
    if not steps:
        yield above, document
        return
    step, rest = steps[0], steps[1:]
    for name, value in _below(document, step):
        yield from _expand(value, rest, (*above, name))


def _below(document: object, step: Step) -> Iterable[tuple[str, Any]]:
    """Return the members one step below."""
    if isinstance(document, Mapping):
        if step is None:
            return document.items()
        return ((step, document[step]),) if step in document else ()
    if isinstance(document, list):
        if step is None:
            return ((str(number), each) for number, each in enumerate(document))
        if step.isdecimal() and int(step) < len(document):
            return ((step, document[int(step)]),)
    return ()


def locate(text: str, steps: Sequence[Step]) -> Iterator[Span]:
    """Yield where in the JSON `text` the values of the members at `steps` stand.

    Of an object that names a member twice, both. Raises `ValueError` for what is no JSON.
    """
    start = _skip(text, 0)
    _, end = _value(text, start)
    if _skip(text, end) != len(text):
        msg = "more than one JSON value"
        raise ValueError(msg)
    yield from _locate(text, start, steps)


def _locate(text: str, start: int, steps: Sequence[Step]) -> Iterator[Span]:
    if not steps:
        yield start, _value(text, start)[1]
        return
    if text[start] not in "{[":
        return
    step, rest = steps[0], steps[1:]
    for name, place in _places(text, start):
        if step is None or step == name:
            yield from _locate(text, place, rest)


def _places(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Yield the name of each member of an object or array, and where its value begins."""
    is_object = text[start] == "{"
    place = _skip(text, start + 1)
    number = 0
    while text[place] not in "}]":
        name = str(number)
        if is_object:
            name, place = _value(text, place)
            place = _skip(text, _skip(text, place) + 1)  # behind the colon
        yield name, place
        _, place = _value(text, place)
        place = _skip(text, place)
        if text[place] == ",":
            place = _skip(text, place + 1)
        number += 1


def _skip(text: str, place: int) -> int:
    blank = _BLANK.match(text, place)
    return blank.end() if blank else place
