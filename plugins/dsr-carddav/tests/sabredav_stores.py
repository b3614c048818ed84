"""Databases as sabre/dav and Nextcloud lay them out, and a client that synchronises with them.

The columns and types are those of the two programs' schemas; the statements are our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field, frozen
from sqlalchemy.dialects import mysql

from dsr.model import Found, Identifier, Record
from dsr.settings import Context
from dsr.testing import Harness
from dsr_carddav.sabredav import SabreDav, from_config
from tests.servers import mariadb, postgresql

SUBJECT: Final = Identifier("phone", "+4930901820")
BYSTANDER: Final = Identifier("phone", "+4930901821")
SERVERS: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}


def name(length: int) -> sa.types.TypeEngine[Any]:
    """Return the type of names: sabre/dav keeps them as bytes in MariaDB."""
    return sa.String(length).with_variant(mysql.VARBINARY(length), "mysql")


def number() -> sa.types.TypeEngine[Any]:
    return sa.Integer().with_variant(mysql.INTEGER(unsigned=True), "mysql")


def sabre_tables() -> sa.MetaData:
    """Return the tables of sabre/dav 4 (and Baïkal) for address books."""
    data = sa.MetaData()
    blob = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
    sa.Table(
        "addressbooks", data, sa.Column("id", number(), primary_key=True),
        sa.Column("principaluri", name(255)), sa.Column("displayname", sa.String(255)),
        sa.Column("uri", name(200)), sa.Column("description", sa.Text),
        sa.Column("synctoken", number(), nullable=False, server_default="1"),
        sa.UniqueConstraint("principaluri", "uri"),
    )  # fmt: skip
    sa.Table(
        "cards", data, sa.Column("id", number(), primary_key=True),
        sa.Column("addressbookid", number(), nullable=False), sa.Column("carddata", blob),
        sa.Column("uri", name(200)), sa.Column("lastmodified", number()),
        sa.Column("etag", name(32)), sa.Column("size", number(), nullable=False),
    )  # fmt: skip
    sa.Table(
        "addressbookchanges", data, sa.Column("id", number(), primary_key=True),
        sa.Column("uri", name(200), nullable=False),
        sa.Column("synctoken", number(), nullable=False),
        sa.Column("addressbookid", number(), nullable=False),
        sa.Column("operation", sa.SmallInteger, nullable=False),
        sa.Index("addressbookid_synctoken", "addressbookid", "synctoken"),
    )  # fmt: skip
    return data


def nextcloud_tables() -> sa.MetaData:
    """Return the same tables of Nextcloud, with those that it adds."""
    data = sa.MetaData()
    long = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    blob = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql")
    sa.Table(
        "oc_addressbooks", data, sa.Column("id", long, primary_key=True),
        sa.Column("principaluri", sa.String(255)), sa.Column("displayname", sa.String(255)),
        sa.Column("uri", sa.String(255)), sa.Column("description", sa.String(255)),
        sa.Column("synctoken", long, nullable=False, server_default="1"),
    )  # fmt: skip
    sa.Table(
        "oc_cards", data, sa.Column("id", long, primary_key=True),
        sa.Column("addressbookid", long, nullable=False, server_default="0"),
        sa.Column("carddata", blob), sa.Column("uri", sa.String(255)),
        sa.Column("lastmodified", sa.BigInteger), sa.Column("etag", sa.String(32)),
        sa.Column("size", sa.BigInteger, nullable=False), sa.Column("uid", sa.String(255)),
    )  # fmt: skip
    sa.Table(
        "oc_addressbookchanges", data, sa.Column("id", long, primary_key=True),
        sa.Column("uri", sa.String(255)),
        sa.Column("synctoken", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("addressbookid", sa.BigInteger, nullable=False),
        sa.Column("operation", sa.SmallInteger, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False, server_default="0"),
    )  # fmt: skip
    sa.Table(
        "oc_cards_properties", data, sa.Column("id", long, primary_key=True),
        sa.Column("addressbookid", sa.BigInteger, nullable=False),
        sa.Column("cardid", sa.BigInteger, nullable=False), sa.Column("name", sa.String(64)),
        sa.Column("value", sa.String(255)),
        sa.Column("preferred", sa.Integer, nullable=False, server_default="1"),
    )  # fmt: skip
    return data


@frozen
class Dav:
    """A database with the tables in it, and what a server does with them."""

    url: str
    engine: sa.Engine
    tables: sa.MetaData
    prefix: str = ""

    def table(self, name: str) -> sa.Table:
        return self.tables.tables[self.prefix + name]

    def rows(self, name: str) -> list[dict[str, Any]]:
        table = self.table(name)
        with self.engine.begin() as connection:
            found = connection.execute(sa.select(table).order_by(table.c.id)).mappings()
            return [{key: _text(value) for key, value in row.items()} for row in found]

    def book(self, number: int, user: str, uri: str = "default") -> None:
        values = {"id": number, "principaluri": f"principals/{user}", "uri": uri, "synctoken": 1}
        with self.engine.begin() as connection:
            connection.execute(sa.insert(self.table("addressbooks")), [self._stored(values)])

    def put(self, book: int, cards: Mapping[str, str]) -> None:
        """Write new cards as the server does, all in one go."""
        rows = [
            {
                "addressbookid": book,
                "carddata": text.encode(),
                "uri": uri,
                "lastmodified": 1_772_710_215,
                "etag": md5(text.encode(), usedforsecurity=False).hexdigest(),
                "size": len(text.encode()),
            }
            for uri, text in cards.items()
        ]
        books, changes = self.table("addressbooks"), self.table("addressbookchanges")
        with self.engine.begin() as connection:
            token = connection.execute(
                sa.select(books.c.synctoken).where(books.c.id == book)
            ).scalar_one()
            connection.execute(sa.insert(self.table("cards")), [self._stored(row) for row in rows])
            noted = [
                {"addressbookid": book, "uri": uri, "synctoken": token + place, "operation": 1}
                for place, uri in enumerate(cards)
            ]
            connection.execute(sa.insert(changes), [self._stored(each) for each in noted])
            raised = books.c.synctoken + len(cards)
            connection.execute(sa.update(books).where(books.c.id == book).values(synctoken=raised))

    def _stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: value.encode()
            if isinstance(value, str) and self.url.startswith("mysql") and not self.prefix
            else value
            for key, value in values.items()
        }

    def store(self, **more: Any) -> SabreDav:
        whole = {"url": self.url, "category": "address_book", "prefix": self.prefix, **more}
        return from_config("book", whole, Context("DE", Path()))


@contextmanager
def dav(kind: str, folder: Path, *, nextcloud: bool = False) -> Iterator[Dav]:
    """Make a database with empty tables."""
    tables, prefix = (nextcloud_tables(), "oc_") if nextcloud else (sabre_tables(), "")
    with database(kind, folder) as url:
        engine = sa.create_engine(url)
        tables.create_all(engine)
        yield Dav(url, engine, tables, prefix)
        engine.dispose()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        (folder / "db.sqlite").touch()
        yield f"sqlite:///{folder / 'db.sqlite'}"
        return
    fresh = {"postgresql": postgresql.fresh_database, "mariadb": mariadb.fresh_database}[kind]
    with fresh() as url:
        yield url


@define
class Client:
    """A phone that keeps a copy of one book, by the rules of sabre/dav's sync-collection."""

    dav: Dav
    book: int
    token: int = 0
    copy: dict[str, str] = field(factory=dict)

    def sync(self) -> set[str]:
        """Learn what changed since the last time; return the names of those cards."""
        books = {row["id"]: row for row in self.dav.rows("addressbooks")}
        current = books[self.book]["synctoken"]
        cards = {
            row["uri"]: row for row in self.dav.rows("cards") if row["addressbookid"] == self.book
        }
        told = dict.fromkeys(cards, 1)
        if self.token:
            told = {
                row["uri"]: row["operation"]  # the last one counts
                for row in sorted(self.dav.rows("addressbookchanges"), key=lambda row: row["id"])
                if row["addressbookid"] == self.book and self.token <= row["synctoken"] < current
            }
        for uri, operation in told.items():
            if operation == 3:
                self.copy.pop(uri, None)
            else:
                self.copy[uri] = cards[uri]["carddata"]
        self.token = current
        return set(told)


def card(uid: str, *lines: str, version: str = "3.0") -> str:
    text = ["BEGIN:VCARD", f"VERSION:{version}", f"UID:{uid}", "FN:Somebody", *lines, "END:VCARD"]
    return "\r\n".join((*text, ""))


def found(book: SabreDav, *who: Identifier) -> list[Record]:
    everything = book.find(who or [SUBJECT])
    return [each.record for each in everything if isinstance(each, Found)]


def keys(book: SabreDav, *who: Identifier) -> list[str]:
    return [each.key for each in found(book, *who)]


class SabreHarness(Harness):
    """Two users' books; the second one's card says whose assistant has the subject's number."""

    subject = SUBJECT
    bystander = BYSTANDER
    entry = "sabredav-db"
    verbs = frozenset({"erase", "redact", "rectify", "split", "check"})
    derived = frozenset({"vcard", "etag"})

    def __init__(self, kind: str, made: Dav, folder: Path) -> None:
        """Take an empty database."""
        self.server = SERVERS[kind]
        self.dav, self.folder = made, folder
        self.connector = made.store()

    def seed(self) -> int:
        self.dav.book(1, "eva")
        self.dav.book(2, "bob")
        folded = "TEL:+49 30 90\r\n 1820"
        quoted = "TEL;ENCODING=QUOTED-PRINTABLE:=2B49 30=20901=\r\n820"
        uri = "TEL;VALUE=uri:tel:+49-30-901820"
        self.dav.put(
            1,
            {
                "a.vcf": card("1", "NOTE:mine-1", "TEL;TYPE=work:+49 30 901820"),
                "b.vcf": card("2", "NOTE:mine-2", "PHOTO;ENCODING=b:AAAA", folded),
                "c.vcf": card("3", "TEL:030 901821"),
            },
        )
        self.dav.put(
            2,
            {
                "a.vcf": card("4", "EMAIL:e@x.de", "NOTE:mine-4", quoted, version="2.1"),
                "d.vcf": card("5", "NOTE:mine-5", uri, version="4.0"),
                "e.vcf": card("6", "PHOTO;ENCODING=b:AAAA", "TEL:+49 30 9018200"),
                "f.vcf": card("7", "NOTE:her boss: 0049 30 901820", "TEL:030901821"),
            },
        )
        return 5

    def raw(self) -> bytes:
        """Return all that the database holds of cards."""
        if self.dav.url.startswith("sqlite"):
            return b"".join(path.read_bytes() for path in sorted(self.folder.glob("db.sqlite*")))
        tables = [each.removeprefix(self.dav.prefix) for each in self.dav.tables.tables]
        return repr([self.dav.rows(each) for each in tables]).encode()

    def count(self) -> int:
        return len(set(re.findall(rb"mine-\d|0049 30 901820", self.raw())))

    def others(self) -> bytes:
        cards = [row for row in self.dav.rows("cards") if row["id"] in (3, 6)]
        shared = [row["carddata"] for row in self.dav.rows("cards") if row["id"] == 7]
        kept = [re.sub(r"00\w\w \w\w \w{6}|xx\w\w xx x{6}", "", each) for each in shared]
        return repr((cards, kept)).encode()

    def changes(self, record: Record) -> Mapping[str, object]:
        if "email" not in record.data:
            return {}
        return {"fn": "Müller, Eva; " + "x" * 80, "email": "new@example.org"}

    def unreachable(self) -> SabreDav:
        return self.dav.store(prefix="no_")


def _text(value: Any) -> Any:
    return bytes(value).decode() if isinstance(value, bytes | memoryview) else value
