"""What the `sql` connector says when something is wrong, and that it says nothing personal."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dsr.errors import StoreError, StoreUnavailable
from tests.connectors.sql_stores import (
    ACC,
    ALICE,
    BOB,
    CDR,
    acc_table,
    call,
    cdr_table,
    fill,
    find,
    raw,
    store,
    transaction,
    url,
)
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]


def shown(error: BaseException) -> str:
    """Return all that a log would show of an error."""
    return "".join(traceback.format_exception(error))


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    """SQLite would make an empty database, and everybody would be found to have no data."""
    connector = store(f"sqlite:///{tmp_path}/calls.db", CDR)
    for act in (lambda: find(connector, ALICE), lambda: connector.erase([]), connector.check):
        with pytest.raises(StoreUnavailable, match=r"file does not exist.*stores\.calls\.url"):
            act()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+psycopg://dsr:secret@127.0.0.1:1/cdr", "cannot connect"),
        ("postgresql+nodriver://dsr:secret@127.0.0.1/cdr", "driver of the database"),
        ("env:DSR_TEST_UNSET", "environment variable DSR_TEST_UNSET is not set"),
    ],
)
def test_an_unreachable_store_says_why(url: str, message: str) -> None:
    """The password is not part of the reason."""
    with pytest.raises(StoreUnavailable, match=message) as raised:
        find(store(url, CDR), ALICE)
    assert raised.value.store == "calls"
    assert "secret" not in shown(raised.value)


def test_a_missing_table_is_named(url: str) -> None:
    """A renamed table must not look like one without data."""
    with pytest.raises(StoreUnavailable, match=r"no table cdr.*stores\.calls\.tables\.cdr"):
        find(store(url, CDR), ALICE)


def test_a_missing_column_is_named(url: str) -> None:
    """A renamed column must not look like one without data."""
    fill(url, cdr_table(), [call(1, ALICE.value, None)])
    mapped = CDR | {"sides": [{"phone": "caller", "about": ["callername"]}]}
    with pytest.raises(StoreUnavailable, match="table cdr has no column caller, callername"):
        find(store(url, mapped), ALICE)


def test_a_read_only_login_is_an_error(postgresql: str) -> None:
    """A store that does not let dsr erase is told as that, with the fix."""
    fill(postgresql, cdr_table(), [call(1, ALICE.value, None)])
    with raw(postgresql) as connection:
        connection.execute(sa.text("CREATE ROLE reader LOGIN"))
        connection.execute(sa.text("GRANT SELECT ON cdr TO reader"))
    try:
        connector = store(postgresql.replace("//postgres@", "//reader@"), CDR)
        founds = find(connector, ALICE)
        with pytest.raises(StoreUnavailable, match=r"42501.*grant") as raised:
            connector.erase([each.record.key for each in founds])
        assert "901820" not in shown(raised.value)
        rights = [each.text for each in connector.check() if each.kind == "right"]
        assert any("grant DELETE" in each for each in rights)
        assert any(
            "grant UPDATE (src, dst, clid, channel, dstchannel, blocked)" in each for each in rights
        )
    finally:
        with raw(postgresql) as connection:
            connection.execute(sa.text("DROP OWNED BY reader"))
            connection.execute(sa.text("DROP ROLE reader"))


def test_no_error_shows_a_person(url: str) -> None:
    """Law 8: whatever the database says about values stays with the database."""
    table = acc_table()
    table.append_constraint(sa.UniqueConstraint("src_user"))
    rows = [transaction(1, ALICE.value, ""), transaction(2, "004930901820", "")]
    fill(url, table, rows)
    connector = store(url, ACC, "acc")
    with pytest.raises(StoreError) as raised:  # two empty values are not unique
        connector.redact({each.record.key: each.about for each in find(connector, ALICE)})
    assert "901820" not in shown(raised.value)


def test_undecodable_bytes_are_not_quoted(tmp_path: Path) -> None:
    """The driver would quote the whole value."""
    (tmp_path / "calls.db").touch()
    url = f"sqlite:///{tmp_path}/calls.db"
    fill(url, cdr_table(), [call(1, ALICE.value, None)])
    with raw(url) as connection:
        connection.execute(sa.text("UPDATE cdr SET clid = CAST(x'416c696365ff' AS TEXT)"))
    with pytest.raises(StoreUnavailable, match="could not read table cdr") as raised:
        find(store(url, CDR), ALICE)
    assert "Alice" not in shown(raised.value)


class TestCheck:
    """`dsr check` tells before any request what would go wrong with one."""

    def check(self, url: str, mapped: dict[str, Any], **more: Any) -> list[str]:
        findings = store(url, mapped, **more).check()
        return [each.text for each in findings if each.kind != "left"]

    def test_a_missing_table_or_column(self, url: str) -> None:
        """A table or column that is not there is a sentence, and the other tables are checked."""
        fill(url, cdr_table(), [])
        tables = {"gone": CDR, "cdr": CDR | {"at": "calldate"}}
        gone, column = self.check(url, CDR, tables=tables)
        assert "no table gone" in gone
        assert "no column calldate" in column

    def test_naive_timestamps(self, url: str) -> None:
        """Without a zone, naive timestamps are an error at `dsr check`."""
        fill(url, cdr_table(), [])
        (sentence,) = self.check(url, CDR, timezone=None)
        assert "start, answer, end" in sentence
        assert "stores.calls.timezone" in sentence

    def test_a_search_without_index(self, url: str) -> None:
        """Every searched column without an index is named."""
        fill(url, cdr_table(indexed=False), [])
        src, dst = self.check(url, CDR)
        assert "src is searched without an index" in src
        assert "dst is searched without an index" in dst

    def test_an_index_that_does_not_serve(self, url: str) -> None:
        """Addresses are compared in lower case: an index on the bare column is of no use."""
        table = cdr_table()
        if url.startswith("mysql"):  # whose usual collations take A for a
            table.c.src.type = sa.String(80, collation="utf8mb4_bin")
        fill(url, table, [])
        (sentence,) = self.check(url, CDR | {"sides": [{"email": "src"}]})
        assert "lower(src) is searched without an index" in sentence

    @pytest.mark.parametrize("written", ["030 901820", "sip:+4930901820@sbc", '"A" <030901820>'])
    def test_numbers_that_equality_would_miss(self, url: str, written: str) -> None:
        """Law 10: a column whose numbers are not bare digits needs `contains`."""
        fill(url, cdr_table(), [call(1, written, None), call(2, ALICE.value, "anonymous")])
        (sentence,) = self.check(url, CDR)
        assert "column src" in sentence
        assert 'match = "contains"' in sentence
        assert "901820" not in sentence

    def test_a_key_that_names_two_rows(self, url: str) -> None:
        """A configured key that is not unique is found out before it does harm."""
        fill(url, cdr_table(), [call(1, ALICE.value, None), call(1, BOB.value, None)])
        (sentence,) = self.check(url, CDR)
        assert "same key" in sentence

    def test_a_right_map_is_silent(self, url: str) -> None:
        """Nothing to say is an empty list."""
        fill(url, cdr_table(), [call(1, ALICE.value, BOB.value)])
        assert self.check(url, CDR) == []
