"""Other programs at work in the same rows: waiting is bounded, deadlocks are tried again."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Final, cast

import pytest
import sqlalchemy as sa

from dsr.connectors.sql import session
from dsr.errors import StoreUnavailable
from dsr.model import Found
from tests.connectors.sql_stores import (
    ACC,
    ALICE,
    BOB,
    acc_table,
    fill,
    find,
    raw,
    rows_of,
    store,
    transaction,
    url,
)

__all__ = ["url"]

_SOON: Final = 30  # seconds that something may take on a busy machine

#: How a server says that a session waits for another's lock.
WAITING: Final = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
    "mysql": "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
}


@contextmanager
def another(url: str) -> Iterator[sa.Connection]:
    """Open a session of another program, which holds what it locks until the end."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def touch(connection: sa.Connection, number: int) -> None:
    connection.execute(sa.text("UPDATE acc SET method = 'BYE' WHERE id = :id"), {"id": number})


def wait(url: str) -> None:
    """Return once a session waits for a lock."""
    sql = sa.text(WAITING[url.partition("+")[0]])
    end = time.monotonic() + _SOON
    while time.monotonic() < end:
        with raw(url) as connection:
            if connection.execute(sql).scalar_one():
                return
        time.sleep(0.2)  # MariaDB shows again what it showed less than 0.1 s ago
    pytest.fail("nobody waits")


@pytest.fixture
def thread() -> Iterator[Callable[[Callable[[], None]], Future[None]]]:
    """Return what runs a function beside the test."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit


def test_a_deadlock_is_tried_again(
    url: str, thread: Callable[[Callable[[], None]], Future[None]]
) -> None:
    """Two programs that wait for each other: the server ends ours, which carries on after."""
    if url.startswith("sqlite"):  # has one writer at a time
        return
    table = acc_table()
    fill(url, table, [transaction(each, ALICE.value, "") for each in range(1, 4)])
    connector = store(url, ACC, "acc")
    keys = [each.record.key for each in find(connector, ALICE)]
    with another(url) as other:
        for each in range(100, 400):  # more to roll back than ours: MariaDB ends the lighter one
            other.execute(table.insert(), transaction(each, BOB.value, ""))
        touch(other, 3)
        erasing = thread(lambda: connector.erase(keys))
        wait(url)
        touch(other, 1)
        other.commit()
    erasing.result(_SOON)
    assert {row["id"] for row in rows_of(url, table)} == set(range(100, 400))


def test_waiting_for_a_lock_is_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never lets go: the store is unavailable, with what to do, and nothing done."""
    monkeypatch.setattr(session, "LOCK_SECONDS", 1)
    table = acc_table()
    fill(url, table, [transaction(each, ALICE.value, "") for each in range(1, 4)])
    connector = store(url, ACC, "acc")
    founds = find(connector, ALICE)
    with another(url) as other:
        touch(other, 3)
        with pytest.raises(StoreUnavailable, match="try again"):
            connector.erase([each.record.key for each in founds])
        with pytest.raises(StoreUnavailable, match="try again"):
            connector.redact({each.record.key: each.about for each in founds})
        other.rollback()
    assert len(rows_of(url, table)) == 3
    connector.erase([each.record.key for each in founds])
    assert rows_of(url, table) == []


def test_two_runs_at_once_end_like_one(
    url: str, thread: Callable[[Callable[[], None]], Future[None]]
) -> None:
    """Law 2: whoever comes second finds the rows gone, and calls that success."""
    table = acc_table()
    fill(url, table, [transaction(each, ALICE.value, "") for each in range(1, 2_001)])
    connector = store(url, ACC, "acc")
    keys = [each.record.key for each in find(connector, ALICE)]
    erasing = thread(lambda: connector.erase(keys[:1500]))
    connector.erase(keys[500:])
    erasing.result(_SOON)
    assert rows_of(url, table) == []


def test_one_reading_shows_one_moment(url: str) -> None:
    """Two tables of one reading agree: what is written meanwhile is in neither or in both."""
    fill(url, acc_table(), [transaction(1, ALICE.value, "")])
    other = sa.Table(
        "more",
        sa.MetaData(),
        *(
            sa.Column(each.name, each.type, primary_key=each.primary_key)
            for each in acc_table().columns
        ),
    )
    fill(url, other, [transaction(1, ALICE.value, "")])
    if url.startswith("sqlite"):
        with raw(url) as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    connector = store(url, ACC, tables={"acc": ACC, "more": ACC})
    founds = connector.find([ALICE])
    next(founds)
    with raw(url) as connection:
        connection.execute(other.insert(), [transaction(2, ALICE.value, "")])
    assert len(list(founds)) == 1
    assert len(find(connector, ALICE)) == 3


def test_a_reading_that_is_broken_off_lets_go(url: str) -> None:
    """A reader that stops early holds no lock, transaction or cursor."""
    table = acc_table()
    fill(url, table, [transaction(each, ALICE.value, "") for each in range(1, 5_001)])
    founds = cast("Generator[Found, None, None]", store(url, ACC, "acc").find([ALICE]))
    with closing(founds):
        next(founds)
    with raw(url) as connection:
        connection.exec_driver_sql("DROP TABLE acc")
