"""Recipients of data are told what was done to it: once, on record, and by name."""

from __future__ import annotations

import datetime as dt
import json
import stat
from pathlib import Path

import pytest
from attrs import evolve, field, frozen

from dsr import identify
from dsr.desk import Desk
from dsr.errors import DeliveryError
from dsr.identity import FileSender, OneTimePin, Verified
from dsr.ledger import Notice
from dsr.model import Hold, Receipt, Right
from dsr.policy.model import Policy, Recipient
from tests.shelf import WritableShelf, shelf
from tests.things import EVA, NOW, category, ledger, policy

LATER = NOW + dt.timedelta(days=1)
CARRIER = Recipient("Carrier GmbH", "controller", notify="privacy@carrier.example")
ARCHIVE = Recipient("Archive SE", "processor")
PRINTER = Recipient("Directory", exempt="the directory is printed and given away")
ANYBODY = Recipient(kind="foreign carriers", impossible="the number called decides")


@frozen
class Office:
    """A desk with Eva's calls, which carriers get, and her entry in a directory."""

    desk: Desk
    store: WritableShelf
    folder: Path = field(repr=False)

    def verified(self, right: Right, **changes: str) -> Verified:
        phone = identify("phone", "030 901820", "DE")
        request = self.desk.open(right, [phone], now=NOW, changes=changes, language="en")
        self.desk.challenge(request.id, now=NOW)
        pins = (self.folder / "pins").read_text("utf-8").splitlines()
        return self.desk.verify(request.id, str(json.loads(pins[-1])["pin"]), now=NOW)

    def run(self, right: Right, **changes: str) -> Receipt:
        grant = self.verified(right, **changes)
        return self.desk.apply(grant, self.desk.plan(grant, now=NOW).token, now=NOW)

    def put(self, key: str, kind: str, days: int = 9) -> None:
        at = (NOW - dt.timedelta(days=days)).isoformat()
        who = [["phone", EVA.value, ["number", "name"]]]
        data = {"number": EVA.value, "name": "Eva"}
        self.store.put(key, category=kind, at=at, who=who, data=data)

    def waiting(self) -> list[Notice]:
        return list(self.desk.ledger.waiting_notices())

    def facts(self, each: Notice) -> object:
        return self.desk.ledger.waiting_notice(each.request, each.recipient, each.act)

    def handed(self, at: dt.datetime = LATER) -> dict[str, dict[str, object]]:
        """Hand over what waits; return the facts of each notice by its recipient."""
        done = self.desk.notices(self.folder / "out", now=at)
        return {each.notice.recipient: json.loads(each.facts.read_text("utf-8")) for each in done}


def rules() -> Policy:
    found = policy(
        calls=category(recipients=(CARRIER, ANYBODY, ARCHIVE)),
        entries=category(
            origin="provided",
            rectifiable=("name",),
            recipients=(PRINTER, evolve(CARRIER, notify="")),
        ),
        bills=category(),
    )
    operator = evolve(found.operator, languages=("de", "en"), contact="info@example.org")
    return evolve(found, operator=operator)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    store = shelf(tmp_path, "cdr", ["phone"], "calls", "entries", "bills")
    pin = OneTimePin(FileSender(tmp_path / "pins"))
    office = Office(Desk((store,), rules(), ledger(tmp_path), pin), store, tmp_path)
    office.put("c1", "calls")
    office.put("c2", "calls")
    office.put("e1", "entries")
    office.put("b1", "bills")
    return office


def test_each_recipient_is_told_once(office: Office) -> None:
    """Art. 19: one notice for a recipient and act, with all categories that it received."""
    receipt = office.run("erasure")
    assert receipt.state == "done"
    assert [(each.recipient, each.act) for each in office.waiting()] == [
        ("Carrier GmbH", "erase"),
        ("Archive SE", "erase"),
    ]
    told = office.handed()
    assert told["Carrier GmbH"] == {
        "request": receipt.request,
        "act": "erase",
        "article": "GDPR Art. 17(1)",
        "at": "2026-11-23T12:00:00+00:00",
        "operator": {"name": "Example Telekom GmbH", "contact": "info@example.org", "dpo": ""},
        "recipient": {
            "name": "Carrier GmbH",
            "role": "controller",
            "notify": "privacy@carrier.example",
        },
        "records": {"calls": 2, "entries": 1},
        "person": [{"kind": "phone", "value": EVA.value, "since": None, "until": None}],
        "changes": {},
    }
    assert told["Archive SE"]["records"] == {"calls": 2}


def test_who_is_exempt_is_on_record_with_the_reason(office: Office) -> None:
    """Art. 19: where telling is impossible or disproportionate, that is documented."""
    receipt = office.run("erasure")
    exempt = {each.recipient: each.exempt for each in office.desk.ledger.notices(receipt.request)}
    assert exempt == {
        "Carrier GmbH": "",
        "Archive SE": "",
        "Directory": PRINTER.exempt,
        "foreign carriers": ANYBODY.impossible,
    }
    assert "Directory" not in office.handed()


@pytest.mark.parametrize("right", ["access", "portability"])
def test_an_answer_tells_nobody(office: Office, right: Right) -> None:
    """Art. 19: recipients are told of acts; that somebody asked is not their business."""
    office.desk.export(office.verified(right), office.folder / "p.zip", now=NOW)
    assert office.waiting() == []


def test_a_correction_tells_the_new_value(office: Office) -> None:
    """Arts. 16, 19: and only to who received the data that was corrected."""
    office.run("rectification", **{"entries.name": "Eva Mueller"})
    told = office.handed()
    assert set(told) == {"Carrier GmbH"}
    assert told["Carrier GmbH"]["act"] == "rectify"
    assert told["Carrier GmbH"]["changes"] == {"entries.name": "Eva Mueller"}
    assert told["Carrier GmbH"]["records"] == {"entries": 1}


def test_a_contested_fact_and_a_restriction_are_told(office: Office) -> None:
    """Arts. 16, 18, 19: what the network observed is contested, and so restricted."""
    office.run("rectification", **{"calls.name": "Eva Mueller"})
    assert {each.act for each in office.waiting()} == {"annotate"}
    office.run("restriction")
    assert {each.act for each in office.waiting()} == {"annotate", "restrict"}


def test_lifting_is_told_as_well(office: Office) -> None:
    """Arts. 18(3), 19: who was told to restrict is told of its end, though the request closes."""
    receipt = office.run("restriction")
    office.handed()
    day = NOW.date()
    office.desk.lift(receipt.request, told=day, by="Ada", now=LATER)
    assert [(each.recipient, each.act) for each in office.waiting()] == [
        ("Carrier GmbH", "lift"),
        ("Archive SE", "lift"),
    ]
    assert office.desk.ledger.get(receipt.request).state == "done"
    told = office.handed()
    assert told["Carrier GmbH"]["records"] == {"calls": 2, "entries": 1}
    assert told["Carrier GmbH"]["article"] == "GDPR Art. 18(3)"


def test_what_follows_later_is_told_later(office: Office) -> None:
    """Art. 19: a hold ends, more is erased, and each recipient hears of it: of nothing twice."""
    office.put("old", "calls", days=90)
    hold = Hold("h1", "c", "a case", "GDPR Art. 17(3)(e)", since=NOW - dt.timedelta(days=30))
    office.desk.add_hold(hold, now=NOW)
    receipt = office.run("erasure")
    assert receipt.state == "incomplete"
    assert office.handed(NOW)["Carrier GmbH"]["records"] == {"calls": 1}
    office.desk.resume(now=NOW)
    assert office.waiting() == []
    office.desk.release_hold("h1", now=NOW)
    office.desk.resume(now=LATER)
    assert office.handed()["Carrier GmbH"]["records"] == {"calls": 3, "entries": 1}
    assert len(list((office.folder / "out").glob("*.html"))) == 4  # none took another's place


def test_what_waits_is_told_with_what_follows(office: Office) -> None:
    """Rule 19 (GDPR Art. 19): one notice until it is handed over, with all its categories."""
    hold = Hold("h1", "c", "a case", "GDPR Art. 17(3)(e)", categories=frozenset({"entries"}))
    office.desk.add_hold(hold, now=NOW)
    office.run("erasure")
    office.desk.release_hold("h1", now=NOW)
    office.desk.resume(now=LATER)
    assert office.handed()["Carrier GmbH"]["records"] == {"calls": 2, "entries": 1}


def test_the_page_is_in_the_operators_language(office: Office) -> None:
    """Rule 19 (GDPR Art. 19): operator, recipient, address, act, data and whom it is about."""
    office.run("erasure")
    done = office.desk.notices(office.folder / "out", now=LATER)
    page = done[0].page.read_text("utf-8")
    for told in (
        "Mitteilung einer Löschung",
        "Carrier GmbH",
        "privacy@carrier.example",
        "Example Telekom GmbH",
        "Calls",
        EVA.value,
    ):
        assert told in page
    for path in (done[0].page, done[0].facts):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert EVA.value not in path.name


def test_what_was_handed_over_is_forgotten(office: Office) -> None:
    """Law 8: the ledger keeps that it was, when and by which act, and no text. Twice is success."""
    receipt = office.run("erasure")
    assert office.waiting()
    first = office.handed()
    assert (set(first), office.handed()) == ({"Carrier GmbH", "Archive SE"}, {})
    assert office.waiting() == []
    found = {each.recipient: each.handed for each in office.desk.ledger.notices(receipt.request)}
    assert found["Carrier GmbH"] == LATER
    entries = list(office.desk.ledger.entries(receipt.request))
    assert [e.note for e in entries if e.event == "notice handed over"] == [
        "erase: Carrier GmbH",
        "erase: Archive SE",
    ]
    assert not any(EVA.value in str(each) for each in entries)


def test_what_could_not_be_written_goes_on_waiting(office: Office) -> None:
    """Law 4: no notice is forgotten before it is on disk."""
    office.run("erasure")
    (office.folder / "file").write_text("")
    with pytest.raises(DeliveryError):
        office.desk.notices(office.folder / "file" / "below", now=LATER)
    assert len(office.waiting()) == 2


def test_an_objection_that_is_upheld_is_told_in_turn(office: Office) -> None:
    """Arts. 17(1)(c), 18(1)(d), 19: first that the data is restricted, then that it is erased."""
    categories = dict(office.desk.policy.categories)
    categories["calls"] = evolve(categories["calls"], basis="legitimate interests")
    desk = evolve(office.desk, policy=evolve(office.desk.policy, categories=categories))
    office = evolve(office, desk=desk)
    grant = office.verified("objection")
    desk.apply(grant, desk.plan(grant, now=NOW).token, now=NOW)
    assert {each.act for each in office.waiting()} == {"restrict"}
    desk.decide(grant.request.id, "upheld", by="Ada", now=NOW)
    desk.apply(grant, desk.plan(grant, now=NOW).token, now=NOW)
    assert {each.act for each in office.waiting()} == {"restrict", "erase"}
