"""Tables of every shape: without a key, partitioned, in a schema, computed, and guarded."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.errors import Refused
from tests.connectors.sql_stores import (
    ALICE,
    BOB,
    CDR,
    call,
    cdr_table,
    fill,
    find,
    raw,
    rows_of,
    store,
    url,
)
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]

WHOLE: Final[dict[str, Any]] = {
    "category": "calls",
    "sides": [
        {"phone": "src", "about": ["src", "note"]},
        {"phone": "dst", "about": ["dst"]},
    ],
}


def run(url: str, *statements: str) -> None:
    with raw(url) as connection:
        for each in statements:
            connection.exec_driver_sql(each)


def fetched(url: str, sql: str) -> list[tuple[Any, ...]]:
    with raw(url) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def keys_of(connector: Sql) -> list[str]:
    return [each.record.key for each in find(connector, ALICE)]


class TestWithoutAKey:
    """The digest of a row is its key."""

    def test_keys_outlive_housekeeping(self, postgresql: str) -> None:
        """VACUUM moves rows, and so does a change of others: the key still names the row."""
        table = cdr_table()
        fill(postgresql, table, [call(each, ALICE.value, BOB.value) for each in range(50)])
        connector = store(postgresql, WHOLE | {"sides": CDR["sides"]})
        before = set(keys_of(connector))
        run(postgresql, "DELETE FROM cdr WHERE sequence < 10")
        engine = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM FULL cdr")
        engine.dispose()
        after = set(keys_of(connector))
        assert len(after) == 40
        assert after < before

    def test_a_key_is_the_same_in_any_session(self, postgresql: str) -> None:
        """What a login's own settings make of dates, floats and bytes does not reach the key."""
        run(
            postgresql,
            "CREATE TABLE cdr (src text, dst text, note timestamptz, f float8, b bytea,"
            " i interval)",
            "INSERT INTO cdr VALUES ('+4930901820', '', '2026-07-01 12:00+02', 0.1, '\\x00ff',"
            " '1 day 2 hours')",
        )
        connector = store(postgresql, WHOLE)
        before = keys_of(connector)
        database = sa.make_url(postgresql).database
        for setting in (
            "timezone = 'Asia/Tokyo'",
            "datestyle = 'German'",
            "extra_float_digits = -5",
            "bytea_output = 'escape'",
            "intervalstyle = 'iso_8601'",
        ):
            run(postgresql, f"ALTER DATABASE {database} SET {setting}")
        assert keys_of(connector) == before
        connector.erase(before)
        assert keys_of(connector) == []

    def test_values_that_databases_find_equal_are_not(self, url: str) -> None:
        """Law 7: NULL and empty, 1.5 and 1.50, and where one text ends, are told apart."""
        number = "TEXT" if url.startswith("sqlite") else "NUMERIC(9,4)"
        if url.startswith("postgresql"):
            number = "NUMERIC"  # keeps its scale
        run(
            url,
            f"CREATE TABLE cdr (src VARCHAR(20), dst VARCHAR(20), note VARCHAR(20), n {number})",
        )
        rows: Sequence[tuple[str | None, ...]] = [
            ("", None, "1.5"),
            (None, None, "1.5"),
            ("", "", "1.5"),
            ("ab", "c", "1.5"),
            ("a", "bc", "1.5"),
            ("a','b", "c", "1.5"),
            ("NULL", "c", "1.5"),
            ("", None, None),
            ("(,)", '"', "2"),
        ]
        if not url.startswith("mysql"):
            rows = [*rows, ("", None, "1.50")]
        with raw(url) as connection:
            insert = sa.text("INSERT INTO cdr VALUES (:src, :dst, :note, :n)")
            for dst, note, n in rows:
                exact = n if n is None or url.startswith("sqlite") else Decimal(n)
                values = {"src": ALICE.value, "dst": dst, "note": note, "n": exact}
                connection.execute(insert, values)
        connector = store(url, WHOLE)
        keys = keys_of(connector)
        assert len(set(keys)) == len(rows)
        for left, key in enumerate(reversed(keys)):
            connector.erase([key])
            assert len(fetched(url, "SELECT 1 FROM cdr")) == len(rows) - 1 - left

    def test_a_row_may_be_very_wide(self, url: str) -> None:
        """Hundreds of columns, and a document of a megabyte: the key stays short."""
        width = 150 if url.startswith("mysql") else 300  # as wide as an InnoDB row can be
        columns = ", ".join(f"c{each} VARCHAR(9)" for each in range(width))
        run(
            url,
            f"CREATE TABLE cdr (src VARCHAR(20), dst VARCHAR(20), note {_long(url)}, {columns})",
        )
        with raw(url) as connection:
            insert = sa.text("INSERT INTO cdr (src, note, c149) VALUES (:src, :note, :last)")
            for note, last in (("ä" * 500_000, "x"), ("ä" * 500_000, "y"), ("ä" * 499_999, "x")):
                connection.execute(insert, {"src": ALICE.value, "note": note, "last": last})
        connector = store(url, WHOLE)
        keys = keys_of(connector)
        assert len(set(keys)) == 3
        assert max(map(len, keys)) < 200
        connector.redact({keys[0]: frozenset({"src", "note"})})
        connector.erase(keys[1:2])
        assert len(keys_of(connector)) == 1
        assert len(fetched(url, "SELECT 1 FROM cdr")) == 2

    def test_many_equal_rows_are_each_exported_and_go_together(self, url: str) -> None:
        """Equal rows are as many records; what is asked of one happens to all, and to no other."""
        table = cdr_table()
        twin = call(1, ALICE.value, BOB.value)
        fill(url, table, [twin] * 40 + [call(2, ALICE.value, BOB.value)])
        connector = store(url, WHOLE | {"sides": CDR["sides"]})
        founds = find(connector, ALICE)
        assert len({each.record.key for each in founds}) == 41
        one = next(each.record.key for each in founds if each.record.data["sequence"] == 1)
        connector.erase([one])
        assert [row["sequence"] for row in rows_of(url, table)] == [2]


def _long(url: str) -> str:
    return "LONGTEXT" if url.startswith("mysql") else "TEXT"


class TestPartitions:
    """A partitioned table is one table."""

    def test_rows_are_found_and_erased_in_every_partition(self, postgresql: str) -> None:
        """By key and by row; a row that a change moves to another partition is still one row."""
        run(
            postgresql,
            "CREATE TABLE cdr (id int, region text, src text, dst text, note text,"
            " PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
            "CREATE TABLE cdr_de PARTITION OF cdr FOR VALUES IN ('de')",
            "CREATE TABLE cdr_at PARTITION OF cdr FOR VALUES IN ('at')",
            "CREATE TABLE loose (src text, dst text, note text) PARTITION BY LIST (note)",
            "CREATE TABLE loose_a PARTITION OF loose FOR VALUES IN ('a')",
            "CREATE TABLE loose_null PARTITION OF loose FOR VALUES IN (NULL)",
            "INSERT INTO cdr VALUES (0, 'de', '030901820', '', ''), (1, 'at', '030901820', '', ''),"
            " (2, 'de', '030901820', '', 'x'), (3, 'at', '030901820', '', '')",
            "INSERT INTO loose VALUES ('030901820', '030901821', 'a'), ('030901821', '', 'a')",
        )
        tables = {"cdr": WHOLE, "loose": WHOLE}
        connector = store(postgresql, WHOLE, tables=tables)
        founds = find(connector, ALICE)
        assert len(founds) == 5
        connector.erase([each.record.key for each in founds if each.record.data.get("id") != 0][:2])
        rest = find(connector, ALICE)
        assert len(rest) == 3
        connector.redact({each.record.key: each.about for each in rest})
        assert find(connector, ALICE) == []
        assert fetched(postgresql, "SELECT * FROM loose ORDER BY dst") == [
            ("030901821", "", "a"),
            (None, "030901821", None),
        ]

    def test_a_partition_that_does_not_exist_refuses(self, postgresql: str) -> None:
        """Emptying the column that chooses the partition needs a partition for it."""
        run(
            postgresql,
            "CREATE TABLE cdr (src text, dst text, note text) PARTITION BY LIST (note)",
            "CREATE TABLE cdr_a PARTITION OF cdr FOR VALUES IN ('a')",
            "INSERT INTO cdr VALUES ('030901820', '', 'a')",
        )
        connector = store(postgresql, WHOLE)
        with pytest.raises(Refused, match="table cdr does not take the change"):
            connector.redact({key: frozenset({"note"}) for key in keys_of(connector)})
        assert len(find(connector, ALICE)) == 1


def test_a_table_in_another_schema_with_reserved_words(url: str) -> None:
    """`user`, `order` and `end` are names like any others, in any schema."""
    if url.startswith("sqlite"):
        run(url, 'CREATE TABLE "order" ("user" TEXT, "end" TEXT, "select" TEXT)')
        place = "order"
    else:
        quote = "`" if url.startswith("mysql") else '"'
        schema = sa.make_url(url).database if url.startswith("mysql") else "group"
        names = ", ".join(f"{quote}{each}{quote} VARCHAR(20)" for each in ("user", "end", "select"))
        if not url.startswith("mysql"):
            run(url, 'CREATE SCHEMA "group"')
        run(url, f"CREATE TABLE {quote}{schema}{quote}.{quote}order{quote} ({names})")
        place = f"{schema}.order"
    with raw(url) as connection:
        schema_, _, name = place.rpartition(".")
        columns: list[sa.ColumnClause[Any]] = [
            sa.column(each) for each in ("user", "end", "select")
        ]
        table = sa.table(name, *columns, schema=schema_ or None)
        rows = [{"user": ALICE.value, "end": "x", "select": each} for each in ("1", "2")]
        connection.execute(sa.insert(table), rows)
    sides = [{"phone": "user", "about": ["user", "end"]}]
    for mapped in ({}, {"key": ["select"]}):
        connector = store(
            url, {"category": "calls", "table": place, "sides": sides, **mapped}, "orders"
        )
        founds = find(connector, ALICE)
        assert connector.check() is not None
        connector.redact({founds[0].record.key: frozenset({"end"})})
        connector.erase([find(connector, ALICE)[0].record.key])
    assert find(connector, ALICE) == []


class TestGuards:
    """What the schema forbids is refused, by the name of what stands in the way."""

    def test_a_foreign_key_names_the_table(self, url: str) -> None:
        """An invoice that refers to a call keeps it, and the operator learns which table does."""
        engine = " ENGINE=InnoDB" if url.startswith("mysql") else ""
        run(
            url,
            f"CREATE TABLE cdr (id INTEGER PRIMARY KEY, src VARCHAR(20), dst VARCHAR(20),"
            f" note VARCHAR(20)){engine}",
            f"CREATE TABLE invoices (call_id INTEGER, CONSTRAINT billed FOREIGN KEY (call_id)"
            f" REFERENCES cdr (id)){engine}",
            "INSERT INTO cdr VALUES (1, '030901820', '', ''), (2, '030901820', '', '')",
            "INSERT INTO invoices VALUES (1)",
        )
        connector = store(url, WHOLE)
        first, second = sorted(keys_of(connector))
        with pytest.raises(Refused, match="table cdr does not take") as refused:
            connector.erase([first])
        said = str(refused.value)
        assert "refer" in said
        if not url.startswith("sqlite"):  # which does not say
            assert "table invoices" in said
            assert "billed" in said
        assert "901820" not in "".join(traceback.format_exception(refused.value))
        connector.erase([second])
        assert fetched(url, "SELECT id FROM cdr") == [(1,)]

    def test_a_trigger_that_raises(self, url: str) -> None:
        """What a trigger says may quote the row: it stays with the database."""
        body = {
            "sqlite": "BEGIN SELECT RAISE(ABORT, '030901820 is kept'); END",
            "mysql": "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '030901820 is kept'",
            "postgresql": "FOR EACH ROW EXECUTE FUNCTION keep()",
        }[url.partition(":")[0].partition("+")[0]]
        run(url, "CREATE TABLE cdr (src VARCHAR(20), dst VARCHAR(20), note VARCHAR(20))")
        if url.startswith("postgresql"):
            run(
                url,
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION '030901820 is kept'; END $$",
            )
        run(
            url,
            f"CREATE TRIGGER kept BEFORE DELETE ON cdr {body}",
            "INSERT INTO cdr VALUES ('030901820', '', '')",
        )
        connector = store(url, WHOLE)
        with pytest.raises(Refused, match="table cdr does not take") as refused:
            connector.erase(keys_of(connector))
        assert "901820" not in "".join(traceback.format_exception(refused.value))
        assert len(keys_of(connector)) == 1

    def test_a_computed_column_follows(self, url: str) -> None:
        """It is emptied with what it is computed from; alone it is refused, and never corrected."""
        expression = "src || '!'" if not url.startswith("mysql") else "concat(src, '!')"
        run(
            url,
            f"CREATE TABLE cdr (id INTEGER PRIMARY KEY, src VARCHAR(20), dst VARCHAR(20),"
            f" note VARCHAR(30) GENERATED ALWAYS AS ({expression}) STORED)",
            "INSERT INTO cdr (id, src, dst) VALUES (1, '030901820', 'x')",
        )
        connector = store(url, WHOLE)
        (found,) = find(connector, ALICE)
        assert found.about == {"src", "note"}
        key = found.record.key
        with pytest.raises(Refused, match="column note is computed"):
            connector.redact({key: frozenset({"note"})})
        with pytest.raises(Refused, match="column note is computed"):
            connector.rectify(key, {"note": "x"})
        connector.redact({key: found.about})
        assert fetched(url, "SELECT src, dst, note FROM cdr") == [(None, "x", None)]
