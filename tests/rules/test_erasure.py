"""Rule 13: every erasure has its ground, everything kept its exception; else it stays open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from dsr.desk import Desk
from dsr.identity import Verified
from dsr.model import Receipt, Right
from dsr.package import Cover, letter
from dsr.policy.model import Retention
from dsr.report import receipt_document
from tests.shelf import Crash, WritableShelf, shelf
from tests.switchboard import Switchboard, switchboard
from tests.things import EVA, NOW, category


def grounds(receipt: Receipt) -> dict[str, dict[str, int]]:
    """Return the grounds of each category as the receipt's document tells them."""
    stores = json.loads(json.dumps(receipt_document(receipt)))["stores"]
    return {name: each["grounds"] for name, each in stores["operator"].items() if "grounds" in each}


def told(board: Switchboard, receipt: Receipt, language: str = "en") -> str:
    request = evolve(board.desk.ledger.get(receipt.request), language=language)
    return letter(Cover.of(board.desk.policy, request, NOW), receipt)


def test_each_category_shows_its_ground(tmp_path: Path) -> None:
    """Rule 13 (GDPR Arts. 17(1), 5(2)): plan and receipt alike, per category."""
    board = switchboard(tmp_path, scores=category(basis="consent", withdraw="in the app"))
    grant = board.verified("erasure")
    plan = board.desk.plan(grant, now=NOW)
    receipt = board.desk.apply(grant, plan.token, now=NOW)
    assert grounds(receipt) == {
        "calls": {"17(1)(a)": 2},
        "customers": {"17(1)(a)": 1},
        "newsletter": {"17(1)(c)": 1},
        "scores": {"17(1)(b)": 1},
    }
    for name, tally in plan.stores["operator"].items():
        assert tally.grounds == receipt.stores["operator"][name].grounds
    assert board.desk.ledger.receipt(receipt.request) == receipt


def test_the_ground_that_the_person_relies_on_is_used(tmp_path: Path) -> None:
    """Rule 13 (GDPR Art. 17(1)(d)): "you processed it unlawfully" is answered as such."""
    board = switchboard(tmp_path)
    receipt = board.done("erasure", ground="17(1)(d)")
    assert set().union(*grounds(receipt).values()) == {"17(1)(d)"}
    assert "processed unlawfully" in told(board, receipt)


@pytest.mark.parametrize(
    ("right", "ground"), [("withdrawal", "17(1)(b)"), ("objection", "17(1)(c)")]
)
def test_other_rights_that_erase_have_theirs(tmp_path: Path, right: Right, ground: str) -> None:
    """Rule 13 (GDPR Arts. 17(1)(b), 17(1)(c)): consent withdrawn, objection upheld."""
    board = switchboard(tmp_path, calls=category(basis="consent", withdraw="in the app"))
    receipt = board.done(right)
    assert grounds(receipt)
    assert set().union(*grounds(receipt).values()) == {ground}


def test_the_letter_tells_it(tmp_path: Path) -> None:
    """Rule 13 (GDPR Arts. 12(1), 17(1)): beside what was erased, in each language."""
    board = switchboard(tmp_path)
    receipt = board.done("erasure")
    assert "no longer necessary for the purposes" in told(board, receipt)
    assert "you objected to its processing (Art. 17(1)(c) GDPR)" in told(board, receipt)
    assert "Art. 17 Abs. 1 Buchst. a DSGVO" in told(board, receipt, "de")
    assert "point a), du RGPD" in told(board, receipt, "fr")


def test_what_is_kept_has_its_exception_instead(tmp_path: Path) -> None:
    """Rule 13 (GDPR Art. 17(3)): law and end date of the exception, and no ground of erasure."""
    duty = Retention("10 years", "AO § 147")
    board = switchboard(tmp_path, calls=category(keep=(duty,), retention="then they go"))
    receipt = board.done("erasure")
    assert "calls" not in grounds(receipt)
    ((_, law, until),) = receipt.stores["operator"]["calls"].keep
    assert law == "AO § 147; GDPR Art. 17(3)(b)"
    assert until is not None
    assert receipt.state == "incomplete"


def test_a_category_that_no_policy_names_keeps_the_request_open(tmp_path: Path) -> None:
    """Rule 13 (GDPR Arts. 17(1), 17(3)): neither ground nor exception is no outcome."""
    tickets, board = _with_tickets(tmp_path)
    receipt = _without_tickets(board).apply(*_planned(_without_tickets(board), board), now=NOW)
    assert receipt.state == "incomplete"
    assert receipt.stores["tickets"]["tickets"].gaps
    assert len(tickets.rows()) == 2


def test_what_went_without_a_ground_keeps_the_request_open(tmp_path: Path) -> None:
    """Rule 13 (GDPR Arts. 17(1), 5(2)): erased, and nobody can say any more by which ground.

    The run died after its last write, and the category was taken out of the policy meanwhile.
    """
    tickets, board = _with_tickets(tmp_path)
    grant, token = _planned(board.desk, board)
    tickets.set(crash_after=2)
    with pytest.raises(Crash):
        board.desk.apply(grant, token, now=NOW)
    assert tickets.rows() == {}
    tickets.set(crash_after=0)
    (receipt,) = _without_tickets(board).resume(now=NOW)
    assert receipt.state == "incomplete"
    counted = receipt.stores["tickets"]["tickets"]
    assert (counted.do, counted.grounds) == ({"erase": 2}, {})
    assert [count for reason, count in counted.gaps.items() if "17(1)" in reason] == [2]
    (last,) = board.desk.resume(now=NOW)  # with the policy as it was
    assert last.state == "done"
    assert last.stores["tickets"]["tickets"].grounds == {"17(1)(a)": 2}


def _with_tickets(folder: Path) -> tuple[WritableShelf, Switchboard]:
    tickets = shelf(folder, "tickets", ["phone"], "tickets")
    for key in ("t1", "t2"):
        who = [["phone", EVA.value, ["text"]]]
        tickets.put(key, category="tickets", who=who, data={"text": "Hm?"}, at=NOW.isoformat())
    return tickets, switchboard(folder, tickets, tickets=category())


def _without_tickets(board: Switchboard) -> Desk:
    known = {n: each for n, each in board.desk.policy.categories.items() if n != "tickets"}
    return evolve(board.desk, policy=evolve(board.desk.policy, categories=known))


def _planned(desk: Desk, board: Switchboard) -> tuple[Verified, str]:
    grant = board.verified("erasure")
    return grant, desk.plan(grant, now=NOW).token
