"""Routine deletion: what is due goes, for everybody, without a request; the rest stays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from dsr.errors import PolicyError
from dsr.model import Hold, Identifier, Subject
from dsr.policy.model import Retention, Unresolved
from dsr.sweeping import Swept
from tests.archive import STAGES, Archive, archive, berlin
from tests.things import EVA, NOOR, category

LAST = berlin("2026-08-31 23:59:59")
FIRST = berlin("2026-09-01 00:00:00")  # six months after a bill of 1 March


@pytest.fixture
def old(tmp_path: Path) -> Archive:
    """Two calls of one bill, one of which was recorded; and one of the next bill."""
    found = archive(tmp_path)
    calls(found)
    return found


def calls(found: Archive) -> None:
    """Put the calls there."""
    for number, billed, recording in (
        (1, "2026-03-01", None),
        (2, "2026-03-01", "2026-02-03/a.wav"),
        (3, "2026-04-01", None),
    ):
        found.put(
            "calls",
            id=number,
            start="2026-02-03 10:00:00",
            billed=billed,
            src=EVA.value,
            dst=NOOR.value,
            recording=recording and recording.rpartition("/")[2],
        )
        if recording:
            found.record(recording)


def counts(swept: Swept, store: str = "office", name: str = "calls") -> dict[str, int]:
    """Return what was done, kept and left to a category."""
    tally = swept.stores[store][name]
    return {
        **{str(verb): count for verb, count in tally.do.items()},
        "keep": sum(tally.keep.values()),
        "gaps": sum(tally.gaps.values()),
    }


def test_a_record_goes_on_its_day(old: Archive) -> None:
    """Art. 5(1)(e): not a second before its period is over, and not a second later."""
    assert old.desk.sweep(now=LAST).stores.get("office") is None
    assert old.ids("calls") == [1, 2, 3]
    swept = old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [3]
    assert counts(swept) == {"erase": 2, "keep": 0, "gaps": 0}
    assert swept.complete


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


def test_again_does_nothing(old: Archive) -> None:
    """Law 2: twice is success, and the second time finds nothing to do."""
    old.desk.sweep(now=FIRST)
    assert old.desk.sweep(now=FIRST).stores == {}


def test_a_dry_run_changes_nothing(old: Archive) -> None:
    """`dry` tells what would go; stores and ledger stay as they are."""
    entries = len(list(old.desk.ledger.entries()))
    swept = old.desk.sweep(now=FIRST, dry=True)
    assert counts(swept)["erase"] == 1  # the other leads to a recording that is still there
    assert counts(swept, "recordings", "recordings")["erase"] == 1
    assert old.ids("calls") == [1, 2, 3]
    assert len(old.recordings()) == 1
    assert len(list(old.desk.ledger.entries())) == entries


def test_a_record_without_its_anchor_is_not_due(old: Archive) -> None:
    """Law 5: what cannot be dated is not deleted: its bill was not sent."""
    old.put("calls", id=9, start="2020-01-01 00:00:00", src=EVA.value)
    old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [3, 9]


@pytest.mark.parametrize("who", [EVA, NOOR, Identifier("object", "a.wav"), None])
def test_a_hold_keeps_what_is_due(old: Archive, who: Identifier | None) -> None:
    """Art. 17(3)(e): a hold on either party, on the recording or on everybody wins over stages."""
    hold = Hold(
        id="h",
        case="A 1",
        reason="claims",
        law="GDPR Art. 17(3)(e)",
        subject=Subject((who,)) if who else None,
        categories=frozenset() if who and who.kind == "object" else frozenset({"calls"}),
    )
    old.desk.add_hold(hold, now=LAST)
    swept = old.desk.sweep(now=FIRST)
    kept = [2, 3] if who and who.kind == "object" else [1, 2, 3]
    assert old.ids("calls") == kept
    assert any("A 1" in why[0] for why in swept.stores["office"]["calls"].keep)
    assert swept.complete
    old.desk.release_hold("h", now=FIRST)
    old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [3]


def test_a_hold_on_fields_keeps_only_these(old: Archive) -> None:
    """Rule 15 (GDPR Art. 5(1)(e)): the hold is as wide as its reason.

    The other party is no part of it.
    """
    hold = Hold("h", "A 1", "claims", "GDPR Art. 17(3)(e)", fields=frozenset({"src"}))
    old.desk.add_hold(hold, now=LAST)
    for _ in range(2):
        old.desk.sweep(now=FIRST)
        left = [(row["src"], row["dst"]) for row in old.rows("calls")]
        assert left == [(EVA.value, None), (EVA.value, None), (EVA.value, NOOR.value)]


def test_a_duty_to_keep_wins(tmp_path: Path) -> None:
    """Art. 17(3)(b): a stage that is shorter than a duty waits for it, and says so."""
    duty = Retention("10 years", law="HGB § 257", whole_years=True)
    old = archive(tmp_path, calls=category(stages=STAGES["calls"], keep=(duty,)))
    calls(old)
    swept = old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [1, 2, 3]
    (_, law, until) = next(iter(swept.stores["office"]["calls"].keep))
    assert law == "HGB § 257; GDPR Art. 17(3)(b)"
    assert until == dt.date(2037, 1, 1)


def test_a_restricted_record_is_skipped(old: Archive) -> None:
    """Rule 17 (GDPR Art. 18(1)(c)): a purge skips what somebody needs for a legal claim."""
    receipt = old.ask("restriction", LAST, NOOR)  # the recording's store cannot restrict
    old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [1, 2, 3]
    old.desk.lift(receipt.request, told=FIRST.date(), by="Ada", now=FIRST)
    old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [3]


def test_stages_follow_each_other(tmp_path: Path) -> None:
    """Rule 20 (EDPB, action on erasure 2025): emptied after 14 months, and deleted after 26."""
    old = archive(tmp_path)
    old.put("clicks", id=1, at="2026-01-10 08:00:00", number=EVA.value, page="tariffs")
    for day, left in (
        ("2027-03-09", [(EVA.value, "tariffs")]),
        ("2027-03-10", [(None, "tariffs")]),
        ("2028-03-09", [(None, "tariffs")]),
        ("2028-03-10", []),
    ):
        old.desk.sweep(now=berlin(f"{day} 00:00:00"))
        assert [(row["number"], row["page"]) for row in old.rows("clicks")] == left, day
        assert old.desk.sweep(now=berlin(f"{day} 12:00:00")).stores == {}


def customer(old: Archive, number: str = EVA.value, account: str = "A", **row: Any) -> None:
    """Add an account."""
    known = {"since": "2020-01-01", "name": "Eva"} | row
    old.put("accounts", number=number, account=account, **known)


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


def test_what_is_not_there_by_promise_is_an_alarm(tmp_path: Path) -> None:
    """A public promise that there is none: a person looks at it, nothing goes unseen."""
    old = archive(tmp_path, calls=category(stages=STAGES["calls"], present="no"))
    calls(old)
    swept = old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [1, 2, 3]
    assert not swept.complete


def test_a_store_that_cannot_list_is_a_problem(tmp_path: Path) -> None:
    """Law 4: nothing silent; the other stores are swept all the same."""
    from tests.shelf import Shelf, shelf  # noqa: PLC0415

    other = shelf(tmp_path, "other", ["phone"], "calls")

    class Plain(Shelf):
        """Finds, and cannot list."""

    old = archive(tmp_path, Plain(other.path, other.name, other.accepts, other.categories))
    calls(old)
    swept = old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [3]
    assert [each for each in swept.problems if "store other" in each]
    assert not swept.complete


def test_an_undecided_policy_sweeps_nothing(old: Archive) -> None:
    """Issue 4: unresolved points block what runs by itself until somebody decides."""
    points = {"calls": Unresolved("six months from the call or from the bill?")}
    desk = evolve(old.desk, policy=evolve(old.desk.policy, unresolved=points))
    with pytest.raises(PolicyError):
        desk.sweep(now=FIRST)
    assert old.ids("calls") == [1, 2, 3]


def test_requests_that_waited_are_finished(tmp_path: Path) -> None:
    """Rule 15 (GDPR Art. 5(1)(e)): when a reason to keep ends, no new request is needed."""
    duty = Retention("9 months", law="AO § 147", anchor="billed")
    old = archive(tmp_path, calls=category(keep=(duty,), retention="with the bill"))
    calls(old)
    receipt = old.ask("erasure", FIRST)
    assert receipt.state == "incomplete"
    for day, state in (("2026-12-31", "incomplete"), ("2027-01-01", "done")):
        resumed = old.desk.sweep(now=berlin(f"{day} 00:00:00")).resumed
        assert [(each.request, each.state) for each in resumed] == [(receipt.request, state)]
    assert [row["src"] for row in old.rows("calls")] == [None, None, None]


def test_the_audit_trail_counts_what_went(old: Archive) -> None:
    """Art. 5(2): what was deleted, where and how many, and of nobody in particular."""
    old.desk.sweep(now=FIRST)
    found = [
        (each.event, each.store, each.category, dict(each.counts))
        for each in old.desk.ledger.entries()
    ]
    assert ("step done", "office", "calls", {"erase": 2}) in found
    assert found[-1][0] == "routine deletion"
    old.desk.ledger.verify_audit()
