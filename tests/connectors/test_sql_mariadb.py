"""What MariaDB does that other databases do not: collations, zero dates, renewed timestamps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from dsr.connectors.sql import Sql
from dsr.errors import Refused
from dsr.model import Identifier
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
)
from tests.servers.mariadb import mariadb

__all__ = ["mariadb"]

#: Texts that MariaDB's usual collation takes for one another, and blanks that it does not see.
ALIKE: Final = ("mueller", "MUELLER", "Mueller ", "müller", "muller", "mu\u0308ller")
WHOLE: Final = {"category": "people", "sides": [{"phone": "number"}]}
KEYED: Final = WHOLE | {"key": ["name"]}


def people(url: str, *, primary: bool, **options: Any) -> sa.Table:
    name = sa.Column("name", sa.String(40, **options), primary_key=primary)
    table = sa.Table("people", sa.MetaData(), name, sa.Column("number", sa.String(20)))
    fill(url, table, [])
    return table


def write(url: str, table: sa.Table, *names: str) -> None:
    with raw(url) as connection:
        rows = [{"name": name, "number": ALICE.value} for name in names]
        connection.execute(table.insert(), rows)


def names(url: str, table: sa.Table) -> set[str]:
    return {row["name"] for row in rows_of(url, table)}


def key_of(connector: Sql, name: str) -> str:
    (key,) = {
        each.record.key for each in find(connector, ALICE) if each.record.data["name"] == name
    }
    return key


@pytest.mark.parametrize("mapped", [KEYED, WHOLE], ids=["keyed", "whole row"])
@pytest.mark.parametrize("name", ALIKE)
def test_alike_is_not_equal(mariadb: str, mapped: dict[str, Any], name: str) -> None:
    """Law 7: a key names one row, also where the collation takes six for the same."""
    table = people(mariadb, primary=False)
    write(mariadb, table, *ALIKE)
    connector = store(mariadb, mapped, "people")
    assert {each.record.data["name"] for each in find(connector, ALICE)} == set(ALIKE)
    connector.redact({key_of(connector, name): frozenset({"number"})})
    assert {row["name"] for row in rows_of(mariadb, table) if not row["number"]} == {name}
    connector.erase([each.record.key for each in find(connector, ALICE)][:1])
    assert len(rows_of(mariadb, table)) == len(ALIKE) - 1


def test_a_key_that_came_back_in_another_case_is_another_row(mariadb: str) -> None:
    """Law 7: the row that was read is gone; the one in its place is somebody else's."""
    table = people(mariadb, primary=True)
    write(mariadb, table, "alice")
    connector = store(mariadb, WHOLE, "people")
    key = key_of(connector, "alice")
    with raw(mariadb) as connection:
        connection.execute(sa.text("UPDATE people SET name = 'Alice '"))
    connector.erase([key])
    connector.redact({key: frozenset({"number"})})
    assert rows_of(mariadb, table) == [{"name": "Alice ", "number": ALICE.value}]


@pytest.mark.parametrize(
    ("charset", "collation"),
    [
        ("latin1", "latin1_german2_ci"),
        ("utf8mb3", "utf8mb3_general_ci"),
        ("utf8mb4", "utf8mb4_bin"),
    ],
)
def test_character_sets_are_no_matter(mariadb: str, charset: str, collation: str) -> None:
    """Old tables are in latin1: a name is the same name there, and its key finds it."""
    with raw(mariadb) as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE people (name VARCHAR(40) PRIMARY KEY, number VARCHAR(20))"
                f" CHARACTER SET {charset} COLLATE {collation}"
            )
        )
    table = sa.table("people", sa.column("name"), sa.column("number"))
    with raw(mariadb) as connection:
        rows = [{"name": name, "number": ALICE.value} for name in ("Jörg", "Björn")]
        connection.execute(table.insert(), rows)
    connector = store(mariadb, WHOLE, "people")
    crowd = [Identifier("phone", f"+4930{each:06}") for each in range(300)]  # a table of texts
    assert len(find(connector, ALICE, *crowd)) == 2
    connector.erase([key_of(connector, "Jörg")])
    assert [each.record.data["name"] for each in find(connector, ALICE)] == ["Björn"]


def test_an_address_is_found_in_any_case_by_a_plain_index(mariadb: str) -> None:
    """MariaDB has no index on lower(…): where its collation folds, the plain one serves."""
    table = sa.Table("mail", sa.MetaData(), sa.Column("address", sa.String(80), index=True))
    fill(mariadb, table, [{"address": "Alice@Example.ORG"}, {"address": "älice@example.org"}])
    connector = store(mariadb, {"category": "mail", "sides": [{"email": "address"}]}, "mail")
    (found,) = find(connector, Identifier("email", "alice@example.org"))
    assert found.record.data["address"] == "Alice@Example.ORG"
    assert [each.text for each in connector.check() if each.kind == "advice"] == []


def test_a_zero_date_is_no_date(mariadb: str) -> None:
    """`0000-00-00` is how old tables say "never": undated, and no obstacle to any verb."""
    with raw(mariadb) as connection:
        connection.execute(sa.text("SET sql_mode = ''"))
        connection.execute(
            sa.text(
                "CREATE TABLE cdr (src VARCHAR(20), start DATETIME NOT NULL, day DATE NOT NULL,"
                " seen TIMESTAMP NOT NULL DEFAULT '0000-00-00', part DATE)"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO cdr VALUES (:src, '0000-00-00 00:00:00', '0000-00-00',"
                " '0000-00-00 00:00:00', '2026-00-00')"
            ),
            {"src": ALICE.value},
        )
    mapped = {"category": "calls", "at": "start", "sides": [{"phone": "src"}]}
    connector = store(mariadb, mapped)
    (found,) = find(connector, ALICE)
    assert found.record.at is None
    assert (
        found.record.data["start"] is found.record.data["day"] is found.record.data["seen"] is None
    )
    assert found.record.data["part"] == "2026-00-00"
    assert found.record.personal == {"src", "part"}
    (key,) = [found.record.key]
    connector.redact({key: frozenset({"src", "start", "day", "seen", "part"})})
    assert find(connector, ALICE) == []


def test_a_timestamp_is_utc_whatever_the_servers_zone(mariadb: str) -> None:
    """A TIMESTAMP is a moment: it is not read as the wall clock of the server or the store."""
    with raw(mariadb) as connection:
        connection.execute(sa.text("SET time_zone = '+05:00'"))
        connection.execute(sa.text("CREATE TABLE cdr (src VARCHAR(20), seen TIMESTAMP(6) NULL)"))
        insert = sa.text("INSERT INTO cdr VALUES (:src, '2026-07-01 12:00:00.000005')")
        connection.execute(insert, {"src": ALICE.value})
    connector = store(mariadb, {"category": "calls", "at": "seen", "sides": [{"phone": "src"}]})
    (found,) = find(connector, ALICE)
    assert found.record.at == dt.datetime(2026, 7, 1, 7, 0, 0, 5, tzinfo=dt.UTC)
    connector.rectify(found.record.key, {"seen": "2026-07-01T09:00:00+02:00"})
    (again,) = find(connector, ALICE)
    assert again.record.at == dt.datetime(2026, 7, 1, 7, tzinfo=dt.UTC)


def test_a_change_does_not_touch_what_renews_itself(mariadb: str) -> None:
    """Law 7: `ON UPDATE` columns are set to now; the time of a call is not that of its erasure."""
    with raw(mariadb) as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE cdr (src VARCHAR(20), dst VARCHAR(20), start TIMESTAMP NOT NULL"
                " DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)"
            )
        )
        insert = sa.text("INSERT INTO cdr VALUES (:src, :dst, '2020-02-02 02:02:02')")
        connection.execute(insert, {"src": ALICE.value, "dst": BOB.value})
    sides = [{"phone": "src", "about": ["src"]}, {"phone": "dst", "about": ["dst"]}]
    connector = store(mariadb, {"category": "calls", "at": "start", "sides": sides})
    (found,) = find(connector, ALICE)
    connector.redact({found.record.key: found.about})
    with raw(mariadb) as connection:
        rows = connection.execute(sa.text("SELECT * FROM cdr")).all()
    assert [tuple(row) for row in rows] == [(None, BOB.value, dt.datetime(2020, 2, 2, 2, 2, 2))]  # noqa: DTZ001


def test_types_of_its_own(mariadb: str) -> None:
    """No row escapes by its types: each can be read, written to JSON, and named by its digest."""
    table = sa.Table(
        "odd",
        sa.MetaData(),
        sa.Column("number", sa.String(20)),
        sa.Column("single", mysql.FLOAT),
        sa.Column("double", mysql.DOUBLE),
        sa.Column("bits", mysql.BIT(9)),
        sa.Column("year", mysql.YEAR),
        sa.Column("span", mysql.TIME(fsp=3)),
        sa.Column("many", mysql.SET("a", "b")),
        sa.Column("one", mysql.ENUM("x", "y")),
        sa.Column("big", mysql.BIGINT(unsigned=True)),
        sa.Column("wide", mysql.LONGTEXT),
        sa.Column("bytes", mysql.LONGBLOB),
        sa.Column("notes", sa.JSON),
        sa.Column("flag", mysql.TINYINT(1)),
    )
    odd: dict[str, object] = {
        "number": ALICE.value,
        "single": 0.1,
        "double": 0.12345678901234567,
        "bits": 257,
        "year": 2026,
        "span": dt.timedelta(hours=-25, milliseconds=5),
        "many": {"a", "b"},
        "one": "y",
        "big": 2**64 - 1,
        "wide": "ä" * 100_000,
        "bytes": b"\x00\xff" * 100_000,
        "notes": {"a": [1.5, "ä"]},
        "flag": 2,
    }
    near = odd | {"single": 0.10000001}  # the same in the six digits that MariaDB shows
    fill(mariadb, table, [odd, near, odd | {"wide": "ä" * 99_999 + "a"}, {"number": ALICE.value}])
    connector = store(mariadb, {"category": "odd", "sides": [{"phone": "number"}]}, "odd")
    founds = {each.record.key: each.record.data for each in find(connector, ALICE)}
    assert len(founds) == 4
    data = next(each for each in founds.values() if each["big"])
    assert data["double"] == 0.12345678901234567
    assert data["bits"] == 257
    assert data["year"] == 2026
    assert data["span"] == "-24:59:59.995"
    assert data["many"] == "a,b"
    assert data["big"] == 2**64 - 1
    assert data["notes"] == {"a": [1.5, "ä"]}
    for left, key in zip((3, 2, 1, 0), founds, strict=True):
        connector.erase([key])
        assert len(rows_of(mariadb, table)) == left


@contextmanager
def globally(url: str, name: str, value: str) -> Iterator[None]:
    """Set a variable of the server for new sessions."""
    with raw(url) as connection:
        old = connection.execute(sa.text(f"SELECT @@GLOBAL.{name}")).scalar_one()
        connection.execute(sa.text(f"SET GLOBAL {name} = '{value}'"))
    try:
        yield
    finally:
        with raw(url) as connection:
            connection.execute(sa.text(f"SET GLOBAL {name} = '{old}'"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sql_mode", "ANSI"),
        ("sql_mode", "NO_BACKSLASH_ESCAPES"),
        ("sql_mode", "TRADITIONAL,PAD_CHAR_TO_FULL_LENGTH"),
        ("sql_mode", ""),
        ("tx_isolation", "SERIALIZABLE"),
        ("tx_isolation", "READ-UNCOMMITTED"),
    ],
)
def test_the_servers_settings_do_not_matter(mariadb: str, name: str, value: str) -> None:
    """Names are quoted, blanks kept and long values refused as on any other server."""
    table = cdr_table()
    fill(mariadb, table, [call(1, ALICE.value, BOB.value, userfield="back\\slash'\"")])
    with globally(mariadb, name, value):
        connector = store(mariadb, CDR)
        (found,) = find(connector, ALICE)
        assert found.record.data["userfield"] == "back\\slash'\""
        connector.redact({found.record.key: found.about})
        connector.rectify(found.record.key, {"userfield": "back\\slash'\"2"})
    (row,) = rows_of(mariadb, table)
    assert (row["src"], row["dst"], row["userfield"]) == (None, BOB.value, "back\\slash'\"2")


def test_a_long_value_is_refused_and_not_cut(mariadb: str) -> None:
    """A correction that does not fit is an error on a lax server, too."""
    fill(mariadb, cdr_table(), [call(1, ALICE.value, None)])
    with globally(mariadb, "sql_mode", ""):
        connector = store(mariadb, CDR)
        (found,) = find(connector, ALICE)
        with pytest.raises(Refused, match="does not take the change"):
            connector.rectify(found.record.key, {"clid": "x" * 200})


def test_new_calls_are_written_while_others_are_erased(mariadb: str) -> None:
    """No lock on gaps: a telephony server's INSERT does not wait for a batch of erasures."""
    table = cdr_table()
    fill(mariadb, table, [call(each, ALICE.value, None) for each in range(20)])
    connector = store(mariadb, CDR)
    keys = [each.record.key for each in find(connector, ALICE)]
    other = sa.create_engine(mariadb)
    inserted: list[int] = []

    def meanwhile(*event: Any) -> None:
        if event[2].startswith("DELETE") and not inserted:
            inserted.append(1)
            with other.begin() as connection:
                connection.execute(sa.text("SET innodb_lock_wait_timeout = 1"))
                connection.execute(table.insert(), [call(10_000, ALICE.value, BOB.value)])

    sa.event.listen(sa.Engine, "after_cursor_execute", meanwhile)
    try:
        connector.erase(keys)
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", meanwhile)
        other.dispose()
    assert inserted
    assert [row["sequence"] for row in rows_of(mariadb, table)] == [10_000]
