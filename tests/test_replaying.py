"""After a restored backup: what people had erased goes again, and nothing else does."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from dsr.errors import ConfigurationError, RequestError
from dsr.model import Hold
from tests.archive import Archive, archive, berlin
from tests.things import EVA, NOOR

ASKED = berlin("2026-03-01 12:00:00")
LATER = berlin("2026-03-20 12:00:00")
FORGOTTEN = berlin("2026-04-05 00:00:00")  # 35 days after the request was done


@pytest.fixture
def old(tmp_path: Path) -> Archive:
    """Eva's and Noor's call; a backup of it; Eva's erasure."""
    found = archive(tmp_path, backups="35 days", without="recordings")
    found.put("calls", id=1, start="2026-02-03 10:00:00", src=EVA.value, dst=NOOR.value)
    found.put("greetings", id=1, number=EVA.value, text="hi", made="2026-02-01")
    shutil.copyfile(tmp_path / "operator.db", tmp_path / "backup.db")
    assert found.ask("erasure", ASKED).state == "done"
    return found


def restore(old: Archive) -> None:
    """Put the backup back, with a row that came after it."""
    shutil.copyfile(old.folder / "backup.db", old.folder / "operator.db")
    old.put("calls", id=2, start="2026-03-19 10:00:00", src=EVA.value, dst=NOOR.value)


def test_what_was_erased_is_erased_again(old: Archive) -> None:
    """Rule 21 (GDPR Art. 17): a backup that is restored does not undo an erasure."""
    restore(old)
    (receipt,) = old.desk.replay(now=LATER)
    assert receipt.state == "done"
    row = old.rows("calls")[0]
    assert (row["src"], row["dst"]) == (None, NOOR.value)
    assert old.ids("greetings") == []
    assert old.desk.ledger.receipt(receipt.request) == receipt
    old.desk.ledger.verify_audit()


def test_what_came_since_stays(old: Archive) -> None:
    """Who came back as a customer did not ask for that to be erased: it was not confirmed."""
    restore(old)
    (receipt,) = old.desk.replay(now=LATER)
    assert [row["src"] for row in old.rows("calls")] == [None, EVA.value]
    assert receipt.state == "done"


def test_twice_is_success(old: Archive) -> None:
    """Law 2: replaying again, or with nothing restored, changes nothing."""
    before = old.rows("calls")
    assert [each.state for each in old.desk.replay(now=LATER)] == ["done"]
    assert old.rows("calls") == before


def test_only_since_the_backup(old: Archive) -> None:
    """Requests that were done before the backup was made are in it as done."""
    assert old.desk.replay(now=LATER, since=ASKED + dt.timedelta(seconds=1)) == []
    assert len(old.desk.replay(now=LATER, since=ASKED)) == 1


def test_a_hold_that_came_since_is_honoured(old: Archive) -> None:
    """Art. 17(3)(e): what came back and is held now stays until the hold ends."""
    restore(old)
    hold = Hold("h", "A 1", "claims", "GDPR Art. 17(3)(e)", categories=frozenset({"calls"}))
    old.desk.add_hold(hold, now=LATER)
    assert [each.state for each in old.desk.replay(now=LATER)] == ["incomplete"]
    old.desk.release_hold("h", now=LATER)
    assert [each.state for each in old.desk.replay(now=LATER)] == ["done"]
    assert [row["src"] for row in old.rows("calls")] == [None, EVA.value]


def test_the_person_is_forgotten_with_the_last_backup(old: Archive) -> None:
    """Art. 5(1)(e): sealed as long as a backup may bring data back, and not a day longer."""
    old.desk.sweep(now=FORGOTTEN - dt.timedelta(seconds=1))
    assert len(old.desk.ledger.sealed()) == 1
    old.desk.sweep(now=FORGOTTEN)
    assert old.desk.ledger.sealed() == []
    assert old.desk.replay(now=FORGOTTEN) == []


def test_a_closed_request_shows_nobody(old: Archive) -> None:
    """Own data at rest: sealed for replay is not open for use."""
    (request, _) = old.desk.ledger.sealed()[0]
    with pytest.raises(RequestError):
        old.desk.ledger.subject(request.id)


def test_without_backups_nobody_is_remembered(tmp_path: Path) -> None:
    """Nothing silent: a replay that could do nothing says so, and what to set."""
    old = archive(tmp_path, without="recordings")
    old.ask("erasure", ASKED)
    assert old.desk.ledger.sealed() == []
    with pytest.raises(ConfigurationError, match=r"ledger\.backups"):
        old.desk.replay(now=LATER)
