"""One card as records: what is in it, what of that speaks of somebody, and how it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Final

from attrs import define, field

from dsr.connectors.vcards.cards import Card, cut
from dsr.connectors.vcards.mentions import Place, mentioned
from dsr.connectors.vcards.people import People
from dsr.model import Found, Identifier, Record

__all__ = ["Order", "found_in", "only_card", "record", "rectified", "to_erase", "to_redact"]

#: The card as it is. It speaks of somebody only by what is no field: pictures, sounds, keys.
WHOLE: Final = "vcard"
#: Properties that every card of its version must have (RFC 2426, 3.1.1 and 3.1.2; RFC 6350,
#: 6.2.1), and what stands for nobody.
_REQUIRED: Final = {"fn": "", "n": ";;;;"}
#: Properties that say something of the card, not of a person. Servers refuse another UID for a
#: card that they know (RFC 6352, 6.3.2.1: no-uid-conflict).
_TECHNICAL: Final = frozenset({"version", "uid", "prodid", "rev", "begin", "end"})
#: What tells in whose book a card is (RFC 6350, 6.1.3): shown to nobody.
_BOOKS: Final = frozenset({"source"})


def only_card(raw: bytes) -> Card | None:
    """Return the one card that `raw` is; None if it is anything else (RFC 6352, 5.1)."""
    pieces = [each for each in cut(BytesIO(raw)) if each.sort != "blank"]
    return Card(pieces[0].raw) if [each.sort for each in pieces] == ["card"] else None


def found_in(
    card: Card, key: str, category: str, people: People, owners: Iterable[Identifier]
) -> Iterator[Found]:
    """Yield whose card it is, in whose book it is, and then whom it mentions."""
    who = dict.fromkeys((*owners, *people.of_card(card)))
    if who:
        whole = record(key, category, card)
        if whole.personal:  # else all of it was redacted
            for each in who:
                yield Found(each, whole, whole.personal)
    others = (each for each in people.mentions(card) if each.who not in who)
    yield from mentioned(key, category, card, others)


def record(key: str, category: str, card: Card) -> Record:
    """Return the record of a card: `vcard`, and each property by its name in lower case."""
    card = card.without([each for each in card.properties if each.name in _BOOKS])
    data: dict[str, object] = {WHOLE: card.text}
    personal = set()
    for name, values in _values(card).items():
        data[name] = values[0] if len(values) == 1 else values
        if name not in _TECHNICAL and any(each.strip(" ;,") for each in values):
            personal.add(name)
    if card.inner or any(each.binary for each in card.properties):
        personal.add(WHOLE)
    return Record(key, category, data, at=card.revised, personal=frozenset(personal))


def redacted(card: Card, fields: Collection[str]) -> Card:
    """Return the card without these fields; twice changes nothing more.

    A property that a card must have stays with an empty value, without its parameters. Raises
    `ValueError` for a card within the card.
    """
    if fields and card.inner:
        msg = "a card holds another card"
        raise ValueError(msg)
    if WHOLE in fields:
        card = card.without([each for each in card.properties if each.binary])
    values = _values(card)
    for name in sorted(values.keys() & set(fields) - _TECHNICAL):
        if name not in _REQUIRED:
            card = card.changed(name, [])
        elif values[name] != [_REQUIRED[name]]:
            card = card.changed(name, []).changed(name, [_REQUIRED[name]])
    return card


def rectified(card: Card, changes: Mapping[str, object]) -> Card:
    """Return the card with these properties set, each to a text or a list of texts.

    Raises `ValueError` for one that the card does not have or that cannot be set so.
    """
    known = _values(card).keys() - _TECHNICAL
    for name, value in changes.items():
        if name.lower() not in known:
            msg = "one of the fields is no property of the card that can be set"
            raise ValueError(msg)
        texts: Sequence[object] = value if isinstance(value, list | tuple) else [value]
        card = card.changed(name.lower(), [str(each) for each in texts])
    return card


@define
class Order:
    """What is to be done to one card: it goes, or fields of it and mentions in it do."""

    whole: bool = False
    fields: set[str] = field(factory=set)
    places: list[Place] = field(factory=list, repr=False)

    def edit(self, card: Card) -> Card:
        """Return what stays of the card. Raises `ValueError` if it cannot be written."""
        for each in self.places:
            card = each.covered(card)
        return redacted(card, self.fields)


def to_erase(keys: Iterable[str]) -> dict[str, Order]:
    """Return what erasing these records asks for, by the key of the card."""
    orders: dict[str, Order] = {}
    for key in keys:
        card, _, rest = key.partition("/")
        order = orders.setdefault(card, Order())
        if place := Place.read(rest):
            order.places.append(place)
        else:
            order.whole = True
    return orders


def to_redact(fields: Mapping[str, Collection[str]]) -> dict[str, Order]:
    """Return what redacting these records asks for, by the key of the card."""
    orders: dict[str, Order] = {}
    for key, names in fields.items():
        card, _, rest = key.partition("/")
        order = orders.setdefault(card, Order())
        if place := Place.read(rest):
            order.places.append(place)
        else:
            order.fields.update(names)
    return orders


def _values(card: Card) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for each in card.properties:
        if not each.binary:
            values.setdefault(each.name, []).append(each.value)
    return values
