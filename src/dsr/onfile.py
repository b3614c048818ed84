"""Whom the operator has on file: the person whose number a PIN may be sent to.

A PIN proves that whoever asks can read messages to one number. It proves nothing of the other
identifiers they wrote down: those count only if the operator's own records join them to that
number today. Else somebody could ask with their own number and another person's address.

A number that several accounts hold at one time is a shared line: who reads its messages may be any
of them (law.md rule 36). Records are of one account if they name the same one, as what they were
found by or as a link; a record that names none is an account by itself. A number that has just
come to its holder, or just moved to another SIM card or operator, may be in other hands (rule 42).

A pseudonymous usage id is the exception: no store joins it to anybody, which is what makes it a
pseudonym. Who states it, by an app that alone knows it, gives the further information of GDPR
Art. 11(2). It must be as hard to guess as a key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from attrs import define, field, frozen
from attrs.validators import ge

from dsr.connector import Connector
from dsr.errors import StoreUnavailable
from dsr.model import Found, Identifier, Kind, Subject, Unread

__all__ = [
    "ABSENT",
    "CHANGED",
    "HOSTED",
    "NOT_SENT",
    "OVERLAP",
    "SHARED",
    "UNKNOWN",
    "Line",
    "OnFile",
    "on_file",
]

#: Why no PIN is sent, as the audit trail has it. The person hears no difference (rule 11).
ABSENT: Final = "no number on file"
OVERLAP: Final = "two tenures of one number: a person must decide"
SHARED: Final = "shared line: a person must decide"
CHANGED: Final = "number, SIM card or operator changed too recently"
NOT_SENT: Final = frozenset({ABSENT, OVERLAP, SHARED, CHANGED})
#: Why a PIN that is sent does not suffice by itself.
HOSTED: Final = "the number is an account of the operator's own"
UNKNOWN: Final = "when the SIM card or the operator changed is not known"

_Name = tuple[Kind, str]

#: The kind that whoever asks states, and no store joins.
_STATED: Final[Kind] = "usage"
_TRUE: Final = frozenset({"1", "true", "t", "yes", "y"})


@frozen
class Line:
    """What must be true of a number for a PIN to prove something (`[identity.line]`; rule 42).

    days     for so many days after the number, its SIM card or its operator changed none counts
    changed  fields of the accounts' records that tell when something changed: a time, a day, or
             nothing where nothing ever did. A value that is none of these is not known
    hosted   the field that tells whether the number is one that the operator itself hosts: a
             PIN to it proves no more than its SIP account. `all`: every one is
    shared   the field that tells whether several people use the line
    """

    days: int = field(default=7, validator=ge(0))
    changed: tuple[str, ...] = ()
    hosted: str = ""
    shared: str = ""


@frozen
class OnFile:
    """The person as the store of accounts confirms them, a phone number first.

    subject  None if nobody is confirmed
    why      not empty: no PIN may be sent, for this reason
    weak     not empty: a PIN does not suffice by itself, for this reason
    names    everything the store joins to the person, and to the number's other holders
    keys     the keys of the person's records in the store
    """

    subject: Subject | None
    why: str = ""
    weak: str = ""
    names: frozenset[_Name] = field(default=frozenset(), repr=False)
    keys: tuple[str, ...] = field(default=(), repr=False)


@define
class _Entry:
    """One current record of the store: what it joins, and the numbers it gives the person."""

    key: str
    data: Mapping[str, object] = field(repr=False)
    names: set[_Name] = field(factory=set)
    numbers: dict[_Name, set[Identifier]] = field(factory=dict)

    @property
    def account(self) -> str:
        """The account that the record is of; one that names none is its own."""
        return min((value for kind, value in self.names if kind == "account"), default=self.key)


def on_file(
    store: Connector,
    subject: Subject,
    now: dt.datetime,
    line: Line | None = None,
    zone: ZoneInfo | None = None,
) -> OnFile:
    """Return the subject as the store of accounts confirms it today, a phone number first.

    Its numbers bear the tenure on file. Nobody is confirmed when the store does not join all
    identifiers of the request to one person, knows no number of theirs, or gives a number two
    tenures at once (law.md rule 28). Days in the fields that `line` names are of `zone` (UTC if
    None). The store is asked twice, whatever it answers. Raises `StoreError` when it cannot be
    read.
    """
    line, zone = line or Line(), zone or ZoneInfo("UTC")
    stated = [who for who in subject.identifiers if who.kind == _STATED]
    asked = [(who.kind, who.value) for who in subject.identifiers if who.kind != _STATED]
    if not asked or any(kind not in store.accepts for kind, _ in asked):
        return OnFile(None, ABSENT)
    first = _joined(_entries(store, asked, now), asked[0])
    phones = [name for name in asked if name[0] == "phone"]
    phones = phones or sorted(name for each in first for name in each.numbers)[:1]
    entries = _joined(_entries(store, [*asked, *phones], now), asked[0])  # who else has the number
    names = frozenset(name for each in entries for name in each.names)
    if not phones or not names.issuperset(asked):
        return OnFile(None, ABSENT)
    held: list[Identifier] = []
    shared = False
    for name in phones:
        holding = [each for each in entries if name in each.numbers]
        tenures = {tenure for each in holding for tenure in each.numbers[name]}
        if len(tenures) != 1:
            return OnFile(None, OVERLAP if tenures else ABSENT)
        shared = shared or len({each.account for each in holding}) > 1
        held += tenures
    others = [Identifier(*name) for name in asked if name not in phones]
    why, weak = _line(line, held, entries, now, zone)
    return OnFile(
        Subject((*held, *others, *stated)),
        SHARED if shared else why,
        weak,
        names,
        tuple(each.key for each in entries),
    )


def _line(
    line: Line,
    held: Sequence[Identifier],
    entries: Sequence[_Entry],
    now: dt.datetime,
    zone: ZoneInfo,
) -> tuple[str, str]:
    """Return why no PIN may be sent, and why one does not suffice; empty texts if it does."""
    if any(_says(each.data.get(line.shared)) for each in entries):
        return SHARED, ""
    edge = now - dt.timedelta(days=line.days)
    moments = [each.since for each in held if each.since]
    weak = ""
    if line.hosted == "all" or any(_says(each.data.get(line.hosted)) for each in entries):
        weak = HOSTED
    for value in (each.data.get(name) for each in entries for name in line.changed):
        at = _moment(value, zone)
        if at is not None:
            moments.append(at)
        elif value is not None and value != "":  # it may be a list, which no set takes
            weak = weak or UNKNOWN
    return (CHANGED if line.days and any(each > edge for each in moments) else ""), weak


def _says(value: object) -> bool:
    """Return whether a field says yes, as databases and forms write it."""
    return str(value).strip().lower() in _TRUE


def _moment(value: object, zone: ZoneInfo) -> dt.datetime | None:
    """Return the time that a field tells; a day's last moment, so that no change is missed."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value) if len(value) > len("2026-01-01") else value
            value = dt.date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time.max, zone)
    return None


def _entries(store: Connector, asked: Sequence[_Name], now: dt.datetime) -> list[_Entry]:
    """Return the current records that any of `asked` finds; former holders' are left out."""
    entries: dict[str, _Entry] = {}
    for item in store.find([Identifier(*name) for name in dict.fromkeys(asked)]):
        if isinstance(item, Unread):
            raise StoreUnavailable(store.name, item.reason)
        if _is_current(item, now):
            entry = entries.setdefault(item.record.key, _Entry(item.record.key, item.record.data))
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
