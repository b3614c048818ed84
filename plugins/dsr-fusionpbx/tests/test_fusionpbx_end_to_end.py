"""One erasure through a real desk, over everything that FusionPBX keeps of two people."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from attrs import frozen

from dsr.desk import Desk
from dsr.identity import Verified
from dsr.model import Receipt, Right
from fusionpbx_office import CALLS, NAMED, PARTS, SECRET, Office, build
from fusionpbx_stores import ALICE, OTHER, dumped, ident, raw
from tests.servers.postgresql import fresh_database

A: Final = ALICE.value
NOW: Final = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def verified(desk: Desk, office: Office, right: Right) -> Verified:
    """Open a request by the number alone, and prove it with the PIN that was sent."""
    request = desk.open(right, [ALICE], now=NOW)
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


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with fresh_database() as url:
        office = build(url, tmp_path_factory.mktemp("office"))
        desk = office.desk()
        before = {name: office.rows(name) for name in PARTS}
        files = office.files()
        grant, token, receipt = erased(desk, office)
        again = desk.apply(grant, token, now=NOW)
        yield Story(office, desk, before, files, receipt, again)


def test_no_store_names_her_any_more(story: Story) -> None:
    """Neither a copy of a call, nor a contact, mailbox, log, spool, recording nor transcript."""
    assert sorted(set(story.office.traces())) == []


def test_the_receipt_proves_every_store(story: Story) -> None:
    """Law 11: each store was read again, and none is left out."""
    assert story.receipt.state == "done"
    assert set(story.receipt.proved) == {"pbx", "recordings", "logs", "spool"}


def test_twice_is_once(story: Story) -> None:
    """Law 2: the same command answers the same; a new request finds nothing to do."""
    assert story.again == story.receipt
    grant = verified(story.desk, story.office, "erasure")
    plan = story.desk.plan(grant, now=NOW)
    verbs = {verb for each in plan.stores.values() for tally in each.values() for verb in tally.do}
    assert verbs <= {"unchanged"}
    assert plan.complete


def test_what_a_copy_says_of_him_is_as_it_was(story: Story) -> None:
    """Law 7: columns, members and elements about Bob are the same, wherever she was beside him."""
    for part in ("xml_cdr", "xml_cdr_json", "xml_cdr_flow", "xml_cdr_logs"):
        for row, kept in zip(story.before[part], story.office.rows(part), strict=True):
            for name, value in row.items():
                if name in {"extension_uuid", "network_addr", "record_transcription"}:
                    continue
                old, new = dumped(value), dumped(kept[name])
                assert new.count("Bob") == old.count("Bob"), (part, name)
                assert new.count("10010") == old.count("10010"), (part, name)
                assert new.count("309018200") == old.count("309018200"), (part, name)
                if not NAMED.search(old):
                    assert kept[name] == value, (part, name)


def test_rows_without_her_are_all_there(story: Story) -> None:
    """Bob's and Carol's contacts, messages and transcripts, and the other tenant's 1001."""
    hers = [str(ident(n)) for n, call in enumerate(CALLS, 1) if call[0] != "10010" or n < 5]
    for part in PARTS:
        after = story.office.rows(part)
        for row in story.before[part]:
            said = [dumped(value) for name, value in row.items() if name != "insert_date"]
            mailbox = row.get("voicemail_uuid") == ident(401)
            if row["domain_uuid"] == OTHER:
                assert row in after
            elif not mailbox and not any(map(NAMED.search, said)) and not {*said} & {*hers}:
                assert row in after, part


def test_what_she_said_on_his_mailbox_is_his(story: Story) -> None:
    """Her message to Bob stays, without her name and number; those in her own mailbox are gone."""
    (kept,) = story.office.rows("voicemail_messages")
    (old,) = [each for each in story.before["voicemail_messages"] if each["caller_id_number"] == A]
    assert {name for name in old if old[name] != kept[name]} == {
        "caller_id_name",
        "caller_id_number",
    }


def test_his_files_are_as_they_were(story: Story) -> None:
    """His recording and its transcript stay; hers are gone; of lines only those with her differ."""
    after = story.office.files()
    for path, body in story.files.items():
        if path.startswith("recordings/"):
            assert (path in after) is (str(ident(5)) in path)
            continue
        lines, kept = body.decode().split("\n"), after[path].decode().split("\n")
        pairs = zip(lines, kept, strict=True)
        assert all(a == b for a, b in pairs if not NAMED.search(a))
        assert all(a.count("Bob") == b.count("Bob") for a, b in zip(lines, kept, strict=True))


def test_an_export_holds_everything_and_no_secret(tmp_path: Path) -> None:
    """Art. 15: by the number alone, her extension, mailbox, contact and every copy are found."""
    with fresh_database() as url:
        office = build(url, tmp_path)
        desk = office.desk()
        package = tmp_path / "access.zip"
        receipt = desk.export(verified(desk, office, "access"), package, now=NOW)
    counts = {
        store: {name: tally.do.get("export", 0) for name, tally in each.items()}
        for store, each in receipt.stores.items()
    }
    assert counts == {
        "pbx": {
            "call_records": 4 * 4,  # four calls, each with JSON, flow and log
            "transcripts": 4,
            "address_book": 5,
            "accounts": 2,
            "voicemail": 2 + 1,
        },
        "recordings": {"recordings": 4 * 2},
        "logs": {"logs": 3 * 2},
        "spool": {"call_records": 2},
    }
    with zipfile.ZipFile(package) as opened:
        whole = b"".join(opened.read(name) for name in opened.namelist())
    assert SECRET.encode() not in whole


@pytest.mark.parametrize("part", ["v_xml_cdr_transcripts", "v_voicemail_messages", "v_contacts"])
def test_what_leads_to_a_copy_stays_until_it_is_gone(tmp_path: Path, part: str) -> None:
    """Law 3: a leaf that cannot go keeps the way that leads to it; once it can, all goes."""
    with fresh_database() as url:
        office = build(url, tmp_path)
        desk = office.desk()
        with raw(url) as connection:
            connection.execute(sa.text(REFUSES))
            connection.execute(
                sa.text(
                    f"CREATE TRIGGER refuses BEFORE DELETE ON {part}"
                    " FOR EACH ROW EXECUTE FUNCTION refuse()"
                )
            )
        grant, token, receipt = erased(desk, office)
        assert receipt.state == "incomplete"
        ways = {
            "v_xml_cdr_transcripts": ("xml_cdr", "caller_id_number", "1001"),
            "v_voicemail_messages": ("voicemails", "voicemail_id", "1001"),
            "v_contacts": ("contact_phones", "phone_number", "30 901820"),
        }
        way, column, value = ways[part]
        assert value in {row[column] for row in office.rows(way) if row["domain_uuid"] != OTHER}
        with raw(url) as connection:
            connection.execute(sa.text(f"DROP TRIGGER refuses ON {part}"))
        assert desk.apply(grant, token, now=NOW).state == "done"
        assert sorted(set(office.traces())) == []


REFUSES: Final = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END $$
"""
