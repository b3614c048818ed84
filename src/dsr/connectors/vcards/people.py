"""Whom a card speaks of: the person that it is about, and those whom it mentions besides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import field, frozen

from dsr.connectors.vcards.cards import Card, Property
from dsr.errors import InvalidIdentifier
from dsr.match import Matcher
from dsr.model import Identifier, Kind
from dsr.phone import normalise

__all__ = ["OWN", "Mention", "People", "loose"]

#: The kinds of identifier that stand in cards.
OWN: Final[frozenset[Kind]] = frozenset({"phone", "email", "sip"})
_ADDRESSES: Final = frozenset({"tel", "email", "impp", "x-sip"})
#: Words in the names of other properties that say: a number or address of the card's person…
_OWN_WORDS: Final = re.compile(
    r"(?:\A|-)(?:tel|(?:tele)?phone|mobile|cell|fax|pager|sip|e?mail|pstnnumber)(?:-|\Z)"
)
#: …or of somebody else.
_OTHERS_WORDS: Final = re.compile(
    r"-(?:agent|assistant|child|emergency|manager|parent|partner|referred|related|secretary|spouse)"
)
#: Properties that hold no prose: digits in them are nobody's number.
_MUTE: Final = re.compile(
    r"version|prodid|uid|rev|photo|logo|sound|key|source|url|geo|tz|bday|anniversary"
    r"|clientpidmap|cal(?:adr)?uri|fburl"
)
_SCHEME: Final = re.compile(r"(tel|sips?|mailto|im|xmpp):(?://)?", re.IGNORECASE)


@frozen
class Mention:
    """A place in another person's card that speaks of `who`.

    `place` is the property; `number` counts those of its name that may mention somebody; `start`
    and `end` are bytes of its value in UTF-8.
    """

    who: Identifier
    place: Property
    number: int
    start: int
    end: int

    @property
    def piece(self) -> bytes:
        """What speaks of them."""
        return self.place.value.encode("utf-8", "replace")[self.start : self.end]


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
        """Yield those whose card it is; a quick look at its bytes comes first."""
        if self._may_speak(card):
            for each in card.properties:
                if _is_own(each.name):
                    yield from self._of_value(each.name, each.value.strip())

    def mentions(self, card: Card) -> Iterator[Mention]:
        """Yield every place that speaks of somebody in what the card says of others, or in prose.

        An assistant's number, a related person, an agent's card, a note.
        """
        if self._may_speak(card):
            for number, each in loose(card):
                value = each.value.encode("utf-8", "replace")
                for match in self.matcher.scan(value):
                    yield Mention(match.who, each, number, match.start, match.end)

    def _may_speak(self, card: Card) -> bool:
        return card.is_quoted or any(self.matcher.scan(card.flat))

    def _of_value(self, name: str, value: str) -> Iterator[Identifier]:
        phone = False
        for spoken in _spoken(name, value, self.region):
            phone = phone or spoken[0] == "phone"
            yield from self.known.get(spoken, ())
        if phone:  # also "4930901820", and more than a number: "030 901820 (mornings)"
            yield from (each for each in self.matcher.matches(value) if each.kind == "phone")


def loose(card: Card) -> Iterator[tuple[int, Property]]:
    """Yield the properties that may mention somebody, each numbered among those of its name."""
    numbers: dict[str, int] = {}
    own = ((each, not _is_own(each.name)) for each in card.properties)
    for each, may_mention in (*own, *((each, True) for each in card.inner)):
        if may_mention and not each.binary and not _MUTE.fullmatch(each.name):
            numbers[each.name] = number = numbers.get(each.name, 0) + 1
            yield number, each


def _is_own(name: str) -> bool:
    """Return whether a property holds a number or an address of the card's person."""
    if name in _ADDRESSES:
        return True
    own = name.startswith("x-") and _OWN_WORDS.search(name)
    return bool(own) and not _OTHERS_WORDS.search(name)


def _spoken(name: str, value: str, region: str) -> Iterator[tuple[Kind, str]]:
    """Yield what a number or address means, as identifiers are written.

    What is to be a number and is none alone is a phone of no value.
    """
    scheme = _SCHEME.match(value)
    said = scheme[1].lower() if scheme else ""
    rest = value[scheme.end() :] if scheme else value
    plain = re.split(r"[;?]", rest, maxsplit=1)[0].lower()
    if said == "mailto" or (not said and "@" in plain and "sip" not in name):
        yield "email", plain
        return
    if said in {"sip", "sips"} or name == "x-sip":
        address = re.sub(r":\d+\Z", "", plain)
        yield "sip", address
        yield "sip", address.partition("@")[0]
    if said in {"tel", "sip", "sips"} or (not said and name != "impp"):
        try:
            yield "phone", normalise(value, region)
        except InvalidIdentifier:
            yield "phone", ""
