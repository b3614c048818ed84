"""Whose a record is, in stores of what people note of each other: `dsr.connector.Owns`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsr.connector import Owns
from dsr.connectors.vcards import from_config
from dsr.settings import Context
from tests.archive import archive


@pytest.mark.parametrize(
    ("owner", "kinds"),
    [("", set()), ("{account}/{any}", {"account"}), ("{sip}/{any}", {"sip"})],
)
def test_a_path_tells_whose_a_card_is(tmp_path: Path, owner: str, kinds: set[str]) -> None:
    """Law 7: the number in a card tells whom it is about; the path, if it names one, the owner."""
    table = {"path": "books", "category": "contacts", "owner": owner}
    book = from_config("book", table, Context("DE", tmp_path))
    assert isinstance(book, Owns)
    assert book.owners("contacts") == kinds
    assert book.owners("calls") == frozenset()


def test_an_account_tells_whose_a_row_is(tmp_path: Path) -> None:
    """Law 7: where a table of the category names one; elsewhere a number is all that there is."""
    office = archive(tmp_path).desk.stores[0]
    assert isinstance(office, Owns)
    assert office.owners("contacts") == {"account"}
    assert office.owners("greetings") == frozenset()
