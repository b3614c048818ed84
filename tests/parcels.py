"""A ledger with answered requests and their packages, for tests of delivery."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from dsr.delivering import Delivery, Expired, expire, fetch, link
from dsr.ledger import Ledger
from dsr.model import PackageInfo, Receipt, Subject
from dsr.package import File
from dsr.place import Place
from tests.things import EVA, NOW, ledger, request

__all__ = ["CONTENT", "DAY", "Post", "post"]

DAY = dt.timedelta(days=1)
CONTENT = bytes(range(256)) * 3000


@frozen
class Post:
    """A ledger with requests that are answered, and where their packages are."""

    ledger: Ledger
    delivery: Delivery
    folder: Path

    def answered(self, name: str, place: Place) -> PackageInfo:
        """Put a package there, and its receipt into the ledger."""
        if name not in {each.id for each in self.ledger.requests()}:
            self.ledger.add(request("access", name), Subject((EVA,)))
        info = place.write([CONTENT, name.encode()])
        done = Receipt(name, "access", "done", NOW, {}, {}, info)
        self.ledger.save_receipt(done)
        return info

    def file(self, name: str = "r1") -> File:
        return File(self.folder / f"{name}.zip")

    def link(self, name: str = "r1", place: Place | None = None, now: dt.datetime = NOW) -> str:
        return link(self.ledger, name, place or self.file(name), self.delivery.expires(now), now)

    def fetch(self, token: str, now: dt.datetime = NOW) -> bytes:
        content = fetch(self.ledger, token, now, self.delivery.place).content
        assert not isinstance(content, str)
        return b"".join(content)

    def expire(self, days: int) -> Expired:
        return expire(self.ledger, NOW + days * DAY, self.delivery.place)

    def events(self) -> list[tuple[str, str]]:
        return [(each.event, each.note) for each in self.ledger.entries()]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with ledger(tmp_path) as opened:
        yield Post(opened, Delivery(), tmp_path)
