"""Whose data it is: what is processed for a customer goes to that customer (law.md rule 37)."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dsr.errors import RequestError
from dsr.model import Right
from dsr.policy.model import Category
from tests.switchboard import EVA_ALONE, SHARED, Switchboard, switchboard
from tests.things import EVA, NOW, category

#: The operator controls the calls, and keeps its customer's list of customers for it.
FOR_ACME: Category = category(role="processor", controller="Acme AG", origin="provided")
BY_NAME: Category = category(role="processor", controller="{name}", origin="provided")


@pytest.fixture
def board(tmp_path: Path) -> Switchboard:
    return switchboard(tmp_path, customers=FOR_ACME)


def opened(path: str) -> dict[str, Any]:
    """Return the data of a package by file, and its request."""
    with zipfile.ZipFile(io.BytesIO(Path(path).read_bytes())) as archive:
        names = [each for each in archive.namelist() if each.endswith(".jsonl")]
        data = {name: archive.read(name).decode().splitlines() for name in names}
        return data | {"request": json.loads(archive.read("request.json"))}


def test_a_mixed_erasure_splits(board: Switchboard) -> None:
    """Rule 37 (GDPR Arts. 4(7), 28(3)(e)): ours is erased, theirs is handed over untouched."""
    grant = board.verified("erasure")
    receipt = board.applied(grant)
    assert receipt.state == "incomplete"
    assert not board.rows("newsletter")
    assert board.rows("calls")[EVA_ALONE]["src"] is None
    assert list(board.rows("customers")) == [EVA.value]
    made = board.desk.handover(grant, board.folder / "out", now=NOW)
    assert made.request.state == "done"
    assert list(board.rows("customers")) == [EVA.value]  # Acme AG decides
    (acme,) = made.packages
    found = opened(acme.package.path)
    assert list(found) == ["data/customers.jsonl", "request"]
    (row,) = map(json.loads, found["data/customers.jsonl"])
    assert (row["number"], row["name"]) == (EVA.value, "Eva Muller")
    assert found["request"]["right"] == "erasure"
    assert found["request"]["controller"] == "Acme AG"
    assert [each["value"] for each in found["request"]["person"]] == [EVA.value]


def test_a_mixed_answer_splits(board: Switchboard) -> None:
    """Rule 37 (GDPR Arts. 15, 28(3)(e)): what is theirs is in their package, not in the answer."""
    grant = board.verified("access")
    receipt = board.desk.export(grant, board.folder / "p.zip", now=NOW)
    with zipfile.ZipFile(board.folder / "p.zip") as archive:
        answer = " ".join(archive.read(each).decode() for each in archive.namelist())
    assert "Eva Muller" not in answer
    assert "Acme AG" in answer  # the person reads who answers
    assert {"calls", "scores", "newsletter"} <= set(receipt.stores["operator"])
    made = board.desk.handover(grant, board.folder / "out", now=NOW)
    (acme,) = made.packages
    assert "calls" not in acme.records
    assert made.letter is not None
    assert "Acme AG: Customers" in made.letter.read_text("utf-8")


def test_who_answers_is_decided_record_by_record(tmp_path: Path) -> None:
    """Rule 37 (GDPR Art. 28(3)(e)): a record names whom it is processed for."""
    board = switchboard(tmp_path, customers=BY_NAME)
    made = board.desk.handover(board.verified("access"), tmp_path / "out", now=NOW)
    assert [each.controller for each in made.packages] == ["Eva Muller"]


@pytest.mark.parametrize(
    "right", ["access", "portability", "erasure", "restriction", "objection", "withdrawal"]
)
def test_every_right_is_passed_on(tmp_path: Path, right: Right) -> None:
    """Rule 37 (GDPR Arts. 15 to 21, 28(3)(e)): whatever the person asks, they decide it."""
    board = switchboard(tmp_path, customers=FOR_ACME)
    before = board.rows("customers")
    grant = board.verified(right)
    made = board.desk.handover(grant, tmp_path / "out", now=NOW)
    assert [each.records for each in made.packages] == [{"customers": 1}]
    if right in {"access", "portability"}:
        receipt = board.desk.export(grant, tmp_path / "p.zip", now=NOW)
    else:
        receipt = board.applied(grant)
    assert board.rows("customers") == before
    (keep,) = receipt.stores["operator"]["customers"].keep
    assert keep[1] == "GDPR Art. 28(3)(e)"
    assert board.desk.waiting_for_others(receipt) == {}


def test_a_part_that_nobody_has_yet_is_not_lifted_away(board: Switchboard) -> None:
    """Rule 37 (GDPR Art. 28(3)(e)): a request is not closed before its controller can act."""
    grant = board.verified("restriction")
    board.applied(grant)
    day = NOW.date()
    with pytest.raises(RequestError, match="has not gone to those who decide"):
        board.desk.lift(grant.request.id, told=day, by="Ada", now=NOW)
    assert board.blocked() == {EVA_ALONE: True, SHARED: True}
    board.desk.handover(grant, board.folder / "out", now=NOW)
    board.desk.lift(grant.request.id, told=day, by="Ada", now=NOW)
    assert board.state(grant.request.id) == "done"
