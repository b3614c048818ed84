"""What of a row is shown, and to whom: the last look before a record leaves the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from attrs import evolve

from dsr.model import Found, Record
from dsr_kamailio.parties import NAMED, Parties
from dsr_kamailio.parts import Part

__all__ = ["UNCLEAR", "judged", "shown"]

#: Yielded once for a table, at the end, where a row of it may name somebody (it has no domain),
#: and nothing tells.
UNCLEAR = "unclear"

Names = frozenset[str]


def judged(founds: Iterator[Found], part: Part, parties: Parties) -> Iterator[Found | str]:
    """Yield what is really about whom it was found for: a user of another domain is not."""
    unclear = False
    for found in founds:
        if found.who.kind not in NAMED or not part.parties:
            yield found
            continue
        named = parties.named(part, found.record.data, found.who)
        unclear |= bool(named.unclear and not named.sure)
        if named.sure:
            told = [part.parties[name].about for name in named.sure]
            personal = found.record.personal
            about = Names().union(*(personal if each is None else each for each in told))
            yield evolve(found, about=about & personal)
    if unclear:
        yield UNCLEAR


def shown(
    founds: Iterator[Found | str], part: Part, domains: Sequence[str]
) -> Iterator[Found | str]:
    """Yield what is found without passwords, and with the lock that a running call means.

    A domain that is served names the operator: it is data, and nobody's in particular.
    """
    finish = _finisher(part, frozenset(domains))
    for key, group in groupby(founds, key=_place):
        if not key:
            yield from group
            continue
        record: Record | None = None
        for each in group:
            if isinstance(each, Found):  # always, by its place
                record = record or finish(each.record)
                about = each.about & record.personal
                if about or not each.about:
                    yield evolve(each, record=evolve(record, links=each.record.links), about=about)


def _place(found: Found | str) -> str:
    return found.record.key if isinstance(found, Found) else ""


def _finisher(part: Part, domains: Names) -> Callable[[Record], Record]:
    secrets = frozenset(part.secrets)
    names = [name for party in part.parties.values() for name in party.names]
    places = sorted({name.domain for name in names if name.domain is not None})

    def finish(record: Record) -> Record:
        data = record.data
        operators = {each for each in places if str(data[each] or "").lower() in domains}
        return evolve(
            record,
            data={k: v for k, v in data.items() if k not in secrets} if secrets else data,
            personal=record.personal - secrets - operators,
            lock=part.lock.lock(record.at, data) if part.lock else None,
        )

    return finish
