"""`[stores.NAME]` with `connector = "sql"`: what is accepted, what is refused, and how."""

from __future__ import annotations

import pickle
import sqlite3
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from dsr.connectors.sql import Link, RestrictableSql, Side, Sql, from_config
from dsr.errors import ConfigurationError
from dsr.model import Found, Identifier
from dsr.settings import Context
from tests.connectors.sql_stores import ALICE, CDR, call, cdr_table, fill, find

DOCUMENTED: Final = """
url = "postgresql+psycopg://dsr:hunter2@db/cdr"
timezone = "Europe/Berlin"
[tables.cdr]
category = "call_records"
key = ["uniqueid", "sequence"]
at = "start"
sides = [
  { phone = "src", about = ["src", "clid", "channel"] },
  { phone = "dst", about = ["dst", "dstchannel"] },
  { phone = "lastdata", match = "contains", about = ["lastdata"] },
  { sip = "src_user", domain = "src_domain", about = ["src_user", "src_domain"] },
  { account = "accountcode", about = ["accountcode"] },
]
restricted = "blocked"
[tables.cdr.links]
object = "recordingfile"
[tables."billing.numbers"]
category = "bills"
sides = [{ account = "customer" }]
[tables."billing.numbers".links]
phone = { column = "number", since = "assigned_at", until = "released_at" }
"""


def made(settings: dict[str, Any], folder: Path = Path()) -> Sql:
    return from_config("calls", settings, Context(region="DE", folder=folder))


def test_the_documented_shape() -> None:
    """Every documented setting arrives, and nothing is opened for it."""
    connector = made(tomllib.loads(DOCUMENTED))
    assert isinstance(connector, RestrictableSql)
    assert connector.accepts == {"phone", "sip", "account"}
    assert connector.categories == {"call_records", "bills"}
    cdr, bills = connector.tables
    assert cdr.key == ("uniqueid", "sequence")
    assert cdr.sides[0] == Side("phone", "src", ("src", "clid", "channel"))
    assert cdr.sides[2].match == "contains"
    assert cdr.links == (Link("object", "recordingfile"),)
    assert bills.sides[0].about is None
    assert bills.links == (Link("phone", "number", "assigned_at", "released_at"),)
    assert bills.place == ("billing", "numbers")
    assert bills.key is None


def test_the_password_is_not_shown() -> None:
    """Law 8: a repr ends up in logs and tracebacks."""
    assert "hunter2" not in repr(made(tomllib.loads(DOCUMENTED)))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("url",), "nonsense", "stores.calls.url: write a database URL"),
        (("timezone",), "Berlin", "stores.calls.timezone: write an IANA time zone"),
        (("tables",), {}, "stores.calls has no tables"),
        (("tables", "cdr", "sides"), [], "stores.calls.tables.cdr: a table needs at least one"),
        (("tables", "cdr", "sides"), [{"about": ["a"]}], r"sides\[0\]: a side needs exactly one"),
        (("tables", "cdr", "sides"), [{"phone": "a", "sip": "b"}], "a side needs exactly one of"),
        (("tables", "cdr", "sides"), [{"phone": "a", "domain": "b"}], "`domain` belongs to a"),
        (("tables", "cdr", "sides"), [{"phone": "a", "match": "like"}], r"match .*\"contains\""),
        (("tables", "cdr", "sides"), [{"fone": "a"}], 'did you mean "phone"'),
        (("tables", "cdr", "key"), [], "`key` names no column"),
        (
            ("tables", "cdr", "links"),
            {"fax": "a"},
            r"unknown key stores\.calls\.tables\.cdr\.links",
        ),
        (("tables", "cdr", "links"), {"phone": {"since": "a"}}, r"links\.phone\.column is missing"),
        (("tables", "cdr", "links"), {"phone": 5}, r"links\.phone\.column has the wrong type"),
    ],
)
def test_what_is_wrong_is_named(path: tuple[str, ...], value: object, message: str) -> None:
    """An error names the key and the fix, for the person who edits the file."""
    settings = tomllib.loads(DOCUMENTED)
    place: Any = settings
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ConfigurationError, match=message):
        made(settings)


def test_paths_start_where_the_configuration_is(tmp_path: Path) -> None:
    """A relative SQLite path does not depend on where the command is run."""
    (tmp_path / "cdr.db").touch()
    fill(f"sqlite:///{tmp_path}/cdr.db", cdr_table(), [call(1, ALICE.value, None)])
    settings = {"url": "sqlite:///cdr.db", "timezone": "UTC", "tables": {"cdr": CDR}}
    assert len(find(made(settings, tmp_path), ALICE)) == 1


def test_the_environment_is_read_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker reads the URL in its own environment: a pickle holds only the variable's name."""
    (tmp_path / "cdr.db").touch()
    url = f"sqlite:///{tmp_path}/cdr.db"
    fill(url, cdr_table(), [call(1, ALICE.value, None)])
    connector = made({"url": "env:CALLS", "timezone": "UTC", "tables": {"cdr": CDR}})
    pickled = pickle.dumps(connector)
    monkeypatch.setenv("CALLS", url)
    assert url.encode() not in pickled
    copy = pickle.loads(pickled)  # noqa: S301  (our own bytes)
    assert copy == connector
    assert len(find(copy, ALICE)) == 1


TWO: Final[list[dict[str, object]]] = [
    {"phone": "src", "about": ["src", "clid"]},
    {"phone": "dst", "about": ["dst"]},
]


@pytest.mark.parametrize(
    ("sides", "links"),
    [
        (TWO, {"account": "accountcode"}),
        (TWO, {"phone": "peer"}),
        ([*TWO, {"call": "uniqueid", "about": ["clid"]}], {}),
        ([*TWO, {"account": "accountcode"}], {}),
    ],
)
def test_one_partys_data_is_not_taken_for_the_others(
    sides: list[dict[str, object]], links: dict[str, str], tmp_path: Path
) -> None:
    """Law 7: asking as the callee must not open the caller's account, nor empty her columns."""
    table = {"category": "calls", "sides": sides, "links": links}
    given = {"url": "sqlite:///x.db", "tables": {"cdr": table}}
    with pytest.raises(ConfigurationError, match=r"part|about"):
        from_config("cdr", given, Context("DE", tmp_path))


def test_a_call_finds_the_rows_of_both_parties_and_speaks_of_neither(tmp_path: Path) -> None:
    """Law 7: found by its call id, a row is nobody's: what is whose the parties' sides tell."""
    with sqlite3.connect(tmp_path / "x.db") as db:
        db.execute("CREATE TABLE cdr (id INTEGER PRIMARY KEY, src TEXT, clid TEXT, dst TEXT)")
        db.execute("INSERT INTO cdr VALUES (7, '030901820', 'Eva', '0142685300')")
    db.close()
    table = {"category": "calls", "sides": [*TWO, {"call": "id"}]}
    given = {"url": "sqlite:///x.db", "tables": {"cdr": table}}
    store = from_config("cdr", given, Context("DE", tmp_path))
    (found,) = store.find([Identifier("call", "7")])
    assert isinstance(found, Found)
    assert found.about == frozenset()
    assert found.record.personal == {"src", "clid", "dst"}
