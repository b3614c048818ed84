"""Routine deletion: what is due goes, for everybody, without a request; the rest stays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from dsr.desk import Desk
from dsr.errors import PolicyError
from dsr.model import Hold, Identifier, Subject, Tally
from dsr.plan import ALARM
from dsr.policy.model import Recipient, Retention, Stage, Unresolved
from dsr.sweeping import Swept
from tests.archive import STAGES, Archive, archive, berlin
from tests.shelf import Shelf, WritableShelf, shelf
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


def customer(old: Archive, number: str = EVA.value, account: str | None = "A", **row: Any) -> None:
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


def test_an_alarm_needs_no_call_that_is_due(tmp_path: Path) -> None:
    """A public promise that there is none, watched every day: no stage, and nothing is due."""
    there = category(origin="provided", present="no")
    old = archive(tmp_path, recordings=there)
    assert old.desk.sweep(now=LAST).complete
    calls(old)
    swept = old.desk.sweep(now=LAST)
    assert swept.stores == {"recordings": {"recordings": Tally(gaps={ALARM: 1})}}
    assert not swept.complete
    swept = old.desk.sweep(now=FIRST)
    assert counts(swept) == {"erase": 1, "keep": 0, "gaps": 1}
    assert counts(swept, "recordings", "recordings") == {"keep": 0, "gaps": 1}
    assert (old.ids("calls"), old.recordings()) == ([2, 3], ["2026-02-03/a.wav"])


def test_what_no_policy_names_is_told(tmp_path: Path) -> None:
    """Law 4: a category without a policy never ends, and does not do so in silence."""
    old = archive(tmp_path, shelf(tmp_path, "attic", ["phone"], "trunks"))
    calls(old)
    swept = old.desk.sweep(now=FIRST)
    (problem,) = swept.problems
    assert "store attic: no policy names category trunks" in problem
    assert old.ids("calls") == [3]
    assert not swept.complete


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


def test_a_store_that_cannot_list_is_a_problem(tmp_path: Path) -> None:
    """Law 4: nothing silent; the other stores are swept all the same."""
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


def expired(old: Archive) -> Desk:
    """Return the desk with a recipient whose safeguard has ended."""
    abroad = Recipient("Carrier", safeguard="Decision", country="US", safeguard_until=FIRST.date())
    policy = old.desk.policy
    calls_too = evolve(policy.categories["calls"], recipients=(abroad,))
    changed = evolve(policy, categories={**policy.categories, "calls": calls_too})
    return evolve(old.desk, policy=changed)


def test_an_expired_safeguard_keeps_nothing(old: Archive) -> None:
    """Art. 5(1)(e): what a recipient lacks is no reason to keep data longer than promised."""
    desk = expired(old)
    with pytest.raises(PolicyError, match="past its validity"):
        desk.check_policy(now=FIRST)
    swept = desk.sweep(now=FIRST)
    assert old.ids("calls") == [3]
    assert swept.complete


def test_requests_wait_for_a_policy_that_may_run(tmp_path: Path) -> None:
    """Law 4: they wait for a lawful policy, which is told; routine deletion goes on meanwhile."""
    duty = Retention("9 months", law="AO § 147", anchor="billed")
    stages = (Stage("1 year", anchor="billed"),)
    old = archive(tmp_path, calls=category(keep=(duty,), stages=stages))
    calls(old)
    old.put("invoices", id=1, issued="2015-01-01", number=NOOR.value)
    assert old.ask("erasure", LAST).state == "incomplete"
    swept = expired(old).sweep(now=berlin("2027-01-01 00:00:00"))
    (problem,) = swept.problems
    assert problem.startswith("requests that were waiting still wait: the policy must not run:")
    assert swept.resumed == ()
    assert not swept.complete
    assert old.ids("invoices") == []
    assert old.rows("calls")[0]["src"] == EVA.value


@pytest.mark.parametrize(
    "changes",
    [
        {"stages": (Stage("6 months", anchor="nobody.left"),)},
        {"keep": (Retention("1 year", law="47 CFR s. 42.6", jurisdiction="US"),)},
    ],
)
def test_an_error_in_what_to_delete_stops_it(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): no wrong stage deletes anything, no wrong duty keeps it."""
    old = archive(tmp_path, calls=category(**({"stages": STAGES["calls"]} | changes)))
    calls(old)
    with pytest.raises(PolicyError, match=r"categories\.calls"):
        old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [1, 2, 3]


def test_a_hold_that_is_none_stops_it(old: Archive) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): whether its records stay, a person decides first."""
    foreign = Hold("h", "A", "toll", "47 CFR s. 42.6", ground="17(3)(b)", jurisdiction="US")
    old.desk.ledger.add_hold(foreign, LAST)
    with pytest.raises(PolicyError, match="hold h"):
        old.desk.sweep(now=FIRST)
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
    """Art. 5(2): what was deleted by which stage, where, how many, proved when; of nobody."""
    hold = Hold(
        "h",
        "A 1",
        "claims",
        "GDPR Art. 17(3)(e)",
        subject=Subject((Identifier("object", "a.wav"),)),
    )
    old.desk.add_hold(hold, now=LAST)
    old.desk.sweep(now=FIRST)
    found = [
        (each.event, each.store, each.category, dict(each.counts), each.note)
        for each in old.desk.ledger.entries()
    ]
    assert ("step done", "office", "calls", {"erase": 1}, "") in found
    stage = "categories.calls.stages[0]: delete 6 months after billed"
    proved = f"{stage}; proved {FIRST.isoformat()}"
    entry = ("stage carried out", "office", "calls", {"erase": 1, "keep": 1, "gaps": 0}, proved)
    assert found[-2:] == [entry, ("routine deletion", "", "", {}, "")]
    old.desk.ledger.verify_audit()


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
