"""Databases as telephony servers lay them out, for the tests of the `sql` connector.

The columns are those of Asterisk's `cdr` (with FreePBX's `recordingfile`, and a `blocked` that
an operator might add) and of Kamailio's `acc` with its usual `db_extra`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.pool import NullPool

from dsr.connectors.sql import Sql, from_config
from dsr.model import Found, Identifier
from dsr.settings import Context
from tests.servers import mariadb, postgresql

ALICE: Final = Identifier("phone", "+4930901820")
#: One digit more than Alice's number: who looks sloppily takes one for the other.
BOB: Final = Identifier("phone", "+49309018200")

START: Final = dt.datetime(2026, 3, 5, 12, 30, 15, 123456)  # noqa: DTZ001  (as Asterisk writes it)

#: A timestamp without zone, which on MariaDB has no microseconds unless they are asked for.
WALL: Final = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")

CDR: Final[dict[str, Any]] = {
    "category": "call_records",
    "key": ["uniqueid", "sequence"],
    "at": "start",
    "sides": [
        {"phone": "src", "about": ["src", "clid", "channel"]},
        {"phone": "dst", "about": ["dst", "dstchannel"]},
    ],
    "links": {"object": "recordingfile", "call": "uniqueid"},
    "restricted": "blocked",
}
ACC: Final[dict[str, Any]] = {
    "category": "call_records",
    "at": "time",
    "sides": [
        {"phone": "src_user", "about": ["src_user", "src_ip", "from_tag"]},
        {"phone": "dst_user", "about": ["dst_user", "dst_ouser", "to_tag"]},
        {"phone": "dst_ouser", "about": ["dst_user", "dst_ouser", "to_tag"]},
        {"sip": "src_user", "domain": "src_domain", "about": ["src_user", "src_ip"]},
        {"sip": "dst_user", "domain": "dst_domain", "about": ["dst_user", "dst_ouser"]},
    ],
}


def cdr_table(name: str = "cdr", *, indexed: bool = True) -> sa.Table:
    texts = ("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel")
    return sa.Table(
        name,
        sa.MetaData(),
        *(sa.Column(each, sa.String(80)) for each in (*texts, "lastapp", "lastdata")),
        *(sa.Column(each, WALL) for each in ("start", "answer", "end")),
        *(sa.Column(each, sa.Integer) for each in ("duration", "billsec")),
        *(sa.Column(each, sa.String(45)) for each in ("disposition", "amaflags")),
        sa.Column("userfield", sa.String(256)),
        *(sa.Column(each, sa.String(150)) for each in ("uniqueid", "linkedid")),
        sa.Column("peeraccount", sa.String(80)),
        sa.Column("sequence", sa.Integer),
        sa.Column("recordingfile", sa.String(255)),
        sa.Column("blocked", sa.Boolean),
        *([sa.Index(f"{name}_src", "src"), sa.Index(f"{name}_dst", "dst")] if indexed else []),
    )


def acc_table() -> sa.Table:
    texts = ("method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason")
    extra = ("src_user", "src_domain", "src_ip", "dst_ouser", "dst_user", "dst_domain")
    table = sa.Table(
        "acc",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(each, sa.String(128), nullable=False, default="") for each in texts),
        sa.Column("time", WALL, nullable=False, default=START),
        *(sa.Column(each, sa.String(128), nullable=False, default="") for each in extra),
    )
    for name in ("src_user", "dst_user", "dst_ouser"):
        sa.Index(f"acc_{name}", table.c[name])
        lower = sa.Index(f"acc_{name}_lower", sa.func.lower(table.c[name]))
        # MariaDB has no such indexes, and needs none: its collations take A for a
        sa.event.listen(table, "before_create", partial(_drop_on_mariadb, lower))
    return table


def _drop_on_mariadb(
    index: sa.Index, table: sa.Table, connection: sa.Connection, **_: object
) -> None:
    if connection.dialect.name == "mysql":
        table.indexes.discard(index)


def call(number: int, src: str | None, dst: str | None, **more: object) -> dict[str, object]:
    """Return a row of `cdr`."""
    return {
        "src": src,
        "dst": dst,
        "clid": f'"Somebody" <{src}>' if src else None,
        "channel": f"PJSIP/{src}-{number:08x}" if src else None,
        "dstchannel": f"PJSIP/{dst}-{number:08x}" if dst else "",
        "start": START + dt.timedelta(seconds=number),
        "end": START + dt.timedelta(seconds=number + 60),
        "duration": 60,
        "uniqueid": f"1772710215.{number}",
        "sequence": number,
        "blocked": False,
        **more,
    }


def transaction(number: int, src: str, dst: str, **more: object) -> dict[str, object]:
    """Return a row of `acc`."""
    return {
        "id": number,
        "method": "INVITE",
        "from_tag": f"from{number}" if src else "",
        "to_tag": f"to{number}" if dst else "",
        "callid": f"{number}@192.0.2.1",
        "sip_code": "200",
        "sip_reason": "OK",
        "time": START + dt.timedelta(seconds=number),
        "src_user": src,
        "src_domain": "example.org",
        "src_ip": "192.0.2.7" if src else "",
        "dst_ouser": dst,
        "dst_user": dst,
        "dst_domain": "example.org",
        **more,
    }


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Make an empty database and give its URL."""
    if kind == "sqlite":
        file = folder / "store.db"
        file.touch()
        yield f"sqlite:///{file}"
    else:
        server = {"postgresql": postgresql, "mariadb": mariadb}[kind]
        with server.fresh_database() as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database of each kind."""
    with database(request.param, tmp_path) as fresh:
        yield fresh


@contextmanager
def raw(url: str) -> Iterator[sa.Connection]:
    """Open the database without the connector; what is done is committed."""
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def fill(url: str, table: sa.Table, rows: list[dict[str, object]]) -> None:
    """Make the table and write rows into it."""
    names = sorted({name for row in rows for name in row})
    with raw(url) as connection:
        table.create(connection)
        if rows:
            complete = [{name: row.get(name) for name in names} for row in rows]
            connection.execute(table.insert(), complete)


def rows_of(url: str, table: sa.Table) -> list[dict[str, Any]]:
    """Return every row as the database has it, in a stable order."""
    with raw(url) as connection:
        rows = connection.execute(sa.select(table)).mappings().all()
    return sorted((dict(row) for row in rows), key=repr)


def store(url: str, table: dict[str, Any], name: str = "cdr", **more: object) -> Sql:
    """Return the connector of one table, from a configuration."""
    settings = {"url": url, "timezone": "Europe/Berlin", "tables": {name: table}, **more}
    return from_config("calls", settings, Context(region="DE", folder=Path()))


def find(connector: Sql, *who: Identifier) -> list[Found]:
    return list(connector.find(who))
