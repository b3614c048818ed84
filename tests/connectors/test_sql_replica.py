"""Reading from real replicas: a lag never makes a store look clean."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.connectors.sql import replica as replicas
from tests.connectors.sql_stores import ALICE, BOB, CDR, call, cdr_table, fill, find, raw, store
from tests.servers import mariadb
from tests.servers.postgresql import fresh_database, replica

_SOON: Final = 60  # seconds that a replica may take to follow on a busy machine

#: How a replica is kept from following, and let go again.
PAUSE: Final = {
    "postgresql": ("SELECT pg_wal_replay_pause()", "SELECT pg_wal_replay_resume()"),
    "mysql": ("STOP SLAVE SQL_THREAD", "START SLAVE SQL_THREAD"),
}


@contextmanager
def _postgresql() -> Iterator[tuple[str, str]]:
    with fresh_database() as url, replica(url) as copy:
        yield url, copy


@contextmanager
def _mariadb() -> Iterator[tuple[str, str]]:
    logged = ("--log-bin", "--binlog-format=MIXED", "--gtid-strict-mode=ON")
    primary, copy = (mariadb.start(f"--server-id={each}", *logged) for each in (1, 2))
    urls = [f"mysql+pymysql://root@127.0.0.1:{port}/calls" for port in (primary, copy)]
    follow = (
        f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={primary}, MASTER_USER='root',"
        " MASTER_USE_GTID=slave_pos"
    )
    with raw(urls[1].replace("/calls", "/mysql")) as connection:
        for each in ("SET GLOBAL gtid_slave_pos = ''", "RESET MASTER", follow, "START SLAVE"):
            connection.exec_driver_sql(each)
    with raw(urls[0].replace("/calls", "/mysql")) as connection:
        connection.exec_driver_sql("CREATE DATABASE calls")
    yield urls[0], urls[1]


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Return the URLs of a primary with a table of calls, and of its replica, which follows."""
    servers = {"postgresql": _postgresql, "mysql": _mariadb}[request.param]
    with servers() as (url, copy):
        fill(url, cdr_table(), [])
        end = time.monotonic() + _SOON
        while not _has_table(copy):
            assert time.monotonic() < end, "the replica does not follow"
            time.sleep(0.1)
        yield url, copy


def _has_table(url: str) -> bool:
    try:
        with raw(url) as connection:
            return sa.inspect(connection).has_table("cdr")
    except sa.exc.OperationalError:  # the database itself has not arrived
        return False


@pytest.fixture
def calls(pair: tuple[str, str]) -> Iterator[Sql]:
    """Return the store with three calls of Alice's; it is emptied afterwards."""
    with raw(pair[0]) as connection:
        connection.execute(
            cdr_table().insert(), [call(each, ALICE.value, BOB.value) for each in range(1, 4)]
        )
    yield store(pair[0], CDR, replica=pair[1])
    with raw(pair[0]) as connection:
        connection.exec_driver_sql("DELETE FROM cdr")


@contextmanager
def paused(url: str) -> Iterator[None]:
    """Keep a replica from following."""
    pause, resume = PAUSE[url.partition("+")[0]]
    _do(url, pause)
    try:
        yield
    finally:
        _do(url, resume)


def _do(url: str, sql: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(sql)
    engine.dispose()


@contextmanager
def ports() -> Iterator[list[int]]:
    """Collect the ports of the servers that rows of `cdr` are read from."""
    seen: list[int] = []

    def note(*event: Any) -> None:
        if "FROM cdr" in event[2]:
            seen.append(event[0].engine.url.port)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_the_replica_is_read_and_the_primary_written(calls: Sql, pair: tuple[str, str]) -> None:
    """What was written a moment ago is found there: the reading waits until it has arrived."""
    with ports() as seen:
        founds = find(calls, ALICE)
    assert len(founds) == 3
    assert set(seen) == {sa.make_url(pair[1]).port}
    with ports() as seen:
        calls.redact({each.record.key: each.about for each in founds[:1]})
        calls.erase([each.record.key for each in founds[1:]])
    assert set(seen) <= {sa.make_url(pair[0]).port}
    with ports() as seen:
        assert find(calls, ALICE) == []
    assert set(seen) == {sa.make_url(pair[1]).port}


def test_a_replica_that_lags_proves_nothing(
    calls: Sql, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 11: what the primary still has is found, though the replica does not have it yet."""
    monkeypatch.setattr(replicas, "PATIENCE", 1)
    assert len(find(calls, ALICE)) == 3
    with paused(pair[1]):
        with raw(pair[0]) as connection:
            connection.execute(cdr_table().insert(), [call(9, ALICE.value, BOB.value)])
        with ports() as seen:
            founds = find(calls, ALICE)
        assert len(founds) == 4
        assert set(seen) == {sa.make_url(pair[0]).port}
        assert any("behind" in each.text for each in calls.check())
        calls.erase([each.record.key for each in founds])
        assert find(calls, ALICE) == []
    assert find(calls, ALICE) == []


def test_a_reading_waits_for_a_replica_that_comes(calls: Sql, pair: tuple[str, str]) -> None:
    """A lag of less than the patience costs time, and nothing else."""
    with raw(pair[0]) as connection:
        connection.execute(
            cdr_table().insert(), [call(each, ALICE.value, BOB.value) for each in range(9, 2009)]
        )
    with ports() as seen:
        assert len(find(calls, ALICE)) == 2003
    assert set(seen) == {sa.make_url(pair[1]).port}


@pytest.mark.usefixtures("calls")
def test_a_server_of_its_own_is_no_replica(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restored copy may be further on and hold less: it is not read."""
    monkeypatch.setattr(replicas, "PATIENCE", 1)
    for other in (pair[0], "postgresql+psycopg://nobody@127.0.0.1:1/calls"):
        connector = store(pair[0], CDR, replica=other)
        assert len(find(connector, ALICE)) == 3
        assert [each.kind for each in connector.check() if "replica" in each.text] != []
    assert len(find(store(pair[1], CDR, replica=pair[0]), ALICE)) == 3
