"""Tables as they really are: reserved words, cases, schemas, partitions, views; and near misses."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.errors import StoreError, StoreUnavailable
from dsr.model import Identifier
from tests.connectors.sql_stores import ALICE, fill, find, raw, rows_of, store, url
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]

#: Names that every database must be asked for in quotes.
ODD: Final = sa.Table(
    "Order",
    sa.MetaData(),
    sa.Column("select", sa.Integer, primary_key=True, autoincrement=False),
    *(sa.Column(each, sa.String(40)) for each in ("end", "From", "größe", "a b", "c%d", "e:f")),
)
MAPPED: Final[dict[str, Any]] = {
    "category": "calls",
    "at": "end",
    "sides": [
        {"phone": "From", "about": ["größe", "a b"]},
        {"phone": "c%d", "about": ["e:f"]},
    ],
    "links": {"call": "a b"},
}


def test_reserved_words_and_odd_names(url: str) -> None:
    """A column may be called `end`, `From` or `c%d`: it is read, emptied and corrected as any."""
    row: dict[str, object] = {
        "select": 1,
        "end": "2026-03-01 10:00:00",
        "From": "030901820",
        "größe": "x",
        "a b": "7",
        "c%d": "4930777",
        "e:f": "y",
    }
    fill(url, ODD, [row])
    connector = store(url, MAPPED, "Order")
    (found,) = find(connector, ALICE)
    assert {**found.record.data, "end": row["end"]} == row
    assert found.about == {"From", "größe", "a b"}
    assert found.record.links == (Identifier("call", "7"),)
    connector.rectify(found.record.key, {"e:f": "z"})
    connector.redact({found.record.key: found.about})
    assert rows_of(url, ODD) == [row | {"From": None, "größe": None, "a b": None, "e:f": "z"}]
    connector.erase([found.record.key])
    assert rows_of(url, ODD) == []


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ({"sides": [{"phone": "from"}]}, '"From"'),
        ({"sides": [{"phone": "Form"}]}, '"From"'),
        ({"sides": [{"phone": "größ->a"}]}, '"größe"'),
        ({"sides": [{"phone": "From"}], "at": "ende"}, '"end"'),
    ],
)
def test_a_wrong_column_suggests_the_near_one(url: str, change: dict[str, Any], near: str) -> None:
    """A typing error is found by the name beside it."""
    fill(url, ODD, [])
    with pytest.raises(StoreUnavailable, match=f"no column .*did you mean {near}"):
        find(store(url, {"category": "c"} | change, "Order"), ALICE)


@pytest.mark.parametrize("wrong", ["order", "Oder", "ORDERS"])
def test_a_wrong_table_suggests_the_near_one(url: str, wrong: str) -> None:
    """The same for tables, also in another case where the database tells cases apart."""
    fill(url, ODD, [])
    connector = store(url, {"category": "c", "sides": [{"phone": "From"}]}, wrong)
    with pytest.raises(StoreUnavailable, match=f'no table {wrong}: did you mean "Order"'):
        find(connector, ALICE)


def test_a_table_of_another_schema(postgresql: str) -> None:
    """A table is found in the schema that its map names, and nowhere else."""
    with raw(postgresql) as connection:
        for schema in ("billing", "archive"):
            connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
            connection.execute(sa.text(f"CREATE TABLE {schema}.cdr (id int PRIMARY KEY, src text)"))
            values = {"src": "030901820" if schema == "billing" else "0049 30 901820"}
            table = sa.table("cdr", sa.column("id"), sa.column("src"), schema=schema)
            connection.execute(table.insert(), {"id": 1} | values)
    sides = [{"phone": "src", "about": ["src"]}]
    billing = store(postgresql, {"category": "c", "table": "billing.cdr", "sides": sides})
    (found,) = find(billing, ALICE)
    billing.erase([found.record.key])
    with raw(postgresql) as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM archive.cdr")).scalar() == 1
        assert connection.execute(sa.text("SELECT count(*) FROM billing.cdr")).scalar() == 0
    for wrong, near in (("biling.cdr", "billing.cdr"), ("cdr", "archive.cdr")):
        mapped = {"category": "c", "table": wrong, "sides": sides}
        with pytest.raises(StoreUnavailable, match=f'did you mean "{near}"'):
            find(store(postgresql, mapped), ALICE)


def test_a_partitioned_table(postgresql: str) -> None:
    """All partitions are read and changed as one table, with its indexes."""
    with raw(postgresql) as connection:
        for statement in (
            "CREATE TABLE cdr (id int, start timestamptz, src text) PARTITION BY RANGE (start)",
            "CREATE TABLE cdr_1 PARTITION OF cdr FOR VALUES FROM (MINVALUE) TO ('2026-02-01')",
            "CREATE TABLE cdr_2 PARTITION OF cdr FOR VALUES FROM ('2026-02-01') TO (MAXVALUE)",
            "CREATE INDEX ON cdr (src)",
            "INSERT INTO cdr VALUES (1, '2026-01-01', '030901820')",
            *["INSERT INTO cdr VALUES (2, '2026-03-01', '+4930901820')"] * 2,
            "INSERT INTO cdr VALUES (3, '2026-03-01', '+49309018200')",
        ):
            connection.execute(sa.text(statement))
    mapped = {"category": "c", "at": "start", "sides": [{"phone": "src", "about": ["src"]}]}
    connector = store(postgresql, mapped)
    assert [each for each in connector.check() if each.kind in {"fault", "right"}] == []
    founds = find(connector, ALICE)
    assert sorted(int(str(each.record.data["id"])) for each in founds) == [1, 2, 2]
    connector.erase([each.record.key for each in founds])
    with raw(postgresql) as connection:
        assert connection.execute(sa.text("SELECT id FROM cdr")).scalars().all() == [3]


def test_a_view_is_read_and_said_to_be_read_only(url: str) -> None:
    """FusionPBX's recordings are a view: found, and told before any request that it stays."""
    fill(url, ODD, [{"select": 1, "From": "030901820"}])
    with raw(url) as connection:
        select = sa.select(ODD.c["From"], sa.func.count().label("calls")).group_by(ODD.c["From"])
        connection.execute(sa.text(f"CREATE VIEW recent AS {select.compile(connection)}"))
    connector = store(url, {"category": "c", "sides": [{"phone": "From"}]}, "recent")
    (found,) = find(connector, ALICE)
    assert found.record.data == {"From": "030901820", "calls": 1}
    told = [each.text for each in connector.check() if each.kind == "right"]
    assert any("view that can only be read" in each for each in told)
    with pytest.raises(StoreError):
        connector.erase([found.record.key])
    assert len(rows_of(url, ODD)) == 1


def test_a_materialized_view_keeps_what_it_had(postgresql: str) -> None:
    """Law 4: what an erasure leaves behind is told."""
    with raw(postgresql) as connection:
        connection.execute(sa.text("CREATE TABLE cdr (id int PRIMARY KEY, src text)"))
        connection.execute(sa.text("CREATE MATERIALIZED VIEW copy AS SELECT * FROM cdr"))
    connector = store(postgresql, {"category": "c", "sides": [{"phone": "src"}]}, "copy")
    assert {each.kind for each in connector.check()} >= {"left", "right"}


def test_paths_are_checked(url: str) -> None:
    """A path that no document has, and numbers that equality would miss, are told."""
    documents = sa.Table(
        "cdrs",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("extra", sa.JSON),
    )
    fill(url, documents, [{"id": 1, "extra": {"from": "sip:+4930901820@example.org"}}])
    sides = [{"phone": "extra->from", "about": ["extra->nmae"]}]
    connector = store(url, {"category": "c", "sides": sides}, "cdrs")
    told = [(each.kind, each.text) for each in connector.check()]
    assert any(kind == "fault" and 'match = "contains"' in text for kind, text in told)
    assert any(kind == "advice" and "extra->nmae" in text for kind, text in told)
