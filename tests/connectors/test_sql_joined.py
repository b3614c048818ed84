"""Tables of one database that belong together by a call's id: found, decided, leaves first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.apply import Case, apply
from dsr.confirm import Permit, confirm
from dsr.connectors.sql import Sql
from dsr.model import Identifier, Receipt, Right, Subject
from dsr.plan import Wish
from dsr.stores import Stores
from dsr.survey import survey
from tests.connectors.sql_stores import ALICE, BOB, fill, find, raw, store, url
from tests.things import NOW, category, ledger, policy, request

__all__ = ["url"]

SCHEMA: Final = sa.MetaData()
CDR: Final = sa.Table(
    "v_xml_cdr",
    SCHEMA,
    sa.Column("uuid", sa.String(40), primary_key=True),
    *(sa.Column(each, sa.String(80)) for each in ("caller", "name", "callee")),
)
#: A copy of the record, its parties in a document.
COPY: Final = sa.Table(
    "v_xml_cdr_json",
    SCHEMA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("uuid", sa.String(40)),
    sa.Column("json", sa.JSON),
)
#: What both said: it cannot be told apart.
TEXT: Final = sa.Table(
    "v_xml_cdr_transcripts",
    SCHEMA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("uuid", sa.String(40)),
    sa.Column("transcript", sa.Text),
)
#: Transactions of the proxy; the BYE names nobody.
ACC: Final = sa.Table(
    "acc",
    SCHEMA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    *(sa.Column(each, sa.String(80)) for each in ("callid", "method", "src_user", "src_ip")),
    sa.Column("dst_user", sa.String(80)),
)
TABLES: Final[dict[str, dict[str, Any]]] = {
    "v_xml_cdr": {
        "category": "calls",
        "sides": [{"phone": "caller", "about": ["name"]}, {"phone": "callee", "about": []}],
        "links": {"call": "uuid"},
    },
    "v_xml_cdr_json": {
        "category": "calls",
        "sides": [
            {"phone": "json->from", "about": ["json->name"]},
            {"phone": "json->to", "about": []},
            {"call": "uuid"},
        ],
    },
    "v_xml_cdr_transcripts": {
        "category": "transcripts",
        "sides": [{"call": "uuid", "about": ["transcript"]}],
    },
    "acc": {
        "category": "calls",
        "sides": [
            {"phone": "src_user", "about": ["src_ip"]},
            {"phone": "dst_user", "about": []},
            {"call": "callid"},
        ],
    },
}
#: Alice with herself, Alice with Bob, Bob with somebody else.
CALLS: Final = [("030901820", ""), ("+4930901820", BOB.value), (BOB.value, "+4930777")]
HERS, SHARED, HIS = range(3)


def seed(url: str) -> Sql:
    rows: dict[sa.Table, list[dict[str, object]]] = {CDR: [], COPY: [], TEXT: [], ACC: []}
    for number, (caller, callee) in enumerate(CALLS):
        uuid = f"call-{number}"
        rows[CDR].append({"uuid": uuid, "caller": caller, "name": "N", "callee": callee})
        document = {"from": caller, "name": "N", "to": callee, "codec": "PCMA"}
        rows[COPY].append({"id": number, "uuid": uuid, "json": document})
        rows[TEXT].append({"id": number, "uuid": uuid, "transcript": "Hello"})
        invite = {"callid": uuid, "src_user": caller, "src_ip": "192.0.2.7", "dst_user": callee}
        rows[ACC].append({"id": number, "method": "INVITE"} | invite)
        bye = {"callid": uuid, "src_user": "", "src_ip": "192.0.2.8", "dst_user": ""}
        rows[ACC].append({"id": 100 + number, "method": "BYE"} | bye)
    for table, each in rows.items():
        fill(url, table, each)
    return store(url, {}, tables=TABLES)


def held(url: str) -> dict[str, dict[object, dict[str, Any]]]:
    """Return every row, by table and key."""
    with raw(url) as connection:
        return {
            table.name: {row[0]: dict(row._mapping) for row in connection.execute(sa.select(table))}
            for table in (CDR, COPY, TEXT, ACC)
        }


def case(stores: Stores, right: Right, who: Sequence[Identifier]) -> Case:
    subject = Subject(tuple(who))
    asked = request(right)
    with survey(stores.ground(NOW), [subject], [Wish(right, {})]) as found:
        plan = confirm(asked.id, found.steps.rows(0), stores.ledger.digester(), NOW)
    return Case(asked, subject, Permit(plan, stores.ledger.digester()))


def around(connector: Sql, folder: Path) -> Stores:
    rules = policy(calls=category(), transcripts=category())
    return Stores((connector,), rules, ledger(folder))


def erased(stores: Stores, asked: Case) -> Receipt:
    (receipt,) = apply(stores, [asked], NOW)
    return receipt


class Killed(BaseException):
    """The process dies here."""


@contextmanager
def killed(change: int, moment: str) -> Iterator[list[str]]:
    """Die before, or right after, the given change of a table; collect the changes until then."""
    seen: list[str] = []

    def note(*event: Any) -> None:
        if event[2].startswith(("UPDATE", "DELETE")) and "ledger" not in str(event[0].engine.url):
            seen.append(event[2])
            if len(seen) == change:
                raise Killed

    sa.event.listen(sa.Engine, f"{moment}_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, f"{moment}_cursor_execute", note)


def test_rows_without_a_number_are_found_by_their_call(url: str) -> None:
    """Law 1: copies, transcripts and transactions of a call lead from its record."""
    founds = find(seed(url), *(Identifier("call", f"call-{each}") for each in (HERS, SHARED)))
    tables = [each.record.key.split('"')[1] for each in founds]
    wanted = {"v_xml_cdr_json": 2, "v_xml_cdr_transcripts": 2, "acc": 4}
    assert {name: tables.count(name) for name in set(tables)} == wanted
    texts = [each for each in founds if each.record.category == "transcripts"]
    assert all(each.about == each.record.personal == {"transcript"} for each in texts)
    others = [each for each in founds if each.record.category == "calls"]
    assert all(each.about == frozenset() for each in others)


def test_each_row_is_decided_by_whom_it_names(url: str, tmp_path: Path) -> None:
    """Law 7: hers goes, of the shared rows her half; what cannot be told apart goes for both."""
    connector = seed(url)
    before = held(url)
    stores = around(connector, tmp_path)
    receipt = erased(stores, case(stores, "erasure", [ALICE]))
    now = held(url)
    assert set(now["v_xml_cdr"]) == {"call-1", "call-2"}
    assert now["v_xml_cdr"]["call-1"] == {
        "uuid": "call-1",
        "caller": None,
        "name": None,
        "callee": BOB.value,
    }
    document = {"from": None, "name": None, "to": BOB.value, "codec": "PCMA"}
    assert {number: row["json"] for number, row in now["v_xml_cdr_json"].items()} == {
        SHARED: document,
        HIS: before["v_xml_cdr_json"][HIS]["json"],
    }
    assert set(now["v_xml_cdr_transcripts"]) == {HIS}
    assert now["acc"].keys() == before["acc"].keys() - {HERS}
    assert now["acc"][SHARED] == before["acc"][SHARED] | {"src_user": None, "src_ip": None}
    for number in (HIS, 100 + HERS, 100 + SHARED, 100 + HIS):  # a BYE that names nobody stays
        assert now["acc"][number] == before["acc"][number]
    assert find(connector, ALICE) == []
    assert receipt.state == "done"
    assert receipt.stores["calls"]["calls"].do == {"erase": 3, "redact": 3, "unchanged": 2}
    assert receipt.stores["calls"]["transcripts"].do == {"erase": 2}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_anywhere_no_leaf_is_orphaned(url: str, tmp_path: Path, moment: str) -> None:
    """Laws 2 and 3: whatever is left still leads to it, and the same call again ends alike."""
    connector = seed(url)
    stores = around(connector, tmp_path)
    asked = case(stores, "erasure", [ALICE])
    for change in count(1):  # each run gets one change farther
        with killed(change, moment):
            try:
                receipt = erased(stores, asked)
            except Killed:
                pass
            else:
                break
        left = held(url)
        for number in (HERS, SHARED):
            record = left["v_xml_cdr"].get(f"call-{number}")
            if number in left["v_xml_cdr_transcripts"]:
                assert record is not None
                assert record["caller"] is not None, "nothing leads to the transcript any more"
    assert change > 1, "no change was broken off"
    assert receipt.state == "done"
    left = held(url)
    assert {name: set(rows) for name, rows in left.items()} == {
        "v_xml_cdr": {"call-1", "call-2"},
        "v_xml_cdr_json": {SHARED, HIS},
        "v_xml_cdr_transcripts": {HIS},
        "acc": {SHARED, HIS, 100 + HERS, 100 + SHARED, 100 + HIS},
    }
    assert "901820" not in re.sub("9018200", "", repr(left))
