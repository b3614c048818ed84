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
from tests.archive import FIRST, LAST, STAGES, Archive, archive, berlin, calls, counts
from tests.shelf import Shelf, shelf
from tests.things import EVA, NOOR, category


@pytest.fixture
def old(tmp_path: Path) -> Archive:
    """Two calls of one bill, one of which was recorded; and one of the next bill."""
    found = archive(tmp_path)
    calls(found)
    return found


def test_a_record_goes_on_its_day(old: Archive) -> None:
    """Art. 5(1)(e): not a second before its period is over, and not a second later."""
    assert old.desk.sweep(now=LAST).stores.get("office") is None
    assert old.ids("calls") == [1, 2, 3]
    swept = old.desk.sweep(now=FIRST)
    assert old.ids("calls") == [3]
    assert counts(swept) == {"erase": 2, "keep": 0, "gaps": 0}
    assert swept.complete


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
