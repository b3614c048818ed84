"""jCard (RFC 7095): vCards as JSON, one array or an array of them, changed value by value.

Nothing is ever written but the values that change: white space, order, escapes and unknown
properties survive. Values of several parts are told as vCard writes them (`Doe;John;;;`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

from attrs import frozen

from dsr.connectors.vcards.cards import Card, Property

__all__ = ["Element", "JCard", "elements", "is_json", "jcards"]

_BLANK: Final = re.compile("[ \t\r\n\ufeff]*")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DECODER: Final = json.JSONDecoder()
_VALUES: Final = 3  # before them stand name, parameters and type


class Element(NamedTuple):
    """One element of a JSON array, and where it stands in the text."""

    value: object
    start: int
    end: int


def is_json(head: bytes) -> bool:
    """Return whether a file that begins with `head` is JSON."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def elements(text: str, start: int = 0) -> list[Element]:
    """Return the elements of the array that begins at `start`. Raises `ValueError`."""
    place = _after_blank(text, start)
    found: list[Element] = []
    if text[place : place + 1] != "[":
        raise ValueError
    place = _after_blank(text, place + 1)
    while text[place : place + 1] != "]":
        value, end = _DECODER.raw_decode(text, place)
        found.append(Element(value, place, end))
        place = _after_blank(text, end)
        if text[place : place + 1] == ",":
            place = _after_blank(text, place + 1)
        elif text[place : place + 1] != "]":
            raise ValueError
    return found


def jcards(text: str) -> list[Element]:
    """Return the cards of a file. Raises `ValueError` if it holds anything else."""
    whole, end = _DECODER.raw_decode(text, _after_blank(text, 0))
    if text[end:].strip():
        raise ValueError
    cards = [Element(whole, text.index("["), end)] if _is_card(whole) else elements(text)
    if not all(_is_card(each.value) for each in cards):
        raise ValueError
    return cards


def _after_blank(text: str, start: int) -> int:
    blank = _BLANK.match(text, start)
    return blank.end() if blank else start


def _is_card(value: object) -> bool:
    match value:
        case [str(name), [*properties]]:
            return name.lower() == "vcard" and all(map(_is_property, properties))
    return False


def _is_property(value: object) -> bool:
    match value:
        case [str(), dict(), str(), _, *_]:
            return True
    return False


@frozen
class JCard(Card):
    """One card of a jCard file; `raw` is its array, in UTF-8."""

    @cached_property
    def properties(self) -> tuple[Property, ...]:
        """All properties, in order; `start` and `end` count characters of the text."""
        return tuple(_property(each) for each in _places(self))

    @property
    def flat(self) -> bytes:
        """All values, a line each, to search in."""
        return "\n".join(each.value for each in self.properties).encode("utf-8", "replace")

    @property
    def is_quoted(self) -> bool:
        """Whether a quick look at `flat` would miss values."""
        return False

    def changed(self, name: str, values: Sequence[str]) -> JCard:
        """Return the card with these values of a property, all else character for character.

        Raises `ValueError` for a value that the property cannot hold.
        """
        card = self
        own = [each for each in self.properties if each.name == name]
        for each, value in reversed(list(zip(own, values, strict=False))):
            card = card.replaced(each, value)
        if len(values) < len(own):
            surplus = [each for each in card.properties if each.name == name][len(values) :]
            card = card.without(surplus)
        for value in values[len(own) :]:
            end = _places(card)[-1].end
            new = json.dumps([name, {}, "text", value], ensure_ascii=False)
            card = _spliced(card, end, end, f", {new}")
        return card

    def replaced(self, own: Property, value: str) -> JCard:
        """Return the card with another value of one of its properties."""
        if own.value == value:
            return self
        text = self.raw.decode()
        return _spliced(self, *_edit(text, elements(text, own.start), value))

    def without(self, gone: Sequence[Property]) -> JCard:
        """Return the card without these of its properties."""
        card = self
        for each in sorted(gone, key=lambda own: own.start, reverse=True):
            places = _places(card)
            number = next(n for n, place in enumerate(places) if place.start == each.start)
            start = places[number - 1].end if number else each.start
            end = places[1].start if not number and len(places) > 1 else each.end
            card = _spliced(card, start, end, "")
        return card


def _places(card: JCard) -> list[Element]:
    """Return the properties of a card, each with its place."""
    text = card.raw.decode()
    return elements(text, elements(text)[1].start)


def _spliced(card: JCard, start: int, end: int, new: str) -> JCard:
    text = card.raw.decode()
    return JCard((text[:start] + new + text[end:]).encode())


def _property(place: Element) -> Property:
    name, _, kind, *values = _array(place.value)
    told = ",".join(_told(each) for each in values)
    binary = kind == "binary" or told.startswith("data:")
    return Property(str(name).lower(), told, b"", place.start, place.end, binary)


def _array(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _told(value: object) -> str:
    match value:
        case str():
            return value
        case [*parts]:
            return ";".join(",".join(map(_told, _array(each) or [each])) for each in parts)
    return json.dumps(value)


def _edit(text: str, inner: Sequence[Element], value: str) -> tuple[int, int, str]:
    """Return what to write in place of a property's values; one that is no URI becomes text."""
    kind, first = inner[2], inner[_VALUES]
    new: object = value
    if isinstance(first.value, list):
        parts = [each.split(",") if "," in each else each for each in value.split(";")]
        if len(inner) > _VALUES + 1 or _told(parts) != value:
            msg = "a value of many parts cannot be set"
            raise ValueError(msg)
        new = parts
    written = json.dumps(new, ensure_ascii=False)
    if kind.value == "uri" and not _URI.match(value):
        between = text[kind.end : first.start]
        return kind.start, inner[-1].end, f'"text"{between}{written}'
    return first.start, inner[-1].end, written
