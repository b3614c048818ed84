"""A stage carried out: whose records go, what keeps the way to them, and what could not be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsr.model import Hold, Subject
from dsr.policy.model import Stage
from tests.archive import FIRST, LAST, Archive, archive, berlin, calls, counts, customer
from tests.shelf import Shelf, WritableShelf, shelf
from tests.things import EVA, NOOR, category


@pytest.fixture
def old(tmp_path: Path) -> Archive:
    """Two calls of one bill, one of which was recorded; and one of the next bill."""
    found = archive(tmp_path)
    calls(found)
    return found


def test_what_is_led_to_goes_first(old: Archive) -> None:
    """Law 3: the recording is gone in the same sweep as the call that leads to it."""
    swept = old.desk.sweep(now=FIRST)
    assert old.recordings() == []
    assert counts(swept, "recordings", "recordings") == {"erase": 1, "keep": 0, "gaps": 0}


def test_the_way_to_a_record_that_stays_stays(tmp_path: Path) -> None:
    """Law 3: a recording that no stage ends would never be found again without its call."""
    old = archive(tmp_path, recordings=category(origin="provided"))
    calls(old)
    swept = old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [2, 3]
    assert old.recordings() == ["2026-02-03/a.wav"]
    (reason, law, until), number = next(iter(swept.stores["office"]["calls"].keep.items()))
    assert reason.startswith("leads to a record in store recordings that stays: no stage")
    assert (law, until, number) == ("GDPR Art. 5(1)(e)", None, 1)


def test_a_number_stays_while_it_leads_to_what_is_held(tmp_path: Path) -> None:
    """Law 5: an anonymised call would leave a held recording that no hold is found to cover."""
    stage = Stage("6 months", act="anonymise", anchor="billed", fields=("src", "dst"))
    old = archive(tmp_path, calls=category(stages=(stage,)))
    calls(old)
    hold = Hold(
        id="h",
        case="A 1",
        reason="claims",
        law="GDPR Art. 17(3)(e)",
        subject=Subject((EVA,)),
        categories=frozenset({"recordings"}),
    )
    old.desk.add_hold(hold, now=LAST)
    for _ in range(2):
        swept = old.desk.sweep(now=FIRST)
        assert [row["src"] for row in old.rows("calls")] == [None, EVA.value, EVA.value]
        assert len(old.recordings()) == 1
    assert counts(swept) == {"keep": 1, "gaps": 0}
    old.desk.release_hold("h", now=FIRST)
    old.desk.sweep(now=FIRST)
    assert [row["src"] for row in old.rows("calls")] == [None, None, EVA.value]
    assert old.recordings() == []


def test_the_end_of_a_contract_ends_what_is_counted_from_it(tmp_path: Path) -> None:
    """A seven-day promise: all of the person goes then, the account that leads to it last."""
    old = archive(tmp_path)
    customer(old, closed="2026-05-01", until="2026-05-01")
    customer(old, NOOR.value, "B")
    old.put("greetings", id=1, number=EVA.value, text="hi", made="2021-01-01")
    old.put("greetings", id=2, number=NOOR.value, text="salut", made="2021-01-01")
    old.put("greetings", id=3, number=EVA.value, text="who has it now", made="2026-05-02")
    old.desk.sweep(now=berlin("2026-05-07 23:59:59"))
    assert old.ids("greetings") == [1, 2, 3]
    swept = old.desk.sweep(now=berlin("2026-05-08 00:00:00"))
    assert old.ids("greetings") == [2, 3]
    assert [row["account"] for row in old.rows("accounts")] == ["B"]
    assert counts(swept, name="greetings") == {"erase": 1, "keep": 0, "gaps": 0}
    assert counts(swept, name="accounts") == {"erase": 1, "keep": 0, "gaps": 0}


def test_an_account_stays_while_something_of_its_person_is_kept(tmp_path: Path) -> None:
    """Law 3: without the account, the end of the contract could not be told of what is held."""
    old = archive(tmp_path)
    customer(old, closed="2026-05-01")
    old.put("greetings", id=1, number=EVA.value, text="hi", made="2021-01-01")
    hold = Hold("h", "A 1", "claims", "GDPR Art. 17(3)(e)", categories=frozenset({"greetings"}))
    now = berlin("2026-06-01 00:00:00")
    old.desk.add_hold(hold, now=now)
    swept = old.desk.sweep(now=now)
    assert old.ids("greetings") == [1]
    assert counts(swept, name="accounts") == {"keep": 1, "gaps": 0}
    old.desk.release_hold("h", now=now)
    old.desk.sweep(now=now)
    assert (old.ids("greetings"), old.ids("accounts")) == ([], [])


@pytest.mark.parametrize("since", ["2020-01-01", None])
def test_an_entry_about_them_in_anothers_book_stays(tmp_path: Path, since: str | None) -> None:
    """Law 7: it is its owner's, deleted by nobody's end but theirs; and it keeps no account."""
    old = archive(tmp_path)
    customer(old, closed="2026-05-01", since=since)
    customer(old, NOOR.value, "B")
    old.put("contacts", id=1, owner="A", number=NOOR.value, name="Noor")
    old.put("contacts", id=2, owner="A", number=EVA.value, name="me")
    old.put("contacts", id=3, owner="B", number=EVA.value, name="Eva")
    swept = old.desk.sweep(now=berlin("2026-05-08 00:00:00"))
    assert old.ids("contacts") == [3]
    assert [row["account"] for row in old.rows("accounts")] == ["B"]
    assert counts(swept, name="contacts") == {"erase": 2, "keep": 1, "gaps": 0}
    ((reason, law, until),) = swept.stores["office"]["contacts"].keep
    assert reason == "is somebody else's, about this person: it goes with its owner's"
    assert (law, until) == ("GDPR Art. 5(1)(e)", None)
    assert swept.complete


def test_whose_an_entry_is_nobody_guesses(tmp_path: Path) -> None:
    """Laws 4, 7: where the old record names no owner, a person looks; its way there stays."""
    old = archive(tmp_path)
    customer(old, account=None, closed="2026-05-01")
    old.put("contacts", id=1, owner="B", number=EVA.value, name="Eva")
    swept = old.desk.sweep(now=berlin("2026-05-08 00:00:00"))
    assert (old.ids("contacts"), len(old.rows("accounts"))) == ([1], 1)
    assert counts(swept, name="contacts") == {"keep": 0, "gaps": 1}
    assert not swept.complete


def test_an_undated_record_is_a_gap_and_no_reason(tmp_path: Path) -> None:
    """Laws 5, 7: the number had another holder; what is not known is told as such, twice."""
    old = archive(tmp_path)
    customer(old, closed="2026-05-01")
    old.put("greetings", id=1, number=EVA.value, text="whose?")
    swept = old.desk.sweep(now=berlin("2026-06-01 00:00:00"))
    assert counts(swept, name="greetings") == {"keep": 0, "gaps": 1}
    assert counts(swept, name="accounts") == {"keep": 0, "gaps": 1}


def test_who_has_another_contract_is_still_a_customer(tmp_path: Path) -> None:
    """Law 7: the contract that ended does not end what the other one is for."""
    old = archive(tmp_path)
    customer(old, closed="2026-05-01", until="2026-05-01")
    customer(old, account="B", since="2026-03-01")
    old.put("greetings", id=1, number=EVA.value, text="hi", made="2026-04-01")
    old.desk.sweep(now=berlin("2026-06-01 00:00:00"))
    assert old.ids("greetings") == [1]


def test_who_got_the_number_later_is_somebody_else(tmp_path: Path) -> None:
    """Law 7: the next holder's account does not keep the data of the one before."""
    old = archive(tmp_path)
    customer(old, closed="2026-05-01", until="2026-05-01")
    customer(old, account="B", since="2026-05-20")
    old.put("greetings", id=1, number=EVA.value, text="hi", made="2026-04-01")
    old.put("greetings", id=2, number=EVA.value, text="hello", made="2026-05-21")
    old.desk.sweep(now=berlin("2026-06-01 00:00:00"))
    assert old.ids("greetings") == [2]


def test_what_a_store_cannot_delete_is_told(tmp_path: Path) -> None:
    """Law 4: what is due in a store that writes nothing is a gap, also if it names nobody."""
    attic = shelf(tmp_path, "attic", ["phone"], "clicks")
    attic.put(
        "1", who=[["phone", EVA.value, []]], at="2020-01-01T00:00:00+00:00", category="clicks"
    )

    class Listing(Shelf):
        """Finds and lists, and can write nothing."""

        aged = WritableShelf.aged

    plain = Listing(attic.path, attic.name, attic.accepts, attic.categories)
    old = archive(tmp_path, plain)
    swept = old.desk.sweep(now=FIRST)
    (reason,) = swept.stores["attic"]["clicks"].gaps
    assert "cannot erase" in reason


def test_what_was_not_proved_is_not_called_so(tmp_path: Path) -> None:
    """Law 11: where something of it could not be done, the audit trail does not say proved."""
    attic = shelf(tmp_path, "attic", ["phone"], "invoices")
    for key in ("1", "2"):
        who = [["phone", EVA.value, []]]
        attic.put(key, who=who, at="2015-01-01T00:00:00+00:00", category="invoices")
    attic.set(refuse=["1"])
    old = archive(tmp_path, attic)
    swept = old.desk.sweep(now=FIRST)
    assert counts(swept, "attic", "invoices") == {"erase": 1, "keep": 0, "gaps": 1}
    (note,) = (
        each.note
        for each in old.desk.ledger.entries()
        if (each.event, each.store) == ("stage carried out", "attic")
    )
    assert note == (
        "categories.invoices.stages[0]: delete 8 years after the record, from the end of the year;"
        " not proved"
    )
