"""Law 2 where a table has no key: what two links find of one row goes in one change.

The name of such a row is made of all its columns: after a first change it is another one, and a
second change would reach nothing.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dsr.apply import Case, apply
from dsr.confirm import Permit, confirm
from dsr.connectors.sql import from_config
from dsr.model import Identifier, Subject
from dsr.plan import Wish
from dsr.settings import Context
from dsr.stores import Stores
from dsr.survey import survey
from tests.things import NOW, category, ledger, policy, request

EVA = Identifier("phone", "+4930901820")
PARIS = "+33142685300"
#: The phone number is on the endpoint, which leads to the extension; a call may name either.
SCHEMA = """
CREATE TABLE endpoints (id INTEGER PRIMARY KEY, extension TEXT, number TEXT);
CREATE TABLE calls (src TEXT, did TEXT, dst TEXT, channel TEXT, at TEXT);
INSERT INTO endpoints VALUES (1, '1001', '+4930901820'), (2, '1002', '+4930901821');
"""
TABLES = {
    "endpoints": {
        "category": "accounts",
        "sides": [{"phone": "number"}, {"sip": "extension"}],
        "links": {"sip": "extension"},
    },
    "calls": {
        "category": "calls",
        "at": "at",
        "sides": [
            {"phone": "src", "about": ["src"]},
            {"phone": "did", "about": ["did", "dst"]},
            {"sip": "dst", "about": ["did", "dst"]},
            {"sip": "channel", "match": "contains", "part": True},
        ],
    },
}


@pytest.mark.parametrize(
    ("row", "erase", "left"),
    [
        ((PARIS, "030901820", "1001", "PJSIP/1001"), "redact", (PARIS, None, None, "*")),
        ((PARIS, "030901820", "", "PJSIP/1001"), "delete", (PARIS, None, "", "*")),
        (("", "030901820", "1001", "PJSIP/1001"), "delete", ("", None, None, "*")),
    ],
)
def test_one_run_takes_all_of_a_row(
    tmp_path: Path,
    row: tuple[str, ...],
    erase: str,
    left: tuple[str | None, ...],
) -> None:
    """A row found by the number and, through a link, by the extension is done after one run."""
    file = tmp_path / "pbx.db"
    with sqlite3.connect(file) as db:
        db.executescript(SCHEMA)
        db.execute("INSERT INTO calls VALUES (?, ?, ?, ?, '2026-03-01 10:00:00')", row)
    db.close()
    settings = {"url": f"sqlite:///{file}", "timezone": "UTC", "tables": TABLES}
    store = from_config("pbx", settings, Context("DE", tmp_path))
    rules = policy(accounts=category(erase="delete"), calls=category(erase=erase))
    stores = Stores((store,), rules, ledger(tmp_path))
    asked, subject = request("erasure"), Subject((EVA,))
    with survey(stores.ground(NOW), [subject], [Wish("erasure", {})]) as found:
        plan = confirm(asked.id, found.steps.rows(0), stores.ledger.digester(), NOW)
    case = Case(asked, subject, Permit(plan, stores.ledger.digester()))
    receipt = apply(stores, [case], NOW)[0]
    with sqlite3.connect(file) as db:
        rows = db.execute("SELECT src, did, dst, channel FROM calls").fetchall()
    db.close()
    assert receipt.state == "done"
    shown = [(*each[:3], "*" if "*" in (each[3] or "") else each[3]) for each in rows]
    assert shown == [left]
