"""Law 10 on seeded ground truth: every spelling is found, and no bystander is.

The calls are written by this file's own speller, which knows nothing of `dsr.phone`; who is
right is known by construction. Numbers are chosen to be taken for each other: one digit more
or less, the same digits in another country, the same number of two people at different times.
"""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.connectors.sql import from_config
from dsr.find import Hit, Reading
from dsr.model import Identifier, Subject
from dsr.settings import Context
from dsr.spool import Spool

CALLS: Final = 10_000
START: Final = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
MOVED: Final = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)

#: country code, national number: each with neighbours that must not be taken for it
NUMBERS: Final = [
    ("49", "30901820"),
    ("49", "309018200"),
    ("49", "30901821"),
    ("49", "3090182"),
    ("43", "30901820"),
    ("49", "15123456789"),
    ("49", "1512345678"),
    ("44", "2079460018"),
    ("44", "2079460019"),
    ("33", "142685300"),
    ("1", "2125550147"),
]


class Person(NamedTuple):
    """Who holds a number, and when."""

    country: str
    national: str
    since: dt.datetime | None
    until: dt.datetime | None

    @property
    def subject(self) -> Subject:
        value = f"+{self.country}{self.national}"
        return Subject((Identifier("phone", value, self.since, self.until),))


#: The first four numbers have changed hands.
PEOPLE: Final = [
    person
    for place, number in enumerate(NUMBERS)
    for person in (
        [Person(*number, None, MOVED), Person(*number, MOVED, None)]
        if place % 3 == 0
        else [Person(*number, None, None)]
    )
]


class Call(NamedTuple):
    """A call as it was, and as it was written down."""

    at: dt.datetime
    src: tuple[str, str]
    dst: tuple[str, str]
    src_text: str
    dst_text: str


def grouped(rng: random.Random, digits: str) -> str:
    """Write digits in groups, as people do (ITU-T E.123)."""
    mark = rng.choice((" ", "-", ".", "/"))
    cuts = [2, *rng.sample(range(4, len(digits) - 1), rng.randint(0, 1))]  # the area code apart
    return mark.join(digits[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True))


def spelled(rng: random.Random, country: str, national: str) -> str:
    """Write a number in one of the ways that stores.md lists as seen."""
    plain = f"{country}{national}"
    forms = [f"+{plain}", f"00{plain}", plain, f"9011+{plain}", f"++{plain}", f"0+{plain}"]
    if country == "49":
        forms += [f"0{national}", national, f"+49 (0){grouped(rng, national)}"]
        forms += [f"0{grouped(rng, national)}"]
    forms += [f"+{country} {grouped(rng, national)}", f"00{country} {grouped(rng, national)}"]
    text = rng.choice(forms)
    if " " in text or "-" in text or "/" in text or "." in text:
        return rng.choice((text, f'"Somebody" <{text}>'))
    return rng.choice(
        (
            text,
            f"sip:{text}@sip.example.org;user=phone",
            f"tel:{text}",
            f"tel:{text};ext=12",
            f'"Somebody" <{text}>',
            f'"{text}" <{text}>',
            f"SIP/{text}@trunk-0000001a",
            f"PJSIP/{text}-0000001a",
        )
    )


def call(rng: random.Random) -> Call:
    src, dst = rng.choice(NUMBERS), rng.choice(NUMBERS)
    at = START + dt.timedelta(seconds=rng.randrange(2 * 366 * 86_400))
    return Call(at, src, dst, spelled(rng, *src), spelled(rng, *dst))


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
        (person, number, side)
        for number, each in enumerate(calls)
        for side, who in (("src", each.src), ("dst", each.dst))
        for person, (*held, since, until) in enumerate(PEOPLE)
        if who == tuple(held)
        and (since is None or since <= each.at)
        and (until is None or each.at < until)
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
