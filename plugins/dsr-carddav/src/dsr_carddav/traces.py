"""Cards that are gone and still remembered, as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve

from dsr.model import Found, Identifier, Record
from dsr_carddav.cards import only_card, record
from dsr_carddav.people import Batch
from dsr_carddav.radicale import Gone

__all__ = ["found_in_trace", "trace"]

_NAME: Final = "trace"


def trace(gone: Gone, category: str) -> Record:
    """Return the record: the card as far as there is a copy, and its file name as `trace`."""
    card = only_card(gone.copy) if gone.copy else None
    found = record(gone.key, category, card) if card else Record(gone.key, category, {})
    data = {**found.data, _NAME: gone.name}
    return evolve(found, data=data, personal=found.personal | {_NAME})


def found_in_trace(
    gone: Gone, category: str, batch: Batch, owners: Sequence[Identifier]
) -> Iterator[Found]:
    """Yield whom the copy of a card or its file name speaks of, and whose book it was in."""
    card = only_card(gone.copy) if gone.copy else None
    own = batch.people.of_card(card) if card else ()
    mentions = (each.who for each in batch.people.mentions(card)) if card else ()
    who = dict.fromkeys((*owners, *own, *mentions, *sorted(batch.named(gone.name), key=_order)))
    if who:
        found = trace(gone, category)
        for each in who:
            yield Found(each, found, found.personal)


def _order(who: Identifier) -> tuple[str, str]:
    return who.kind, who.value
