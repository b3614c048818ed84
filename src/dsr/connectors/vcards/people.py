"""Whom a card speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import field, frozen

from dsr.connectors.vcards.cards import Card
from dsr.errors import InvalidIdentifier
from dsr.match import Matcher
from dsr.model import Identifier, Kind
from dsr.phone import normalise

__all__ = ["OWN", "People"]

#: The kinds of identifier that stand in cards.
OWN: Final[frozenset[Kind]] = frozenset({"phone", "email", "sip"})
_ADDRESSES: Final = frozenset({"tel", "email", "impp", "x-sip"})
_SCHEME: Final = re.compile(r"(tel|sips?|mailto|im|xmpp):(?://)?", re.IGNORECASE)


@frozen
class People:
    """A batch, by what a property can hold of it."""

    region: str
    known: Mapping[tuple[Kind, str], list[Identifier]] = field(repr=False)
    matcher: Matcher = field(repr=False)

    @classmethod
    def of(cls, who: Sequence[Identifier], region: str) -> People:
        """Index a batch; numbers without country code are of `region`."""
        own = [each for each in who if each.kind in OWN]
        known: dict[tuple[Kind, str], list[Identifier]] = {}
        for each in own:
            value = each.value if each.kind == "phone" else each.value.lower()
            known.setdefault((each.kind, value), []).append(each)
        return cls(region, known, Matcher(own, region))

    def of_card(self, card: Card) -> Iterator[Identifier]:
        """Yield whom the card speaks of; a quick look at its bytes comes first."""
        flat = card.flat
        if not card.is_quoted and not any(self.matcher.scan(flat)):
            return
        for each in card.properties:
            if each.name in _ADDRESSES:
                yield from self._of_value(each.name, each.value.strip())

    def _of_value(self, name: str, value: str) -> Iterator[Identifier]:
        try:
            for spoken in _spoken(name, value, self.region):
                yield from self.known.get(spoken, ())
        except InvalidIdentifier:  # more than a number: "030 901820 (mornings)"
            yield from (each for each in self.matcher.matches(value) if each.kind == "phone")


def _spoken(name: str, value: str, region: str) -> Iterator[tuple[Kind, str]]:
    """Yield what a number or address means, as identifiers are written.

    Raises `InvalidIdentifier` at the end if it is to be a number and is none alone.
    """
    scheme = _SCHEME.match(value)
    said = scheme[1].lower() if scheme else ""
    rest = value[scheme.end() :] if scheme else value
    plain = re.split(r"[;?]", rest, maxsplit=1)[0].lower()
    if name == "email" or said == "mailto":
        yield "email", plain
        return
    if said in {"sip", "sips"} or name == "x-sip":
        address = re.sub(r":\d+\Z", "", plain)
        yield "sip", address
        yield "sip", address.partition("@")[0]
    if name == "tel" or said in {"tel", "sip", "sips"}:
        yield "phone", normalise(value, region)
