"""Who is on file: what the store of accounts confirms of the person a request describes.

A PIN proves that whoever asks can read messages to one number. It proves nothing of the other
identifiers they wrote down: those count only if the operator's own records join them to that
number today. Else somebody could ask with their own number and another person's address.

A number that several accounts hold at one time is a shared line: who reads its messages may be any
of them. A PIN to it proves nothing, and a person decides (law.md rule 36). Records are of one
account if they name the same one, as what they were found by or as a link; a record that names
none is an account by itself.

A pseudonymous usage id is the exception: no store joins it to anybody, which is what makes it a
pseudonym. Who states it, by an app that alone knows it, gives the further information of GDPR
Art. 11(2). It must be as hard to guess as a key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import define, field, frozen

from dsr.connector import Connector
from dsr.errors import StoreUnavailable
from dsr.model import Found, Identifier, Kind, Subject, Unread

__all__ = ["ABSENT", "SHARED", "OnFile", "on_file"]

#: Why nobody is confirmed, as the audit trail has it. The person hears no difference (rule 11).
ABSENT: Final = "no number on file"
SHARED: Final = "shared line: a person must decide"

_Name = tuple[Kind, str]

#: Further information that the person gives, and no store of accounts can confirm.
_STATED: Final[Kind] = "usage"


@frozen
class OnFile:
    """The person as the store of accounts confirms them, a phone number first; or why not."""

    subject: Subject | None
    why: str = ""


@define
class _Entry:
    """One current record of the store: what it joins, and the numbers it gives the person."""

    key: str
    names: set[_Name] = field(factory=set)
    numbers: dict[_Name, set[Identifier]] = field(factory=dict)

    @property
    def account(self) -> str:
        """The account that the record is of; one that names none is its own."""
        return min((value for kind, value in self.names if kind == "account"), default=self.key)


def on_file(store: Connector, subject: Subject, now: dt.datetime) -> OnFile:
    """Return the subject as the store of accounts confirms it today, a phone number first.

    Its numbers bear the tenure on file. Nobody is confirmed when the store does not join all
    identifiers of the request to one person, knows no number of theirs, or gives a number to
    several accounts or two tenures at once (law.md rules 28, 36): a PIN must not be sent then.
    Raises `StoreError` when the store cannot be read.
    """
    stated = [who for who in subject.identifiers if who.kind == _STATED]
    asked = [(who.kind, who.value) for who in subject.identifiers if who.kind != _STATED]
    if not asked or any(kind not in store.accepts for kind, _ in asked):
        return OnFile(None, ABSENT)
    entries = _joined(_entries(store, asked, now), asked[0])
    phones = [name for name in asked if name[0] == "phone"]
    if not phones:
        phones = sorted(name for each in entries for name in each.numbers)[:1]
        entries = _joined(_entries(store, [*asked, *phones], now), asked[0])  # who else has it
    names = {name for each in entries for name in each.names}
    if not phones or not names.issuperset(asked):
        return OnFile(None, ABSENT)
    held: list[Identifier] = []
    for name in phones:
        holding = [each for each in entries if name in each.numbers]
        tenures = {tenure for each in holding for tenure in each.numbers[name]}
        if len({each.account for each in holding}) > 1 or len(tenures) > 1:
            return OnFile(None, SHARED)
        if not tenures:
            return OnFile(None, ABSENT)
        held += tenures
    others = [Identifier(*name) for name in asked if name not in phones]
    return OnFile(Subject((*held, *others, *stated)))


def _entries(store: Connector, asked: Sequence[_Name], now: dt.datetime) -> list[_Entry]:
    """Return the current records that any of `asked` finds; former holders' are left out."""
    entries: dict[str, _Entry] = {}
    for item in store.find([Identifier(*name) for name in asked]):
        if isinstance(item, Unread):
            raise StoreUnavailable(store.name, item.reason)
        if _is_current(item, now):
            entry = entries.setdefault(item.record.key, _Entry(item.record.key))
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
