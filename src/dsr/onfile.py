"""Who is on file: what the store of accounts confirms of the person a request describes.

A PIN proves that whoever asks can read messages to one number. It proves nothing of the other
identifiers they wrote down: those count only if the operator's own records join them to that
number today. Else somebody could ask with their own number and another person's address.

A pseudonymous usage id is the exception: no store joins it to anybody, which is what makes it a
pseudonym. Who states it, by an app that alone knows it, gives the further information of GDPR
Art. 11(2). It must be as hard to guess as a key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import define, field

from dsr.connector import Connector
from dsr.errors import StoreUnavailable
from dsr.model import Found, Identifier, Kind, Subject, Unread

__all__ = ["on_file"]

_Name = tuple[Kind, str]

#: Further information that the person gives, and no store of accounts can confirm.
_STATED: Final[Kind] = "usage"


@define
class _Entry:
    """One current record of the store: what it joins, and the numbers it gives the person."""

    names: set[_Name] = field(factory=set)
    numbers: dict[_Name, set[Identifier]] = field(factory=dict)


def on_file(store: Connector, subject: Subject, now: dt.datetime) -> Subject | None:
    """Return the subject as the store of accounts confirms it today, a phone number first.

    Its numbers bear the tenure on file. None when the store does not join all identifiers of
    the request to one person, knows no number of theirs, or gives a number to two holders at
    once (law.md rule 28): a PIN must not be sent then. Raises `StoreError` when the store
    cannot be read.
    """
    stated = [who for who in subject.identifiers if who.kind == _STATED]
    asked = [(who.kind, who.value) for who in subject.identifiers if who.kind != _STATED]
    if not asked or any(kind not in store.accepts for kind, _ in asked):
        return None
    names: set[_Name] = set()
    numbers: dict[_Name, set[Identifier]] = {}
    for entry in _joined(_entries(store, asked, now), asked[0]):
        names |= entry.names
        for name, found in entry.numbers.items():
            numbers.setdefault(name, set()).update(found)
    phones = [name for name in asked if name[0] == "phone"] or sorted(numbers)[:1]
    if not phones or not names.issuperset(asked):
        return None
    if any(len(numbers.get(name, ())) != 1 for name in phones):
        return None
    held = [next(iter(numbers[name])) for name in phones]
    others = [Identifier(*name) for name in asked if name not in phones]
    return Subject((*held, *others, *stated))


def _entries(store: Connector, asked: Sequence[_Name], now: dt.datetime) -> list[_Entry]:
    """Return the current records that any of `asked` finds; former holders' are left out."""
    entries: dict[str, _Entry] = {}
    for item in store.find([Identifier(*name) for name in asked]):
        if isinstance(item, Unread):
            raise StoreUnavailable(store.name, item.reason)
        if _is_current(item, now):
            entry = entries.setdefault(item.record.key, _Entry())
            name = (item.who.kind, item.who.value)
            _add(entry, name, [each for each in item.record.links if each.covers(now)])
    return list(entries.values())


def _is_current(found: Found, now: dt.datetime) -> bool:
    """Return whether the record does not say that its number is somebody else's by now."""
    numbers = [each for each in found.record.links if each.kind == "phone"]
    return not numbers or any(each.covers(now) for each in numbers)


def _add(entry: _Entry, name: _Name, links: Iterable[Identifier]) -> None:
    entry.names.add(name)
    for link in links:
        entry.names.add((link.kind, link.value))
        if link.kind == "phone":
            entry.numbers.setdefault((link.kind, link.value), set()).add(link)
    if name[0] == "phone":  # a store without tenures: the number is theirs, for all time
        entry.numbers.setdefault(name, {Identifier(*name)})


def _joined(entries: Sequence[_Entry], first: _Name) -> list[_Entry]:
    """Return the records that share a name with `first`, directly or through each other."""
    names, found = {first}, list[_Entry]()
    waiting = list(entries)
    while more := [each for each in waiting if each.names & names]:
        found += more
        names.update(*(each.names for each in more))
        waiting = [each for each in waiting if each not in more]
    return found
