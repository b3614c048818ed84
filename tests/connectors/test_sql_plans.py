"""How each database searches 100,000 rows for one, a hundred and ten thousand people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.model import Identifier
from tests.connectors.sql_stores import CDR, call, cdr_table, database, fill, find, raw, store

ROWS: Final = 100_000
#: People 0 to 9,999; of the 60,000 numbers in the table the first 10,000 are theirs.
PEOPLE: Final = 10_000
NUMBERS: Final = 60_000
KEYED: Final = {name: value for name, value in CDR.items() if name != "restricted"}

#: How the plans of the databases say that every row is read.
SCANS: Final = {"sqlite": "SCAN cdr", "postgresql": "Seq Scan on cdr", "mysql": "cdr ALL"}


def number(place: int) -> str:
    return f"030{2_000_000 + place % NUMBERS}"


def person(place: int) -> Identifier:
    return Identifier("phone", f"+4930{2_000_000 + place}")


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a database with 100,000 calls and an index on either party."""
    with database(request.param, tmp_path_factory.mktemp("plans")) as fresh:
        table = cdr_table()
        fill(fresh, table, [])
        names = ("src", "dst", "uniqueid", "sequence", "start")
        with raw(fresh) as connection:
            for first in range(0, ROWS, 10_000):
                rows = [
                    {name: value for name, value in made.items() if name in names}
                    for each in range(first, first + 10_000)
                    for made in (call(each, number(each * 7), number(each * 13)),)
                ]
                connection.execute(table.insert(), rows)
        analyse = "ANALYZE TABLE cdr" if fresh.startswith("mysql") else "ANALYZE"
        with raw(fresh) as connection:
            connection.execute(sa.text(analyse))
        yield fresh


@contextmanager
def explained() -> Iterator[list[str]]:
    """Collect the database's plan for each statement that reads rows of `cdr`."""
    plans: list[str] = []

    def explain(*event: Any) -> None:
        connection, _, sql, values = event[:4]
        if "FROM cdr" not in sql or sql.startswith("EXPLAIN"):
            return
        word = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(f"{word} {sql}", values)
            plans.append("\n".join(" ".join(map(str, row)) for row in cursor.fetchall()))

    sa.event.listen(sa.Engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", explain)


def plan(url: str, who: list[Identifier]) -> tuple[str, int]:
    """Return how the database reads the table for `who`, and how many rows it finds."""
    connector: Sql = store(url, KEYED)
    with explained() as plans:
        rows = len({each.record.key for each in find(connector, *who)})
    return plans[-1], rows


def expected(people: int) -> int:
    return sum((n * 7) % NUMBERS < people or (n * 13) % NUMBERS < people for n in range(ROWS))


@pytest.mark.parametrize("people", [1, 100, PEOPLE])
def test_either_party_is_found_by_its_index(url: str, people: int) -> None:
    """No request of up to a hundred people reads the whole table; none misses a row."""
    shown, rows = plan(url, [person(each) for each in range(people)])
    assert rows == expected(people)
    if people <= 100:  # for a sixth of the table, reading all of it may well be quicker
        assert "cdr_src" in shown
        assert "cdr_dst" in shown
        assert SCANS[url.partition("+")[0].partition(":")[0]] not in shown, shown


def test_no_right_to_make_temporary_tables_is_needed(url: str) -> None:
    """A reader who may only SELECT finds as much for ten thousand people as the owner."""
    everyone = [person(each) for each in range(PEOPLE)]
    if url.startswith("sqlite"):  # has no users
        assert plan(url, everyone)[1] == expected(PEOPLE)
        return
    with login(url) as reader:
        assert plan(reader, everyone)[1] == expected(PEOPLE)


@contextmanager
def login(url: str) -> Iterator[str]:
    """Make a user who may only read `cdr`, and no temporary tables; drop it afterwards."""
    name = sa.make_url(url).database
    if url.startswith("mysql"):
        made = ["CREATE USER reader@'127.0.0.1'", "GRANT SELECT ON cdr TO reader@'127.0.0.1'"]
        gone = ["DROP USER reader@'127.0.0.1'"]
        address = url.replace("//root@", "//reader@")
    else:
        made = [
            "CREATE ROLE reader LOGIN",
            f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
            "GRANT SELECT ON cdr TO reader",
        ]
        gone = ["DROP OWNED BY reader", "DROP ROLE reader"]
        address = url.replace("//postgres@", "//reader@")
    _run(url, made)
    try:
        yield address
    finally:
        _run(url, gone)


def _run(url: str, statements: list[str]) -> None:
    with raw(url) as connection:
        for each in statements:
            connection.execute(sa.text(each))


def test_without_an_index_the_table_is_read_once(url: str) -> None:
    """Two parties without an index are looked for in one pass, not in two."""
    connector = store(url, KEYED | {"sides": [{"phone": "clid"}, {"phone": "channel"}]})
    with explained() as plans:
        assert find(connector, person(1)) == []
    assert plans[-1].count(SCANS[url.partition("+")[0].partition(":")[0]]) == 1
