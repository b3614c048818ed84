"""Who received data is told what became of it (law.md rule 19)."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from dsr.model import Right
from dsr.package import Cover, letter
from dsr.policy.model import Recipient
from tests.switchboard import Changes, Switchboard, switchboard
from tests.things import EVA, NOW, category

CARRIER = Recipient("Carrier GmbH", "controller", notify="privacy@carrier.example")
PRINTER = Recipient("Directory", exempt="the printed directory cannot be called back")


@pytest.fixture
def board(tmp_path: Path) -> Switchboard:
    return switchboard(
        tmp_path,
        calls=category(recipients=(CARRIER,)),
        customers=category(origin="provided", rectifiable=("name",), recipients=(CARRIER, PRINTER)),
    )


@pytest.mark.parametrize(
    ("right", "changes", "act", "records"),
    [
        ("erasure", {}, "erase", {"calls": 2, "customers": 1}),
        ("rectification", {"customers.name": "Eva Mueller"}, "rectify", {"customers": 1}),
        ("rectification", {"calls.said": "Eva Mueller"}, "annotate", {"calls": 2}),
        ("restriction", {}, "restrict", {"calls": 2, "customers": 1}),
    ],
)
def test_every_act_is_told(
    board: Switchboard, right: Right, changes: Changes, act: str, records: dict[str, int]
) -> None:
    """Rule 19 (GDPR Arts. 16, 17(1), 18, 19): act, data and person, to each recipient, once."""
    receipt = board.done(right, changes=changes)
    (told,) = board.desk.notices(board.folder / "out", now=NOW)
    facts = json.loads(told.facts.read_text("utf-8"))
    assert (facts["act"], facts["records"]) == (act, records)
    assert facts["request"] == receipt.request
    assert facts["recipient"]["name"] == "Carrier GmbH"
    assert facts["recipient"]["notify"] == "privacy@carrier.example"
    assert [each["value"] for each in facts["person"]] == [EVA.value]
    assert facts["changes"] == dict(changes)
    assert "privacy@carrier.example" in told.page.read_text("utf-8")
    assert board.desk.notices(board.folder / "out", now=NOW) == []


def test_an_exception_is_documented(board: Switchboard) -> None:
    """Rule 19 (GDPR Art. 19): impossible or disproportionate: on record, with the reason."""
    receipt = board.done("erasure")
    found = {each.recipient: each for each in board.desk.ledger.notices(receipt.request)}
    assert found["Directory"].exempt == "the printed directory cannot be called back"
    assert found["Carrier GmbH"].exempt == ""


def test_the_person_is_told_which_recipients(board: Switchboard) -> None:
    """Rule 19 (GDPR Art. 19, second sentence): the answer names them, and who is not told."""
    receipt = board.done("erasure")
    request = board.desk.ledger.get(receipt.request)
    told = html.unescape(letter(Cover.of(board.desk.policy, request, NOW), receipt))
    assert "Carrier GmbH" in told
    assert "Directory" in told
    assert "the printed directory cannot be called back" in told


def test_notices_outlive_the_request(board: Switchboard) -> None:
    """Rule 19 (GDPR Art. 19): the request is done and its person forgotten; the notice waits."""
    receipt = board.done("erasure")
    assert board.state(receipt.request) == "done"
    assert [each.recipient for each in board.desk.ledger.waiting_notices()] == ["Carrier GmbH"]
