"""What an entry says of whom: matches, display names, and the sides that the settings describe.

In a SIP message the headers that name a party are sides without any setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from attrs import frozen

from dsr.connectors.logs.covering import is_filler
from dsr.errors import ConfigurationError, InvalidIdentifier
from dsr.match import Match
from dsr.model import KINDS, Identifier, Kind
from dsr.phone import normalise

__all__ = ["Said", "Side", "Sides", "field_of", "links_of"]

_NAME: Final = re.compile(rb'\\?"([^"<>\\]+)\\?"\s{0,3}(?:<|\\u003c)(?:sips?:|tel:)?\Z')
_NAME_ROOM: Final = 160  # bytes: a display name and what stands between it and the number
_DOMAIN: Final = "domain"
_PARTY: Final = "party"
_HOST_NAME: Final = re.compile(rb"[\w.-]*\.[A-Za-z][\w-]*\.?")
_IN_SIP: Final = b"SIP/2.0"
#: A request's line, and the headers of RFC 3261, 3325, 3515, 3892, 5806 and 7044 that name one.
_HEADER: Final = (
    rb"(?im)^(?:[A-Z]{3,10} |(?:from|f|to|t|contact|m|reply-to|referred-by|b|refer-to|r|diversion"
    rb"|history-info|p-asserted-identity|p-preferred-identity|p-called-party-id"
    rb"|remote-party-id)[ \t]*:"
    rb'[ \t]*(?:"(?P<name>(?:[^"\\\r\n]|\\.)*)"|(?P<token>[^"<>:\r\n]*?))[ \t]*)'
    rb"<?(?:sips?:(?=[^>\s]*@)|tel:)(?P<party>[^@;>\s]+)"
)

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

    `kinds` are the groups named after a kind of identifier, such as `phone` or `ip2`. The group
    `domain` says whose a SIP user without a host is, and speaks of nobody itself.
    """

    pattern: re.Pattern[bytes]
    kinds: Mapping[str, Kind]

    @property
    def names(self) -> list[str]:
        """The groups that speak of the person."""
        return [name for name in self.pattern.groupindex if name != _DOMAIN]

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


_SIP_MESSAGE: Final = Side(re.compile(_HEADER), {})


@frozen
class Sides:
    """All sides of a log, besides those of SIP messages."""

    sides: tuple[Side, ...] = ()

    def read(self, line: bytes, matches: Sequence[Match]) -> Said:
        """Return what `line` says of those that match in it (spans relative to the line)."""
        about: dict[Identifier, set[Span]] = {}
        everyone: set[Span] = set()
        sides = (*self.sides, _SIP_MESSAGE) if _IN_SIP in line else self.sides
        told_of = [(side, told) for side in sides for told in side.pattern.finditer(line)]
        matches = [
            each
            for each in matches
            if not any(_is_elsewhere(side, told, each) for side, told in told_of)
        ]
        for start, end, who in matches:
            spans = {(start, end), *_display_name(line, start)}
            about.setdefault(who, set()).update(spans)
            everyone |= spans
        for side, told in told_of:
            spans = set(_groups(told, side.names))
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


def _groups(told: re.Match[bytes], names: Sequence[str]) -> Iterator[Span]:
    for name in names:
        if told[name] and not is_filler(told[name]):
            yield told.span(name)


def _tells(side: Side, told: re.Match[bytes], match: Match) -> bool:
    """Return whether a group of the match's kind covers the match, or a party begins with it."""
    if side is _SIP_MESSAGE:
        return told.start(_PARTY) <= match.start < told.end(_PARTY)
    return any(
        kind == match.who.kind and told.start(group) <= match.start and match.end <= told.end(group)
        for group, kind in side.kinds.items()
    )


def _is_elsewhere(side: Side, told: re.Match[bytes], match: Match) -> bool:
    """Return whether the match is a SIP user whom the side gives another domain than theirs."""
    own = match.who.value.partition("@")[2].encode()
    if not own or match.who.kind != "sip" or _DOMAIN not in side.pattern.groupindex:
        return False
    if b"@" in told.string[match.start : match.end] or not _tells(side, told, match):
        return False
    named = (told[_DOMAIN] or b"").lower().rstrip(b".")
    return _HOST_NAME.fullmatch(named) is not None and named != own


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
