"""What people claim of records: sealed beside them, found by the record alone, gone with it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from dsr.errors import LedgerError
from dsr.ledger import Ledger, Note
from dsr.ledger.tables import notes
from tests.ledger.people import ERIKA, KEY, MAX, NOW, a_request, everything

STORE: Final = "cdr"
RECORD: Final = "call-4930901820-1772710215.7"
CLAIM: Final = {"duration": "61 Sekunden", "dst": "Musterfrau-Schmidt"}
WHOLE: Final[frozenset[str]] = frozenset()
LATER: Final = NOW + dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _requests(ledger: Ledger) -> None:
    ledger.add(a_request("r1", "rectification"), ERIKA)
    ledger.add(a_request("r2", "rectification"), MAX)


def _claims(ledger: Ledger, record: str = RECORD, store: str = STORE) -> list[Mapping[str, str]]:
    return [each.claimed for each in ledger.notes(store, record)]


def test_a_note_comes_back_whole(ledger: Ledger) -> None:
    """Art. 16: each field with what it should say, of whom, since when."""
    assert not ledger.has_notes()
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    assert ledger.has_notes()
    assert ledger.notes(STORE, RECORD) == [Note("r1", NOW, CLAIM)]


def test_a_note_is_found_by_store_and_key_only(ledger: Ledger) -> None:
    """A record of the same key in another store, or of a key that begins alike, has no note."""
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    for store, record in (
        ("logs", RECORD),
        (STORE, RECORD + "0"),
        (STORE, RECORD[:-1]),
        (STORE + RECORD[0], RECORD[1:]),
        (STORE, ""),
    ):
        assert ledger.notes(store, record) == []


def test_another_claim_of_one_request_takes_the_place_of_the_first(ledger: Ledger) -> None:
    """Law 2: what a run does twice is there once; what was corrected counts."""
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    assert _claims(ledger) == [CLAIM]
    ledger.annotate(STORE, RECORD, "r1", {"duration": "62"}, LATER)
    assert ledger.notes(STORE, RECORD) == [Note("r1", LATER, {"duration": "62"})]


def test_two_people_may_claim_of_one_record(ledger: Ledger) -> None:
    """A call has two parties; what each says of it stands beside it, the older first."""
    ledger.annotate(STORE, RECORD, "r2", {"dst": "B"}, LATER)
    ledger.annotate(STORE, RECORD, "r1", {"src": "A"}, NOW)
    assert [each.request for each in ledger.notes(STORE, RECORD)] == ["r1", "r2"]
    assert _claims(ledger) == [{"src": "A"}, {"dst": "B"}]


def test_a_note_tells_what_was_decided_of_it(ledger: Ledger) -> None:
    """Art. 16, 21: an export shows the outcome; it stays known when the request is closed."""
    for request in ("r1", "r2"):
        ledger.annotate(STORE, RECORD, request, CLAIM, NOW)
    ledger.decide("r1", "rejected", "M. Weber", LATER)
    ledger.close("r1", "refused", LATER)
    outcomes = [(each.request, each.outcome) for each in ledger.notes(STORE, RECORD)]
    assert outcomes == [("r1", "rejected"), ("r2", "")]
    assert _claims(ledger) == [CLAIM, CLAIM]


def test_a_note_goes_with_its_record(ledger: Ledger) -> None:
    """Art. 17(1): by key, whoever made it; twice is success; other records keep theirs."""
    for record in (RECORD, "other"):
        ledger.annotate(STORE, record, "r1", CLAIM, NOW)
    ledger.annotate(STORE, RECORD, "r2", CLAIM, NOW)
    ledger.annotate("logs", RECORD, "r1", CLAIM, NOW)
    for _ in range(2):
        ledger.forget_notes(STORE, {RECORD: WHOLE, "never seen": WHOLE})
        assert _claims(ledger) == []
        assert _claims(ledger, "other") == [CLAIM]
        assert _claims(ledger, store="logs") == [CLAIM]
    assert ledger.is_noted_by("r1")
    assert not ledger.is_noted_by("r2")


def test_of_a_redacted_record_only_these_claims_go(ledger: Ledger) -> None:
    """Art. 16: one party's number is emptied; what the other says of theirs stays."""
    ledger.annotate(STORE, RECORD, "r1", {"src": "A", "clid": "a"}, NOW)
    ledger.annotate(STORE, RECORD, "r2", {"dst": "B"}, LATER)
    ledger.forget_notes(STORE, {RECORD: frozenset({"dst", "clid"})})
    assert ledger.notes(STORE, RECORD) == [Note("r1", NOW, {"src": "A"})]


def test_what_was_forgotten_can_be_put_back(ledger: Ledger) -> None:
    """Law 4: where a store refused, the record stays, and so does what is said of it."""
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    ledger.annotate(STORE, RECORD, "r2", {"dst": "B"}, LATER)
    before = ledger.notes(STORE, RECORD)
    for gone in (WHOLE, frozenset({"dst"})):
        forgotten = ledger.forget_notes(STORE, {RECORD: gone})
        assert ledger.notes(STORE, RECORD) != before
        for _ in range(2):
            ledger.restore_notes(forgotten)
            assert ledger.notes(STORE, RECORD) == before


def test_many_notes_are_forgotten_together(ledger: Ledger) -> None:
    """Law 6: more keys than a statement takes at once."""
    with ledger.transaction():
        for number in range(1_203):
            ledger.annotate(STORE, f"k{number}", "r1", CLAIM, NOW)
    assert len(ledger.forget_notes(STORE, {f"k{n}": WHOLE for n in range(1, 1_203)})) == 1_202
    assert _claims(ledger, "k0") == [CLAIM]
    assert _claims(ledger, "k1202") == []


def test_nothing_of_a_note_can_be_read(ledger: Ledger, url: str, tmp_path: Path) -> None:
    """Design, own data at rest: no key, field or value, plain or as a hash that needs no key."""
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    found = everything(url, tmp_path)
    assert b"rectification" in found, "the dump shows what is in the database"
    plain = [RECORD, RECORD.removeprefix("call-"), *CLAIM, *CLAIM.values(), "Musterfrau"]
    raw = [each.encode() for each in plain]
    hashed = [hashlib.sha256(each).digest() for each in (*raw, f"{STORE}{RECORD}".encode())]
    spelled = [*raw, *hashed, *(each.hex().encode() for each in (*raw, *hashed))]
    assert [each for each in spelled if each in found] == []


def test_of_a_forgotten_note_no_ciphertext_stays(ledger: Ledger, url: str, tmp_path: Path) -> None:
    """Art. 17(1): a key that leaks later opens nothing of it."""
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    ledger.annotate(STORE, "other", "r1", CLAIM, NOW)
    with ledger._database.reading() as connection:
        sealed = {row.record: row.document for row in connection.execute(notes.select())}
    ledger.forget_notes(STORE, {RECORD: WHOLE, "other": frozenset({"dst"})})
    ledger.dispose()  # SQLite moves its log into the database
    found = everything(url, tmp_path)
    assert len(sealed) == 2
    assert not any(each in found or each.hex().encode() in found for each in sealed.values())


def test_a_note_opens_only_beside_its_record(ledger: Ledger, url: str) -> None:
    """Who can write to the database cannot put one person's words beside another's call."""
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    ledger.annotate(STORE, "other", "r2", {"dst": "B"}, NOW)
    with ledger._database.writing() as unit:
        (mine,) = unit.connection.execute(notes.select().where(notes.c.request == "r1")).all()
        other = notes.update().where(notes.c.request == "r2").values(document=mine.document)
        unit.connection.execute(other)
    with pytest.raises(LedgerError, match="does not open"):
        ledger.notes(STORE, "other")
    with Ledger.open(url, KEY) as again:
        assert _claims(again) == [CLAIM]


def test_a_note_does_not_show_what_it_says(ledger: Ledger) -> None:
    """Law 8: neither in a repr nor in the audit trail."""
    ledger.annotate(STORE, RECORD, "r1", CLAIM, NOW)
    shown = repr(ledger.notes(STORE, RECORD)) + repr(list(ledger.entries()))
    assert not [each for each in (RECORD, *CLAIM, *CLAIM.values()) if each in shown]
