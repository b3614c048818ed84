"""A request's part for others: what each controller gets, and when the request is done."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen

from dsr import identify
from dsr.desk import Desk
from dsr.errors import DeliveryError, NotVerified, PolicyError, RequestError
from dsr.handover import Handed, HandedOver
from dsr.identity import FileSender, OneTimePin, Verified
from dsr.model import Hold, Receipt, Right
from dsr.policy.model import Clir
from tests.shelf import WritableShelf, shelf
from tests.things import EVA, NOOR, NOW, category, ledger, policy

LATER = NOW + dt.timedelta(days=1)
AT = (NOW - dt.timedelta(days=9)).isoformat()


@frozen
class Office:
    """A desk with Eva's calls, and what it processes for others: mailboxes and chats."""

    desk: Desk
    cdr: WritableShelf
    box: WritableShelf
    folder: Path = field(repr=False)

    def verified(self, right: Right, **changes: str) -> Verified:
        phone = identify("phone", "030 901820", "DE")
        request = self.desk.open(right, [phone], now=NOW, changes=changes, language="en")
        self.desk.challenge(request.id, now=NOW)
        pins = (self.folder / "pins").read_text("utf-8").splitlines()
        return self.desk.verify(request.id, str(json.loads(pins[-1])["pin"]), now=NOW)

    def run(self, grant: Verified) -> Receipt:
        return self.desk.apply(grant, self.desk.plan(grant, now=NOW).token, now=NOW)

    def exported(self, grant: Verified) -> Receipt:
        return self.desk.export(grant, self.folder / "p.zip", now=NOW)

    def handed(self, grant: Verified, to: str = "out") -> HandedOver:
        return self.desk.handover(grant, self.folder / to, now=LATER)

    def state(self, grant: Verified) -> str:
        return self.desk.ledger.get(grant.request.id).state

    def put(self, key: str, kind: str, **data: str) -> None:
        data = {"number": EVA.value, **data}
        who = [["phone", EVA.value, ["number"]]]
        if "from" in data:
            who.append(["phone", NOOR.value, ["from"]])
        self.box.put(key, category=kind, at=AT, who=who, data=data)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    cdr = shelf(tmp_path, "cdr", ["phone"], "calls")
    cdr.put(
        "c1",
        category="calls",
        at=AT,
        who=[["phone", EVA.value, ["src"]]],
        data={"src": EVA.value},
    )
    box = shelf(tmp_path, "box", ["phone"], "voicemail", "chats")
    voicemail = category(
        role="processor",
        controller="Acme AG",
        title="Mailbox",
        clir=(Clir("clir", ("from",), ("yes",)),),
    )
    rules = policy(
        calls=category(),
        voicemail=voicemail,
        chats=category(role="processor", controller="{customer}"),
    )
    desk = Desk(
        stores=(cdr, box),
        policy=evolve(rules, operator=evolve(rules.operator, languages=("de", "en"))),
        ledger=ledger(tmp_path),
        pin=OneTimePin(FileSender(tmp_path / "pins")),
    )
    office = Office(desk, cdr, box, tmp_path)
    office.put("v1", "voicemail", said="good morning")
    return office


def member(each: Handed, name: str) -> str:
    with zipfile.ZipFile(each.package.path) as archive:
        return archive.read(name).decode()


def lines(each: Handed, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in member(each, f"data/{name}.jsonl").splitlines()]


def test_an_erasure_waits_for_the_handover(office: Office) -> None:
    """Art. 28(3)(e): a run before the handover is incomplete; the handover then ends it."""
    grant = office.verified("erasure")
    receipt = office.run(grant)
    assert receipt.state == "incomplete"
    assert office.cdr.rows() == {}
    assert office.desk.waiting_for_others(receipt) == {"voicemail": 1}
    made = office.handed(grant)
    assert made.request.state == office.state(grant) == "done"
    last = office.desk.ledger.receipt(grant.request.id)
    assert last is not None
    assert (last.state, last.at) == ("done", LATER)
    assert last.stores == receipt.stores  # what is kept, for whom and why stays listed
    assert office.desk.ledger.verify_audit() > 0
    with pytest.raises(RequestError):
        office.desk.ledger.subject(grant.request.id)


def test_a_run_after_the_handover_is_done_at_once(office: Office) -> None:
    """Art. 28(3)(e): what went to its controller keeps no request open, whichever came first."""
    grant = office.verified("erasure")
    assert office.handed(grant).request.state == "verified"
    receipt = office.run(grant)
    assert receipt.state == office.state(grant) == "done"
    (keep,) = receipt.stores["box"]["voicemail"].keep
    assert keep == ("processed for Acme AG, to whom the request goes", "GDPR Art. 28(3)(e)", None)
    assert office.desk.waiting_for_others(receipt) == {}


@pytest.mark.parametrize("right", ["access", "portability"])
def test_an_answer_waits_for_the_handover_as_well(office: Office, right: Right) -> None:
    """Art. 28(3)(e): the identifiers stay until the controller has what it needs."""
    grant = office.verified(right)
    assert office.exported(grant).state == "incomplete"
    assert office.handed(grant).request.state == "done"
    other = office.verified(right)
    office.handed(other)
    assert office.exported(other).state == "done"


def test_a_restriction_stands_after_its_handover(office: Office) -> None:
    """Art. 18: what the operator restricts stays so; the part for others does not end it."""
    grant = office.verified("restriction")
    assert office.run(grant).state == "incomplete"
    assert office.handed(grant).request.state == "restricted"
    assert office.cdr.rows()["c1"]["restricted"] is True
    assert not office.box.rows()["v1"].get("restricted")


def test_other_reasons_keep_the_request_open(office: Office) -> None:
    """Rule 13 (GDPR Art. 17(1)), law 5: a hold holds, whatever went to controllers.

    Then the request ends.
    """
    office.desk.add_hold(Hold("h1", "case", "a case", "GDPR Art. 17(3)(e)"), now=NOW)
    grant = office.verified("erasure")
    assert office.run(grant).state == "incomplete"
    assert office.handed(grant).request.state == "incomplete"
    office.desk.release_hold("h1", now=NOW)
    (receipt,) = office.desk.resume(now=NOW)
    assert receipt.state == "done"


def test_what_came_after_the_handover_waits(office: Office) -> None:
    """Law 4: a record that no controller has yet is not passed over."""
    grant = office.verified("erasure")
    office.handed(grant)
    office.put("v2", "voicemail", said="good evening")
    receipt = office.run(grant)
    assert receipt.state == "incomplete"
    assert office.desk.waiting_for_others(receipt) == {"voicemail": 2}
    assert office.handed(grant).request.state == "done"


def test_a_record_of_ours_that_leads_to_theirs_is_not_theirs(office: Office) -> None:
    """Rule 13 (GDPR Art. 17(1)), law 3: the call waits for the recording that it leads to."""
    office.cdr.put(
        "c2",
        category="calls",
        at=AT,
        who=[["phone", EVA.value, ["src"]]],
        data={"src": EVA.value},
        links=[["object", "o1", None, None]],
    )
    recordings = shelf(office.folder, "recordings", ["object"], "voicemail")
    recordings.put("o1", category="voicemail", at=AT, who=[["object", "o1", []]], data={})
    desk = evolve(office.desk, stores=(*office.desk.stores, recordings))
    office = evolve(office, desk=desk)
    grant = office.verified("erasure")
    assert office.run(grant).state == "incomplete"
    (acme,) = office.handed(grant).packages
    assert acme.records == {"voicemail": 2}
    assert office.state(grant) == "incomplete"
    recordings.erase(["o1"])  # as the controller said
    (receipt,) = desk.resume(now=LATER)
    assert receipt.state == "done"
    assert office.cdr.rows() == {}


def test_the_package_holds_the_request_and_the_data(office: Office) -> None:
    """Art. 28(3)(e): who asks for what by when, and this controller's data: no more."""
    grant = office.verified("rectification", **{"said": "good day", "calls.src": "+49301"})
    (acme,) = office.handed(grant).packages
    assert acme.controller == acme.named == "Acme AG"
    assert acme.records == {"voicemail": 1}
    path = Path(acme.package.path)
    raw = path.read_bytes()
    assert (len(raw), hashlib.sha256(raw).hexdigest()) == (acme.package.size, acme.package.sha256)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            "README.txt",
            "data/voicemail.jsonl",
            "data/voicemail.csv",
            "withheld.json",
            "request.json",
            "letter.html",
            "datapackage.json",
        }
    (row,) = lines(acme, "voicemail")
    assert (row["number"], row["said"]) == (EVA.value, "good morning")
    asked = json.loads(member(acme, "request.json"))
    assert asked == {
        "request": grant.request.id,
        "right": "rectification",
        "ground": "",
        "received": "2026-11-23T12:00:00Z",
        "due": "2026-12-23",
        "language": "en",
        "changes": {"said": "good day"},
        "person": [{"kind": "phone", "value": EVA.value, "since": None, "until": None}],
        "controller": "Acme AG",
        "processor": {"name": "Example Telekom GmbH", "contact": "", "dpo": ""},
        "made": "2026-11-24T12:00:00Z",
        "records": {"voicemail": 1},
    }
    letter = member(acme, "letter.html")
    for told in ("An: Acme AG", "Berichtigung nach Art. 16 DSGVO", EVA.value, "23. Dezember 2026"):
        assert told in letter  # in the operator's first language


def test_numbers_that_were_withheld_stay_so(office: Office) -> None:
    """Rule 35 (Directive 2002/58/EC Art. 8): masked for a controller as in an answer."""
    office.put("v2", "voicemail", clir="yes", **{"from": NOOR.value})
    (acme,) = office.handed(office.verified("access")).packages
    assert [row.get("from") for row in lines(acme, "voicemail")] == [None, "withheld"]
    assert NOOR.value not in member(acme, "data/voicemail.csv")


def test_each_controller_gets_its_own(office: Office) -> None:
    """Law 7: a record's field may name the controller; nobody gets another's records."""
    office.put("m1", "chats", customer="Beta SE", said="one")
    office.put("m2", "chats", customer="Gamma SA", said="two")
    office.put("m3", "chats", customer="Acme AG", said="three")
    made = office.handed(office.verified("access"))
    found = {each.controller: each for each in made.packages}
    assert {name: each.records for name, each in found.items()} == {
        "Acme AG": {"voicemail": 1, "chats": 1},
        "Beta SE": {"chats": 1},
        "Gamma SA": {"chats": 1},
    }
    assert found["Beta SE"].named == "{customer}"
    assert [row["said"] for row in lines(found["Beta SE"], "chats")] == ["one"]
    assert [row["said"] for row in lines(found["Acme AG"], "chats")] == ["three"]


def test_the_person_is_told_who_answers(office: Office) -> None:
    """Art. 12(4), 28(3)(e): the letter to the person names each controller, in their language."""
    office.put("m1", "chats", customer="Beta SE")
    made = office.handed(office.verified("access"))
    assert made.letter is not None
    told = made.letter.read_text("utf-8")
    assert "We have passed your request on" in told
    assert "Acme AG: Mailbox" in told
    assert "Beta SE: Chats" in told
    assert "BfDI" in told


def test_no_personal_data_outside_the_packages(office: Office) -> None:
    """Law 8: neither names of files nor audit entries, receipts or reprs tell of anybody."""
    office.put("m1", "chats", customer="Beta SE")
    grant = office.verified("access")
    office.exported(grant)
    made = office.handed(grant)
    names = sorted(each.name for each in (office.folder / "out").iterdir())
    noted = [str(each) for each in office.desk.ledger.entries(grant.request.id)]
    receipt = str(office.desk.ledger.receipt(grant.request.id))
    for told in (*names, *noted, receipt, repr(made)):
        assert EVA.value not in told
        assert "901820" not in told
        assert "Beta SE" not in told
    assert len(names) == 3


def test_each_handover_is_on_record(office: Office) -> None:
    """Law.md rule 45: request, controller, counts and the hash of what was handed over."""
    grant = office.verified("access")
    (acme,) = office.handed(grant).packages
    entries = [e for e in office.desk.ledger.entries(grant.request.id) if e.event == "handed over"]
    (entry,) = entries
    assert entry.counts == {"voicemail": 1}
    assert entry.note == f"Acme AG, SHA-256 {acme.package.sha256}"


def test_twice_is_success(office: Office) -> None:
    """Law 2: the same files again, no others; and nothing more of a request that is done."""
    office.put("m1", "chats", customer="Beta SE")
    grant = office.verified("access")
    first, second = office.handed(grant), office.handed(grant)
    assert [each.package for each in first.packages] == [each.package for each in second.packages]
    assert len(list((office.folder / "out").iterdir())) == 3
    assert office.exported(grant).state == "done"
    assert office.handed(grant) == HandedOver(office.desk.ledger.get(grant.request.id))


def test_nothing_for_others_is_no_handover(office: Office) -> None:
    """Twice or never: a request that is the operator's alone has nobody to go to."""
    office.box.save({"rows": {}})
    grant = office.verified("access")
    made = office.handed(grant)
    assert (made.packages, made.letter, made.gaps) == ((), None, {})
    assert office.exported(grant).state == "done"


def test_what_could_not_be_handed_over_is_told(office: Office) -> None:
    """Law 4: a store that is down, and a record that names nobody, are gaps."""
    office.put("m1", "chats")
    grant = office.verified("access")
    made = office.handed(grant)
    assert made.gaps == {
        "processed for somebody whom nothing names: find out who, and name them": 1
    }
    assert office.exported(grant).state == "incomplete"
    office.cdr.set(down=True)
    assert len(office.handed(grant).gaps) == 1  # what is the operator's own alone is not for others
    office.box.set(down=True)
    made = office.handed(grant)
    assert made.packages == ()
    assert sum(made.gaps.values()) == 2  # voicemail and chats
    office.cdr.set(down=False)
    office.box.set(down=False)
    assert office.exported(grant).state == "incomplete"


def test_nothing_goes_out_without_leave(office: Office) -> None:
    """Rule 43, lint: no verification or no lawful policy, no handover."""
    request = office.desk.open("access", [EVA], now=NOW)
    forged = Verified(request, "one-time-pin", NOW, b"forged")
    with pytest.raises(NotVerified):
        office.handed(forged)
    grant = office.verified("access")
    nobody = evolve(office.desk.policy, operator=evolve(office.desk.policy.operator, authority=""))
    with pytest.raises(PolicyError):
        evolve(office.desk, policy=nobody).handover(grant, office.folder / "out", now=NOW)
    assert not (office.folder / "out").exists()


def test_a_folder_that_cannot_be_written_hands_nothing_over(office: Office) -> None:
    """Law 4: what was not written is not on record as handed over."""
    grant = office.verified("access")
    (office.folder / "file").write_text("")
    with pytest.raises(DeliveryError):
        office.handed(grant, "file/below")
    assert "handed over" not in {e.event for e in office.desk.ledger.entries(grant.request.id)}
    assert office.exported(grant).state == "incomplete"
