"""The store that tests of the engine use keeps the contract: else they would prove little."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dsr.model import Identifier, Record
from dsr.testing import ConnectorSuite, Harness
from tests.shelf import LockingShelf

MINE, THEIRS = "+4930901820", "+4930901821"
CALLS = {
    "a": (MINE, None, "2026-03-01T12:00:00+00:00"),
    "b": (None, MINE, "2026-03-02T12:00:00+00:00"),
    "c": (MINE, THEIRS, "2026-03-02T12:00:00.000001+00:00"),
    "d": (THEIRS, MINE, None),
    "e": (THEIRS, None, "2026-03-03T12:00:00+00:00"),
}
SIDES = ("caller", "callee")


class ShelfHarness(Harness):
    """Writes the file, and reads it, without the connector."""

    subject = Identifier("phone", MINE)
    bystander = Identifier("phone", THEIRS)
    verbs = frozenset({"erase", "redact", "rectify", "restrict", "lock", "aged"})

    def __init__(self, folder: Path) -> None:
        """Put the store's file in `folder`."""
        self.file = folder / "calls.json"
        self.connector = self._at(self.file)

    def _at(self, file: Path) -> LockingShelf:
        return LockingShelf(file, "calls", frozenset({"phone"}), frozenset({"calls"}))

    def seed(self) -> int:
        rows = {
            key: {
                "category": "calls",
                "who": [["phone", caller, ["caller"]], ["phone", callee, ["callee"]]],
                "data": {"caller": caller, "callee": callee, "note": "x"},
                "at": at,
            }
            for key, (caller, callee, at) in CALLS.items()
        }
        self.file.write_text(json.dumps({"rows": rows}))
        return 4

    def count(self) -> int:
        return sum(MINE in row["data"].values() for row in self._rows().values())

    def others(self) -> bytes:
        theirs = {
            key: [
                row["data"][side]
                for side, who in zip(SIDES, CALLS[key], strict=False)
                if who == THEIRS
            ]
            for key, row in self._rows().items()
        }
        return json.dumps({key: each for key, each in theirs.items() if each}).encode()

    def unreachable(self) -> LockingShelf:
        return self._at(self.file.with_name("missing.json"))

    def changes(self, record: Record) -> Mapping[str, object]:
        return {"note": "corrected"} if record.key == "a" else {}

    def locked(self) -> int:
        return sum(bool(row.get("held") or row.get("lock")) for row in self._rows().values())

    def lock_as_another(self, key: str) -> None:
        rows = self._rows()
        rows[key]["lock"] = "somebody else's"
        self.file.write_text(json.dumps({"rows": rows}))

    def _rows(self) -> dict[str, Any]:
        rows: dict[str, Any] = json.loads(self.file.read_text())["rows"]
        return rows


class TestShelf(ConnectorSuite):
    """Law by law."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        """Return an empty shelf."""
        return ShelfHarness(tmp_path)
