"""What a line says of whom: matches, display names, and the sides that the settings describe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from attrs import frozen

from dsr.connectors.logs.keys import is_filler
from dsr.errors import ConfigurationError, InvalidIdentifier
from dsr.match import Match
from dsr.model import KINDS, Identifier, Kind
from dsr.phone import normalise

__all__ = ["Said", "Side", "Sides", "field_of", "links_of"]

_NAME: Final = re.compile(rb'\\?"([^"<>\\]+)\\?"\s{0,3}(?:<|\\u003c)(?:sips?:|tel:)?\Z')
_NAME_ROOM: Final = 160  # bytes: a display name and what stands between it and the number

Span = tuple[int, int]


def field_of(span: Span) -> str:
    """Return the field name of a part of the line: `line[48:61]`, counted in bytes."""
    return f"line[{span[0]}:{span[1]}]"


class Said(NamedTuple):
    """What one line says: the parts about each identifier, and about anybody recognised."""

    about: Mapping[Identifier, frozenset[str]]
    personal: frozenset[str]


@frozen
class Side:
    """One setting of `sides`: an expression whose named groups speak of one person.

    `kinds` are the groups named after a kind of identifier, such as `phone` or `ip2`.
    """

    pattern: re.Pattern[bytes]
    kinds: Mapping[str, Kind]

    @classmethod
    def of(cls, text: str, where: str) -> Side:
        """Compile a setting. Raises `ConfigurationError` that names it."""
        try:
            pattern = re.compile(text.encode())
        except re.error as error:
            what = f"{where} is no regular expression"
            raise ConfigurationError(what, str(error)) from None
        names = {group: group.rstrip("0123456789") for group in pattern.groupindex}
        kinds = {group: kind for group, kind in names.items() if kind in KINDS}
        if not kinds:
            what = f"{where} says of nobody who it is"
            raise ConfigurationError(what, f"name a group after one of {', '.join(KINDS)}")
        return cls(pattern, kinds)


@frozen
class Sides:
    """All sides of a log."""

    sides: tuple[Side, ...] = ()

    def read(self, line: bytes, matches: Sequence[Match]) -> Said:
        """Return what `line` says of those that match in it (spans relative to the line)."""
        about: dict[Identifier, set[Span]] = {}
        everyone: set[Span] = set()
        for start, end, who in matches:
            spans = {(start, end), *_display_name(line, start)}
            about.setdefault(who, set()).update(spans)
            everyone |= spans
        for side in self.sides:
            for told in side.pattern.finditer(line):
                spans = set(_groups(told, told.re.groupindex))
                everyone |= spans
                for who in {match.who for match in matches if _tells(side, told, match)}:
                    about[who] |= spans
        named = {who: frozenset(map(field_of, spans)) for who, spans in about.items()}
        return Said(named, frozenset(map(field_of, everyone)))


def _display_name(line: bytes, start: int) -> Iterator[Span]:
    """Yield the part of `"Name" <number>` that is the name of the number at `start`."""
    name = _NAME.search(line, max(0, start - _NAME_ROOM), start)
    if name and not is_filler(name[1]):
        yield name.span(1)


def _groups(told: re.Match[bytes], names: Mapping[str, int]) -> Iterator[Span]:
    for name in names:
        if told[name] and not is_filler(told[name]):
            yield told.span(name)


def _tells(side: Side, told: re.Match[bytes], match: Match) -> bool:
    """Return whether a group of the match's kind covers the match."""
    return any(
        kind == match.who.kind and told.start(group) <= match.start and match.end <= told.end(group)
        for group, kind in side.kinds.items()
    )


def links_of(
    line: bytes, links: Mapping[Kind, re.Pattern[bytes]], region: str
) -> tuple[Identifier, ...]:
    """Return the further identifiers that the line names, each once, in a stable order."""
    found: dict[Identifier, None] = {}
    for kind, pattern in links.items():
        for told in pattern.finditer(line):
            value = (told[kind] if kind in pattern.groupindex else told[0]) or b""
            if value and not is_filler(value):
                try:
                    found[_identifier(kind, value.decode("utf-8", "replace"), region)] = None
                except InvalidIdentifier:
                    continue
    return tuple(found)


def _identifier(kind: Kind, value: str, region: str) -> Identifier:
    if kind == "phone":
        return Identifier(kind, normalise(value, region))
    return Identifier(kind, value.lower() if kind in {"sip", "email"} else value)
