"""Hashes of standing PINs in a table of accounts: read to check one, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.identity import standing
from tests.connectors.sql_stores import ALICE, BOB, fill, find, raw, store, url
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]

ACCOUNTS: Final[dict[str, Any]] = {
    "category": "accounts",
    "key": ["account"],
    "sides": [{"phone": "number"}],
    "secret": ["pin_hash"],
    "standing_pin": "pin_hash",
}
TABLE: Final = sa.Table(
    "cdr",
    sa.MetaData(),
    sa.Column("account", sa.String(20), primary_key=True),
    sa.Column("number", sa.String(40)),
    sa.Column("pin_hash", sa.String(200)),
)


def accounts(url: str) -> tuple[Sql, str, str]:
    """Return a store of two customers, and their hashes."""
    hers, his = standing.hashed("4711"), standing.hashed("0815")
    rows: list[dict[str, object]] = [
        {"account": "A1", "number": ALICE.value, "pin_hash": hers},
        {"account": "A2", "number": BOB.value, "pin_hash": his},
        {"account": "A3", "number": "+4930901899", "pin_hash": None},
    ]
    fill(url, TABLE, rows)
    return store(url, ACCOUNTS), hers, his


def test_the_hash_of_a_record(url: str) -> None:
    """Rule 40 (LG Bonn, 29 OWi 1/20): each record's own, none of a record that has none."""
    connector, hers, his = accounts(url)
    (her,) = {each.record.key for each in find(connector, ALICE)}
    (him,) = {each.record.key for each in find(connector, BOB)}
    assert connector.pins([her]) == [hers]
    assert sorted(connector.pins([her, him])) == sorted([hers, his])
    assert connector.pins([]) == []
    with raw(url) as connection:
        connection.execute(sa.delete(TABLE).where(TABLE.c.account == "A1"))
    assert connector.pins([her]) == []


def test_nobody_costs_as_much_as_somebody(url: str) -> None:
    """Rule 11 (GDPR Art. 15(1)): as many statements whether or not a record is looked up."""
    connector, _, _ = accounts(url)
    (her,) = {each.record.key for each in find(connector, ALICE)}
    assert statements(lambda: connector.pins([])) == statements(lambda: connector.pins([her]))


def statements(act: Callable[[], object]) -> list[str]:
    """Return the first words of what reaches the database."""
    seen: list[str] = []

    def count(_: object, __: object, text: str, *___: object) -> None:
        seen.append(text.split(maxsplit=1)[0])

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        act()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    return seen


def test_the_hash_is_in_no_record(url: str) -> None:
    """Law 8: a secret is neither found nor exported."""
    connector, hers, _ = accounts(url)
    (found,) = find(connector, ALICE)
    assert hers not in str(found.record.data)
    assert "pin_hash" not in found.record.data


def test_a_foreign_key_is_refused(url: str) -> None:
    """Bad input: a key of another store is told, not taken for a customer without a PIN."""
    connector, _, _ = accounts(url)
    with pytest.raises(Refused):
        connector.pins(["not a key"])


def test_a_column_that_is_not_there_is_told(url: str) -> None:
    """Law 4: a wrong name is no customer without a PIN."""
    accounts(url)
    wrong = store(url, ACCOUNTS | {"secret": ["pin"], "standing_pin": "pin"})
    with pytest.raises(StoreUnavailable, match="standing PINs"):
        wrong.pins([])


def test_the_column_is_secret(url: str) -> None:
    """Law 8: else it would be exported."""
    with pytest.raises(ConfigurationError, match="name it under `secret`"):
        store(url, ACCOUNTS | {"secret": []})
