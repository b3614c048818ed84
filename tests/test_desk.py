"""The one object that a backend calls: a request from its opening to its end."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import cast

import pytest
from attrs import evolve, field, frozen

from dsr import identify
from dsr.desk import Desk
from dsr.errors import (
    ConfigurationError,
    InputError,
    NotConfirmed,
    NotVerified,
    RequestError,
    RequestNotFound,
    StoreUnavailable,
    UnknownRight,
)
from dsr.identity import FileSender, OneTimePin, Verified
from dsr.model import Hold, Receipt, Right
from tests.shelf import Crash, Shelf, shelf
from tests.things import EVA, NOOR, NOW, category, ledger, policy

MINUTE = dt.timedelta(minutes=1)
OLD = NOW - dt.timedelta(days=900)
SINCE = NOW - dt.timedelta(days=100)


@frozen
class Office:
    """A desk with its stores, and the phone that the PINs go to."""

    desk: Desk
    cdr: Shelf
    accounts: Shelf
    pins: Path = field(repr=False)

    def pin(self) -> str:
        sent = self.pins.read_text("utf-8").splitlines()
        return str(json.loads(sent[-1])["pin"])

    def verified(self, right: Right, number: str = "030 901820", **changes: str) -> Verified:
        phone = identify("phone", number, "DE")
        request = self.desk.open(right, [phone], now=NOW, changes=changes)
        self.desk.challenge(request.id, now=NOW)
        return self.desk.verify(request.id, self.pin(), now=NOW + MINUTE)

    def erased(self, grant: Verified) -> Receipt:
        return self.desk.apply(grant, self.desk.plan(grant, now=NOW).token, now=NOW)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Eva holds her number since 100 days; it was somebody else's before."""
    cdr = shelf(tmp_path, "cdr", ["phone"], "calls")
    accounts = shelf(tmp_path, "accounts", ["phone", "account"], "accounts")
    for number, at in enumerate((OLD, SINCE + MINUTE, NOW - MINUTE)):
        cdr.put(
            f"c{number}",
            category="calls",
            at=at.isoformat(),
            who=[["phone", EVA.value, ["src"]], ["phone", NOOR.value, ["dst"]]],
            data={"src": EVA.value, "dst": NOOR.value},
        )
    for account, since, until in (("A0", OLD, SINCE), ("A1", SINCE, None)):
        accounts.put(
            account,
            category="accounts",
            at=since.isoformat(),
            who=[["phone", EVA.value, ["name"]], ["account", account, ["name"]]],
            data={"name": account},
            links=[
                ["phone", EVA.value, since.isoformat(), until.isoformat() if until else None],
            ],
        )
    pins = tmp_path / "pins"
    desk = Desk(
        stores=(cdr, accounts),
        policy=policy(calls=category(), accounts=category(origin="provided")),
        ledger=ledger(tmp_path),
        pin=OneTimePin(FileSender(pins)),
        accounts="accounts",
    )
    return Office(desk, cdr, accounts, pins)


def test_a_request_is_due_in_one_month(office: Office) -> None:
    """Rule 1 (GDPR Art. 12(3)): the vector 2026-01-31 -> 2026-02-28, in the operator's zone."""
    received = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    request = office.desk.open("access", [EVA], now=NOW, received=received)
    assert request.due == dt.date(2026, 2, 28)


def test_erasure_reaches_what_is_inside_the_tenure(office: Office) -> None:
    """Law 7: the calls of whoever held the number before are another person's."""
    receipt = office.erased(office.verified("erasure"))
    rows = office.cdr.rows()
    assert rows["c0"]["data"]["src"] == EVA.value
    assert [rows[key]["data"]["src"] for key in ("c1", "c2")] == [None, None]
    assert list(office.accounts.rows()) == ["A0"]
    assert receipt.state == "done"


def test_a_closed_request_forgets_the_person_and_does_nothing_more(office: Office) -> None:
    """Design, own data at rest: a keyed hash stays; the same again returns the same receipt."""
    grant = office.verified("erasure")
    plan = office.desk.plan(grant, now=NOW)
    receipt = office.desk.apply(grant, plan.token, now=NOW)
    reads = office.cdr.state()["reads"]
    assert office.desk.apply(grant, plan.token, now=NOW) == receipt
    assert office.cdr.state()["reads"] == reads
    with pytest.raises(RequestError):
        office.desk.ledger.subject(grant.request.id)
    assert office.desk.ledger.ids_of(EVA) == [grant.request.id]
    assert office.desk.ledger.verify_audit() > 0


def test_an_unverified_request_cannot_be_planned(office: Office) -> None:
    """Issue 1: an unverified request cannot be planned with data or applied, at run time."""
    request = office.desk.open("erasure", [EVA], now=NOW)
    forged = Verified(request, "one-time-pin", NOW, b"forged")
    with pytest.raises(NotVerified):
        office.desk.verified(request.id)
    for act in (
        lambda: office.desk.plan(forged, now=NOW),
        lambda: office.desk.apply(forged, "x", now=NOW),
        lambda: office.desk.export(forged, Path("x"), now=NOW),
        lambda: list(office.desk.stream(forged, now=NOW)),
    ):
        with pytest.raises(NotVerified):
            act()
    assert "reads" not in office.cdr.state()


def test_a_grant_is_bound_to_its_request(office: Office) -> None:
    """Rule 43: a grant is bound to the request and its purpose."""
    grant = office.verified("access")
    other = office.desk.open("erasure", [EVA], now=NOW)
    with pytest.raises(NotVerified):
        office.desk.plan(evolve(grant, request=other), now=NOW)


def test_a_wrong_expired_or_used_pin_reads_alike(office: Office) -> None:
    """Rule 41: single use, ten minutes; and one text for all ways to be wrong."""
    request = office.desk.open("access", [EVA], now=NOW)
    office.desk.challenge(request.id, now=NOW)
    pin = office.pin()
    wrong = f"{(int(pin) + 1) % 1_000_000:06}"
    texts = set()
    for guess, at in ((wrong, NOW), (pin, NOW + 11 * MINUTE)):
        with pytest.raises(NotVerified) as caught:
            office.desk.verify(request.id, guess, now=at)
        texts.add(str(caught.value))
    office.desk.challenge(request.id, now=NOW + 12 * MINUTE)
    office.desk.verify(request.id, office.pin(), now=NOW + 12 * MINUTE)
    with pytest.raises(NotVerified) as caught:
        office.desk.verify(request.id, office.pin(), now=NOW + 12 * MINUTE)
    texts.add(str(caught.value))
    assert len(texts) == 1


def test_an_unknown_number_is_not_told_from_a_known_one(office: Office) -> None:
    """Rule 11 (GDPR Art. 15(1)): before verification the same text for known and unknown numbers.

    No PIN is sent.
    """
    unknown = identify("phone", "+442079460018", "DE")
    request = office.desk.open("access", [unknown], now=NOW)
    office.desk.challenge(request.id, now=NOW)
    assert not office.pins.exists()
    with pytest.raises(NotVerified) as unknown_error:
        office.desk.verify(request.id, "000000", now=NOW)
    known = office.desk.open("access", [EVA], now=NOW)
    office.desk.challenge(known.id, now=NOW)
    wrong = f"{(int(office.pin()) + 1) % 1_000_000:06}"
    with pytest.raises(NotVerified) as known_error:
        office.desk.verify(known.id, wrong, now=NOW)
    assert str(unknown_error.value) == str(known_error.value)


def test_an_account_leads_to_its_number(office: Office) -> None:
    """Design: account -> numbers with tenure: the PIN goes to the number on file today."""
    account = identify("account", "A1", "DE")
    request = office.desk.open("access", [account], now=NOW)
    office.desk.challenge(request.id, now=NOW)
    assert json.loads(office.pins.read_text())["number"] == EVA.value
    former = office.desk.open("access", [identify("account", "A0", "DE")], now=NOW)
    office.desk.challenge(former.id, now=NOW)
    assert len(office.pins.read_text().splitlines()) == 1


def test_a_number_vouches_for_nobody_elses_account(office: Office) -> None:
    """Rule 43, attack: one's own number with another person's account, number or address."""
    for extra in (
        identify("account", "A2", "DE"),
        identify("account", "A0", "DE"),  # the former holder of the very same number
        identify("phone", NOOR.value, "DE"),
        identify("email", "noor@example.org", "DE"),
    ):
        who = [["phone", NOOR.value, ["name"]], ["account", "A2", ["name"]]]
        office.accounts.put("A2", category="accounts", who=who, data={"name": "Noor"})
        for both in ((EVA, extra), (extra, EVA)):
            request = office.desk.open("access", both, now=NOW)
            office.desk.challenge(request.id, now=NOW)
            with pytest.raises(NotVerified):
                office.desk.verify(request.id, "000000", now=NOW)
    assert not office.pins.exists()


def test_what_the_accounts_join_to_the_number_is_verified_with_it(office: Office) -> None:
    """Design, subject: a set of identifiers, as the operator's own records join them."""
    account = identify("account", "A1", "DE")
    request = office.desk.open("access", [account, EVA], now=NOW)
    office.desk.challenge(request.id, now=NOW)
    office.desk.verify(request.id, office.pin(), now=NOW)
    kept = office.desk.ledger.subject(request.id).identifiers
    assert [(each.kind, each.value, each.since) for each in kept] == [
        ("phone", EVA.value, SINCE),
        ("account", "A1", None),
    ]


def test_a_number_of_two_holders_at_once_goes_to_a_person(office: Office) -> None:
    """Rule 28 (GDPR Art. 5(1)(f)): overlaps are withheld for review; no PIN is sent."""
    row = office.accounts.rows()["A1"]
    links = [["phone", EVA.value, OLD.isoformat(), None]]
    office.accounts.put("A9", **(row | {"links": links}))
    request = office.desk.open("access", [EVA], now=NOW)
    office.desk.challenge(request.id, now=NOW)
    assert not office.pins.exists()


def test_a_number_given_up_since_the_pin_was_sent_is_no_proof(office: Office) -> None:
    """Rule 42: tenure is looked at when the PIN comes back, too; the text is the same."""
    request = office.desk.open("access", [EVA], now=NOW)
    office.desk.challenge(request.id, now=NOW)
    row = office.accounts.rows()["A1"]
    links = [["phone", EVA.value, SINCE.isoformat(), NOW.isoformat()]]
    office.accounts.put("A1", **(row | {"links": links}))
    with pytest.raises(NotVerified, match="the PIN is not right"):
        office.desk.verify(request.id, office.pin(), now=NOW + MINUTE)


def test_a_store_of_accounts_that_fails_in_between_uses_up_no_pin(office: Office) -> None:
    """Law 7: without its tenure a number is not verified; and the person can try again."""
    request = office.desk.open("access", [EVA], now=NOW)
    office.desk.challenge(request.id, now=NOW)
    office.accounts.set(down=True)
    with pytest.raises(StoreUnavailable):
        office.desk.verify(request.id, office.pin(), now=NOW)
    office.accounts.set(down=False)
    office.desk.verify(request.id, office.pin(), now=NOW)
    assert office.desk.ledger.subject(request.id).identifiers[0].since == SINCE


def test_without_accounts_only_one_number_can_be_verified(office: Office) -> None:
    """Rule 43: what no record confirms must not be searched by."""
    desk = evolve(office.desk, accounts="")
    for who in ([EVA, NOOR], [identify("account", "A1", "DE")]):
        with pytest.raises(InputError):
            desk.open("access", who, now=NOW)


def test_a_store_of_accounts_that_is_down_is_an_error(office: Office) -> None:
    """Law 4: who is on file cannot be guessed when the store does not answer."""
    request = office.desk.open("access", [EVA], now=NOW)
    office.accounts.set(down=True)
    with pytest.raises(StoreUnavailable):
        office.desk.challenge(request.id, now=NOW)


def test_only_the_last_plan_can_be_confirmed(office: Office) -> None:
    """Design: applying does only what the confirmed plan says."""
    grant = office.verified("erasure")
    with pytest.raises(NotConfirmed):
        office.desk.apply(grant, "0" * 16, now=NOW)
    first = office.desk.plan(grant, now=NOW)
    assert office.desk.plan(grant, now=NOW).token == first.token
    office.cdr.put("new", **office.cdr.rows()["c2"])
    second = office.desk.plan(grant, now=NOW)
    assert second.token != first.token
    with pytest.raises(NotConfirmed):
        office.desk.apply(grant, first.token, now=NOW)
    assert office.desk.apply(grant, second.token, now=NOW).state == "done"


def test_access_gives_all_and_portability_only_its_share(office: Office, tmp_path: Path) -> None:
    """Rules 7 and 25 (GDPR Art. 15; GDPR Art. 20(1)): a ZIP with every record of the person.

    Nobody else's.
    """
    receipt = office.desk.export(office.verified("access"), tmp_path / "a.zip", now=NOW)
    with zipfile.ZipFile(tmp_path / "a.zip") as package:
        assert package.testzip() is None
        calls = package.read("data/calls.jsonl").decode().splitlines()
    assert len(calls) == 2
    assert receipt.package is not None
    assert receipt.package.size == (tmp_path / "a.zip").stat().st_size
    assert receipt.stores["cdr"]["calls"].do == {"export": 2}
    assert receipt.state == "done"


def test_a_stream_is_the_same_package_and_closes_the_request(office: Office) -> None:
    """Issue 1: `Desk` exports; a backend can hand the pieces to its client."""
    grant = office.verified("access")
    pieces = b"".join(office.desk.stream(grant, now=NOW))
    receipt = office.desk.ledger.receipt(grant.request.id)
    assert receipt is not None
    assert receipt.package is not None
    assert receipt.package.size == len(pieces)
    with pytest.raises(RequestError):  # before the first piece: a response may still say so
        office.desk.stream(grant, now=NOW)


def test_an_export_with_a_store_down_is_incomplete_and_can_be_repeated(
    office: Office, tmp_path: Path
) -> None:
    """Law 4: a store that does not answer makes the result incomplete, never smaller."""
    grant = office.verified("access")
    office.cdr.set(down=True)
    receipt = office.desk.export(grant, tmp_path / "a.zip", now=NOW)
    assert receipt.state == "incomplete"
    assert "cdr" not in receipt.proved
    office.cdr.set(down=False)
    assert office.desk.export(grant, tmp_path / "a.zip", now=NOW).state == "done"


def test_the_wrong_act_for_a_right_is_refused(office: Office, tmp_path: Path) -> None:
    """Bad input gets a clear error, and nothing is half done."""
    with pytest.raises(InputError):
        office.desk.export(office.verified("erasure"), tmp_path / "a.zip", now=NOW)
    with pytest.raises(InputError):
        office.desk.apply(office.verified("access"), "x", now=NOW)
    assert not (tmp_path / "a.zip").exists()


def test_bad_input_is_refused_at_the_door(office: Office) -> None:
    """Issue, bad input: unknown right, nothing to search by, nothing to correct, the future."""
    with pytest.raises(UnknownRight):
        office.desk.open(cast("Right", "oblivion"), [EVA], now=NOW)
    with pytest.raises(InputError):
        office.desk.open("access", [], now=NOW)
    with pytest.raises(InputError):
        office.desk.open("rectification", [EVA], now=NOW)
    with pytest.raises(InputError):
        office.desk.open("access", [EVA], now=NOW, changes={"fn": "x"})
    with pytest.raises(InputError):
        office.desk.open("access", [EVA], now=NOW, received=NOW + MINUTE)
    with pytest.raises(InputError):
        office.desk.open("access", [EVA], now=NOW, language="tlh")
    with pytest.raises(RequestNotFound):
        office.desk.verified("nobody")
    assert not list(office.desk.ledger.requests())


def test_resume_finishes_what_a_crash_left(office: Office) -> None:
    """Law 2: a crash, then `resume`, ends as without; what nobody confirmed is not run."""
    other = office.verified("erasure")
    office.desk.plan(other, now=NOW)
    grant = office.verified("erasure")
    plan = office.desk.plan(grant, now=NOW)
    office.cdr.set(crash_after=1)
    with pytest.raises(Crash):
        office.desk.apply(grant, plan.token, now=NOW)
    receipts = office.desk.resume(now=NOW)
    assert [(each.request, each.state) for each in receipts] == [(grant.request.id, "done")]
    assert office.cdr.rows()["c2"]["data"]["src"] is None


def test_resume_finishes_when_a_hold_has_ended(office: Office) -> None:
    """Rule 15 (GDPR Art. 5(1)(e)): deletion at a hold's expiry needs no new request."""
    until = dt.date(2026, 12, 1)
    law = "GDPR Art. 17(3)(e)"
    hold = Hold("h", "12 O 34/26", "claims", law, until, categories=frozenset({"calls"}))
    office.desk.ledger.add_hold(hold, NOW)
    receipt = office.erased(office.verified("erasure"))
    assert receipt.state == "incomplete"
    assert list(receipt.stores["cdr"]["calls"].keep) == [("hold 12 O 34/26: claims", law, until)]
    (still,) = office.desk.resume(now=dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC))
    assert still.state == "incomplete"
    (done,) = office.desk.resume(now=dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC))
    assert done.state == "done"
    assert done.stores["cdr"]["calls"].do == {"redact": 2}


def test_rectification_is_done_and_proved(office: Office) -> None:
    """Art. 16: what the person provided is corrected, and a fresh reading shows it."""
    rules = category(origin="provided", rectifiable=("name",))
    desk = evolve(office.desk, policy=policy(calls=category(), accounts=rules))
    made = evolve(office, desk=desk)
    receipt = made.erased(made.verified("rectification", name="Eva Müller"))
    assert office.accounts.rows()["A1"]["data"]["name"] == "Eva Müller"
    assert office.accounts.rows()["A0"]["data"]["name"] == "A0"
    assert receipt.stores["accounts"]["accounts"].do == {"rectify": 1}


def test_many_requests_read_each_store_once(office: Office) -> None:
    """Law 6: the batch is the only form."""
    grants = [office.verified("erasure"), office.verified("access")]
    reads = office.cdr.state().get("reads", 0)
    plans = office.desk.plan_batch(grants, now=NOW)
    assert office.cdr.state()["reads"] == reads + 1
    assert [plan.request.right for plan in plans] == ["erasure", "access"]


def test_two_stores_of_one_name_are_refused(office: Office) -> None:
    """A receipt that names a store must mean one store."""
    with pytest.raises(ConfigurationError):
        evolve(office.desk, stores=(office.cdr, office.cdr))


def test_no_personal_data_in_log_or_audit(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Law 8: no identifier, key or field value in a log, an audit entry or a repr."""
    caplog.set_level("DEBUG")
    office.cdr.put("the-third-call", **office.cdr.rows()["c2"])
    office.cdr.set(refuse=["the-third-call"])
    receipt = office.erased(office.verified("erasure"))
    texts = [caplog.text, repr(receipt), repr(office.desk)]
    texts += [repr(each) for each in office.desk.ledger.entries()]
    assert receipt.state == "incomplete"
    for secret in ("901820", NOOR.value[1:], "the-third-call"):
        assert not any(secret in text for text in texts)
