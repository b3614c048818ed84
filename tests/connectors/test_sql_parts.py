"""A large table in parts: each record in exactly one, and only where that helps."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import sqlalchemy as sa

from tests.connectors.sql_stores import ALICE, find, raw, store, url
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]

ROWS: Final = 250_000
INSIDE: Final[dict[str, Any]] = {
    "category": "calls",
    "sides": [{"phone": "clid", "match": "contains"}],
}

#: 250,000 rows, every 1,000th of Alice's, made by the database itself.
SERIES: Final = (
    "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 250000)"
    " SELECT n, CASE WHEN n % 1000 = 0 THEN '\"A\" <030901820>' ELSE 'x' END FROM n"
)


def make(url: str, key: str, *, series: str = SERIES) -> None:
    with raw(url) as connection:
        connection.exec_driver_sql(f"CREATE TABLE cdr (id {key}, clid VARCHAR(40))")
        if url.startswith("mysql"):
            connection.exec_driver_sql("SET max_recursive_iterations = 1000000")
        connection.execute(sa.text(f"INSERT INTO cdr (id, clid) {series}"))


def test_ranges_of_the_key_are_the_whole(url: str) -> None:
    """What all parts find is what the store finds; no record is in two, none is left out."""
    make(url, "INTEGER PRIMARY KEY")
    connector = store(url, INSIDE)
    parts = [pickle.loads(pickle.dumps(each)) for each in connector.split()]  # noqa: S301  (ours)
    assert len(parts) > 1
    with ThreadPoolExecutor(2) as pool:
        found = [[each.record.key for each in part] for part in pool.map(_find, parts)]
    together = [key for keys in found for key in keys]
    assert all(found)
    assert len(together) == len(set(together)) == ROWS // 1000
    assert set(together) == {each.record.key for each in find(connector, ALICE)}
    with raw(url) as connection:  # outside the range that the parts were made for
        values = {"id": 10**6, "clid": ALICE.value}
        connection.execute(sa.text("INSERT INTO cdr VALUES (:id, :clid)"), values)
        values = {"id": -5, "clid": ALICE.value}
        connection.execute(sa.text("INSERT INTO cdr VALUES (:id, :clid)"), values)
    assert sum(len(_find(part)) for part in parts) == ROWS // 1000 + 2


def _find(part: Any) -> Any:
    return find(part, ALICE)


def test_random_keys_make_parts_too(postgresql: str) -> None:
    """A UUID is a number: the ranges divide all there are."""
    series = SERIES.replace("SELECT n,", "SELECT gen_random_uuid(),")
    make(postgresql, "UUID PRIMARY KEY", series=series)
    with raw(postgresql) as connection:
        connection.exec_driver_sql("ANALYZE cdr")
    parts = store(postgresql, INSIDE).split()
    found = [each.record.key for part in parts for each in find(part, ALICE)]
    assert len(parts) > 1
    assert len(found) == len(set(found)) == ROWS // 1000


def test_what_an_index_serves_is_one_part(url: str) -> None:
    """To look for one number in ten places takes longer than in one."""
    make(url, "INTEGER PRIMARY KEY")
    with raw(url) as connection:
        connection.exec_driver_sql("CREATE INDEX cdr_clid ON cdr (clid)")
    connector = store(url, {"category": "calls", "sides": [{"phone": "clid"}]})
    assert connector.split() == [connector]


def test_a_table_without_a_key_is_one_part(url: str) -> None:
    """Where a row lies changes while others work: it divides no table."""
    make(url, "INTEGER")
    connector = store(url, INSIDE)
    assert connector.split() == [connector]
