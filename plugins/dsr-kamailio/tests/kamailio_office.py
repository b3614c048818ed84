"""A small operator for the tests: a running Kamailio, three telephones, and dsr's configuration."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field

import dsr
from dsr.ledger import new_key
from dsr.model import Right
from dsr_kamailio.rpc import Rpc
from kamailio_phones import Phone, ha1
from tests.servers.kamailio import Kamailio, kamailio, make_tables
from tests.servers.postgresql import fresh_database

__all__ = ["DOMAIN", "NOW", "NUMBER", "Office", "dumped", "office", "rows_of"]

DOMAIN: Final = "sip.example.org"
NUMBER: Final = "+493023125100"  # a number reserved for drama, that leads to Alice
NOW: Final = dt.datetime.now(dt.UTC)
USERS: Final = ("alice", "bob", "carol")
_CONFIG: Final = """
[operator]
name = "Example Telekom GmbH"
country = "DE"
timezone = "Europe/Berlin"
authority = "BfDI"
[ledger]
url = "sqlite:///ledger.db"
key = "file:dsr.key"
[identity]
accounts = "numbers"
[identity.one-time-pin]
sender = "file:pins.jsonl"

[stores.numbers]
connector = "sql"
url = "{database}"
timezone = "UTC"
[stores.numbers.tables.numbers]
category = "accounts"
sides = [{{ phone = "number" }}, {{ account = "account" }}, {{ sip = "sip" }}]
links = {{ phone = "number", sip = "sip", account = "account" }}

[stores.kamailio]
connector = "kamailio-db"
url = "{database}"
timezone = "UTC"
domains = ["{domain}"]
parts = ["acc", "missed_calls", "acc_cdrs", "subscriber", "dbaliases", "location", "dialog"]

[stores.registrar]
connector = "kamailio-location"
rpc = "{rpc}"
domains = ["{domain}"]

[stores.log]
connector = "kamailio-logs"
path = "logs"
timezone = "UTC"
sides = [
  'call from sips?:(?P<sip>(?P<phone>[^@\\s]+)@\\S+) to \\S+ src=(?P<ip>[0-9.]+):',
  ' to sips?:(?P<sip>(?P<phone>[^@\\s]+)@\\S+) src=',
]
"""
_CATEGORY: Final = """
[categories.{name}]
role = "controller"
purposes = ["telephony"]
basis = "contract"
origin = "observed"
erase = "{erase}"
"""
_CATEGORIES: Final = {
    "accounts": "delete",
    "call_records": "redact",
    "calls_in_progress": "redact",
    "sip_accounts": "delete",
    "registrations": "delete",
    "logs": "redact",
}


@define
class Office:
    """The operator, as its stores are reached without dsr."""

    server: Kamailio
    phones: dict[str, Phone] = field(repr=False)
    folder: Path

    def configure(self, rpc: str = "") -> dsr.Desk:
        """Write dsr.toml, and return the desk."""
        server = self.server
        text = _CONFIG.format(database=server.database, rpc=rpc or server.socket, domain=DOMAIN)
        text += "".join(_CATEGORY.format(name=n, erase=e) for n, e in _CATEGORIES.items())
        (self.folder / "dsr.toml").write_text(text, "utf-8")
        if not (self.folder / "dsr.key").exists():
            (self.folder / "dsr.key").touch(0o600)
            (self.folder / "dsr.key").write_text(new_key(), "utf-8")
        return dsr.load(self.folder / "dsr.toml").desk()

    def verified(self, desk: dsr.Desk, right: Right) -> Any:
        """Open a request of Alice's, and verify it by the PIN that was sent."""
        who = [dsr.identify("phone", NUMBER, "DE")]
        request = desk.open(right, who, now=NOW)
        desk.challenge(request.id, now=NOW)
        sent = (self.folder / "pins.jsonl").read_text("utf-8").splitlines()
        return desk.verify(request.id, str(json.loads(sent[-1])["pin"]), now=NOW)


@contextmanager
def office(folder: Path, **options: Any) -> Iterator[Office]:
    """Run Kamailio with three subscribers, of whom Alice has an extension and a number."""
    with fresh_database() as database:
        make_tables(database)
        with kamailio(folder, database, **options) as server:
            with server.engine.begin() as connection:
                _fill(connection)
            phones = {
                user: Phone(server, user, DOMAIN, server.port, f"127.0.0.{number}")
                for number, user in enumerate(USERS, start=2)
            }
            yield Office(server, phones, folder)


def _fill(connection: sa.Connection) -> None:
    for user in USERS:
        connection.execute(
            sa.text(
                "INSERT INTO subscriber (username, domain, ha1, ha1b)"
                " VALUES (:user, :domain, :ha1, :ha1b)"
            ),
            {
                "user": user,
                "domain": DOMAIN,
                "ha1": ha1(user, DOMAIN, f"secret of {user}"),
                "ha1b": ha1(f"{user}@{DOMAIN}", DOMAIN, f"secret of {user}"),
            },
        )
    for alias, user in (("1001", "alice"), (NUMBER[1:], "alice"), ("1002", "bob")):
        connection.execute(
            sa.text("INSERT INTO dbaliases VALUES (DEFAULT, :alias, :domain, :user, :domain)"),
            {"alias": alias, "user": user, "domain": DOMAIN},
        )
    connection.execute(
        sa.text("CREATE TABLE numbers (id SERIAL PRIMARY KEY, number TEXT, account TEXT, sip TEXT)")
    )
    for account, number, sip in (
        ("C-1", NUMBER, f"alice@{DOMAIN}"),
        ("C-1", NUMBER, f"1001@{DOMAIN}"),
        ("C-2", "+493023125102", f"bob@{DOMAIN}"),
    ):
        connection.execute(
            sa.text("INSERT INTO numbers VALUES (DEFAULT, :number, :account, :sip)"),
            {"number": number, "account": account, "sip": sip},
        )


def rows_of(server: Kamailio, table: str) -> list[dict[str, Any]]:
    """Return every row of a table, by its id."""
    with server.engine.connect() as connection:
        statement = f"SELECT * FROM {table} ORDER BY id"  # noqa: S608  (a test names it)
        rows = connection.execute(sa.text(statement)).mappings()
        return [dict(row) for row in rows]


def dumped(server: Kamailio) -> dict[str, list[Any]]:
    """Return the contacts of every address of record in memory, by Kamailio's own listing."""
    with Rpc("test", server.socket).session() as session:
        domains = session.call("ul.dump")["Domains"]
    moving = re.compile("Expires|Keepalive|KA-")
    return {
        each["Info"]["AoR"]: [
            {name: value for name, value in c["Contact"].items() if not moving.search(name)}
            for c in each["Info"]["Contacts"]
        ]
        for domain in domains
        for each in domain["Domain"]["AoRs"]
    }


def lines_without(text: bytes, names: Sequence[bytes]) -> list[bytes]:
    """Return the lines of a log that name none of these."""
    return [line for line in text.splitlines() if not any(name in line for name in names)]
