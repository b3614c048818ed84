"""What tells the cards of one file apart, also when others of them were removed."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from attrs import define, field

from dsr.connectors.vcards.books import cards
from dsr.connectors.vcards.cards import Card

__all__ = ["Marks"]


@define
class Marks:
    """What tells the cards of one file apart: the UID, where no other card has the same."""

    repeated: frozenset[str]
    _seen: set[str] = field(factory=set)

    @classmethod
    def of(cls, path: Path) -> Marks:
        """Look at all cards of a file. Raises `OSError`."""
        once: set[str] = set()
        again: set[str] = set()
        with path.open("rb") as file:
            for card in cards(file):
                uid = _uid(card) if isinstance(card, Card) else ""
                if uid:
                    (again if uid in once else once).add(uid)
        return cls(frozenset(again))

    def all(self, card: Card) -> frozenset[str]:
        """Return every mark that means this card; the last way to name it, its bytes, always."""
        uid = _uid(card)
        own = {uid} if uid and uid not in self.repeated else set[str]()
        return frozenset(own | {"c" + _digest(card.raw)})

    def first(self, card: Card) -> str:
        """Return the mark of the card; empty if the same card came before in this file."""
        uid = _uid(card)
        if uid and uid not in self.repeated:
            return uid
        mark = "c" + _digest(card.raw)
        if mark in self._seen:
            return ""
        self._seen.add(mark)
        return mark


def _uid(card: Card) -> str:
    uid = next((each.value for each in card.properties if each.name == "uid" and each.value), "")
    return uid and "u" + _digest(uid.encode())


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()
