"""What `dsr check` says of rights and of traces, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.errors import ConfigurationError, Refused
from tests.connectors.sql_stores import (
    ALICE,
    BOB,
    CDR,
    call,
    cdr_table,
    fill,
    find,
    raw,
    store,
    url,
)
from tests.servers.mariadb import mariadb
from tests.servers.postgresql import postgresql

__all__ = ["mariadb", "postgresql", "url"]

#: The least that the user of a store of calls needs, as the documentation names it.
COLUMNS: Final = "src, dst, clid, channel, dstchannel, blocked"


@contextmanager
def login(url: str, *grants: str) -> Iterator[str]:
    """Make a user with these rights on `cdr`; drop it afterwards."""
    if url.startswith("mysql"):
        user, made = "clerk@'127.0.0.1'", "CREATE USER clerk@'127.0.0.1'"
        address, gone = url.replace("//root@", "//clerk@"), ["DROP USER clerk@'127.0.0.1'"]
    else:
        user, made = "clerk", "CREATE ROLE clerk LOGIN"
        address = url.replace("//postgres@", "//clerk@")
        gone = ["DROP OWNED BY clerk", "DROP ROLE clerk"]
    run(url, made, *(f"GRANT {each} ON cdr TO {user}" for each in grants))
    try:
        yield address
    finally:
        run(url, *gone)


def run(url: str, *statements: str) -> None:
    with raw(url) as connection:
        for each in statements:
            connection.exec_driver_sql(each)


def told(connector: Sql, kind: str) -> list[str]:
    return [each.text for each in connector.check() if each.kind == kind]


@pytest.fixture(params=["postgresql", "mariadb"])
def served(request: pytest.FixtureRequest) -> str:
    """Return the URL of a database whose server has users, with one call."""
    fresh: str = request.getfixturevalue(request.param)
    fill(fresh, cdr_table(), [call(1, ALICE.value, BOB.value)])
    return fresh


@pytest.mark.parametrize(
    ("grants", "missing"),
    [
        (["SELECT", "DELETE", f"UPDATE ({COLUMNS})"], []),
        (["SELECT", "DELETE", "UPDATE"], []),
        (["SELECT", f"UPDATE ({COLUMNS})"], ["grant DELETE to erase rows"]),
        (["SELECT", "DELETE"], [f"grant UPDATE ({COLUMNS}) to redact"]),
        (
            ["SELECT", "DELETE", "UPDATE (src, dst, clid)"],
            ["grant UPDATE (channel, dstchannel, bl"],
        ),
    ],
)
def test_a_missing_right_is_named(served: str, grants: list[str], missing: list[str]) -> None:
    """Each right that a verb needs is asked for, down to the column, and none is tried out."""
    with login(served, *grants) as address:
        connector = store(address, CDR)
        rights = told(connector, "right")
        assert len(rights) == len(missing)
        for each, start in zip(rights, missing, strict=True):
            assert f"table cdr: {start}" in each


def test_the_rights_that_are_asked_for_are_enough(served: str) -> None:
    """Least privilege: with no more than that, every verb works."""
    with login(served, "SELECT", "DELETE", f"UPDATE ({COLUMNS})") as address:
        connector = store(address, CDR)
        (found,) = find(connector, ALICE)
        connector.restrict([found.record.key], on=True)  # type: ignore[attr-defined]
        connector.redact({found.record.key: found.about})
        connector.rectify(find(connector, BOB)[0].record.key, {"dstchannel": "x"})
        connector.erase([found.record.key])
        assert find(connector, BOB) == []


def test_a_secret_column_is_never_read(served: str) -> None:
    """A password is in no record, cannot be set, and is missed by nobody who may not see it."""
    table = CDR | {"secret": ["accountcode"]}
    (found,) = find(store(served, table), ALICE)
    assert "accountcode" not in found.record.data
    with pytest.raises(Refused):
        store(served, table).rectify(found.record.key, {"accountcode": "x"})
    (slip,) = (
        each.text
        for each in store(served, CDR | {"secret": ["acountcode"]}).check()
        if "secret" in each.text
    )
    assert "no secret column acountcode" in slip
    with pytest.raises(ConfigurationError):
        store(served, CDR | {"secret": ["src"]})
    names = [each.name for each in cdr_table().c if each.name != "accountcode"]
    seen = ", ".join('"end"' if name == "end" else name for name in names)
    if served.startswith("mysql"):
        seen = seen.replace('"', "`")
    with login(served, f"SELECT ({seen})", "DELETE", f"UPDATE ({COLUMNS})") as address:
        assert told(store(address, table), "right") == []
        assert len(find(store(address, table), ALICE)) == 1


def test_a_right_through_a_role_counts(served: str) -> None:
    """A server hands rights out by roles: they are the user's, too."""
    if served.startswith("mysql"):
        roles = ("CREATE ROLE clerks", "GRANT SELECT, DELETE, UPDATE ON cdr TO clerks")
        use = "GRANT clerks TO clerk@'127.0.0.1'", "SET DEFAULT ROLE clerks FOR clerk@'127.0.0.1'"
        gone = ["DROP ROLE clerks"]
    else:
        roles = ("CREATE ROLE clerks", "GRANT SELECT, DELETE, UPDATE ON cdr TO clerks")
        use = ("GRANT clerks TO clerk", "ALTER ROLE clerk INHERIT")
        gone = ["DROP OWNED BY clerks", "DROP ROLE clerks"]
    run(served, *roles)
    try:
        with login(served) as address:
            run(served, *use)
            assert told(store(address, CDR), "right") == []
    finally:
        run(served, *gone)


def test_rows_that_security_hides(postgresql: str) -> None:
    """Row security would show a part of the rows as if it were all: that is a right missing."""
    fill(postgresql, cdr_table(), [call(1, ALICE.value, BOB.value)])
    run(
        postgresql,
        "ALTER TABLE cdr ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON cdr USING (duration < 10)",
    )
    with login(postgresql, "SELECT", "DELETE", "UPDATE") as address:
        (right,) = told(store(address, CDR), "right")
        assert "row security hides rows" in right


def test_every_database_tells_what_it_keeps(url: str) -> None:
    """Law 11: an erasure does not reach logs, replicas and backups, and says so."""
    fill(url, cdr_table(), [call(1, ALICE.value, BOB.value)])
    (left,) = told(store(url, CDR), "left")
    assert "backups" in left


def test_a_trigger_that_may_copy_is_named(url: str) -> None:
    """A history table is a second copy: it has to be mapped as well."""
    fill(url, cdr_table(), [call(1, ALICE.value, BOB.value)])
    run(url, "CREATE TABLE history (src VARCHAR(80))")
    body = {
        "sqlite": "BEGIN INSERT INTO history VALUES (OLD.src); END",
        "mysql": "FOR EACH ROW INSERT INTO history VALUES (OLD.src)",
        "postgresql": "FOR EACH ROW EXECUTE FUNCTION keep()",
    }[url.partition(":")[0].partition("+")[0]]
    if url.startswith("postgresql"):
        run(
            url,
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO history VALUES (OLD.src); RETURN OLD; END $$",
        )
    run(url, f"CREATE TRIGGER audit BEFORE DELETE ON cdr {body}")
    left = told(store(url, CDR), "left")
    assert any("table cdr: triggers on it (audit) may copy rows" in each for each in left)


def test_published_rows_are_erased_elsewhere_too(postgresql: str) -> None:
    """A subscriber has its own copy."""
    fill(postgresql, cdr_table(), [])
    run(postgresql, "CREATE PUBLICATION calls FOR TABLE cdr")
    left = told(store(postgresql, CDR), "left")
    assert any("it is published (calls)" in each for each in left)


def test_system_versions_are_history(mariadb: str) -> None:
    """MariaDB can keep every earlier version of a row: an erased one is still there."""
    run(mariadb, "CREATE TABLE cdr (src VARCHAR(80), KEY (src)) WITH SYSTEM VERSIONING")
    connector = store(mariadb, {"category": "calls", "sides": [{"phone": "src"}]})
    assert any("every earlier version" in each for each in told(connector, "left"))


def test_a_large_table_that_was_never_analysed(postgresql: str) -> None:
    """A planner that knows nothing reads everything."""
    run(
        postgresql,
        "CREATE TABLE cdr (src text, uniqueid text, pad text) WITH (autovacuum_enabled = off)",
        "ALTER TABLE cdr ALTER pad SET STORAGE PLAIN",
        "INSERT INTO cdr SELECT n, n, repeat('x', 7000) FROM generate_series(1, 9000) n",
        "CREATE INDEX ON cdr (src)",
    )
    mapped: dict[str, Any] = {"category": "calls", "key": ["uniqueid"], "sides": [{"phone": "src"}]}
    run(postgresql, "UPDATE pg_class SET reltuples = -1 WHERE relname = 'cdr'")
    advice = told(store(postgresql, mapped), "advice")
    assert any("never analysed" in each for each in advice)
    assert any("its key has no index" in each for each in advice)


def test_asking_changes_nothing(url: str) -> None:
    """`check` may be run at any time, by anybody: it writes no row and leaves no object."""
    fill(url, cdr_table(), [call(1, ALICE.value, BOB.value)])
    changes: list[str] = []

    def note(*event: Any) -> None:
        word = event[2].split(None, 1)[0].upper()
        if word not in {"SELECT", "SHOW", "PRAGMA", "EXPLAIN", "SET", "BEGIN", "WITH"}:
            changes.append(word)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        store(url, CDR).check()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert changes == []
