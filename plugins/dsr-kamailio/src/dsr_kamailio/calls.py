"""The rows of one call, read together: who is who in a row that does not name them.

Kamailio accounts each request of a call by itself. The BYE of a callee names them as they were
dialled (`1001`), not as they are registered, and its `src_ip` is theirs; `acc_cdrs` names only
what was dialled. What tells is the call: see `dsr_kamailio.legs`.

So a row that names a person links to their legs, and the rows of these are found through them.
The engine erases what was found through a link before what carries it: an interrupted erasure
leaves no row that nothing leads to.

Where one row names two of those who are asked for, its links would lead each to the leg of the
other. The rows of such calls are found at once instead, at the end of the reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import attrgetter
from typing import Final

from attrs import evolve, frozen

from dsr.connectors.sql import Sql
from dsr.model import Found, Identifier
from dsr_kamailio.legs import Sign, leg, leg_of
from dsr_kamailio.notes import Notes
from dsr_kamailio.parties import NAMED, Parties
from dsr_kamailio.rows import Call, CallRow, CallTable
from dsr_kamailio.showing import UNCLEAR

__all__ = ["Calls", "Told"]

_TOGETHER: Final = 500  # calls whose rows are read by one statement

Names = frozenset[str]
#: A table's name, and what is found in it.
Told = tuple[str, Found | str]
#: For each call who is asked for there, and by which signs.
Signs = Mapping[str, Mapping[Identifier, AbstractSet[Sign]]]


@frozen
class Calls:
    """The tables with rows of calls; each `Sql` is of that table alone."""

    tables: Sequence[tuple[Sql, CallTable]]
    parties: Parties

    def find(self, who: Sequence[Identifier]) -> Iterator[Told]:
        """Yield each row that is about one of `who`, by its own columns or by its call."""
        legs: dict[str, dict[Identifier, set[Sign]]] = defaultdict(dict)
        for each in who:
            if told := leg_of(each):
                legs[told[0]].setdefault(each, set()).add(told[1])
        plain = [each for each in who if each.kind != "object"]
        if plain:
            with Notes.open(plain) as notes:
                for sql, table in self.tables:
                    for _, group in groupby(sql.find(plain), key=attrgetter("record.key")):
                        for found in self._row(table, list(group), notes):
                            yield table.name, found
                for shared in notes.shared(_TOGETHER):
                    yield from self._signed(shared, direct=False)
                for name in sorted(self._doubtful(notes)):
                    yield name, UNCLEAR
        calls = sorted(legs)
        for start in range(0, len(calls), _TOGETHER):
            asked = {each: legs[each] for each in calls[start : start + _TOGETHER]}
            yield from self._signed(asked, direct=True)

    def _row(self, table: CallTable, group: Sequence[Found], notes: Notes) -> Iterator[Found]:
        """Yield what a row says by itself, and note what only its call tells."""
        row = CallRow(table, group[0].record)
        people: dict[Identifier, Names] = {}
        for found in group:
            if found.who.kind in NAMED:
                named = self.parties.named(table.part, row.record.data, found.who)
                if named.sure:
                    people[found.who] = named.sure
                elif named.unclear:
                    notes.doubt(row.call, found.who, table.name)
        others = [found for found in group if found.who.kind not in NAMED]
        record = row.record
        if row.call and people:
            if others or len(set(people.values())) > 1:
                for each, names in people.items():
                    notes.share(row.call, each, row.signs(names))
            else:
                signs = sorted(row.signs(Names().union(*people.values())))
                links = tuple(leg(row.call, sign) for sign in signs)
                record = evolve(record, links=record.links + links)
        for found in others:
            yield evolve(found, record=record)
        for each, names in people.items():
            yield Found(each, record, row.fields(names))

    def _signed(self, asked: Signs, *, direct: bool) -> Iterator[Told]:
        """Yield the rows of these calls by the signs in them; `direct`: also who is named."""
        for name, rows in self._calls(list(asked)).items():
            call = Call(rows)
            people = {who: call.signed(signs) for who, signs in asked[name].items()}
            for place, row in enumerate(rows):
                for who, signed in people.items():
                    fields = row.fields(signed[place])
                    if not direct:
                        named = self.parties.named(row.table.part, row.record.data, who)
                        fields -= row.fields(named.sure)
                    if fields:
                        yield row.table.name, Found(who, row.record, fields)

    def _doubtful(self, notes: Notes) -> set[str]:
        """Return the tables with a row that may name somebody, and whose call does not tell."""
        tables: set[str] = set()
        for asked in notes.doubts(_TOGETHER):
            for named in asked.pop("", {}).values():  # rows of no call
                tables |= named
            rows = self._calls(list(asked))
            for name, people in asked.items():
                for who in people:
                    tables.update(self._doubts(rows.get(name, []), who))
        return tables

    def _doubts(self, rows: Sequence[CallRow], who: Identifier) -> Iterator[str]:
        said = [self.parties.named(row.table.part, row.record.data, who) for row in rows]
        pairs = list(zip(rows, said, strict=True))
        signs = frozenset[Sign]().union(*(row.signs(named.sure) for row, named in pairs))
        for (row, named), signed in zip(pairs, Call(rows).signed(signs), strict=True):
            if not named.sure and named.unclear - signed:
                yield row.table.name

    def _calls(self, calls: Sequence[str]) -> dict[str, list[CallRow]]:
        """Return the rows of these calls, by call, those of one table together."""
        asked = [Identifier("call", each) for each in calls]
        rows: dict[str, list[CallRow]] = defaultdict(list)
        for sql, table in self.tables if asked else ():
            for found in sql.find(asked):
                rows[found.who.value].append(CallRow(table, found.record))
        return rows
