"""One part of a database: a table of Asterisk's, read through the `sql` connector.

What `sql` finds by columns is put right by what the rows mean (`dsr_asterisk.meaning`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from attrs import evolve, frozen

from dsr.connectors.sql import Sql
from dsr.model import Found, Identifier, Record, Unread
from dsr_asterisk.meaning import (
    Mailboxes,
    is_unanswered,
    mailbox_links,
    silent,
    without_nobody,
    without_recording,
)
from dsr_asterisk.tables import TableMap

__all__ = ["Part"]


@frozen
class Part:
    """A table: the part's `name`, its map, and the connector of it alone.

    The key of a record is `name:` and the key that `sql` gives it.
    """

    name: str
    map: TableMap
    sql: Sql

    @property
    def table(self) -> str:
        """The table's name in the database, `schema.table` for another schema."""
        return str(self.map.sql.get("table", self.name))

    def column(self, name: str) -> str:
        """Return how the table calls a column; empty if it has none."""
        return self.map.names.get(name, name)

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Yield what `sql` finds, as Asterisk means it."""
        asked = [each for each in who if each.kind in self.sql.accepts]
        if self.map.mailbox is not None:
            yield from self._of_mailboxes(who, self.map.mailbox)
        elif asked:
            yield from self._meant(self.sql.find(asked))

    def _of_mailboxes(
        self, who: Sequence[Identifier], columns: tuple[str, str]
    ) -> Iterator[Found | Unread]:
        boxes = Mailboxes.of(who)
        own = frozenset(who)
        asked = [each for each in who if each.kind in self.sql.accepts]
        found = self.sql.find(list(dict.fromkeys([*asked, *boxes.owners])))
        for _, group in groupby(self._meant(found), key=_key):
            about: dict[Identifier, frozenset[str]] = {}
            record = None
            for each in group:
                if isinstance(each, Unread):
                    yield each
                    continue
                record = each.record
                meant = [each.who] if each.who in own else []
                if each.who in boxes.owners and boxes.is_in(each.who, record, columns):
                    meant += boxes.owners[each.who]
                for person in meant:
                    about[person] = about.get(person, frozenset()) | each.about
            if record is not None:
                yield from (Found(person, record, names) for person, names in about.items())

    def _meant(self, found: Iterable[Found | Unread]) -> Iterator[Found | Unread]:
        """Yield `found`, with each record put right; the Founds of a record share it."""
        key, record = "", None
        for each in found:
            if isinstance(each, Unread):
                yield each
                continue
            if record is None or each.record.key != key:
                key, record = each.record.key, self._record(each.record)
            about = record.personal if self.map.is_one_party else each.about & record.personal
            if about or not each.about:  # else all that matched is no identifier here
                yield Found(each.who, record, about)

    def _record(self, record: Record) -> Record:
        mailbox = self.map.mailbox
        if self.map.is_one_party:  # by whatever column the row was found, and whoever was asked for
            filled = frozenset(filter(record.data.get, record.data))
            record = evolve(record, personal=filled - self.map.silent)
        if mailbox is not None:
            links = dict.fromkeys([*record.links, *mailbox_links(record, mailbox)])
            record = evolve(record, links=tuple(links))
        if self.name == "queue_log":
            event = str(record.data.get(self.column("event")) or "")
            nobody = {self.column(each) for each in silent(event)}
            record = evolve(record, personal=record.personal - nobody)
        if self.name == "cdr" and is_unanswered(record.data.get(self.column("disposition"))):
            record = without_recording(record)
        return evolve(without_nobody(record), key=f"{self.name}:{record.key}")


def _key(each: Found | Unread) -> str:
    return each.record.key if isinstance(each, Found) else ""
