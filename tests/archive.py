"""An operator whose data grows old: calls with recordings, invoices, clicks, accounts, contacts."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from attrs import field, frozen

from dsr.connector import Connector
from dsr.connectors.files import from_config as files
from dsr.connectors.sql import from_config as sql
from dsr.desk import Desk
from dsr.identity import FileSender, OneTimePin
from dsr.model import Identifier, Receipt, Right
from dsr.policy.model import Category, Stage
from dsr.settings import Context
from dsr.sweeping import Swept
from tests.things import EVA, NOOR, category, ledger, policy

__all__ = [
    "FIRST",
    "LAST",
    "SCHEMA",
    "STAGES",
    "Archive",
    "archive",
    "berlin",
    "calls",
    "counts",
    "customer",
]

_BERLIN: Final = ZoneInfo("Europe/Berlin")
SCHEMA: Final = """
CREATE TABLE accounts (
  number TEXT, account TEXT, name TEXT, since TEXT, until TEXT, closed TEXT,
  PRIMARY KEY (number, account)
);
CREATE TABLE calls (
  id INTEGER PRIMARY KEY, start TEXT, billed TEXT, src TEXT, dst TEXT, recording TEXT,
  blocked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE greetings (id INTEGER PRIMARY KEY, number TEXT, text TEXT, made TEXT);
CREATE TABLE contacts (id INTEGER PRIMARY KEY, owner TEXT, number TEXT, name TEXT);
CREATE TABLE clicks (id INTEGER PRIMARY KEY, at TEXT, number TEXT, page TEXT);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, issued TEXT, number TEXT, amount TEXT);
"""
_TABLES: Final[Mapping[str, dict[str, Any]]] = {
    "accounts": {
        "category": "accounts",
        "at": "since",
        "sides": [{"phone": "number"}, {"account": "account"}],
        "links": {
            "account": "account",
            "phone": {"column": "number", "since": "since", "until": "until"},
        },
    },
    "calls": {
        "category": "calls",
        "at": "start",
        "sides": [{"phone": "src", "about": ["src"]}, {"phone": "dst", "about": ["dst"]}],
        "links": {"object": "recording"},
        "restricted": "blocked",
    },
    "greetings": {"category": "greetings", "at": "made", "sides": [{"phone": "number"}]},
    "contacts": {  # each account's own; none bears a date
        "category": "contacts",
        "sides": [
            {"account": "owner", "about": ["number", "name"]},
            {"phone": "number", "about": ["number", "name"]},
        ],
    },
    "clicks": {"category": "clicks", "at": "at", "sides": [{"phone": "number"}]},
    "invoices": {"category": "invoices", "at": "issued", "sides": [{"phone": "number"}]},
}
STAGES: Final[Mapping[str, tuple[Stage, ...]]] = {
    "accounts": (Stage("7 days", anchor="closed"),),
    "calls": (Stage("6 months", anchor="billed"),),
    "greetings": (Stage("7 days", anchor="accounts.closed"),),
    "contacts": (Stage("7 days", anchor="accounts.closed"),),
    "clicks": (Stage("14 months", act="anonymise", fields=("number",)), Stage("26 months")),
    "invoices": (Stage("8 years", whole_years=True),),
    "recordings": (Stage("30 days"),),
}


def berlin(text: str) -> dt.datetime:
    """Return a time as a clock in Berlin shows it."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=_BERLIN)


@frozen
class Archive:
    """The desk, and the stores beside it as others see them."""

    desk: Desk
    folder: Path = field(repr=False)

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Give the operator's database, without dsr."""
        with closing(sqlite3.connect(self.folder / "operator.db")) as db, db:
            db.row_factory = sqlite3.Row
            yield db

    def put(self, table: str, **row: object) -> None:
        """Add a row."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        with self.database() as db:
            db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608  (a table of ours)

    def rows(self, table: str) -> list[dict[str, object]]:
        """Return a table's rows."""
        with self.database() as db:
            return [dict(each) for each in db.execute(f"SELECT * FROM {table} ORDER BY 1")]  # noqa: S608  (a table of ours)

    def ids(self, table: str) -> list[object]:
        """Return what stands in the first column."""
        return [next(iter(each.values())) for each in self.rows(table)]

    def record(self, name: str) -> None:
        """Store a recording."""
        path = self.folder / "recordings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF" + name.encode())

    def recordings(self) -> list[str]:
        """Return the recordings that are there."""
        folder = self.folder / "recordings"
        return sorted(str(each.relative_to(folder)) for each in folder.rglob("*.wav"))

    def ask(self, right: Right, now: dt.datetime, who: Identifier = EVA) -> Receipt:
        """Open, verify, plan and carry out a request."""
        request = self.desk.open(right, [who], now=now)
        self.desk.challenge(request.id, now=now)
        sent = (self.folder / "pins").read_text("utf-8").splitlines()
        grant = self.desk.verify(request.id, str(json.loads(sent[-1])["pin"]), now=now)
        return self.desk.apply(grant, self.desk.plan(grant, now=now).token, now=now)


def archive(
    folder: Path,
    *more: Connector,
    backups: str = "",
    without: str = "",
    **categories: Category,
) -> Archive:
    """Build the operator in `folder`, with no data; `categories` in place of its own.

    `more` are further stores, `without` names one of its own that is left out.
    """
    with closing(sqlite3.connect(folder / "operator.db")) as db:
        db.executescript(SCHEMA)
    (folder / "recordings").mkdir()
    context = Context("DE", folder)
    url = f"sqlite:///{folder / 'operator.db'}"
    stores: list[Any] = [
        sql("office", {"url": url, "timezone": "Europe/Berlin", "tables": dict(_TABLES)}, context),
        files(
            "recordings",
            {
                "path": str(folder / "recordings"),
                "category": "recordings",
                "timezone": "Europe/Berlin",
                "keys": ["{date:%Y-%m-%d}/{object}"],
            },
            context,
        ),
        *more,
    ]
    known = {name: category(origin="provided", stages=each) for name, each in STAGES.items()}
    desk = Desk(
        stores=tuple(cast("Connector", each) for each in stores if each.name != without),
        policy=policy(**(known | categories)),
        ledger=ledger(folder),
        pin=OneTimePin(FileSender(folder / "pins")),
        backups=backups,
    )
    return Archive(desk, folder)


LAST = berlin("2026-08-31 23:59:59")
FIRST = berlin("2026-09-01 00:00:00")  # six months after a bill of 1 March


def calls(found: Archive) -> None:
    """Put the calls there."""
    for number, billed, recording in (
        (1, "2026-03-01", None),
        (2, "2026-03-01", "2026-02-03/a.wav"),
        (3, "2026-04-01", None),
    ):
        found.put(
            "calls",
            id=number,
            start="2026-02-03 10:00:00",
            billed=billed,
            src=EVA.value,
            dst=NOOR.value,
            recording=recording and recording.rpartition("/")[2],
        )
        if recording:
            found.record(recording)


def counts(swept: Swept, store: str = "office", name: str = "calls") -> dict[str, int]:
    """Return what was done, kept and left to a category."""
    tally = swept.stores[store][name]
    return {
        **{str(verb): count for verb, count in tally.do.items()},
        "keep": sum(tally.keep.values()),
        "gaps": sum(tally.gaps.values()),
    }


def customer(old: Archive, number: str = EVA.value, account: str | None = "A", **row: Any) -> None:
    """Add an account."""
    known = {"since": "2020-01-01", "name": "Eva"} | row
    old.put("accounts", number=number, account=account, **known)
