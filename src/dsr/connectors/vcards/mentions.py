"""Mentions: places in somebody's card that speak of another person, each a record of its own.

Its key is the card's and the place; its data is only the line of the property that speaks of the
person. Nothing tells whose card or whose book it is. Erasing a mention covers the number or
address with as many `x`: the rest of the card is another person's, and stays byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from dsr.connectors.vcards.cards import Card
from dsr.connectors.vcards.people import Mention, loose
from dsr.model import Found, Record

__all__ = ["Place", "mentioned"]

_SIGN: Final = re.compile(rb"[0-9A-Za-z]")


class Place(NamedTuple):
    """Where in a card a mention stands, and a digest of what stood there."""

    name: str
    number: int
    start: int
    end: int
    digest: str

    @classmethod
    def of(cls, mention: Mention) -> Place:
        """Return the place of a mention."""
        name, digest = mention.place.name, _digest(mention.piece)
        return cls(name, mention.number, mention.start, mention.end, digest)

    @classmethod
    def read(cls, text: str) -> Place | None:
        """Return the place that a key ends with; None if it is none."""
        match text.split("."):
            case [name, number, start, end, digest] if (number + start + end).isdecimal():
                return cls(name, int(number), int(start), int(end), digest)
        return None

    def __str__(self) -> str:
        """Return how keys write it."""
        return f"{self.name}.{self.number}.{self.start}.{self.end}.{self.digest}"

    def covered(self, card: Card) -> Card:
        """Return the card with the mention covered; the same card if it is not there."""
        for number, own in loose(card):
            if (own.name, number) == (self.name, self.number):
                value = own.value.encode("utf-8", "replace")
                piece = value[self.start : self.end]
                if _digest(piece) == self.digest:
                    new = value[: self.start] + _SIGN.sub(b"x", piece) + value[self.end :]
                    return card.replaced(own, new.decode())
        return card


def mentioned(key: str, category: str, card: Card, mentions: Iterable[Mention]) -> Iterator[Found]:
    """Yield what is found in a card (its record has `key`) of those whom it mentions.

    The key of a mention is `KEY/PLACE`; `Place.read` reads what stands behind the slash.
    """
    by_place: dict[Place, list[Mention]] = {}
    for each in mentions:
        by_place.setdefault(Place.of(each), []).append(each)
    for place, found in by_place.items():
        data = {place.name: _shown(found[0])}
        personal = frozenset(data)
        record = Record(f"{key}/{place}", category, data, at=card.revised, personal=personal)
        for who in dict.fromkeys(each.who for each in found):
            yield Found(who, record, personal)


def _shown(mention: Mention) -> str:
    """Return the line of the property's value that the mention stands in."""
    value = mention.place.value.encode("utf-8", "replace")
    start = value.rfind(b"\n", 0, mention.start) + 1
    end = value.find(b"\n", mention.end)
    return value[start : end if end >= 0 else len(value)].decode("utf-8", "replace")


def _digest(piece: bytes) -> str:
    return blake2b(piece, digest_size=8).hexdigest()
