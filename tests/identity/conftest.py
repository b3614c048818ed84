"""A ledger with one open request, and a file that PINs are sent to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr.identity import FileSender, OneTimePin
from dsr.ledger import Ledger
from tests.identity.post import Post
from tests.ledger.people import ERIKA, KEY, a_request, fresh_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty database."""
    with fresh_url(request.param, tmp_path) as fresh:
        yield fresh


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """Give a ledger with the open request r1."""
    with Ledger.open(url, KEY) as opened:
        opened.add(a_request(), ERIKA)
        yield opened


@pytest.fixture
def post(tmp_path: Path) -> Post:
    """Return where messages arrive."""
    return Post(tmp_path / "messages.jsonl")


@pytest.fixture
def otp(post: Post) -> OneTimePin:
    """Return one-time PINs with the default limits."""
    return OneTimePin(FileSender(post.path))
