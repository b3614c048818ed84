"""Notices in the ledger: one for each request, recipient and act, sealed until handed over."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from dsr.errors import RequestNotFound
from dsr.ledger import Ledger, Notice
from tests.ledger.people import ERIKA, NOW, PHONE, a_request, everything

LATER: Final = NOW + dt.timedelta(days=1)
DOCUMENT: Final = {"records": {"calls": 3}, "person": [["phone", PHONE]]}


@pytest.fixture(autouse=True)
def requests(ledger: Ledger) -> None:
    ledger.add(a_request(), ERIKA)
    ledger.add(a_request("r2"), ERIKA)


def test_a_notice_waits_until_it_is_handed_over(ledger: Ledger) -> None:
    """Art. 19: it waits, is handed over once, and that it was stays on record. Twice is success."""
    ledger.add_notice("r1", "Carrier GmbH", "erase", DOCUMENT, NOW)
    (waits,) = ledger.waiting_notices()
    assert waits == Notice(waits.number, "r1", "Carrier GmbH", "erase", NOW)
    assert ledger.waiting_notice("r1", "Carrier GmbH", "erase") == DOCUMENT
    for _ in range(2):
        ledger.hand_notice(waits, LATER)
    assert list(ledger.waiting_notices()) == []
    assert ledger.waiting_notice("r1", "Carrier GmbH", "erase") is None
    assert ledger.notices("r1") == [evolve(waits, handed=LATER)]
    events = [each.event for each in ledger.entries("r1")]
    assert events.count("notice due") == events.count("notice handed over") == 1
    assert ledger.verify_audit() > 0


def test_one_notice_for_each_request_recipient_and_act(ledger: Ledger) -> None:
    """Rule 19 (GDPR Art. 19): the same once more takes the other's place.

    Another act or recipient does not.
    """
    ledger.add_notice("r1", "Carrier GmbH", "erase", DOCUMENT, NOW)
    more = {"records": {"calls": 5}}
    ledger.add_notice("r1", "Carrier GmbH", "erase", more, LATER)
    assert len(ledger.notices("r1")) == 1
    assert ledger.waiting_notice("r1", "Carrier GmbH", "erase") == more
    ledger.add_notice("r1", "Carrier GmbH", "rectify", DOCUMENT, NOW)
    ledger.add_notice("r1", "Cloud SE", "erase", DOCUMENT, NOW)
    ledger.add_notice("r2", "Carrier GmbH", "erase", DOCUMENT, NOW)
    assert len(ledger.notices("r1")) == 3
    assert len(list(ledger.waiting_notices())) == 4


def test_what_is_new_waits_again(ledger: Ledger) -> None:
    """Art. 19: each erasure is told, also one that follows when a hold has ended."""
    ledger.add_notice("r1", "Carrier GmbH", "erase", DOCUMENT, NOW)
    (first,) = ledger.waiting_notices()
    ledger.add_notice("r1", "Carrier GmbH", "erase", DOCUMENT, LATER)
    ledger.hand_notice(first, LATER)  # who read the first has not told the second
    (second,) = ledger.waiting_notices()
    ledger.hand_notice(second, LATER)
    ledger.add_notice("r1", "Carrier GmbH", "erase", {"records": {"calls": 1}}, LATER)
    (third,) = ledger.waiting_notices()
    assert third.handed is None


def test_an_exempt_recipient_is_on_record_with_the_reason(ledger: Ledger) -> None:
    """Rule 19 (GDPR Art. 19): one notice, or a documented exception."""
    for _ in range(2):
        ledger.exempt_notice("r1", "Directory", "erase", "printed long ago", NOW)
    (found,) = ledger.notices("r1")
    assert (found.recipient, found.exempt, found.handed) == ("Directory", "printed long ago", None)
    assert list(ledger.waiting_notices()) == []
    assert [e.event for e in ledger.entries("r1")].count("notice exempt") == 1


def test_an_exception_undoes_no_notice(ledger: Ledger) -> None:
    """Rule 19 (GDPR Art. 19): who is to be told is told.

    Who was exempt may be told of more later.
    """
    ledger.add_notice("r1", "Carrier GmbH", "erase", DOCUMENT, NOW)
    ledger.exempt_notice("r1", "Carrier GmbH", "erase", "gone", NOW)
    assert len(list(ledger.waiting_notices())) == 1
    ledger.exempt_notice("r1", "Cloud SE", "erase", "gone", NOW)
    ledger.add_notice("r1", "Cloud SE", "erase", DOCUMENT, NOW)
    assert [each.exempt for each in ledger.notices("r1")] == ["", ""]


def test_closing_a_request_leaves_its_notices(ledger: Ledger) -> None:
    """Art. 19: the recipient needs what finds the person, when the operator has forgotten it."""
    ledger.add_notice("r1", "Carrier GmbH", "erase", DOCUMENT, NOW)
    ledger.close("r1", "done", NOW)
    (waits,) = ledger.waiting_notices()
    assert waits.request == "r1"
    assert ledger.waiting_notice("r1", "Carrier GmbH", "erase") == DOCUMENT


def test_a_notice_is_sealed(ledger: Ledger, url: str, tmp_path: Path) -> None:
    """Law 8: the ledger's database tells nobody whom a notice is about, before or after."""
    ledger.add_notice("r1", "Carrier GmbH", "erase", DOCUMENT, NOW)
    assert PHONE.encode() not in everything(url, tmp_path)
    (waits,) = ledger.waiting_notices()
    ledger.hand_notice(waits, NOW)
    assert PHONE.encode() not in everything(url, tmp_path)


def test_pages_hide_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 9: many notices are read page by page, and none is passed over."""
    monkeypatch.setattr(Ledger, "page", 2)
    for number in range(5):
        ledger.add_notice("r1", f"Carrier {number}", "erase", DOCUMENT, NOW)
    assert [each.recipient[-1] for each in ledger.waiting_notices()] == list("01234")


def test_a_notice_belongs_to_a_request(ledger: Ledger) -> None:
    """Law 4: a notice of a request that nobody knows would be told by nobody."""
    with pytest.raises(RequestNotFound):
        ledger.add_notice("r9", "Carrier GmbH", "erase", DOCUMENT, NOW)
    with pytest.raises(RequestNotFound):
        ledger.exempt_notice("r9", "Carrier GmbH", "erase", "gone", NOW)
