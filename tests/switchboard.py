"""An operator in one SQLite database: calls of two people, scores of fraud, a newsletter."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from dsr.connector import Connector
from dsr.connectors.sql import from_config
from dsr.desk import Desk
from dsr.identity import FileSender, OneTimePin, Verified
from dsr.model import Identifier, Receipt, Right
from dsr.policy.model import Category
from dsr.settings import Context
from tests.things import EVA, NOOR, NOW, category, ledger, policy

__all__ = ["CALLS", "EVA_ALONE", "SHARED", "Switchboard", "switchboard"]

#: Calls, by who takes part: Eva with a number outside, and Eva with Noor.
EVA_ALONE: Final = 1
SHARED: Final = 2
#: As Eva writes it, as the other system wrote it, and Noor's.
CALLS: Final = (
    (EVA_ALONE, EVA.value, "+442079460018", 61),
    (SHARED, "030901820", NOOR.value, 62),
)
Changes = Mapping[str, str]
NOTHING: Final[Changes] = {}
_SCHEMA: Final = """
CREATE TABLE calls (
  id INTEGER PRIMARY KEY, start TEXT, src TEXT, dst TEXT, said TEXT, seconds INTEGER,
  blocked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE scores (number TEXT PRIMARY KEY, score TEXT, blocked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE newsletter (number TEXT PRIMARY KEY, topic TEXT);
CREATE TABLE customers (number TEXT PRIMARY KEY, name TEXT, blocked INTEGER NOT NULL DEFAULT 0);
"""
_TABLES: Final[Mapping[str, dict[str, Any]]] = {
    "calls": {
        "category": "calls",
        "at": "start",
        "sides": [
            {"phone": "src", "about": ["src", "said"]},
            {"phone": "dst", "about": ["dst"]},
        ],
        "restricted": "blocked",
    },
    "scores": {
        "category": "scores",
        "sides": [{"phone": "number", "about": ["number", "score"]}],
        "restricted": "blocked",
    },
    "newsletter": {"category": "newsletter", "sides": [{"phone": "number"}]},
    "customers": {
        "category": "customers",
        "sides": [{"phone": "number", "about": ["number", "name"]}],
        "restricted": "blocked",
    },
}
_CATEGORIES: Final[Mapping[str, Category]] = {
    "calls": category(),
    "scores": category(purposes=("fraud prevention",), basis="legitimate interests"),
    "newsletter": category(
        purposes=("direct marketing",), basis="legitimate interests", origin="provided"
    ),
    "customers": category(origin="provided", rectifiable=("name",)),
}


@frozen
class Switchboard:
    """The desk, the database beside it as others see it, and the phone that PINs go to."""

    desk: Desk
    folder: Path = field(repr=False)

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Give the operator's database, without dsr."""
        with closing(sqlite3.connect(self.folder / "operator.db")) as db, db:
            yield db

    def rows(self, table: str) -> dict[object, dict[str, object]]:
        """Return a table's rows by their key, without dsr."""
        with self.database() as db:
            db.row_factory = sqlite3.Row
            found = [dict(each) for each in db.execute(f"SELECT * FROM {table}")]  # noqa: S608  (a table of ours)
        return {next(iter(each.values())): each for each in found}

    def blocked(self) -> dict[object, bool]:
        """Return which calls the database shows as restricted."""
        return {key: bool(row["blocked"]) for key, row in self.rows("calls").items()}

    def verified(
        self, right: Right, who: Identifier = EVA, ground: str = "", changes: Changes = NOTHING
    ) -> Verified:
        """Open a request and verify it."""
        request = self.desk.open(right, [who], now=NOW, changes=changes, ground=ground)
        self.desk.challenge(request.id, now=NOW)
        sent = (self.folder / "pins").read_text("utf-8").splitlines()
        return self.desk.verify(request.id, str(json.loads(sent[-1])["pin"]), now=NOW)

    def applied(self, grant: Verified) -> Receipt:
        """Plan a request and carry the plan out."""
        return self.desk.apply(grant, self.desk.plan(grant, now=NOW).token, now=NOW)

    def done(
        self, right: Right, who: Identifier = EVA, ground: str = "", changes: Changes = NOTHING
    ) -> Receipt:
        """Open, verify, plan and carry out a request."""
        return self.applied(self.verified(right, who, ground, changes))

    def state(self, request: str) -> str:
        """Return the state of a request."""
        return self.desk.ledger.get(request).state


def switchboard(
    folder: Path, *more: Connector, restricts: bool = True, **categories: Category
) -> Switchboard:
    """Build the operator in `folder`; `more` stores, and `categories` in place of its own.

    Without `restricts`, no table has a column that marks restricted rows.
    """
    with closing(sqlite3.connect(folder / "operator.db")) as db, db:
        db.executescript(_SCHEMA)
        for number, src, dst, seconds in CALLS:
            row = (number, NOW.isoformat(), src, dst, "Eva", seconds, 0)
            db.execute("INSERT INTO calls VALUES (?,?,?,?,?,?,?)", row)
        db.execute("INSERT INTO scores VALUES (?, 'high', 0)", [EVA.value])
        db.execute("INSERT INTO newsletter VALUES (?, 'tariffs')", [EVA.value])
        db.execute("INSERT INTO customers VALUES (?, 'Eva Muller', 0)", [EVA.value])
    tables = {
        name: {key: value for key, value in table.items() if restricts or key != "restricted"}
        for name, table in _TABLES.items()
    }
    section = {"url": f"sqlite:///{folder / 'operator.db'}", "tables": tables}
    desk = Desk(
        stores=(from_config("operator", section, Context("DE", folder)), *more),
        policy=policy(**(dict(_CATEGORIES) | categories)),
        ledger=ledger(folder),
        pin=OneTimePin(FileSender(folder / "pins")),
    )
    return Switchboard(desk, folder)
