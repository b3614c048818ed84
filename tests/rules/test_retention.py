"""Periods to keep and to delete: where they are counted from, and what a request changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from dsr.model import Hold
from dsr.policy.lint import lint
from dsr.policy.model import Retention, Stage
from tests.archive import Archive, archive, berlin
from tests.things import EVA, NOOR, category, policy

BILL = Retention("6 months", law="TDDDG § 10", anchor="billed", reason="the bill may be challenged")


def traffic(folder: Path) -> Archive:
    """Return an operator that keeps calls six months from the bill, and deletes them then."""
    calls = category(keep=(BILL,), stages=(Stage("6 months", anchor="billed"),))
    found = archive(folder, calls=calls, without="recordings")
    for number, billed in ((1, "2026-03-01"), (2, "2026-09-01")):
        found.put(
            "calls",
            id=number,
            start="2026-02-03 10:00:00",
            billed=billed,
            src=EVA.value,
            dst=NOOR.value,
        )
    return found


def test_a_request_never_extends_the_maximum(tmp_path: Path) -> None:
    """Rule 29 (Directive 2002/58/EC Art. 6): kept until the bill stands, deleted then.

    Who asks for erasure, and waits for the period to end, does not make the other party's side
    stay any longer than it would have.
    """
    found = traffic(tmp_path)
    receipt = found.ask("erasure", berlin("2026-08-31 12:00:00"))
    assert receipt.state == "incomplete"
    found.desk.sweep(now=berlin("2026-08-31 23:59:59"))
    assert found.ids("calls") == [1, 2]
    found.desk.sweep(now=berlin("2026-09-01 00:00:00"))
    assert found.ids("calls") == [2]


def test_the_anchor_is_a_field_of_the_record(tmp_path: Path) -> None:
    """Rule 30 (TDDDG s. 9, s. 10): six months from the sending of the bill, not of the request."""
    found = traffic(tmp_path)
    for asked in ("2026-06-01 12:00:00", "2026-08-30 12:00:00"):
        receipt = found.ask("erasure", berlin(asked))
        days = {until for _, _, until in receipt.stores["office"]["calls"].keep}
        assert days == {dt.date(2026, 9, 1), dt.date(2027, 3, 1)}


def test_vouchers_go_at_the_end_of_a_year(tmp_path: Path) -> None:
    """Rule 31 (HGB s. 257, AO s. 147): an invoice of 2026-03-15 is erasable on 2035-01-01."""
    duty = Retention("8 years", law="AO § 147", whole_years=True)
    stage = Stage("8 years", whole_years=True)
    found = archive(
        tmp_path, invoices=category(keep=(duty,), stages=(stage,)), without="recordings"
    )
    found.put("invoices", id=1, issued="2026-03-15", number=EVA.value, amount="12.00")
    receipt = found.ask("erasure", berlin("2027-01-01 12:00:00"))
    ((_, law, until),) = receipt.stores["office"]["invoices"].keep
    assert (law, until) == ("AO § 147; GDPR Art. 17(3)(b)", dt.date(2035, 1, 1))
    found.desk.sweep(now=berlin("2034-12-31 23:59:59"))
    assert found.ids("invoices") == [1]
    found.desk.sweep(now=berlin("2035-01-01 00:00:00"))
    assert found.ids("invoices") == []


@pytest.mark.parametrize(("text", "warned"), [("1 year", False), ("3 years", True)])
def test_three_years_of_french_traffic_data_are_a_warning(text: str, warned: bool) -> None:
    """Rule 33 (CPCE L34-1, L34-2, R10-13): France: billing one year."""
    from attrs import evolve  # noqa: PLC0415

    base = policy(calls=category(stages=(Stage(text),)))
    french = evolve(base, operator=evolve(base.operator, country="FR"))
    found = [str(each) for each in lint(french, [], dt.date(2026, 1, 1)) if "CPCE" in each.source]
    assert bool(found) == warned


def test_deletion_when_a_hold_ends_needs_no_new_request(tmp_path: Path) -> None:
    """Rule 15 (GDPR Arts. 5(1)(e), 17(3)): as wide as its reason; what it kept goes by itself."""
    found = archive(tmp_path, without="recordings", calls=category(retention="on request"))
    found.put("calls", id=1, start="2026-02-03 10:00:00", src=EVA.value, dst=NOOR.value)
    hold = Hold(
        "h",
        "A 1",
        "claims",
        "GDPR Art. 17(3)(e)",
        until=dt.date(2026, 7, 1),
        fields=frozenset({"src"}),
    )
    found.desk.add_hold(hold, now=berlin("2026-02-04 00:00:00"))
    found.ask("erasure", berlin("2026-03-01 12:00:00"))
    found.ask("erasure", berlin("2026-03-01 12:00:00"), NOOR)
    assert [(row["src"], row["dst"]) for row in found.rows("calls")] == [(EVA.value, None)]
    found.desk.sweep(now=berlin("2026-06-30 23:59:59"))
    assert [row["src"] for row in found.rows("calls")] == [EVA.value]
    found.desk.sweep(now=berlin("2026-07-01 00:00:00"))
    assert EVA.value not in (found.folder / "operator.db").read_bytes().decode("latin-1")


def test_what_a_restored_backup_brings_back_goes_again(tmp_path: Path) -> None:
    """Rule 21 (GDPR Art. 17): erasure is replayed after a backup is restored."""
    found = archive(tmp_path, backups="35 days", without="recordings")
    found.put("greetings", id=1, number=EVA.value, text="hi", made="2026-02-01")
    backup = (tmp_path / "operator.db").read_bytes()
    found.ask("erasure", berlin("2026-03-01 12:00:00"))
    assert found.ids("greetings") == []
    (tmp_path / "operator.db").write_bytes(backup)
    found.desk.replay(now=berlin("2026-03-10 12:00:00"))
    assert found.ids("greetings") == []
