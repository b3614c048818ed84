"""The verbs of the `sql` connector: what changes, what does not, and in how many statements."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.connector import Erases, Rectifies, Redacts, Restricts
from dsr.connectors.sql import Sql
from dsr.errors import Refused, StoreUnavailable
from dsr.model import Found, Identifier
from tests.connectors.sql_stores import (
    ACC,
    ALICE,
    BOB,
    CDR,
    START,
    acc_table,
    call,
    cdr_table,
    fill,
    find,
    raw,
    rows_of,
    store,
    transaction,
    url,
)
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]

WHOLE: Final[dict[str, Any]] = {name: value for name, value in CDR.items() if name != "key"}


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect all statements, those that look the table up and set the session up included.

    One that is sent for many rows (`executemany`) counts once a row.
    """
    seen: list[str] = []

    def note(*event: Any) -> None:
        seen.extend([event[2]] * (len(event[3]) if event[5] else 1))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def fields(founds: list[Found]) -> dict[str, frozenset[str]]:
    return {each.record.key: each.about for each in founds}


def test_the_verbs_are_the_methods(url: str) -> None:
    """A store without a column that restricts has no `restrict`: that is how the engine knows."""
    for verb in (Erases, Redacts, Rectifies):
        assert isinstance(store(url, ACC), verb)
    assert isinstance(store(url, CDR), Restricts)
    assert not isinstance(store(url, ACC), Restricts)


@pytest.mark.parametrize("mapped", [CDR, WHOLE], ids=["keyed", "whole row"])
def test_the_other_party_survives_byte_for_byte(url: str, mapped: dict[str, Any]) -> None:
    """Law 7: only the fields about the subject are emptied, in the subject's rows."""
    table = cdr_table()
    calls = [
        call(1, ALICE.value, BOB.value, userfield="  ä\t'\"\\ "),
        call(2, "0309018200", "030901820"),
        call(3, BOB.value, "+493012345"),
    ]
    fill(url, table, calls)
    before = {row["sequence"]: row for row in rows_of(url, table)}
    connector = store(url, mapped)
    connector.redact(fields(find(connector, ALICE)))
    after = {row["sequence"]: row for row in rows_of(url, table)}
    assert after == {
        1: before[1] | {"src": None, "clid": None, "channel": None},
        2: before[2] | {"dst": None, "dstchannel": None},
        3: before[3],
    }


@pytest.mark.parametrize("mapped", [CDR, WHOLE], ids=["keyed", "whole row"])
def test_ten_thousand_rows_take_few_statements(url: str, mapped: dict[str, Any]) -> None:
    """At most 50 statements to find, change and prove 10,000 rows; the 10,001st row stays."""
    table = cdr_table()
    calls = [call(number, ALICE.value, None, answer=None) for number in range(10_000)]
    fill(url, table, [*calls, call(10_000, BOB.value, None)])
    connector = store(url, mapped)
    with statements() as seen:
        connector.redact({key: frozenset({"clid"}) for key in fields(find(connector, ALICE))})
        assert len(find(connector, ALICE)) == 10_000
    assert len(seen) <= 50
    assert sum(row["clid"] is None for row in rows_of(url, table)) == 10_000
    with statements() as seen:
        connector.erase(list(fields(find(connector, ALICE))))
        assert find(connector, ALICE) == []
    assert len(seen) <= 50
    assert [row["src"] for row in rows_of(url, table)] == [BOB.value]


def test_not_null_columns_are_emptied_in_their_type(url: str) -> None:
    """Where NULL is not allowed, the empty value of the type says nothing, and counts as that."""
    table = sa.Table(
        "people",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.String(20), nullable=False, index=True),
        sa.Column("age", sa.Integer, nullable=False),
        sa.Column("owed", sa.Numeric(8, 2), nullable=False),
        sa.Column("born", sa.Date, nullable=False),
        sa.Column("seen", sa.DateTime, nullable=False),
        sa.Column("photo", sa.LargeBinary, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
    )
    row: dict[str, object] = {
        "id": 1,
        "number": ALICE.value,
        "age": 40,
        "owed": Decimal("1.50"),
        "born": dt.date(1986, 1, 2),
        "seen": START,
        "photo": b"\x89",
        "notes": {"likes": "tea"},
    }
    fill(url, table, [row])
    mapped = {"category": "people", "sides": [{"phone": "number"}, {"account": "id"}]}
    connector = store(url, mapped, "people")
    (found,) = find(connector, ALICE)
    assert found.about == set(row) - {"id"}
    connector.redact(fields([found]))
    assert find(connector, ALICE) == []
    (again,) = find(connector, Identifier("account", "1"))
    assert again.record.personal == {"id"}
    assert rows_of(url, table) == [
        {
            "id": 1,
            "number": "",
            "age": 0,
            "owed": Decimal(0),
            "born": dt.date(1970, 1, 1),
            "seen": dt.datetime(1970, 1, 1),  # noqa: DTZ001  (the column has no zone)
            "photo": b"",
            "notes": {},
        }
    ]


class TestRefusals:
    """What cannot be done is refused by the name of the column, and nothing is changed."""

    def test_a_key_column_cannot_be_emptied(self, url: str) -> None:
        """Emptying the key would lose the row, and the next run could not carry on."""
        table = cdr_table()
        fill(url, table, [call(1, ALICE.value, BOB.value)])
        before = rows_of(url, table)
        connector = store(url, CDR)
        (found,) = find(connector, ALICE)
        with pytest.raises(Refused, match="column uniqueid is part of the key") as refused:
            connector.redact({found.record.key: frozenset({"src", "uniqueid"})})
        assert ALICE.value not in str(refused.value)
        assert rows_of(url, table) == before

    def test_an_unknown_column_is_named(self, url: str) -> None:
        """A field that the table does not have is a mistake of the policy, not a success."""
        fill(url, cdr_table(), [call(1, ALICE.value, BOB.value)])
        connector = store(url, CDR)
        (found,) = find(connector, ALICE)
        key = found.record.key
        with pytest.raises(Refused, match="column nickname does not exist"):
            connector.redact({key: frozenset({"nickname"})})
        with pytest.raises(Refused, match="column nickname does not exist"):
            connector.rectify(key, {"nickname": "Al"})

    def test_a_constraint_is_no_silent_success(self, url: str) -> None:
        """What a constraint forbids is refused, without the values that it is about."""
        table = acc_table()
        table.append_constraint(sa.CheckConstraint("src_user <> ''", name="always"))
        fill(url, table, [transaction(1, ALICE.value, BOB.value)])
        connector = store(url, ACC, "acc")
        with pytest.raises(Refused) as refused:
            connector.redact(fields(find(connector, ALICE)))
        assert "table acc" in str(refused.value)
        assert "901820" not in "".join(traceback.format_exception(refused.value))

    def test_a_foreign_key_of_another_store(self, url: str) -> None:
        """A key that this store never gave is a mistake, not a row that is gone."""
        fill(url, cdr_table(), [])
        for key in ("nonsense", '["other",["1"]]', '["cdr"]', '["cdr",["1"]]'):
            with pytest.raises(Refused):
                store(url, CDR).erase([key])

    def test_two_rows_of_one_key_are_left_alone(self, url: str) -> None:
        """Law 7: where a configured key names two rows, the other may be somebody else's."""
        table = cdr_table()
        fill(url, table, [call(1, ALICE.value, None), call(2, ALICE.value, None)])
        connector = store(url, CDR)
        founds = find(connector, ALICE)
        with raw(url) as connection:
            connection.execute(table.insert(), [call(2, BOB.value, "1")])
        before = rows_of(url, table)
        with pytest.raises(Refused, match="same key"):
            connector.erase(list(fields(founds)))
        with pytest.raises(Refused, match="same key"):
            connector.redact(fields(founds))
        assert rows_of(url, table) == before
        with raw(url) as connection:
            connection.execute(table.insert(), [call(2, ALICE.value, "1")])
        with pytest.raises(StoreUnavailable, match="same key"):
            find(connector, ALICE)

    def test_a_table_without_the_column_cannot_restrict(self, url: str) -> None:
        """A store may restrict in one table and not in another: the message names which."""
        fill(url, cdr_table(), [call(1, ALICE.value, None)])
        fill(url, acc_table(), [transaction(1, ALICE.value, BOB.value)])
        connector = store(url, CDR, tables={"cdr": CDR, "acc": ACC})
        assert isinstance(connector, Restricts)
        keys = [each.record.key for each in find(connector, ALICE)]
        assert len(keys) == 2
        with pytest.raises(Refused, match="table acc has no column"):
            connector.restrict(keys, on=True)


class TestRectify:
    """A correction arrives in the column's own type."""

    def test_texts_become_the_columns_type(self, url: str) -> None:
        """Requests carry text: numbers and times are stored as such, in the store's own zone."""
        table = cdr_table()
        fill(url, table, [call(1, ALICE.value, None)])
        connector = store(url, CDR)
        (found,) = find(connector, ALICE)
        changes = {"billsec": "5", "answer": "2026-03-05T11:31:00+00:00", "clid": None}
        for _ in range(2):
            connector.rectify(found.record.key, changes)
        (row,) = rows_of(url, table)
        assert row["billsec"] == 5
        assert row["answer"] == dt.datetime(2026, 3, 5, 12, 31)  # noqa: DTZ001  (Berlin's wall clock)
        assert row["clid"] is None
        assert row["src"] == ALICE.value

    @pytest.mark.parametrize("change", [{"sequence": "2"}, {"uniqueid": "x"}])
    def test_the_key_cannot_change(self, url: str, change: dict[str, object]) -> None:
        """A changed key would be another record."""
        fill(url, cdr_table(), [call(1, ALICE.value, None)])
        connector = store(url, CDR)
        (found,) = find(connector, ALICE)
        with pytest.raises(Refused, match="part of the key"):
            connector.rectify(found.record.key, change)

    def test_what_the_type_cannot_hold_is_refused(self, postgresql: str) -> None:
        """The message names the column, never the value."""
        fill(postgresql, cdr_table(), [call(1, ALICE.value, None)])
        connector = store(postgresql, CDR)
        (found,) = find(connector, ALICE)
        with pytest.raises(Refused, match="column answer cannot hold") as refused:
            connector.rectify(found.record.key, {"answer": "Alice"})
        assert "Alice" not in str(refused.value)
        with pytest.raises(Refused, match="table cdr does not take") as refused:
            connector.rectify(found.record.key, {"clid": "Alice" * 100})
        assert "Alice" not in str(refused.value)


class TestWholeRows:
    """A table without any key: the whole row is the key."""

    def test_equal_rows_are_counted_exactly(self, url: str) -> None:
        """GDPR Art. 15: three equal rows are three records, each with its own key."""
        twin = call(1, ALICE.value, BOB.value)
        fill(url, cdr_table(), [twin, twin, twin, call(2, ALICE.value, None)])
        connector = store(url, WHOLE)
        founds = find(connector, ALICE, BOB)
        assert sum(each.who == ALICE for each in founds) == 4
        assert len({each.record.key for each in founds}) == 4
        assert fields(find(connector, ALICE)) == {
            each.record.key: each.about for each in founds if each.who == ALICE
        }

    def test_equal_rows_are_erased_together(self, url: str) -> None:
        """They are one another's likeness: none can be meant without the others."""
        table = cdr_table()
        twin = call(1, ALICE.value, None)
        rest = [call(2, ALICE.value, None), call(1, ALICE.value, None, lastapp="Dial")]
        fill(url, table, [twin, twin, *rest])
        connector = store(url, WHOLE)
        founds = [each for each in find(connector, ALICE) if not each.record.data["lastapp"]]
        gone = [each.record.key for each in founds if each.record.data["sequence"] == 1]
        for _ in range(2):
            connector.erase(gone)
            assert sorted((row["sequence"], row["lastapp"]) for row in rows_of(url, table)) == [
                (1, "Dial"),
                (2, None),
            ]

    def test_redaction_converges(self, url: str) -> None:
        """Law 2: redacting changes the key; a repeated, half-done or new run ends the same."""
        table = cdr_table()
        twin = call(1, ALICE.value, BOB.value)
        fill(url, table, [twin, twin, call(2, "030901820", None)])
        connector = store(url, WHOLE)
        asked = fields(find(connector, ALICE))
        first = next(iter(asked))
        connector.redact({first: asked[first]})
        connector.redact(asked)
        connector.redact(asked)
        assert find(connector, ALICE) == []
        assert len(find(connector, BOB)) == 2
        assert len(rows_of(url, table)) == 3

    def test_equal_rows_lose_what_any_of_them_shall(self, url: str) -> None:
        """Equal rows cannot be told apart: what is asked of one is done to all."""
        table = cdr_table()
        twin = call(1, ALICE.value, BOB.value)
        fill(url, table, [twin, twin])
        connector = store(url, WHOLE)
        one, other = fields(find(connector, ALICE))
        connector.redact({one: frozenset({"src"}), other: frozenset({"clid"})})
        assert [(row["src"], row["clid"]) for row in rows_of(url, table)] == [(None, None)] * 2

    def test_likeness_is_exact(self, url: str) -> None:
        """Law 7: rows that differ by case, a blank or a microsecond are different rows."""
        table = cdr_table()
        near = [
            call(1, ALICE.value, None, clid="alice"),
            call(1, ALICE.value, None, clid="Alice"),
            call(1, ALICE.value, None, clid="alice "),
            call(1, ALICE.value, None, clid=None),
            call(1, ALICE.value, None, clid="alice", start=START),
        ]
        fill(url, table, near)
        connector = store(url, WHOLE)
        founds = find(connector, ALICE)
        assert len(founds) == 5
        gone = [each for each in founds if each.record.data["clid"] == "Alice"]
        connector.erase([each.record.key for each in gone])
        assert sorted(str(row["clid"]) for row in rows_of(url, table)) == [
            "None",
            "alice",
            "alice",
            "alice ",
        ]

    def test_every_type_can_be_a_key(self, url: str) -> None:
        """Values come back to the database as they were: no row escapes by its types."""
        table = sa.Table(
            "odd",
            sa.MetaData(),
            sa.Column("number", sa.String(20)),
            sa.Column("cost", sa.Numeric(10, 4)),
            sa.Column("rate", sa.Float),
            sa.Column("real", sa.REAL),
            sa.Column("paid", sa.Boolean),
            sa.Column("voice", sa.LargeBinary),
            sa.Column("at", sa.DateTime(timezone=True)),
            sa.Column("day", sa.Date),
            sa.Column("time", sa.Time),
            sa.Column("notes", sa.JSON),
            sa.Column("code", sa.CHAR(6)),
            sa.Column("call", sa.Uuid),
        )
        odd: dict[str, object] = {
            "number": ALICE.value,
            "cost": Decimal("0.1250"),
            "rate": 0.1,
            "real": 0.1,
            "paid": True,
            "voice": b"\x00\xff",
            "at": dt.datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=dt.UTC),
            "day": dt.date(2026, 7, 1),
            "time": dt.time(12, 30, 0, 7),
            "notes": {"a": [1.5, "ä"]},
            "code": "ab",
        }
        fill(url, table, [odd, {"number": ALICE.value}])
        connector = store(url, {"category": "odd", "sides": [{"phone": "number"}]}, "odd")
        founds = find(connector, ALICE)
        assert len(founds) == 2
        connector.erase([each.record.key for each in founds])
        assert rows_of(url, table) == []

    def test_null_columns_of_a_configured_key_match(self, url: str) -> None:
        """SQL's NULL equals nothing: a key with NULL must find its row all the same."""
        table = cdr_table()
        rows = [
            call(1, ALICE.value, None, sequence=None),
            call(2, ALICE.value, None, sequence=None, uniqueid=None),
            call(3, ALICE.value, None),
        ]
        fill(url, table, rows)
        connector: Sql = store(url, CDR)
        connector.erase(list(fields(find(connector, ALICE))))
        assert rows_of(url, table) == []


def test_erased_bytes_are_gone_from_the_file(tmp_path: Path) -> None:
    """Erasing means the bytes too: SQLite would keep them in freed pages."""
    file = tmp_path / "store.db"
    file.touch()
    url = f"sqlite:///{file}"
    fill(url, cdr_table(), [call(each, ALICE.value, None) for each in range(2000)])
    with raw(url) as connection:
        connection.execute(sa.text("PRAGMA journal_mode = DELETE"))
    assert b"+4930901820" in file.read_bytes()
    connector = store(url, CDR)
    connector.erase([each.record.key for each in find(connector, ALICE)])
    assert b"+4930901820" not in file.read_bytes()


def test_a_collation_does_not_make_rows_alike(tmp_path: Path) -> None:
    """Law 7: a column that sorts without case still holds two different texts."""
    file = tmp_path / "store.db"
    file.touch()
    url = f"sqlite:///{file}"
    with raw(url) as connection:
        connection.execute(sa.text("CREATE TABLE cdr (src TEXT, clid TEXT COLLATE NOCASE)"))
        rows = [{"src": ALICE.value, "clid": each} for each in ("alice", "ALICE")]
        connection.execute(sa.text("INSERT INTO cdr VALUES (:src, :clid)"), rows)
    connector = store(url, {"category": "calls", "sides": [{"phone": "src"}]})
    founds = {each.record.data["clid"]: each.record.key for each in find(connector, ALICE)}
    assert len(founds) == 2
    connector.erase([founds["ALICE"]])
    assert [each.record.data["clid"] for each in find(connector, ALICE)] == ["alice"]
