"""Rule 16: what an erasure keeps for a duty or a claim is restricted to that, and goes in time."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from dsr.decision import KEPT
from dsr.model import Hold, Receipt, Subject, Tally
from dsr.package import Cover
from dsr.package import letter as receipt_letter
from dsr.policy.model import Category, Recipient, Retention, Stage
from tests.archive import Archive, archive, berlin
from tests.shelf import Crash, WritableShelf, shelf
from tests.switchboard import EVA_ALONE, SHARED, Switchboard, switchboard
from tests.things import EVA, NOOR, NOW, category

LAW: Final = "AO § 147"
DUTY: Final = Retention("10 years", LAW, reason="vouchers")
DUTY_SINCE: Final = Retention("10 years", LAW, anchor="since", reason="vouchers")
OVER: Final = NOW.replace(year=2036, month=12)
BOTH: Final = {EVA_ALONE: True, SHARED: True}
NEITHER: Final = {EVA_ALONE: False, SHARED: False}
CITED: Final = f"{LAW}; GDPR Art. 17(3)(b)"


def under(*duties: Retention, **changes: Any) -> Category:
    """Return a category that is kept for these duties."""
    return category(keep=duties, retention="then it goes", **changes)


@pytest.fixture
def board(tmp_path: Path) -> Switchboard:
    """Give an operator whose calls are kept for ten years."""
    return switchboard(tmp_path, calls=under(DUTY))


def tally(receipt: Receipt, name: str = "calls", store: str = "operator") -> Tally:
    return receipt.stores[store].get(name, Tally())


def notes(board: Switchboard, store: str, key: str) -> int:
    found = board.desk.ledger.notes(store, key)
    return sum(KEPT in each.claimed for each in found)


def test_what_a_duty_keeps_is_restricted_in_the_same_run(board: Switchboard) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy): the plan says so, the run does it, the receipt too."""
    grant = board.verified("erasure")
    plan = board.desk.plan(grant, now=NOW)
    counted = plan.stores["operator"]["calls"]
    assert counted.do == {"restrict": 2}
    assert sum(counted.keep.values()) == 2
    assert board.blocked() == NEITHER
    receipt = board.desk.apply(grant, plan.token, now=NOW)
    assert board.blocked() == BOTH
    assert tally(receipt).do == {"restrict": 2}
    assert {law for _, law, _ in tally(receipt).keep} == {CITED}
    assert receipt.state == "incomplete"


def test_a_second_run_does_nothing_more(board: Switchboard) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), laws 1 and 2: what is marked is known as marked."""
    first = board.done("erasure")
    rows = board.rows("calls")
    acts = [each for each in board.desk.ledger.entries(first.request) if each.event == "step done"]
    (again,) = board.desk.resume(now=NOW)
    assert board.rows("calls") == rows
    assert again.stores == first.stores
    assert again.proved == first.proved
    after = [each for each in board.desk.ledger.entries(first.request) if each.event == "step done"]
    assert after == acts
    grant = board.desk.verified(first.request)
    fresh = board.desk.plan(grant, now=NOW)
    assert fresh.stores["operator"]["calls"].do == {}
    last = board.desk.apply(grant, fresh.token, now=NOW)
    assert tally(last) == tally(first)


def test_what_was_kept_goes_by_itself_when_its_period_ends(board: Switchboard) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), 5(1)(e): the mark by duty stands against nothing."""
    board.done("erasure")
    (receipt,) = board.desk.resume(now=OVER)
    assert receipt.state == "done"
    rows = board.rows("calls")
    assert [row["src"] for row in rows.values()] == [None, None]
    assert board.blocked() == NEITHER  # what is left is others', and nobody restricted it
    assert not board.desk.ledger.has_notes()
    assert "restrict" not in tally(receipt).do


def test_a_record_of_nobody_else_goes_whole(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), law 2: marked, then deleted, and no note is left."""
    board = switchboard(tmp_path, scores=under(DUTY_SINCE))
    with board.database() as db:
        db.execute("ALTER TABLE scores ADD COLUMN since TEXT")
        db.execute("UPDATE scores SET since = ?", [NOW.isoformat()])
    receipt = board.done("erasure")
    assert board.rows("scores")[EVA.value]["blocked"] == 1
    assert tally(receipt, "scores").do == {"restrict": 1}
    board.desk.resume(now=OVER)
    assert board.rows("scores") == {}
    assert not board.desk.ledger.has_notes()


def test_fields_that_are_kept_restrict_their_record(tmp_path: Path) -> None:
    """Rules 15, 16 (GDPR Arts. 5(1)(c), 18(2) by analogy): the rest is emptied, this marked."""
    duty = Retention("10 years", LAW, fields=("src",))
    board = switchboard(tmp_path, calls=under(duty))
    receipt = board.done("erasure")
    rows = board.rows("calls")
    assert [row["said"] for row in rows.values()] == [None, None]
    assert rows[EVA_ALONE]["src"] == EVA.value
    assert board.blocked() == BOTH
    assert tally(receipt).do == {"redact": 2, "restrict": 2}
    assert sum(tally(receipt).keep.values()) == 2
    (last,) = board.desk.resume(now=OVER)
    assert last.state == "done"
    assert board.blocked() == NEITHER


def test_a_hold_restricts_until_it_is_released(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), 17(3)(e): kept for a claim, and for nothing else."""
    board = switchboard(tmp_path)
    claim = Hold("h", "12 O 34/26", "claims", "BGB § 195", subject=Subject((EVA,)))
    board.desk.add_hold(claim, now=NOW)
    receipt = board.done("erasure")
    assert board.blocked() == BOTH
    assert tally(receipt).do == {"restrict": 2}
    board.desk.release_hold("h", now=NOW)
    (last,) = board.desk.resume(now=NOW)
    assert board.blocked() == NEITHER
    assert last.state == "done"


def test_what_is_still_necessary_stays_in_use(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy): no ground of 17(1)(a) yet; its own purpose goes on."""
    need = Retention("6 months", "TDDDG § 10", reason="the bill", ground="still necessary")
    for number, duties in enumerate([(need,), (need, DUTY)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        board = switchboard(folder, calls=under(*duties))
        receipt = board.done("erasure")
        assert sum(tally(receipt).keep.values()) == 2
        assert tally(receipt).do == {}
        assert board.blocked() == NEITHER


def test_the_duty_restricts_once_the_need_is_over(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy): billed and settled, it is kept for the office alone."""
    need = Retention("6 months", "TDDDG § 10", reason="the bill", ground="still necessary")
    board = switchboard(tmp_path, calls=under(need, DUTY))
    board.done("erasure")
    (receipt,) = board.desk.resume(now=NOW + dt.timedelta(days=200))
    assert tally(receipt).do == {"restrict": 2}
    assert board.blocked() == BOTH


def test_nothing_is_restricted_for_the_other_party(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), law 7: what is left is the other's, and in use."""
    board = switchboard(tmp_path)
    assert board.done("erasure").state == "done"
    assert board.rows("calls")[SHARED]["dst"] == NOOR.value
    assert board.blocked() == NEITHER


def test_the_other_partys_erasure_is_not_stopped_by_it(board: Switchboard) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy): none under 18(1)(c): only the duty is against hers."""
    board.done("erasure")
    receipt = board.done("erasure", NOOR)
    assert {law for _, law, _ in tally(receipt).keep} == {CITED}
    first, second = board.desk.resume(now=OVER)
    assert (first.state, second.state) == ("done", "done")
    assert [board.rows("calls")[SHARED][name] for name in ("src", "dst")] == [None, None]
    assert board.blocked() == NEITHER
    assert not board.desk.ledger.has_notes()


def test_a_restriction_of_somebody_else_is_never_taken_for_it(board: Switchboard) -> None:
    """Rules 16, 17 (GDPR Art. 18(2)): marked by another hand before, it stays when time is over."""
    with board.database() as db:
        db.execute("UPDATE calls SET blocked = 1 WHERE id = ?", [EVA_ALONE])
    receipt = board.done("erasure")
    assert tally(receipt).do == {"restrict": 1}
    (last,) = board.desk.resume(now=OVER)
    assert last.state == "incomplete"
    assert board.blocked() == {EVA_ALONE: True, SHARED: False}
    assert board.rows("calls")[EVA_ALONE]["src"] == EVA.value


def test_it_stands_again_where_the_persons_own_restriction_was_lifted(board: Switchboard) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), 18(3): lifting ends the one, not the other."""
    restriction = board.done("restriction")
    assert board.done("erasure").state == "incomplete"
    board.desk.lift(restriction.request, told=NOW.date(), by="M. Weber", now=NOW)
    assert board.blocked() == NEITHER
    (receipt,) = board.desk.resume(now=NOW)
    assert board.blocked() == BOTH
    assert tally(receipt).do == {"restrict": 2}


def test_the_letter_says_kept_and_not_restricted_on_request(board: Switchboard) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy): no notice before lifting is due, as under 18(3)."""
    receipt = board.done("erasure")
    request = board.desk.ledger.get(receipt.request)
    told = receipt_letter(Cover.of(board.desk.policy, request, NOW), receipt)
    assert "restricted to the reason for which it is kept" in told
    assert "Art. 18(3)" not in told


def test_no_recipient_is_told_of_it(tmp_path: Path) -> None:
    """Rules 16, 19 (GDPR Art. 19): notices are due of restrictions under Art. 18: this is none."""
    carrier = Recipient("Carrier GmbH", country="DE", notify="dpo@carrier.example")
    board = switchboard(tmp_path, calls=under(DUTY, recipients=(carrier,)))
    receipt = board.done("erasure")
    assert list(board.desk.ledger.waiting_notices()) == []
    request = board.desk.ledger.get(receipt.request)
    told = receipt_letter(Cover.of(board.desk.policy, request, NOW), receipt)
    assert "Carrier GmbH" not in told


# --- stores that cannot, or do not ---------------------------------------------------------------


@pytest.mark.parametrize("key", ["key = the row", "no column"])
def test_where_a_row_cannot_be_marked_nothing_is_missed(tmp_path: Path, key: str) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), law 4: where its store can, and as long as it can.

    A row whose key is all that it holds would get another key by a mark, and never go again.
    """
    if key == "no column":
        board = switchboard(tmp_path, restricts=False, calls=under(DUTY))
    else:
        board = switchboard(tmp_path, calls=under(DUTY))
        with closing(sqlite3.connect(tmp_path / "operator.db")) as db, db:
            db.execute("CREATE TABLE bare AS SELECT * FROM calls")
            db.execute("DROP TABLE calls")
            db.execute("ALTER TABLE bare RENAME TO calls")
    receipt = board.done("erasure")
    assert tally(receipt).do == {}
    assert tally(receipt).gaps == {}
    assert board.blocked() == NEITHER
    (last,) = board.desk.resume(now=OVER)
    assert last.state == "done"


def with_tickets(folder: Path) -> tuple[WritableShelf, Switchboard]:
    """Give an operator with two tickets under a duty, in a store whose faults a test decides."""
    tickets = shelf(folder, "tickets", ["phone"], "tickets")
    for key in ("t1", "t2"):
        who = [["phone", EVA.value, ["text"]]]
        tickets.put(key, category="tickets", who=who, data={"text": "Hm?"}, at=NOW.isoformat())
    return tickets, switchboard(folder, tickets, tickets=under(DUTY))


def test_a_store_that_refuses_the_mark_is_told(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), law 4: kept, not marked, and said; then it is."""
    tickets, board = with_tickets(tmp_path)
    tickets.set(refuse=["t1"])
    receipt = board.done("erasure")
    counted = tally(receipt, "tickets", "tickets")
    assert counted.do == {"restrict": 1}
    assert counted.gaps == {"store tickets: it refuses a record": 1}
    assert sum(counted.keep.values()) == 2
    tickets.set(refuse=[])
    (again,) = board.desk.resume(now=NOW)
    assert tally(again, "tickets", "tickets").do == {"restrict": 2}
    assert tally(again, "tickets", "tickets").gaps == {}


@pytest.mark.parametrize("writes", [1, 2])
def test_a_crash_while_marking_converges(tmp_path: Path, writes: int) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), law 2: the same again ends as without a crash."""
    tickets, board = with_tickets(tmp_path)
    grant = board.verified("erasure")
    token = board.desk.plan(grant, now=NOW).token
    tickets.set(crash_after=writes)
    with pytest.raises(Crash):
        board.desk.apply(grant, token, now=NOW)
    (receipt,) = board.desk.resume(now=NOW)
    assert tally(receipt, "tickets", "tickets").do == {"restrict": 2}
    assert all(row["restricted"] for row in tickets.rows().values())
    (last,) = board.desk.resume(now=OVER)
    assert tickets.rows() == {}
    assert tally(last, "tickets", "tickets").do == {"erase": 2}


@pytest.mark.parametrize("writes", range(1, 5))
def test_a_crash_while_what_was_kept_goes_converges(tmp_path: Path, writes: int) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), law 2: no mark outlives the note of why it is there."""
    tickets, board = with_tickets(tmp_path)
    board.done("erasure")
    tickets.set(crash_after=tickets.state()["writes"] + writes)
    with pytest.raises(Crash):
        board.desk.resume(now=OVER)
    tickets.set(crash_after=0)
    board.desk.resume(now=OVER)
    assert tickets.rows() == {}
    assert not board.desk.ledger.has_notes()


# --- routine deletion ----------------------------------------------------------------------------


def test_routine_deletion_takes_what_was_kept_when_it_is_due(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy), 5(1)(e): a mark by duty is none under 18(1)(c)."""
    place = _kept_calls(tmp_path)
    assert place.rows("calls")[0]["blocked"] == 1
    swept = place.desk.sweep(now=berlin("2029-02-01"))
    assert swept.complete
    assert place.ids("calls") == []


def test_routine_deletion_needs_no_request_for_it(tmp_path: Path) -> None:
    """Rule 16 (GDPR Art. 18(2) by analogy): although the request itself was lost meanwhile."""
    place = _kept_calls(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db, db:
        db.execute("UPDATE dsr_requests SET state = 'done', subject = NULL WHERE right = 'erasure'")
    place.desk.sweep(now=berlin("2029-02-01"))
    assert place.ids("calls") == []


def _kept_calls(folder: Path) -> Archive:
    duty = Retention("2 years", LAW)
    calls = category(keep=(duty,), stages=(Stage("30 months"),))
    place = archive(folder, calls=calls)
    place.put("calls", id=1, start="2026-03-01 10:00:00", billed="2026-04-01", src=EVA.value)
    receipt = place.ask("erasure", berlin("2026-06-01"))
    assert tally(receipt, "calls", "office").do == {"restrict": 1}
    return place
