"""Files of cards, vCard or jCard: read card by card, and written anew with cards changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Final, NamedTuple

from dsr.connectors.vcards.cards import Card, cut
from dsr.connectors.vcards.jcards import JCard, is_json, jcards

__all__ = ["Broken", "Edit", "Rewritten", "cards", "rewritten"]

_HEAD: Final = 64  # bytes that tell vCard from jCard

#: What becomes of a card; None for one that goes.
Edit = Callable[[Card], Card | None]


class Broken(NamedTuple):
    """A piece of a file that is no card, and why."""

    why: str


class Rewritten(NamedTuple):
    """Whether a rewritten file differs from the old one, and whether anything is left in it."""

    is_changed: bool
    is_left: bool


def cards(file: IO[bytes]) -> Iterator[Card | Broken]:
    """Yield the cards of a file, in order. Raises `OSError`."""
    if not _is_json(file):
        for piece in cut(file):
            if piece.sort == "card":
                yield Card(piece.raw)
            elif piece.sort == "broken":
                yield Broken("has no begin or no end")
        return
    try:
        text = file.read().decode()
        found = jcards(text)
    except (ValueError, RecursionError):  # no JSON, or JSON of something else
        yield Broken("is no jCard")
        return
    for each in found:
        yield JCard(text[each.start : each.end].encode())


def rewritten(file: IO[bytes], new: IO[bytes], edit: Edit) -> Rewritten:
    """Write a file anew with `edit` applied to its cards, all else byte for byte."""
    if _is_json(file):
        return _rewritten_json(file, new, edit)
    changed = left = False
    for piece in cut(file):
        raw = piece.raw
        if piece.sort == "card":
            edited = edit(Card(raw))
            raw = edited.raw if edited else b""
            changed |= raw != piece.raw
        left |= bool(raw.strip())
        new.write(raw)
    return Rewritten(changed, left)


def _is_json(file: IO[bytes]) -> bool:
    head = file.read(_HEAD)
    file.seek(0)
    return is_json(head)


def _rewritten_json(file: IO[bytes], new: IO[bytes], edit: Edit) -> Rewritten:
    raw = file.read()
    try:
        text = raw.decode()
        found = jcards(text)
    except (ValueError, RecursionError):  # a reading tells
        new.write(raw)
        return Rewritten(is_changed=False, is_left=True)
    pieces: list[str] = []
    changed = False
    for number, each in enumerate(found):
        old = text[each.start : each.end]
        edited = edit(JCard(old.encode()))
        changed |= edited is None or edited.raw != old.encode()
        if edited is not None:
            comma = text[found[number - 1].end : each.start] if pieces else ""
            pieces.append(comma + edited.raw.decode())
    start, end = (found[0].start, found[-1].end) if found else (len(text), len(text))
    new.write((text[:start] + "".join(pieces) + text[end:]).encode())
    return Rewritten(changed, bool(pieces) or not found)
