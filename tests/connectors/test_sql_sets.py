"""Keys of several columns on MariaDB, of any type."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from tests.connectors.sql_stores import ALICE, fill, find, rows_of, store
from tests.servers.mariadb import mariadb

__all__ = ["mariadb"]

WHEN = dt.datetime(2026, 3, 5, 12, 30, 15, 5000)  # noqa: DTZ001  (as the column holds it)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (sa.String(20), ["a", "A", "a ", "ä", "a-b", "1"]),
        (mysql.INTEGER(10, zerofill=True, unsigned=True), [1, 10, 100]),
        (sa.BigInteger(), [-1, 0, 2**62]),
        (mysql.DATETIME(fsp=3), [WHEN, WHEN.replace(microsecond=0)]),
        (mysql.DATETIME(), [WHEN.replace(microsecond=0), WHEN.replace(microsecond=0, year=2025)]),
        (sa.Date(), [WHEN.date(), dt.date(1999, 12, 31)]),
        (sa.Numeric(9, 3), [1, 2]),
    ],
    ids=str,
)
def test_a_key_of_two_columns_names_one_row(
    mariadb: str, kind: sa.types.TypeEngine[object], values: list[object]
) -> None:
    """Law 7: whatever type a column of the key is of, its row is erased, and no other."""
    texts = [sa.Column(each, sa.String(20)) for each in ("call", "src")]
    table = sa.Table("cdr", sa.MetaData(), sa.Column("part", kind), *texts)
    rows = [
        {"part": value, "call": call, "src": ALICE.value} for value in values for call in ("x", "-")
    ]
    fill(mariadb, table, rows)
    connector = store(
        mariadb, {"category": "calls", "key": ["part", "call"], "sides": [{"phone": "src"}]}
    )
    for gone, each in enumerate([each.record.key for each in find(connector, ALICE)], start=1):
        connector.erase([each])
        assert len(rows_of(mariadb, table)) == len(rows) - gone
