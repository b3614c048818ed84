"""Asterisk's and FreePBX's tables as their own scripts make them, on real servers.

Columns and types are those of Asterisk's Alembic scripts (contrib/ast-db-manage) and of
FreePBX's modules, as far as the tests need them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.pool import NullPool

from dsr.model import Found, Identifier, Unread
from dsr.settings import Context
from dsr_asterisk.database import AsteriskDb, from_config
from tests.servers.mariadb import fresh_database as fresh_mariadb
from tests.servers.postgresql import fresh_database as fresh_postgresql

__all__ = [
    "SERVERS",
    "START",
    "TABLES",
    "cdr",
    "database",
    "fill",
    "find",
    "raw",
    "rows_of",
    "server",
    "store",
    "url",
]

SERVERS: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}
START: Final = dt.datetime(2026, 3, 5, 12, 30, 15)  # noqa: DTZ001  (as Asterisk writes it)

_BLOB: Final = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def _texts(*names: str, size: int = 80) -> list[sa.Column[Any]]:
    return [sa.Column(each, sa.String(size)) for each in names]


def _cdr() -> sa.Table:
    return sa.Table(
        "cdr",
        sa.MetaData(),
        *_texts("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel"),
        *_texts("lastapp", "lastdata"),
        *(sa.Column(each, sa.DateTime) for each in ("start", "answer", "end")),
        *(sa.Column(each, sa.Integer) for each in ("duration", "billsec")),
        *_texts("disposition", "amaflags", size=45),
        *_texts("userfield", size=256),
        *_texts("uniqueid", "linkedid", size=150),
        *_texts("peeraccount"),
        sa.Column("sequence", sa.Integer),
    )


def _freepbx() -> sa.Table:
    def text(name: str, size: int = 80) -> sa.Column[Any]:
        return sa.Column(name, sa.String(size), nullable=False, server_default="")

    return sa.Table(
        "cdr",
        sa.MetaData(),
        sa.Column("calldate", sa.DateTime, nullable=False),
        *map(text, ("clid", "src", "dst", "dcontext", "channel", "dstchannel")),
        *map(text, ("lastapp", "lastdata")),
        *(sa.Column(each, sa.Integer, nullable=False) for each in ("duration", "billsec")),
        text("disposition", 45),
        sa.Column("amaflags", sa.Integer, nullable=False, server_default="0"),
        *(text(name, 32) for name in ("accountcode", "uniqueid")),
        text("userfield", 255),
        text("did", 50),
        text("recordingfile", 255),
        *map(text, ("cnum", "cnam", "outbound_cnum", "outbound_cnam", "dst_cnam")),
        text("linkedid", 32),
        text("peeraccount"),
        sa.Column("sequence", sa.Integer, nullable=False, server_default="0"),
        sa.Index("cdr_calldate", "calldate"),
        sa.Index("cdr_dst", "dst"),
        sa.Index("cdr_recordingfile", "recordingfile"),
    )


def _cel() -> sa.Table:
    texts = ("cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context")
    return sa.Table(
        "cel",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("eventtype", size=30),
        sa.Column("eventtime", sa.DateTime),
        *_texts(*texts, "channame", "appname"),
        *_texts("appdata", size=512),
        sa.Column("amaflags", sa.Integer),
        *_texts("accountcode", size=20),
        *_texts("uniqueid", "linkedid", size=32),
        *_texts("peer"),
        *_texts("userdeftype", "userfield", size=255),
        *_texts("extra", size=512),
        sa.Index("cel_uniqueid", "uniqueid"),
    )


def _queue_log() -> sa.Table:
    return sa.Table(
        "queue_log",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("time", sa.DateTime),
        *_texts("callid"),
        *_texts("queuename", size=256),
        *_texts("agent"),
        *_texts("event", size=32),
        *_texts(*(f"data{number}" for number in range(1, 6)), size=100),
    )


def _messages() -> sa.Table:
    return sa.Table(
        "voicemail_messages",
        sa.MetaData(),
        sa.Column("dir", sa.String(255), primary_key=True),
        sa.Column("msgnum", sa.Integer, primary_key=True, autoincrement=False),
        *_texts("context", "macrocontext", "callerid"),
        *(sa.Column(each, sa.Integer) for each in ("origtime", "duration")),
        sa.Column("recording", _BLOB),
        *_texts("flag", "category", "mailboxuser", "mailboxcontext", size=30),
        *_texts("msg_id", size=40),
    )


def _voicemail() -> sa.Table:
    return sa.Table(
        "voicemail",
        sa.MetaData(),
        sa.Column("uniqueid", sa.Integer, primary_key=True),
        *(sa.Column(each, sa.String(80), nullable=False) for each in ("context", "mailbox")),
        sa.Column("password", sa.String(80), nullable=False),
        *_texts("fullname", "alias", "email", "pager", "imapuser", "imappassword"),
        sa.Column("stamp", sa.DateTime),
    )


def _ps(name: str, *columns: sa.Column[Any]) -> sa.Table:
    """Return a table of PJSIP: a unique id, and no primary key."""
    key = sa.Column("id", sa.String(255), nullable=False, unique=True)
    return sa.Table(name, sa.MetaData(), key, *columns)


TABLES: Final[Mapping[str, sa.Table]] = {
    "cdr": _cdr(),
    "freepbx": _freepbx(),
    "cel": _cel(),
    "queue_log": _queue_log(),
    "voicemail_messages": _messages(),
    "voicemail": _voicemail(),
    "ps_endpoints": _ps(
        "ps_endpoints", *_texts("aors", "auth", "context", "callerid", "mailboxes", "accountcode")
    ),
    "ps_auths": _ps(
        "ps_auths",
        sa.Column("auth_type", sa.Enum("md5", "userpass", "digest", name="pjsip_auth_type")),
        *_texts("md5_cred", "password", "username"),
        *_texts("realm", size=255),
        *_texts("password_digest", size=1024),
    ),
    "ps_aors": _ps("ps_aors", *_texts("contact", "mailboxes", size=255)),
    "ps_contacts": _ps(
        "ps_contacts",
        *_texts("uri", size=511),
        sa.Column("expiration_time", sa.BigInteger),
        *_texts("user_agent", size=255),
        *_texts("endpoint", "via_addr"),
        sa.Column("via_port", sa.Integer),
    ),
    "users": sa.Table(
        "users",
        sa.MetaData(),
        sa.Column("extension", sa.String(20), primary_key=True),
        *_texts("password", "name", "voicemail", "outboundcid"),
    ),
    "userman_users": sa.Table(
        "userman_users",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("username", "password", "default_extension", "displayname", "email", size=255),
        *_texts("cell", "work", "home", "fax"),
    ),
    "devices": sa.Table(
        "devices",
        sa.MetaData(),
        sa.Column("id", sa.String(20), primary_key=True),
        *_texts("tech", "dial", "devicetype", "user", "description", "emergency_cid"),
    ),
    "queue_members": sa.Table(
        "queue_members",
        sa.MetaData(),
        *_texts("queue_name", "interface", "membername", "state_interface"),
        *(sa.Column(each, sa.Integer) for each in ("penalty", "paused")),
        sa.Column("uniqueid", sa.Integer, primary_key=True),
    ),
}


@contextmanager
def server(kind: str, folder: Path) -> Iterator[str]:
    """Make an empty database of this kind and give its URL."""
    if kind == "sqlite":
        file = folder / "asterisk.sqlite3"
        file.touch()
        yield f"sqlite:///{file}"
    else:
        fresh = {"postgresql": fresh_postgresql, "mariadb": fresh_mariadb}[kind]
        with fresh() as made:
            yield made


@pytest.fixture(scope="module", params=sorted(SERVERS))
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return the URL of a database of each kind, for the tests of one file."""
    with server(request.param, tmp_path_factory.mktemp("database")) as made:
        yield made


@pytest.fixture
def url(database: str) -> str:
    """Return the URL of a database without any table."""
    with raw(database) as connection:
        for name in sa.inspect(connection).get_table_names():
            connection.execute(sa.schema.DropTable(sa.Table(name, sa.MetaData())))
    return database


@contextmanager
def raw(url: str) -> Iterator[sa.Connection]:
    """Open the database without the connector; what is done is committed."""
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def fill(url: str, table: str, *rows: Mapping[str, object]) -> None:
    """Make a table and write rows into it."""
    made = TABLES[table]
    with raw(url) as connection:
        made.create(connection, checkfirst=True)
        for row in rows:
            connection.execute(made.insert().values(dict(row)))


def rows_of(url: str, table: str) -> list[dict[str, Any]]:
    """Return every row as the database has it, in a stable order."""
    with raw(url) as connection:
        rows = connection.execute(sa.select(TABLES[table])).mappings().all()
    return sorted((dict(row) for row in rows), key=repr)


def store(url: str, *parts: str, **more: object) -> AsteriskDb:
    """Return the connector of some parts, from a configuration."""
    table = {"url": url, "timezone": "Europe/Berlin", "parts": list(parts), **more}
    return from_config("pbx", table, Context("DE", Path()))


def find(connector: AsteriskDb, *who: Identifier) -> list[Found]:
    """Return all that is found; nothing may be left unread."""
    found = list(connector.find(who))
    assert not [each for each in found if isinstance(each, Unread)]
    return [each for each in found if isinstance(each, Found)]


def cdr(number: int, src: str, dst: str, **more: object) -> dict[str, object]:
    """Return a call record as Asterisk writes it."""
    return {
        "accountcode": "",
        "src": src,
        "dst": dst,
        "dcontext": "from-internal",
        "clid": f'"Somebody" <{src}>' if src else "",
        "channel": f"PJSIP/{src}-{number:08x}" if src else "",
        "dstchannel": f"PJSIP/{dst}-{number + 1:08x}" if dst else "",
        "lastapp": "Dial",
        "lastdata": "",
        "start": START + dt.timedelta(minutes=number),
        "end": START + dt.timedelta(minutes=number, seconds=60),
        "duration": 60,
        "billsec": 50,
        "disposition": "ANSWERED",
        "amaflags": "DOCUMENTATION",
        "userfield": "",
        "uniqueid": f"1772710215.{number}",
        "linkedid": f"1772710215.{number}",
        "peeraccount": "",
        "sequence": number,
        **more,
    }
