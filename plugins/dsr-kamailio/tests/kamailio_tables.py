"""Kamailio's tables on several databases, filled for the laws of every connector.

The tables are those of Kamailio's own scripts: on PostgreSQL as they are, elsewhere as
SQLAlchemy reads them there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.pool import NullPool

from dsr.model import Credential, Identifier, Record
from dsr.settings import Context
from dsr.testing import Harness
from dsr_kamailio.database import KamailioDb, from_config
from dsr_kamailio.parts import KNOWN, Part, parts_of
from tests.servers import mariadb
from tests.servers.kamailio import make_tables
from tests.servers.postgresql import fresh_database

__all__ = ["CORE", "DOMAINS", "PARTS", "TablesHarness", "database", "store", "tables"]

DOMAINS: Final = ("sip.example.org", "sip.example.net")
#: Without those that are searched by an account or an address alone, or by pieces of text.
PARTS: Final = tuple(
    sorted(name for name, part in parts_of(tuple(KNOWN), {}, "").items() if part.parties)
)
#: The tables that most sites have.
CORE: Final = ("acc", "acc_cdrs", "subscriber", "location", "silo", "cpl")
_NOON: Final = dt.datetime(2026, 3, 5, 12)  # noqa: DTZ001  (as Kamailio writes it)


@cache
def tables() -> sa.MetaData:
    """Return Kamailio's tables, in types that every database knows."""
    metadata, generic = sa.MetaData(), sa.MetaData()
    with fresh_database() as url:
        make_tables(url)
        engine = sa.create_engine(url, poolclass=NullPool)
        metadata.reflect(engine)
        engine.dispose()
    for table in metadata.tables.values():
        columns = [
            sa.Column(
                each.name,
                each.type.as_generic(),
                primary_key=each.primary_key,
                nullable=each.nullable,
            )
            for each in table.columns
        ]
        sa.Table(table.name, generic, *columns)
    return generic


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Make a database with Kamailio's tables, and give its URL."""
    if kind == "postgresql":
        with fresh_database() as url:
            make_tables(url)
            yield url
        return
    if kind == "sqlite":
        (folder / "kamailio.db").touch()
        url = f"sqlite:///{folder / 'kamailio.db'}"
        _create(url)
        yield url
        return
    with mariadb.fresh_database() as url:
        _create(url)
        yield url


def _create(url: str) -> None:
    engine = sa.create_engine(url, poolclass=NullPool)
    tables().create_all(engine, tables=[tables().tables[name] for name in (*PARTS, "sip_trace")])
    engine.dispose()


def store(url: str, parts: tuple[str, ...] = PARTS, **more: object) -> KamailioDb:
    """Return the connector for some tables."""
    table = {"url": url, "timezone": "UTC", "domains": list(DOMAINS), "parts": list(parts), **more}
    return from_config("kamailio", table, Context("DE", Path()))


@frozen
class _Person:
    """How a person is written into the columns of a party."""

    user: str
    domain: str

    @property
    def uri(self) -> str:
        return f"sip:{self.user}@{self.domain}"


class TablesHarness(Harness):
    """Every table with parties: the subject alone in each place, both together, and the other."""

    connector: KamailioDb
    entry = "kamailio-db"
    verbs = frozenset({"erase", "redact", "rectify", "check", "credentials"})

    def __init__(self, url: str, kind: str, parts: tuple[str, ...] = PARTS) -> None:
        """Look for a number, or for a user who has a namesake at another domain."""
        self.server = {"mysql+pymysql": "MariaDB", "sqlite": "SQLite"}.get(
            sa.make_url(url).drivername, "PostgreSQL"
        )
        self.connector, self.parts = store(url, parts), parts
        self.engine = sa.create_engine(url, poolclass=NullPool)
        with self.engine.begin() as connection:
            for name in parts:
                connection.execute(tables().tables[name].delete())
        self.hers: dict[tuple[str, int], frozenset[str] | None] = {}
        self.hashes: dict[Identifier, list[Credential]] = {}
        if kind == "phone":
            self.subject = Identifier("phone", "+4930901820")
            self.bystander = Identifier("phone", "+49309018200")
            self.people = _Person("030901820", DOMAINS[0]), _Person("0309018200", DOMAINS[0])
        else:
            self.subject = Identifier("sip", f"alice@{DOMAINS[0]}")
            self.bystander = Identifier("sip", f"alice@{DOMAINS[1]}")
            self.people = _Person("alice", DOMAINS[0]), _Person("alice", DOMAINS[1])

    def seed(self) -> int:
        with self.engine.begin() as connection:
            for name in self.parts:
                for number, who in enumerate(self._rows(self._part(name)), start=1):
                    self._insert(connection, name, number, who)
        return len(self.hers)

    def _part(self, name: str) -> Part:
        return self.connector.parts[name]

    def _rows(self, part: Part) -> Iterator[Mapping[str, _Person]]:
        """Yield who is which party of a row."""
        subject, bystander = self.people
        for party in part.parties:
            yield {party: subject}
            yield {party: bystander}
            for other in part.parties:
                if other != party:
                    yield {party: subject, other: bystander}

    def _insert(
        self, connection: sa.Connection, name: str, number: int, who: Mapping[str, _Person]
    ) -> None:
        table, part = tables().tables[name], self._part(name)
        row = {each.name: self._filler(each, number) for each in table.columns}
        told = {column for party in part.parties.values() for column in _columns(party)}
        row |= {each: _empty(table.columns[each]) for each in told}
        for party, person in who.items():
            row |= self._named(part.parties[party], person, number)
        if not any(row[column] for column in told):
            return  # a table that names nobody of this kind without a domain
        if name == "subscriber":
            row |= {"ha1": f"{number:032x}", "ha1b": f"{number + 100:032x}"}
            self._note_hashes(row)
        connection.execute(table.insert().values(row))
        if self.people[0] in who.values():
            mine = [each for each, person in who.items() if person == self.people[0]]
            about = frozenset[str]().union(*(part.parties[each].about or () for each in mine))
            self.hers[name, number] = about if len(set(who.values())) > 1 else None

    def _note_hashes(self, row: Mapping[str, Any]) -> None:
        user, domain = row["username"], row["domain"]
        names = {"ha1": user, "ha1b": f"{user}@{domain}"}
        hashes = [Credential(each, domain, "MD5", row[name]) for name, each in names.items()]
        self.hashes.setdefault(Identifier("sip", f"{user}@{domain}"), []).extend(hashes)

    def vouched(self) -> Mapping[Identifier, Sequence[Credential]]:
        return self.hashes

    def _named(self, party: Any, person: _Person, number: int) -> dict[str, str]:
        """Fill the columns of a party: those of an address in turn, and all with whole ones."""
        row = dict.fromkeys(party.uris, person.uri)
        names = [n for n in party.names if n.domain or self.subject.kind == "phone"]
        for name in names[number % 2 :] or names[:1]:
            row[name.user] = person.user
            if name.domain is not None:
                row[name.domain] = person.domain
        return row

    def _filler(self, column: sa.Column[Any], number: int) -> object:
        if column.name == "id" or column.primary_key:
            return number
        match column.type:
            case sa.DateTime():
                return _NOON
            case sa.LargeBinary():
                return b"x"
            case sa.String() | sa.Text():
                return f"x{number}"
        return number

    def _all(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with self.engine.connect() as connection:
            for name in self.parts:
                for row in connection.execute(sa.select(tables().tables[name])).mappings():
                    yield name, dict(row)

    def count(self) -> int:
        return sum(self._is_hers(name, row) for name, row in self._all())

    def _is_hers(self, name: str, row: Mapping[str, Any]) -> bool:
        person = self.people[0]
        for party in self._part(name).parties.values():
            if any(row[column] == person.uri for column in party.uris):
                return True
            for each in party.names:
                domain = row[each.domain] if each.domain else ""
                whole = self.subject.kind == "phone" or domain == person.domain
                if row[each.user] == person.user and whole:
                    return True
        return False

    def others(self) -> bytes:
        kept = []
        for name, row in self._all():
            hers = self.hers.get((name, int(next(iter(row.values())))), frozenset())
            if hers is not None:
                kept.append((name, {k: v for k, v in row.items() if k not in hers}))
        return repr(sorted(kept, key=repr)).encode()

    def changes(self, record: Record) -> Mapping[str, object]:
        return {"cpl_xml": "corrected"} if "cpl_xml" in record.data else {}

    def unreachable(self) -> KamailioDb:
        return store("sqlite:////nowhere/kamailio.db")


def _empty(column: sa.Column[Any]) -> object:
    return b"" if isinstance(column.type, sa.LargeBinary) else ""


def _columns(party: Any) -> Iterator[str]:
    yield from party.uris
    yield from party.about or ()
    for name in party.names:
        yield name.user
        if name.domain is not None:
            yield name.domain
