"""Law 10 on seeded ground truth: every spelling is found, and no bystander is."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.connectors.sql import from_config
from dsr.find import Hit, Reading
from dsr.settings import Context
from dsr.spool import Spool
from tests.laws.people import PEOPLE, Call, call, holder

CALLS: Final = 10_000


def found(folder: Path, calls: Sequence[Call]) -> set[tuple[int, int, str]]:
    """Return (person, call, side) of all that a reading of the calls finds."""
    path = folder / "cdr.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE cdr (id INTEGER PRIMARY KEY, at TEXT, src TEXT, dst TEXT)")
        rows = [(n, c.at.isoformat(), c.src_text, c.dst_text) for n, c in enumerate(calls)]
        db.executemany("INSERT INTO cdr VALUES (?,?,?,?)", rows)
    db.close()
    sides = [
        {"phone": "src", "about": ["src"], "match": "contains"},
        {"phone": "dst", "about": ["dst"], "match": "contains"},
    ]
    table = {"category": "calls", "at": "at", "sides": sides}
    settings = {"url": "sqlite:///cdr.db", "timezone": "UTC", "tables": {"cdr": table}}
    store = from_config("cdr", settings, Context("DE", folder))
    with Spool() as spool:
        hits = list(Reading([store], [each.subject for each in PEOPLE], spool))
    result = set()
    for hit in hits:
        assert isinstance(hit, Hit)
        number = hit.record.data["id"]
        assert isinstance(number, int)
        result |= {(hit.subject, number, side) for side in hit.about}
    return result


def truth(calls: Sequence[Call]) -> set[tuple[int, int, str]]:
    """Return (person, call, side) as the calls were."""
    return {
        (holder(who, each.at), number, side)
        for number, each in enumerate(calls)
        for side, who in (("src", each.src), ("dst", each.dst))
    }


def test_ten_thousand_calls_recall_100_percent_bystanders_0(tmp_path: Path) -> None:
    """Law 10: 100 % recall and 0 bystanders on seeded ground truth, for a batch of people."""
    rng = random.Random(20261123)
    calls = [call(rng) for _ in range(CALLS)]
    expected, got = truth(calls), found(tmp_path, calls)
    assert len(expected) == 2 * CALLS  # every side of every call has exactly one holder
    missed, bystanders = expected - got, got - expected
    assert not missed, [calls[n][3:] for _, n, _ in sorted(missed)[:5]]
    assert not bystanders, [calls[n][3:] for _, n, _ in sorted(bystanders)[:5]]


@given(seed=st.integers(0, 2**32), count=st.integers(1, 40))
def test_any_spelling_of_any_number(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int
) -> None:
    """Law 10, with Hypothesis choosing numbers, spellings and times."""
    rng = random.Random(seed)
    folder = tmp_path_factory.mktemp("truth")
    calls = [call(rng) for _ in range(count)]
    assert found(folder, calls) == truth(calls)
