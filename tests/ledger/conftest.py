"""A fresh ledger for each test, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr.ledger import Ledger
from tests.ledger.people import KEY, fresh_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty database."""
    with fresh_url(request.param, tmp_path) as fresh:
        yield fresh


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """Give an empty ledger."""
    with Ledger.open(url, KEY) as opened:
        yield opened
