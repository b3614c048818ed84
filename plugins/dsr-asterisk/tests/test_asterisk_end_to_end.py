"""One erasure through a real desk, over everything that Asterisk keeps of two people.

FreePBX's layout on MariaDB, the stock one on PostgreSQL; with a database, files and logs each.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from attrs import frozen

from asterisk_office import HERS, NAMED, Office, build
from asterisk_stores import raw, server
from dsr.desk import Desk
from dsr.identity import Verified
from dsr.model import Identifier, Receipt, Right

NOW: Final = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
NUMBER: Final = Identifier("phone", "+4930901820")


def verified(desk: Desk, office: Office, right: Right) -> Verified:
    """Open a request by the number alone, and prove it with the PIN that was sent."""
    request = desk.open(right, [NUMBER], now=NOW)
    desk.challenge(request.id, now=NOW)
    return desk.verify(request.id, office.pin(), now=NOW)


def erased(desk: Desk, office: Office) -> tuple[Verified, str, Receipt]:
    grant = verified(desk, office, "erasure")
    token = desk.plan(grant, now=NOW).token
    return grant, token, desk.apply(grant, token, now=NOW)


@frozen
class Story:
    """What the stores held before and after Alice's erasure, and what was answered."""

    office: Office
    desk: Desk
    before: dict[str, list[dict[str, Any]]]
    files: dict[str, bytes]
    receipt: Receipt
    again: Receipt


TABLES: Final = ("cel", "queue_log", "voicemail_messages", "voicemail", "ps_endpoints", "ps_auths")


@pytest.fixture(scope="module", params=[("mariadb", "freepbx"), ("postgresql", "stock")])
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    kind, layout = request.param
    folder = tmp_path_factory.mktemp("office")
    with server(kind, folder) as url:
        office = build(url, layout, folder)
        desk = office.desk()
        before = {name: office.rows(name) for name in (office.calls, *TABLES)}
        files = office.files()
        grant, token, receipt = erased(desk, office)
        again = desk.apply(grant, token, now=NOW)
        yield Story(office, desk, before, files, receipt, again)


def test_no_store_names_her_any_more(story: Story) -> None:
    """Neither a table, nor a row of a file, nor a log, nor a message, nor a recording."""
    assert sorted(set(story.office.traces())) == []


def test_the_receipt_proves_every_store(story: Story) -> None:
    """Law 11: each store was read again, and none is left out."""
    assert story.receipt.state == "done"
    stores = {"pbx", "csv", "queues", "logs", "voicemail", "recordings"}
    assert set(story.receipt.proved) == stores
    assert set(story.receipt.stores) == stores


def test_twice_is_once(story: Story) -> None:
    """Law 2: the same command answers the same; a new request finds nothing to do."""
    assert story.again == story.receipt
    grant = verified(story.desk, story.office, "erasure")
    plan = story.desk.plan(grant, now=NOW)
    verbs = {verb for each in plan.stores.values() for tally in each.values() for verb in tally.do}
    assert verbs <= {"unchanged"}
    assert plan.complete


def test_of_a_shared_call_only_her_columns_change(story: Story) -> None:
    """Law 7: what the other party's columns say is byte for byte what it was."""
    after = {row["sequence"]: row for row in story.office.rows(story.office.calls)}
    for row in story.before[story.office.calls]:
        number = row["sequence"]
        changed = {name for name, value in row.items() if after[number][name] != value}
        hers = HERS.get(number, frozenset()).intersection(row)
        assert changed == {name for name in hers if row[name]}, number
    assert "10010" in after[2]["src"] + after[1]["dst"]
    assert after[2]["lastdata"] == "PJSIP/****,30,tT"


def test_of_his_rows_nothing_is_gone(story: Story) -> None:
    """Bob's rows that do not name her are as they were; in the others his columns are."""
    for table in TABLES:
        after = story.office.rows(table)
        for row in story.before[table]:
            if table == "voicemail_messages" and row["mailboxuser"] == "10010":
                (kept,) = (each for each in after if each["msg_id"] == row["msg_id"])
                assert kept["recording"] == row["recording"]
                assert kept["msgnum"] == row["msgnum"]
            elif not any(NAMED.search(str(value).encode()) for value in row.values()):
                assert row in after
    events = {row["id"]: row for row in story.office.rows("cel")}
    assert (events[2]["cid_num"], events[2]["peer"]) == ("10010", "PJSIP/****-00000001")


def test_his_files_are_as_they_were(story: Story) -> None:
    """Lines, messages and recordings without her are the same bytes, at the same place."""
    after = story.office.files()
    for path, body in story.files.items():
        if path.startswith("spool/monitor"):
            hers = NAMED.search(path.rpartition("/")[2].encode()) is not None
            assert (path not in after) is hers
        elif "/default/1001/" in path:
            assert path not in after
        else:
            lines, kept = body.split(b"\n"), after[path].split(b"\n")
            assert len(kept) == len(lines)
            pairs = zip(lines, kept, strict=True)
            assert all(a == b for a, b in pairs if not NAMED.search(a))
    assert b"10010" in after["cdr-csv/Master.csv"]


def test_an_export_holds_everything_and_no_password(tmp_path: Path) -> None:
    """Art. 15: by the number alone, her extension, mailbox and telephone are found, too."""
    with server("sqlite", tmp_path) as url:
        office = build(url, "freepbx", tmp_path)
        desk = office.desk()
        package = tmp_path / "access.zip"
        receipt = desk.export(verified(desk, office, "access"), package, now=NOW)
    counts = {
        store: {name: tally.do.get("export", 0) for name, tally in each.items()}
        for store, each in receipt.stores.items()
    }
    assert counts == {
        # 5 calls; 2 events that name her and 1 of her call; 2 rows of queues and 2 of her calls
        "pbx": {
            "call_records": 5 + 3 + 4,
            "voicemail": 2 + 2,
            "sip_accounts": 3,
            "registrations": 1,
            "accounts": 1,
        },
        "csv": {"call_records": 6},
        "queues": {"call_records": 3},
        "logs": {"logs": 8},
        "voicemail": {"voicemail": 2},
        "recordings": {"recordings": 2},
    }
    with zipfile.ZipFile(package) as opened:
        whole = b"".join(opened.read(name) for name in opened.namelist())
    assert b"Alice A.'s secret" not in whole
    assert b"Bob B.'s secret" not in whole


def test_what_leads_to_her_messages_stays_until_they_are_gone(tmp_path: Path) -> None:
    """Law 3: messages that cannot be erased keep the endpoint that leads to them; then both go."""
    with server("postgresql", tmp_path) as url:
        office = build(url, "stock", tmp_path)
        desk = office.desk()
        with raw(url) as connection:
            connection.execute(sa.text(REFUSES))
            connection.execute(sa.text(TRIGGER))
        grant, token, receipt = erased(desk, office)
        assert receipt.state == "incomplete"
        assert len([row for row in office.rows("voicemail_messages") if her_mailbox(row)]) == 2
        assert "1001" in {row["id"] for row in office.rows("ps_endpoints")}
        with raw(url) as connection:
            connection.execute(sa.text("DROP TRIGGER refuses ON voicemail_messages"))
        receipt = desk.apply(grant, token, now=NOW)
        assert receipt.state == "done"
        assert sorted(set(office.traces())) == []


def her_mailbox(row: dict[str, Any]) -> bool:
    return bool(row["mailboxuser"] == "1001")


REFUSES: Final = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END $$
"""
TRIGGER: Final = (
    "CREATE TRIGGER refuses BEFORE DELETE ON voicemail_messages"
    " FOR EACH ROW EXECUTE FUNCTION refuse()"
)
