"""What restricts data until a person decides: restriction, objection, dispute."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

from dsr.deciding import Decided
from dsr.decision import KEPT
from dsr.errors import InputError, RequestError
from dsr.ledger import Note
from dsr.model import Found, Hold, Identifier, Receipt, Right, Tally, Verb
from dsr.policy.model import Retention
from tests.shelf import Crash, WritableShelf, shelf
from tests.switchboard import EVA_ALONE, SHARED, Switchboard, switchboard
from tests.things import EVA, NOOR, NOW, category

#: What a person decides about.
RIGHTS: Final[tuple[Right, ...]] = ("objection", "rectification")
TODAY: Final = dt.date(2026, 11, 23)
BOTH: Final = {EVA_ALONE: True, SHARED: True}
NEITHER: Final = {EVA_ALONE: False, SHARED: False}
#: What a restriction is called in a receipt, beside what the store itself shows.
WHY: Final = "restricted at the request of the person concerned"
LAW: Final = "GDPR Art. 18(2)"


@pytest.fixture
def board(tmp_path: Path) -> Switchboard:
    """Give an operator who can restrict all but its newsletter, which Eva has left."""
    made = switchboard(tmp_path)
    with made.database() as db:
        db.execute("DELETE FROM newsletter")
    return made


@pytest.fixture
def subscribed(tmp_path: Path) -> Switchboard:
    """Give an operator whose newsletter Eva receives."""
    return switchboard(tmp_path)


def _counts(receipt: Receipt, name: str, store: str = "operator") -> dict[Verb, int]:
    return dict(receipt.stores[store].get(name, Tally()).do)


def _lifted(board: Switchboard, request: str, told: dt.date | None = TODAY) -> Decided:
    return board.desk.lift(request, told=told, by="M. Weber", now=NOW)


def _decided(board: Switchboard, request: str, outcome: Any, told: dt.date | None = TODAY) -> None:
    board.desk.decide(request, outcome, told=told, by="M. Weber", now=NOW)


# --- a restriction stands ----------------------------------------------------------------------


def test_a_restriction_stands_until_it_is_lifted(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(1)): it waits in `restricted`, and whom it is about is known."""
    receipt = board.done("restriction", ground="18(1)(c)")
    assert receipt.state == board.state(receipt.request) == "restricted"
    assert board.blocked() == BOTH
    assert board.desk.ledger.subject(receipt.request).identifiers == (EVA,)


def test_anothers_erasure_leaves_what_is_restricted(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(2)): a call stays whole for the one of two who needs it."""
    board.done("restriction", ground="18(1)(c)")
    before = board.rows("calls")
    receipt = board.done("erasure", NOOR)
    assert board.rows("calls") == before
    assert receipt.state == "incomplete"
    ((reason, law, until),) = receipt.stores["operator"]["calls"].keep
    assert WHY in reason
    assert law == LAW
    assert until is None


@pytest.mark.parametrize("right", ["withdrawal", "rectification"])
def test_every_verb_that_takes_leaves_what_is_restricted(tmp_path: Path, right: Right) -> None:
    """Rule 17 (GDPR Art. 18(2)): it is stored, and nothing else is done to it for others."""
    calls = category(basis="consent", withdraw="call us", rectifiable=("dst",))
    board = switchboard(tmp_path, calls=calls)
    board.done("restriction", ground="18(1)(c)")
    before = board.rows("calls")
    changes = {"dst": "+33142685311"} if right == "rectification" else {}
    receipt = board.done(right, NOOR, changes=changes)
    assert board.rows("calls") == before
    assert any(WHY in reason for reason, *_ in receipt.stores["operator"]["calls"].keep)


def test_a_restriction_stands_where_its_store_cannot_show_it(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(2)): it is in the ledger, whatever became of the store's mark."""
    board.done("restriction")
    with board.database() as db:
        db.execute("UPDATE calls SET blocked = 0")
    assert board.done("erasure", NOOR).stores["operator"]["calls"].keep == {(WHY, LAW, None): 1}
    assert board.rows("calls")[SHARED]["dst"] == NOOR.value


def test_a_restriction_by_somebody_else_is_kept_to(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(2)): what its store shows as restricted stays, by whomever it was."""
    with board.database() as db:
        db.execute("UPDATE calls SET blocked = 1 WHERE id = ?", [SHARED])
    receipt = board.done("erasure", NOOR)
    assert receipt.stores["operator"]["calls"].keep == {("restricted in its store", LAW, None): 1}


def test_a_restriction_does_not_bind_who_asked_for_it(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(2)): "with the data subject's consent": their own erasure is done."""
    board.done("restriction", ground="18(1)(c)")
    receipt = board.done("erasure")
    assert receipt.state == "done"
    rows = board.rows("calls")
    assert [(rows[key]["src"], rows[key]["said"]) for key in rows] == [(None, None)] * 2
    assert rows[SHARED]["dst"] == NOOR.value


def test_what_is_left_of_an_erased_record_is_nobodys_restriction(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(2)): once her half is gone, nothing keeps Noor's from Noor."""
    restriction = board.done("restriction")
    board.done("erasure")
    assert board.blocked()[SHARED] is False
    assert board.done("erasure", NOOR).state == "done"
    assert SHARED not in board.rows("calls")  # it spoke of nobody else any more
    assert _lifted(board, restriction.request).request.state == "done"


def test_what_a_duty_keeps_of_an_erased_record_stays_restricted(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2)): the fields that are kept are still hers, and still restricted."""
    duty = Retention("10 years", "AO § 147", fields=("src",))
    board = switchboard(tmp_path, calls=category(keep=(duty,), retention="then they go"))
    board.done("restriction")
    board.done("erasure")
    rows = board.rows("calls")
    assert [(row["src"], row["said"]) for row in rows.values()] == [
        (EVA.value, None),
        ("030901820", None),
    ]
    assert board.blocked() == BOTH


def test_anothers_restriction_binds_who_has_one_of_their_own(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(2)): consent to one's own erasure lifts nobody else's mark."""
    board.done("restriction")
    board.done("restriction", NOOR)
    receipt = board.done("erasure")
    assert board.rows("calls")[SHARED]["src"] == "030901820"
    assert receipt.stores["operator"]["calls"].keep == {(WHY, LAW, None): 1}


def test_access_and_restriction_are_no_taking(board: Switchboard, tmp_path: Path) -> None:
    """Art. 15, 18: what takes nothing is done beside another's restriction, as planned."""
    board.done("restriction")
    grant = board.verified("access", NOOR)
    (tally,) = board.desk.plan(grant, now=NOW).stores["operator"].values()
    receipt = board.desk.export(grant, tmp_path / "p.zip", now=NOW)
    assert tally == receipt.stores["operator"]["calls"] == Tally({"export": 1})
    assert board.done("restriction", NOOR).state == "restricted"


def test_a_restriction_that_comes_during_a_run_is_seen(tmp_path: Path) -> None:
    """Rule 17 (GDPR Art. 18(2)), law 5: at every write restrictions are read again, like holds."""
    board = switchboard(tmp_path)
    grant = board.verified("erasure", NOOR)
    token = board.desk.plan(grant, now=NOW).token
    before = board.desk.ledger.holds_version()
    board.done("restriction")
    assert board.desk.ledger.holds_version() > before
    receipt = board.desk.apply(grant, token, now=NOW)
    assert board.rows("calls")[SHARED]["dst"] == NOOR.value
    assert receipt.state == "incomplete"


def test_what_waited_is_done_once_the_restriction_is_lifted(board: Switchboard) -> None:
    """Rule 15 (GDPR Art. 5(1)(e)): the erasure that a restriction stopped needs no new request."""
    restriction = board.done("restriction")
    erasure = board.done("erasure", NOOR)
    before = board.desk.ledger.holds_version()
    _lifted(board, restriction.request)
    assert board.desk.ledger.holds_version() > before
    (receipt,) = board.desk.resume(now=NOW)
    assert (receipt.request, receipt.state) == (erasure.request, "done")
    assert board.rows("calls")[SHARED]["dst"] is None


def test_planning_again_ends_no_restriction(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(3)): only `lift` ends it: a plan that nobody confirmed does not."""
    receipt = board.done("restriction")
    grant = board.desk.verified(receipt.request)
    plan = board.desk.plan(grant, now=NOW)
    assert _counts(receipt, "calls") == {"restrict": 2}
    assert plan.stores["operator"]["calls"] == Tally({"unchanged": 2})
    assert board.done("erasure", NOOR).state == "incomplete"
    assert board.desk.apply(grant, plan.token, now=NOW).state == "restricted"
    assert board.desk.resume(now=NOW)  # Noor's, which still waits
    assert board.rows("calls")[SHARED]["dst"] == NOOR.value


def test_who_has_no_data_is_done(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(1)): where there is nothing, nothing stands restricted."""
    nobody = Identifier("phone", "+4930901899")
    receipt = board.done("restriction", nobody)
    assert receipt.state == "done"
    assert board.desk.ledger.restricting() == []


# --- lifting -----------------------------------------------------------------------------------


def test_lifting_unmarks_and_forgets_whom(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(3)): once they were told; the request closes and its identifiers go."""
    receipt = board.done("restriction")
    done = _lifted(board, receipt.request)
    assert done.request.state == "done"
    assert done.lifted.stores == {"operator": 4}  # two calls, a score, a customer
    assert done.lifted.problems == ()
    assert board.blocked() == NEITHER
    with pytest.raises(RequestError):
        board.desk.ledger.subject(receipt.request)
    noted = [each.note for each in board.desk.ledger.entries(receipt.request)]
    assert "by M. Weber" in noted


@pytest.mark.parametrize(
    ("told", "by", "error"),
    [
        (None, "M. Weber", RequestError),
        (TODAY + dt.timedelta(days=1), "M. Weber", InputError),
        (TODAY, "  ", InputError),
    ],
)
def test_who_was_not_told_stays_restricted(
    board: Switchboard, told: dt.date | None, by: str, error: type[Exception]
) -> None:
    """Rule 17 (GDPR Art. 18(3)): told before, by somebody with a name; else nothing changes."""
    receipt = board.done("restriction")
    entries = len(list(board.desk.ledger.entries()))
    with pytest.raises(error):
        board.desk.lift(receipt.request, told=told, by=by, now=NOW)
    assert board.blocked() == BOTH
    assert board.state(receipt.request) == "restricted"
    assert len(list(board.desk.ledger.entries())) == entries


def test_today_is_the_operators_day(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(3)): at 23:30 in Berlin it is today, whatever a clock says."""
    late = dt.datetime(2026, 11, 23, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    auckland = late.astimezone(dt.timezone(dt.timedelta(hours=13)))
    assert auckland.date() == dt.date(2026, 11, 24)
    receipt = board.done("restriction")
    with pytest.raises(InputError, match="in the future"):
        board.desk.lift(receipt.request, told=auckland.date(), by="M. Weber", now=auckland)
    objection = board.done("objection")
    done = board.desk.decide(objection.request, "upheld", by="M. Weber", now=auckland)
    assert done.request.outcome == "upheld"


def test_lifting_leaves_what_another_restricts(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18): two restrictions on one call.

    The call is free when the second one ends.
    """
    eva, noor = board.done("restriction"), board.done("restriction", NOOR)
    _lifted(board, eva.request)
    assert board.blocked() == {EVA_ALONE: False, SHARED: True}
    _lifted(board, noor.request)
    assert board.blocked() == NEITHER


def test_lifting_leaves_what_the_same_persons_objection_restricts(board: Switchboard) -> None:
    """Rule 22 (GDPR Art. 18(1)(d)): the scores stay so while the objection is undecided."""
    restriction = board.done("restriction")
    objection = board.done("objection")
    assert board.state(objection.request) == "restricted"  # although nothing was left to mark
    _lifted(board, restriction.request)
    assert board.blocked() == NEITHER
    assert board.rows("scores")[EVA.value]["blocked"] == 1
    _decided(board, objection.request, "rejected")
    assert board.rows("scores")[EVA.value]["blocked"] == 0


def test_lifting_twice_is_success(board: Switchboard) -> None:
    """Law 2: the same again changes nothing."""
    receipt = board.done("restriction")
    first = _lifted(board, receipt.request)
    entries = len(list(board.desk.ledger.entries()))
    again = _lifted(board, receipt.request)
    assert again.request == first.request
    assert again.lifted.stores == {}
    assert len(list(board.desk.ledger.entries())) == entries


def test_what_is_not_restricted_cannot_be_lifted(board: Switchboard) -> None:
    """Bad input gets a clear error: not yet carried out, or another right."""
    grant = board.verified("restriction")
    with pytest.raises(RequestError, match="restricts nothing"):
        _lifted(board, grant.request.id)
    with pytest.raises(RequestError, match="use decide"):
        _lifted(board, board.done("objection").request)
    with pytest.raises(RequestError, match="not decided so"):
        _decided(board, board.done("restriction").request, "upheld")


def test_a_store_that_does_not_lift_leaves_the_request_open(tmp_path: Path) -> None:
    """Law 4: what stays marked is told, the request stays; the next try ends it."""
    tickets, board = _with_tickets(tmp_path)
    receipt = board.done("restriction")
    tickets.set(refuse=["t1"])
    done = _lifted(board, receipt.request)
    assert done.lifted.problems == ("store tickets: it refuses a record",)
    assert done.request.state == "restricted"
    tickets.set(refuse=[])
    assert _lifted(board, receipt.request).request.state == "done"
    assert not any(row["restricted"] for row in tickets.rows().values())


def _with_tickets(folder: Path) -> tuple[WritableShelf, Switchboard]:
    """Give an operator with a second store, of two tickets, whose faults a test decides."""
    tickets = shelf(folder, "tickets", ["phone"], "tickets")
    for key in ("t1", "t2"):
        who = [["phone", EVA.value, ["text"]]]
        tickets.put(key, category="tickets", who=who, data={"text": "Hm?"}, at=NOW.isoformat())
    rules = category(purposes=("support",), basis="legitimate interests")
    board = switchboard(folder, tickets, tickets=rules)
    with board.database() as db:
        db.execute("DELETE FROM newsletter")
    return tickets, board


# --- an objection ------------------------------------------------------------------------------


def test_an_objection_ends_marketing_at_once_and_restricts_the_rest(
    subscribed: Switchboard,
) -> None:
    """Rule 22 (GDPR Art. 21(2), 21(3)): no weighing; Art. 21(1), 18(1)(d): others wait.

    Contracts go on.
    """
    receipt = subscribed.done("objection")
    assert subscribed.rows("newsletter") == {}
    assert subscribed.rows("scores")[EVA.value]["blocked"] == 1
    assert subscribed.rows("scores")[EVA.value]["score"] == "high"
    assert subscribed.blocked() == NEITHER
    assert receipt.state == "restricted"
    done = {name: dict(tally.do) for name, tally in receipt.stores["operator"].items()}
    assert done == {
        "calls": {"unchanged": 2},
        "customers": {"unchanged": 1},
        "newsletter": {"erase": 1},
        "scores": {"restrict": 1},
    }


def test_an_objection_to_marketing_alone_is_done(subscribed: Switchboard) -> None:
    """Rule 22 (GDPR Art. 21(3)): nothing is left to weigh, so nobody is asked to decide."""
    with subscribed.database() as db:
        db.execute("DELETE FROM scores")
    receipt = subscribed.done("objection", ground="21(2)")
    assert (receipt.state, subscribed.rows("newsletter")) == ("done", {})


def test_an_objection_stands_like_a_hold(tmp_path: Path) -> None:
    """Rule 17 (GDPR Art. 18(2)): until it is decided, what it restricts stays for others.

    No more than that.
    """
    board = switchboard(tmp_path, calls=category(basis="legitimate interests"))
    board.done("objection")
    receipt = board.done("erasure", NOOR)
    assert any(WHY in reason for reason, *_ in receipt.stores["operator"]["calls"].keep)
    assert board.rows("calls")[SHARED]["dst"] == NOOR.value


def test_an_objection_leaves_what_rests_on_a_contract(board: Switchboard) -> None:
    """Rule 22 (GDPR Art. 21(1)): it reaches legitimate interests and public tasks.

    Calls of a contract go on.
    """
    board.done("objection")
    assert board.done("erasure", NOOR).state == "done"
    assert board.rows("calls")[SHARED]["dst"] is None


def test_an_upheld_objection_erases(board: Switchboard) -> None:
    """Rule 22 (GDPR Art. 17(1)(c)): the next plan of the same request erases, once confirmed."""
    receipt = board.done("objection")
    done = board.desk.decide(receipt.request, "upheld", by="M. Weber", now=NOW)
    assert (done.request.state, done.request.outcome) == ("verified", "upheld")
    assert board.rows("scores"), "nothing goes before somebody saw the plan"
    again = board.applied(board.desk.verified(receipt.request))
    assert _counts(again, "scores") == {"erase": 1}
    assert again.state == "done"
    assert board.rows("scores") == {}
    assert board.blocked() == NEITHER


def test_an_upheld_objection_leaves_what_must_be_kept(tmp_path: Path) -> None:
    """Rule 13 (GDPR Art. 17(3)(b)): a duty stands against this erasure as against any."""
    duty = Retention("10 years", "GwG § 8", anchor="since", reason="money laundering")
    scores = category(basis="legitimate interests", keep=(duty,), retention="then it goes")
    board = switchboard(tmp_path, scores=scores)
    receipt = board.done("objection")
    _decided(board, receipt.request, "upheld", None)
    again = board.applied(board.desk.verified(receipt.request))
    assert again.state == "incomplete"
    assert [law for _, law, _ in again.stores["operator"]["scores"].keep] == [
        "GwG § 8; GDPR Art. 17(3)(b)"
    ]


def test_an_upheld_objection_leaves_the_other_half_free(tmp_path: Path) -> None:
    """Rule 22 (GDPR Art. 17(1)(c), 18(2)): nothing of hers is left: nobody's half is restricted."""
    board = switchboard(tmp_path, calls=category(basis="legitimate interests"))
    receipt = board.done("objection")
    assert board.blocked() == BOTH
    _decided(board, receipt.request, "upheld", None)
    board.applied(board.desk.verified(receipt.request))
    assert board.rows("calls")[SHARED]["src"] is None
    assert board.blocked()[SHARED] is False


def test_a_rejected_objection_lifts_and_closes(board: Switchboard) -> None:
    """Rule 22 (GDPR Art. 21(1), 18(3)): grounds win, the person was told, the data is used."""
    receipt = board.done("objection")
    _decided(board, receipt.request, "rejected")
    assert board.rows("scores")[EVA.value] == {"number": EVA.value, "score": "high", "blocked": 0}
    assert board.state(receipt.request) == "refused"
    assert board.desk.ledger.get(receipt.request).outcome == "rejected"
    noted = [(each.event, each.note) for each in board.desk.ledger.entries(receipt.request)]
    assert ("decided", "rejected by M. Weber") in noted


def test_a_rejection_that_nobody_was_told_of_changes_nothing(board: Switchboard) -> None:
    """Rule 17 (GDPR Art. 18(3)): the notice comes first, for an objection, too."""
    receipt = board.done("objection")
    with pytest.raises(RequestError, match="not told"):
        _decided(board, receipt.request, "rejected", None)
    assert board.desk.ledger.get(receipt.request).outcome == ""
    assert board.rows("scores")[EVA.value]["blocked"] == 1


@pytest.mark.parametrize("outcome", ["upheld", "rejected"])
def test_deciding_twice_is_success_and_otherwise_an_error(board: Switchboard, outcome: str) -> None:
    """Law 2: the same again changes nothing; what was decided is decided."""
    for right in RIGHTS:
        changes = {"said": "Ewa"} if right == "rectification" else {}
        receipt = board.done(right, changes=changes)
        _decided(board, receipt.request, outcome)
        entries = len(list(board.desk.ledger.entries()))
        _decided(board, receipt.request, outcome)
        assert len(list(board.desk.ledger.entries())) == entries
        other = {"upheld": "rejected", "rejected": "upheld"}[outcome]
        with pytest.raises(RequestError):
            _decided(board, receipt.request, other)
        assert board.desk.ledger.get(receipt.request).outcome == outcome


# --- a dispute ---------------------------------------------------------------------------------


def _disputes(board: Switchboard) -> Receipt:
    return board.done("rectification", changes={"said": "Ewa", "name": "Ewa Muller"})


def _notes(board: Switchboard) -> list[Note]:
    found = [each for each in board.desk.stores[0].find([EVA]) if isinstance(each, Found)]
    keys = {each.record.key for each in found}
    notes = [note for key in keys for note in board.desk.ledger.notes("operator", key)]
    return [note for note in notes if KEPT not in note.claimed]


def _exported(board: Switchboard, who: Identifier = EVA) -> list[dict[str, Any]]:
    path = board.folder / "package.zip"
    board.desk.export(board.verified("access", who), path, now=NOW)
    with zipfile.ZipFile(path) as package:
        lines = package.read("data/calls.jsonl").splitlines()
    path.unlink()
    return [json.loads(each) for each in lines]


def test_an_observed_fact_is_annotated_and_restricted(board: Switchboard) -> None:
    """Rule 18 (GDPR Arts. 16, 18(1)(a)): the switch's fact stays, the person's version beside it.

    No use.
    """
    receipt = _disputes(board)
    assert receipt.state == "restricted"
    assert _counts(receipt, "calls") == {"annotate": 2}
    assert [row["said"] for row in board.rows("calls").values()] == ["Eva", "Eva"]
    assert board.blocked() == BOTH
    assert [note.claimed for note in _notes(board)] == [{"said": "Ewa"}] * 2


def test_what_the_person_provided_is_corrected_by_the_same_request(board: Switchboard) -> None:
    """Rule 18 (GDPR Art. 16): a mixed request splits.

    The name on the contract is simply put right.
    """
    receipt = _disputes(board)
    assert board.rows("customers")[EVA.value]["name"] == "Ewa Muller"
    assert board.rows("customers")[EVA.value]["blocked"] == 0
    assert _counts(receipt, "customers") == {"rectify": 1}


def test_every_later_export_shows_both_versions(board: Switchboard) -> None:
    """Rule 18 (GDPR Art. 16, 15(3)): stored, claimed, since when, and what was decided."""
    receipt = _disputes(board)
    for decided in (None, "rejected"):
        if decided:
            _decided(board, receipt.request, decided)
        for call in _exported(board):
            assert call["said"] == "Eva"
            claim = call["disputed"]["said"]
            assert claim["claimed"] == "Ewa"
            assert claim["decided"] == decided
            assert dt.datetime.fromisoformat(claim["since"]) == NOW


def test_the_other_party_is_not_shown_a_dispute(board: Switchboard) -> None:
    """Art. 15(4): what Eva says of her half of the call is hers."""
    _disputes(board)
    (call,) = _exported(board, NOOR)
    assert "disputed" not in call


@pytest.mark.parametrize(("outcome", "state"), [("upheld", "done"), ("rejected", "refused")])
def test_a_decided_dispute_is_lifted_and_keeps_its_note(
    board: Switchboard, outcome: str, state: str
) -> None:
    """Rule 18 (GDPR Art. 18(3), 16): the restriction ends, and both versions stay."""
    receipt = _disputes(board)
    with pytest.raises(RequestError, match="not told"):
        _decided(board, receipt.request, outcome, None)
    assert board.blocked() == BOTH
    _decided(board, receipt.request, outcome)
    assert board.blocked() == NEITHER
    assert board.state(receipt.request) == state
    assert [note.outcome for note in _notes(board)] == [outcome] * 2


@pytest.mark.parametrize("origin", ["observed", "provided", "third party", "inferred"])
def test_a_decided_dispute_is_lifted_wherever_the_fact_came_from(
    tmp_path: Path, origin: str
) -> None:
    """Rule 17 (GDPR Art. 18(3)): once a dispute is decided, no mark of it stays."""
    board = switchboard(tmp_path, calls=category(origin=origin))
    receipt = board.done("rectification", changes={"calls.said": "Ewa"})
    assert board.blocked() == BOTH
    assert board.done("erasure", NOOR).state == "incomplete"
    _decided(board, receipt.request, "rejected")
    assert board.blocked() == NEITHER


def test_a_dispute_restricts_no_other_category(board: Switchboard) -> None:
    """Rule 18 (GDPR Art. 18(1)(a)): only what is disputed.

    A dispute about scores leaves the calls alone.
    """
    board.done("rectification", changes={"scores.score": "low"})
    assert board.rows("scores")[EVA.value]["blocked"] == 1
    assert board.done("erasure", NOOR).state == "done"


def test_lifting_counts_what_was_restricted(board: Switchboard) -> None:
    """Law 11: the trail names the records that were freed, not all that there are."""
    receipt = board.done("rectification", changes={"scores.score": "low"})
    done = board.desk.decide(receipt.request, "rejected", told=TODAY, by="M. Weber", now=NOW)
    assert done.lifted.stores == {"operator": 1}


def test_planning_again_closes_no_dispute(board: Switchboard) -> None:
    """Rule 18 (GDPR Art. 18(1)(a), 18(3)): once more, it finds nothing to do, and waits."""
    receipt = _disputes(board)
    again = board.applied(board.desk.verified(receipt.request))
    assert _counts(again, "calls") == {"unchanged": 2}
    assert again.state == "restricted"
    assert board.blocked() == BOTH


def test_a_dispute_is_noted_where_no_store_can_restrict(tmp_path: Path) -> None:
    """Rule 18 (GDPR Art. 16): where the store has no mark, the note is there."""
    bare = switchboard(tmp_path, restricts=False)
    receipt = bare.done("rectification", changes={"said": "Ewa"})
    assert receipt.state == "restricted"
    assert _counts(receipt, "calls") == {"annotate": 2}
    assert len(_notes(bare)) == 2
    assert bare.done("erasure", NOOR).stores["operator"]["calls"].keep == {(WHY, LAW, None): 1}


def test_a_note_goes_with_what_it_speaks_of(board: Switchboard) -> None:
    """Art. 17(1): once the data is erased, what the person said of it is, too."""
    _disputes(board)
    assert board.desk.ledger.has_notes()
    assert board.done("erasure").state == "done"
    assert not board.desk.ledger.has_notes()


def test_a_note_stays_when_the_other_half_of_the_call_goes(board: Switchboard) -> None:
    """Rule 18 (GDPR Art. 16): Noor's erasure empties her number.

    What Eva says of hers is still shown.
    """
    receipt = _disputes(board)
    _decided(board, receipt.request, "rejected")
    assert board.done("erasure", NOOR).state == "done"
    assert board.rows("calls")[SHARED]["dst"] is None
    assert [call["disputed"]["said"]["claimed"] for call in _exported(board)] == ["Ewa", "Ewa"]


def test_a_note_stays_with_what_a_hold_keeps(board: Switchboard) -> None:
    """Rule 18 (GDPR Art. 16), law 5: what is not erased keeps both versions."""
    _disputes(board)
    board.desk.add_hold(Hold("h", "12 O 34/26", "claims", "GDPR Art. 17(3)(e)"), now=NOW)
    assert board.done("erasure").state == "incomplete"
    assert len(_notes(board)) == 2


def test_a_note_stays_where_the_store_refuses(tmp_path: Path) -> None:
    """Rule 18 (GDPR Art. 16), law 4: a record that its store did not let go keeps both versions."""
    tickets, board = _with_tickets(tmp_path)
    board.done("rectification", changes={"tickets.text": "Well."})
    tickets.set(refuse=["t1"])
    receipt = board.done("erasure")
    assert receipt.state == "incomplete"
    assert list(tickets.rows()) == ["t1"]
    notes = [board.desk.ledger.notes("tickets", key) for key in ("t1", "t2")]
    assert [[dict(note.claimed) for note in each] for each in notes] == [[{"text": "Well."}], []]


# --- a crash in between ------------------------------------------------------------------------


@pytest.mark.parametrize("right", ["restriction", "objection", "rectification"])
def test_a_crash_while_restricting_converges(tmp_path: Path, right: Right) -> None:
    """Law 2: one ticket is marked, the process dies; `resume` ends as without a crash."""
    tickets, board = _with_tickets(tmp_path)
    changes = {"tickets.text": "Well."} if right == "rectification" else {}
    grant = board.verified(right, changes=changes)
    token = board.desk.plan(grant, now=NOW).token
    tickets.set(crash_after=1)
    with pytest.raises(Crash):
        board.desk.apply(grant, token, now=NOW)
    assert sum(row.get("restricted", False) for row in tickets.rows().values()) == 1
    (receipt,) = board.desk.resume(now=NOW)
    assert receipt.state == "restricted"
    done: dict[Verb, int] = {"annotate" if right == "rectification" else "restrict": 2}
    assert _counts(receipt, "tickets", "tickets") == done
    assert all(row["restricted"] for row in tickets.rows().values())
    noted = [len(board.desk.ledger.notes("tickets", key)) for key in ("t1", "t2")]
    assert noted == ([1, 1] if right == "rectification" else [0, 0])


def test_a_crash_while_lifting_converges(tmp_path: Path) -> None:
    """Rule 17 (GDPR Art. 18(3)), law 2: one is unmarked, the process dies.

    The same again ends it.
    """
    tickets, board = _with_tickets(tmp_path)
    receipt = board.done("restriction")
    tickets.set(crash_after=tickets.state()["writes"] + 1)
    with pytest.raises(Crash):
        _lifted(board, receipt.request)
    assert board.state(receipt.request) == "restricted"
    assert _lifted(board, receipt.request).request.state == "done"
    assert not any(row["restricted"] for row in tickets.rows().values())


def test_a_crash_while_erasing_leaves_no_note(tmp_path: Path) -> None:
    """Law 2, Art. 17(1): what a person said of a ticket goes, although the process died."""
    tickets, board = _with_tickets(tmp_path)
    board.done("rectification", changes={"tickets.text": "Well."})
    grant = board.verified("erasure")
    token = board.desk.plan(grant, now=NOW).token
    tickets.set(crash_after=tickets.state()["writes"] + 1)
    with pytest.raises(Crash):
        board.desk.apply(grant, token, now=NOW)
    assert len(tickets.rows()) == 1
    (receipt,) = board.desk.resume(now=NOW)
    assert receipt.state == "done"
    assert tickets.rows() == {}
    assert not board.desk.ledger.has_notes()


def test_nothing_of_this_names_the_person(board: Switchboard) -> None:
    """Law 8: no receipt, audit entry or repr of a restriction or dispute shows whose it is."""
    restriction, dispute = board.done("restriction"), _disputes(board)
    _decided(board, dispute.request, "rejected")
    done = _lifted(board, restriction.request)
    texts = [repr(each) for each in (restriction, dispute, done, board.desk._run.restrictions())]
    texts += [repr(each) for each in (*board.desk.ledger.entries(), *_notes(board))]
    for secret in ("901820", "Ewa", "Muller"):
        assert not any(secret in text for text in texts)
