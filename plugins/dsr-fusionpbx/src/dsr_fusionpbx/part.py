"""One part of a database: a table of FusionPBX's, read through the `sql` connector.

What `sql` finds by columns is put right by what FusionPBX means: an extension is somebody only
together with its domain, and what a text says beside a number speaks of the same party.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from attrs import evolve, frozen

from dsr.connectors.sql import Sql
from dsr.model import Found, Identifier, Record, Unread
from dsr_fusionpbx.markup import in_speech, in_xml
from dsr_fusionpbx.tables import TableMap

__all__ = ["Part"]

#: From the id of a domain to its name.
Domains = Mapping[str, str]


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

    def find(self, who: Sequence[Identifier], domains: Domains) -> Iterator[Found | Unread]:
        """Yield what `sql` finds, as FusionPBX means it. Raises `StoreUnavailable`."""
        asked = [each for each in who if each.kind in self.sql.accepts]
        if not asked:
            return
        for _, group in groupby(self.sql.find(asked), key=_key):
            founds = []
            for each in group:
                if isinstance(each, Unread):
                    yield each
                else:
                    founds.append(each)
            yield from self._meant(founds, domains)

    def _meant(self, founds: Sequence[Found], domains: Domains) -> Iterator[Found]:
        """Yield the findings of one record put right, all with one record."""
        meant = [each for each in founds if _is_at_home(each, domains)]
        if not meant:
            return
        about = {each.who: self._about(each) for each in meant}
        record = self._record(meant[0].record, domains)
        personal = record.personal.union(*about.values())
        if self.map.is_one_party:  # by whatever column the row was found
            filled = frozenset(filter(record.data.get, record.data))
            personal = filled - self.map.silent
            about = dict.fromkeys(about, personal)
        record = evolve(record, personal=personal)
        for who, names in about.items():
            yield Found(who, record, names & personal)

    def _about(self, found: Found) -> frozenset[str]:
        data, about = found.record.data, found.about
        xml, text = data.get(self.map.markup), data.get(self.map.speech)
        if not about:
            return about
        if isinstance(xml, str):
            about |= in_xml(self.map.markup, xml, found.who, about)[0]
        if isinstance(text, str):
            about |= in_speech(self.map.speech, text, about)
        return about

    def _record(self, record: Record, domains: Domains) -> Record:
        data, personal, links = record.data, record.personal, record.links
        xml, user = data.get(self.map.markup), data.get(self.map.user)
        if isinstance(xml, str):
            personal |= in_xml(self.map.markup, xml, Identifier("call", ""), ())[1]
        if user:
            domain = _domain(record, domains)
            address = f"{user}@{domain}".lower() if domain else str(user).lower()
            links = (*links, Identifier("sip", address))
        return evolve(record, key=f"{self.name}:{record.key}", personal=personal, links=links)


def _is_at_home(found: Found, domains: Domains) -> bool:
    """Return whether a SIP user is one of the row's own domain, where both have one."""
    if found.who.kind != "sip":
        return True
    asked = found.who.value.partition("@")[2].lower()
    own = _domain(found.record, domains)
    return not asked or not own or asked == own


def _domain(record: Record, domains: Domains) -> str:
    """Return the name of the domain that a row belongs to; empty where it is not known."""
    name = domains.get(str(record.data.get("domain_uuid") or ""))
    return (name or str(record.data.get("domain_name") or "")).lower()


def _key(each: Found | Unread) -> str:
    return each.record.key if isinstance(each, Found) else ""
