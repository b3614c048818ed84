"""Rows that have grown old are listed to the moment, however a table writes its times."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dsr.connectors.sql import Sql
from dsr.connectors.sql.aging import is_older
from dsr.connectors.sql.clock import Clock
from dsr.errors import ConfigurationError
from dsr.model import Record
from tests.connectors.sql_stores import (
    ALICE,
    BOB,
    CDR,
    WALL,
    call,
    cdr_table,
    fill,
    find,
    raw,
    store,
    url,
)
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]

BERLIN: Final = ZoneInfo("Europe/Berlin")
BORDER: Final = dt.datetime(2026, 5, 24, 10, 30, tzinfo=dt.UTC)
SECOND: Final = dt.timedelta(seconds=1)
#: Around the border, and far from it on both sides.
MOMENTS: Final = [
    BORDER - dt.timedelta(days=9_000),
    BORDER - dt.timedelta(days=1),
    BORDER - SECOND,
    BORDER,
    BORDER + SECOND,
    BORDER + dt.timedelta(days=400),
]
OLD: Final = [1, 2, 3]

WAYS: Final[dict[str, tuple[Any, Any]]] = {
    "aware": (sa.DateTime(timezone=True), lambda at: at),
    "wall": (WALL, lambda at: at.astimezone(BERLIN).replace(tzinfo=None)),
    "text": (sa.String(40), lambda at: at.isoformat()),
    "text in another zone": (
        sa.String(40),
        lambda at: at.astimezone(ZoneInfo("Asia/Tokyo")).isoformat(sep=" "),
    ),
    "compact text": (sa.String(40), lambda at: at.astimezone(BERLIN).strftime("%Y%m%d%H%M%S")),
    "encoded text": (
        sa.String(40),
        lambda at: at.astimezone(BERLIN).strftime("%Y-%m-%d%%20%H%%3A%M%%3A%S"),
    ),
    "seconds": (sa.BigInteger(), lambda at: int(at.timestamp())),
    "milliseconds": (sa.BigInteger(), lambda at: int(at.timestamp() * 1000)),
    "microseconds": (sa.BigInteger(), lambda at: int(at.timestamp()) * 1_000_000),
    "seconds as text": (sa.String(40), lambda at: str(int(at.timestamp()))),
}


def _table(kind: Any) -> sa.Table:
    return sa.Table(
        "bills",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("phone", sa.String(40)),
        sa.Column("billed", kind, nullable=True),
    )


BILLS: Final[dict[str, Any]] = {
    "category": "bills",
    "sides": [{"phone": "phone", "about": ["phone"]}],
}


def _ids(connector: Sql, anchor: str = "billed", before: dt.datetime = BORDER) -> list[Any]:
    return sorted(each.data["id"] for each in connector.aged("bills", anchor, before))


@pytest.mark.parametrize("way", WAYS)
def test_the_border_is_exact_in_every_way_to_write_a_time(url: str, way: str) -> None:
    """Half-open: a row at the border itself is not older, one second before it is."""
    kind, written = WAYS[way]
    if "sqlite" in url and way == "aware":
        kind, written = sa.String(40), lambda at: at.isoformat(sep=" ")
    if "mysql" in url and way == "aware":
        pytest.skip("the connector does not read aware timestamps of a database that has none")
    rows = [
        {"id": number, "phone": ALICE.value, "billed": written(at)}
        for number, at in enumerate(MOMENTS, start=1)
    ]
    fill(url, _table(kind), [*rows, {"id": 7, "phone": BOB.value, "billed": None}])
    assert _ids(store(url, BILLS, "bills")) == OLD


def test_a_date_counts_from_its_first_second(url: str) -> None:
    """A bill of the 24th is older than ten o'clock of the 24th, and not older than midnight."""
    days = [dt.date(2026, 5, 23), dt.date(2026, 5, 24), dt.date(2026, 5, 25)]
    rows = [{"id": n, "phone": ALICE.value, "billed": day} for n, day in enumerate(days, 1)]
    fill(url, _table(sa.Date()), rows)
    bills = store(url, BILLS, "bills")
    assert _ids(bills) == [1, 2]
    assert _ids(bills, before=dt.datetime(2026, 5, 24, tzinfo=BERLIN)) == [1]


def test_records_are_those_that_find_gives(url: str) -> None:
    """Key, fields, links, time and who is spoken of: a verb takes either."""
    calls = [call(n, ALICE.value, BOB.value) for n in (1, 2)]
    fill(url, cdr_table(), calls)
    connector = store(url, CDR)
    found = {each.record.key: each.record for each in find(connector, ALICE)}
    later = BORDER + dt.timedelta(days=10_000)
    aged = {each.key: each for each in connector.aged("call_records", "", later)}
    assert aged == found
    connector.erase(list(aged))
    assert list(connector.aged("call_records", "", later)) == []


def test_rows_without_a_key_are_listed_each(url: str) -> None:
    """Equal rows are two records, as when they are found."""
    rows = [{"id": 1, "phone": ALICE.value, "billed": "2020-01-01T00:00:00+00:00"}] * 2
    table = sa.Table(
        "bills",
        sa.MetaData(),
        sa.Column("id", sa.Integer),
        sa.Column("phone", sa.String(40)),
        sa.Column("billed", sa.String(40)),
    )
    fill(url, table, rows)
    connector = store(url, BILLS, "bills")
    keys = [each.key for each in connector.aged("bills", "billed", BORDER)]
    assert len(set(keys)) == len(keys) == 2
    assert set(keys) == {each.record.key for each in find(connector, ALICE)}


@pytest.mark.parametrize("anchor", ["bilded", "billed->day", ""])
def test_an_anchor_that_is_not_there_is_an_error(url: str, anchor: str) -> None:
    """A period that is counted from nothing would delete nothing, in silence."""
    fill(url, _table(sa.String(40)), [{"id": 1, "phone": "1", "billed": "2020-01-01"}])
    with pytest.raises(ConfigurationError, match="bills"):
        _ids(store(url, BILLS, "bills"), anchor)


def test_members_of_documents_are_anchors(url: str) -> None:
    """A time inside a JSON document, where it is the table's own."""
    table = sa.Table(
        "bills",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("phone", sa.String(40)),
        sa.Column("billed", sa.JSON),
    )
    days = ("2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z")
    rows = [{"id": n, "phone": "1", "billed": {"on": day}} for n, day in enumerate(days, 1)]
    fill(url, table, [*rows, {"id": 3, "phone": "1", "billed": {}}])
    connector = store(url, {**BILLS, "at": "billed->on"}, "bills")
    assert _ids(connector, "") == [1]


def test_an_index_on_the_anchor_is_used(url: str) -> None:
    """Ten thousand calls are not read for the three that are old (where the database can say)."""
    if "postgresql" not in url:
        pytest.skip("the connector does not decide this: only PostgreSQL is asked for its plan")
    fill(url, cdr_table(), [call(n, ALICE.value, BOB.value) for n in range(1, 4)])
    with raw(url) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO cdr (uniqueid, sequence, src, dst, start)"
                " SELECT 'x' || n, n, '1', '2', TIMESTAMP '2027-01-01' + n * INTERVAL '1 minute'"
                " FROM generate_series(1, 20000) AS n"
            )
        )
        connection.execute(sa.text("CREATE INDEX cdr_start ON cdr (start)"))
        connection.execute(sa.text("ANALYZE cdr"))
    plans: list[str] = []

    def explain(conn: sa.Connection, clause: Any, *_: object) -> None:
        if isinstance(clause, sa.Select) and "cdr" in str(clause) and not plans:
            plans.append("")
            text = clause.compile(conn, compile_kwargs={"literal_binds": True})
            plans[0] = "\n".join(conn.exec_driver_sql(f"EXPLAIN {text}").scalars())

    sa.event.listen(sa.engine.Engine, "before_execute", explain)
    try:
        aged = list(store(url, CDR).aged("call_records", "", BORDER))
    finally:
        sa.event.remove(sa.engine.Engine, "before_execute", explain)
    assert len(aged) == 3
    assert "cdr_start" in plans[0]


@given(
    st.datetimes(timezones=st.just(dt.UTC)).filter(lambda at: 1990 < at.year < 2100),
    st.timedeltas(-2 * SECOND, 2 * SECOND),
)
def test_older_means_before(border: dt.datetime, off: dt.timedelta) -> None:
    """A record at the border is not older, whatever the microseconds."""
    record = Record("1", "bills", {"billed": border + off})
    clock = Clock("calls", BERLIN)
    assert is_older(record, "billed", border, clock) is (off < dt.timedelta(0))
    assert not is_older(evolve(record, data={"billed": None}), "billed", border, clock)
