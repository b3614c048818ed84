"""Read by mypy, not run: what a plugin's author writes type-checks, and mistakes do not.

A `type: ignore` here is an expectation: mypy complains if the error that it names goes away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_type

from attrs import frozen

from dsr.connector import Connector, Erases, Rectifies, Redacts, Restricts, Splits
from dsr.model import Found, Identifier, Kind, Record, Unread


@frozen
class Calls:
    """A connector that can do everything; an attrs value needs no base class."""

    name: str
    accepts: frozenset[Kind] = frozenset({"phone"})
    categories: frozenset[str] = frozenset({"call_records"})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        record = Record("1", "call_records", {"src": "030901820"})
        yield from (Found(each, record, frozenset({"src"})) for each in who)
        yield Unread("the last page is missing", "call_records")

    def erase(self, keys: Sequence[str]) -> None: ...
    def redact(self, fields: Mapping[str, frozenset[str]]) -> None: ...
    def rectify(self, key: str, changes: Mapping[str, object]) -> None: ...
    def restrict(self, keys: Sequence[str], on: bool) -> None: ...

    def split(self) -> Sequence[Connector]:
        return [Calls(self.name)]


connector: Connector = Calls("cdr")
erases: Erases = Calls("cdr")
redacts: Redacts = Calls("cdr")
rectifies: Rectifies = Calls("cdr")
restricts: Restricts = Calls("cdr")
splits: Splits = Calls("cdr")


@frozen
class ReadOnly:
    """A connector that only reads is a connector; that it cannot erase shows in its type."""

    name: str
    accepts: frozenset[Kind] = frozenset({"phone"})
    categories: frozenset[str] = frozenset()

    def find(self, who: Sequence[Identifier]) -> Iterator[Found]:
        del who
        return iter(())


readonly: Connector = ReadOnly("cdr")
cannot: Erases = ReadOnly("cdr")  # type: ignore[assignment]


@frozen
class Careless:
    """Kinds are no mere texts: a misspelt one would be a store that nobody ever looks into."""

    name: str
    accepts: frozenset[str] = frozenset({"fone"})
    categories: frozenset[str] = frozenset()

    def find(self, who: Sequence[Identifier]) -> Iterator[Found]:
        del who
        return iter(())


careless: Connector = Careless("cdr")  # type: ignore[assignment]


def narrow(connector: Connector) -> None:
    """Ask once, by type, what a store can do."""
    if isinstance(connector, Erases):
        connector.erase(["1"])
    connector.erase(["1"])  # type: ignore[attr-defined]


def read(connector: Connector, who: Sequence[Identifier]) -> Iterator[Record]:
    """`Found` and `Unread` travel the same pipe, and have to be told apart."""
    for each in connector.find(who):
        each.record  # type: ignore[union-attr]  # noqa: B018  (the type is the test)
        if isinstance(each, Unread):
            assert_type(each.reason, str)
        else:
            assert_type(each, Found)
            yield each.record
