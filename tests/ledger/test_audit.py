"""The audit trail: what others do to it is found; concurrent writers keep it whole."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Table, create_engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from dsr.errors import AuditBroken
from dsr.ledger import AuditEntry, Ledger
from dsr.ledger.tables import audit, audit_head, receipts
from tests.ledger.people import ERIKA, KEY, NOW, a_receipt, a_request

_TAMPERED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
_ENTRIES = 8


@pytest.fixture
def full(ledger: Ledger) -> Ledger:
    """Return a ledger with eight entries, two of them receipts, read in pages of three."""
    ledger.page = 3
    for number in (1, 2):
        request = f"r{number}"
        ledger.add(a_request(request), ERIKA)
        ledger.set_state(request, "verified", NOW)
        ledger.step_done(request, "cdr", "calls", "erase", 10 * number, NOW)
        ledger.save_receipt(a_receipt(request, count=number))
        ledger.close(request, "done", NOW)
    return ledger


@pytest.fixture
def intruder(url: str) -> Iterator[Engine]:
    """Give somebody who can write to the database, and has not the key."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


def test_entries_come_back_in_order(full: Ledger) -> None:
    """The trail says what was done, when, in which store, to how many; beyond one page, too."""
    entries = list(full.entries())
    assert [each.seq for each in entries] == list(range(1, _ENTRIES + 1))
    assert entries[1] == AuditEntry(2, NOW, "step done", "r1", "cdr", "calls", {"erase": 10}, "")
    assert [each.event for each in full.entries("r2")] == [
        "state",
        "step done",
        "receipt signed",
        "closed",
    ]
    assert full.verify_audit() == _ENTRIES


def test_an_empty_trail_verifies(ledger: Ledger) -> None:
    """Nothing done, nothing wrong."""
    assert ledger.verify_audit() == 0


def test_only_the_ledger_notes_receipts(ledger: Ledger) -> None:
    """A receipt's entry exists if and only if the receipt does."""
    with pytest.raises(ValueError, match="save_receipt"):
        ledger.audit("receipt signed", at=NOW)


def _other(value: Any, draw: st.DataObject) -> Any:
    """Return another value of the same type."""
    if isinstance(value, int):
        return value + draw.draw(st.integers(-20, 20).filter(bool))
    if isinstance(value, bytes):
        if not value:
            return b"x"
        place = draw.draw(st.integers(0, len(value) * 8 - 1))
        flipped = int.from_bytes(value, "big") ^ (1 << place)
        return flipped.to_bytes(len(value), "big")
    place = draw.draw(st.integers(0, len(value)))
    new = draw.draw(st.sampled_from("0aA{}=/ é"))
    width = draw.draw(st.integers(0, 1))
    return value[:place] + new + value[place + width :]


@_TAMPERED
@given(draw=st.data())
def test_a_change_of_any_column_is_found(
    full: Ledger, intruder: Engine, draw: st.DataObject
) -> None:
    """No entry, head or receipt can be changed unseen; the first bad entry is named."""
    table: Table = draw.draw(st.sampled_from([audit, audit_head, receipts]))
    column = draw.draw(st.sampled_from(list(table.columns)))
    key = next(iter(table.primary_key))
    with intruder.connect() as connection:
        row = draw.draw(st.sampled_from(connection.execute(select(table).order_by(key)).all()))
    old = row._mapping[column.name]
    new = _other(old, draw)
    assume(new != old)
    where = key == row._mapping[key.name]
    try:
        with intruder.begin() as connection:
            connection.execute(update(table).where(where).values({column.name: new}))
    except IntegrityError:  # the number of another row
        assume(False)  # noqa: FBT003  (Hypothesis' signature)
    try:
        with pytest.raises(AuditBroken) as caught:
            full.verify_audit()
        if table is audit:
            assert f"audit entry {row.seq} " in str(caught.value)
    finally:
        back = key == (new if column is key else row._mapping[key.name])
        with intruder.begin() as connection:
            connection.execute(update(table).where(back).values({column.name: old}))
    assert full.verify_audit() == _ENTRIES


_COLUMNS = [column for table in (audit, audit_head, receipts) for column in table.columns]


@pytest.mark.parametrize("column", _COLUMNS, ids=str)
@pytest.mark.parametrize("value", ["'x'", "x'00'", "7.5"])
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_value_of_another_type_is_found(
    full: Ledger, intruder: Engine, column: Column[object], value: str
) -> None:
    """SQLite takes values of any type: they are tampering, not a crash."""
    table = column.table.name
    with intruder.begin() as connection:
        last = f"(SELECT max(rowid) FROM {table})"  # noqa: S608  (our own table)
        change = f"UPDATE {table} SET {column.name} = {value} WHERE rowid = {last}"  # noqa: S608
        try:
            connection.exec_driver_sql(change)
        except IntegrityError:
            return  # not even SQLite takes it
    with pytest.raises(AuditBroken):
        full.verify_audit()


@pytest.mark.parametrize("seq", range(1, _ENTRIES + 1))
def test_a_removed_entry_is_found(full: Ledger, intruder: Engine, seq: int) -> None:
    """From the beginning, the middle or the end."""
    with intruder.begin() as connection:
        connection.execute(delete(audit).where(audit.c.seq == seq))
    with pytest.raises(AuditBroken, match=f"audit entry {seq} "):
        full.verify_audit()


def test_a_cut_end_is_found_though_the_head_is_set_back(full: Ledger, intruder: Engine) -> None:
    """The head is sealed: whoever cuts entries off cannot make it fit."""
    with intruder.begin() as connection:
        last = connection.execute(select(audit).where(audit.c.seq == _ENTRIES - 1)).one()
        connection.execute(delete(audit).where(audit.c.seq == _ENTRIES))
        connection.execute(update(audit_head).values(entries=last.seq, hash=last.hash))
    with pytest.raises(AuditBroken, match="head"):
        full.verify_audit()
    with pytest.raises(AuditBroken, match="head"):  # and no new entry covers it up
        full.audit("something", at=NOW)


def test_a_missing_head_is_found(full: Ledger, intruder: Engine) -> None:
    """A chain without an end is not whole."""
    with intruder.begin() as connection:
        connection.execute(delete(audit_head))
    with pytest.raises(AuditBroken, match="head"):
        full.verify_audit()


@pytest.mark.parametrize("seq", [0, -1, _ENTRIES + 1, 1_000])
def test_an_added_entry_is_found(full: Ledger, intruder: Engine, seq: int) -> None:
    """An entry that the ledger did not write stands out, even beyond the end."""
    with intruder.begin() as connection:
        row = connection.execute(select(audit).where(audit.c.seq == 3)).one()
        connection.execute(insert(audit).values({**row._mapping, "seq": seq}))
    with pytest.raises(AuditBroken, match=f"audit entry {_ENTRIES + 1} "):
        full.verify_audit()


def test_swapped_entries_are_found(full: Ledger, intruder: Engine) -> None:
    """The order is part of the chain."""
    with intruder.begin() as connection:
        third, fifth = (
            connection.execute(select(audit).where(audit.c.seq == seq)).one() for seq in (3, 5)
        )
        for seq, row in ((3, fifth), (5, third)):
            values = {**row._mapping, "seq": seq}
            connection.execute(update(audit).where(audit.c.seq == seq).values(values))
    with pytest.raises(AuditBroken, match="audit entry 3 "):
        full.verify_audit()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_entry_of_another_past_is_found(full: Ledger, intruder: Engine, tmp_path: Path) -> None:
    """After a restored backup two entries may have one number: each fits its own past only."""
    with Ledger.open(f"sqlite:///{tmp_path / 'other.db'}", KEY) as other:
        for _ in range(4):
            other.audit("something else", at=NOW)
        with other._database.reading() as connection:
            row = connection.execute(select(audit).where(audit.c.seq == 4)).one()
    with intruder.begin() as connection:
        connection.execute(update(audit).where(audit.c.seq == 4).values(row._mapping))
    with pytest.raises(AuditBroken, match="audit entry 4 "):
        full.verify_audit()


@pytest.mark.parametrize("number", [1, 2])
def test_a_removed_receipt_is_found(full: Ledger, intruder: Engine, number: int) -> None:
    """Proof does not vanish; the entry that speaks of it is named (3 and 7)."""
    with intruder.begin() as connection:
        connection.execute(delete(receipts).where(receipts.c.number == number))
    with pytest.raises(AuditBroken, match=f"audit entry {4 * number - 1} "):
        full.verify_audit()


def test_a_copied_receipt_is_found(full: Ledger, intruder: Engine) -> None:
    """An old receipt, genuinely signed, cannot be made the latest again."""
    with intruder.begin() as connection:
        row = connection.execute(select(receipts).where(receipts.c.number == 1)).one()
        connection.execute(insert(receipts).values({**row._mapping, "number": 99}))
    with pytest.raises(AuditBroken, match="receipt"):
        full.verify_audit()


def test_swapped_receipts_are_found(ledger: Ledger, intruder: Engine) -> None:
    """Which receipt of a request is the latest is part of the trail."""
    ledger.add(a_request(), ERIKA)
    for count in (1, 2):
        ledger.save_receipt(a_receipt(count=count))
    with intruder.begin() as connection:
        rows = connection.execute(select(receipts).order_by(receipts.c.number)).all()
        for number, row in zip((2, 1), rows, strict=True):
            values = {**row._mapping, "number": number}
            connection.execute(update(receipts).where(receipts.c.number == number).values(values))
    with pytest.raises(AuditBroken, match="audit entry 1 "):
        ledger.verify_audit()


def _append(url: str, name: str, count: int) -> None:
    """Append from a process of its own; half of it two entries a transaction."""
    with Ledger.open(url, KEY) as ledger:
        for number in range(0, count, 4):
            ledger.audit(name, at=NOW, counts={"n": number})
            ledger.audit(name, at=NOW, counts={"n": number + 1})
            with ledger.transaction():
                ledger.audit(name, at=NOW, counts={"n": number + 2})
                ledger.audit(name, at=NOW, counts={"n": number + 3})


def test_processes_that_write_at_once_keep_the_chain(ledger: Ledger, url: str) -> None:
    """Every entry of every process is in the one chain, each process's in its order."""
    names, count = ["a", "b", "c"], 40
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(names), mp_context=spawn) as pool:
        for done in [pool.submit(_append, url, name, count) for name in names]:
            done.result()
    assert ledger.verify_audit() == len(names) * count
    entries = list(ledger.entries())
    for name in names:
        written = [each.counts["n"] for each in entries if each.event == name]
        assert written == list(range(count))
