"""Links in the ledger: one use, across threads and processes; nothing of them can be read."""

from __future__ import annotations

import datetime as dt
import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from dsr.errors import LedgerError, RequestNotFound
from dsr.ledger import Ledger
from dsr.ledger.tables import deliveries
from tests.ledger.people import ERIKA, KEY, MAX, NOW, a_request, everything

SECRET: Final = "Zx0-5e7rQ_4RkT1v8yWm2nB6pL9sJ3hD0gF5aC7uE4i"
PLACE: Final = "s3://packages/out/erika-4930901820.zip"
HASH: Final = hashlib.sha256(b"package").hexdigest()
DAY: Final = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _requests(ledger: Ledger) -> None:
    ledger.add(a_request("r1", "access"), ERIKA)
    ledger.add(a_request("r2", "access"), MAX)


def _add(ledger: Ledger, secret: str = SECRET, request: str = "r1", place: str = PLACE) -> None:
    ledger.add_delivery(request, secret, place, HASH, NOW + 7 * DAY, NOW)


def _events(ledger: Ledger) -> list[tuple[str, str, str]]:
    return [(each.event, each.request, each.note) for each in ledger.entries()]


def test_a_link_leads_somewhere_once(ledger: Ledger) -> None:
    """Rule 43: links are single use, and each use and refusal is in the audit trail (rule 45)."""
    _add(ledger)
    parcel = ledger.take_delivery(SECRET, NOW)
    assert parcel is not None
    assert (parcel.request, parcel.place, parcel.sha256) == ("r1", PLACE, HASH)
    assert ledger.take_delivery(SECRET, NOW) is None
    assert _events(ledger) == [
        ("link made", "r1", HASH),
        ("package fetched", "r1", HASH),
        ("link refused", "r1", ""),
    ]
    assert ledger.verify_audit() == 3


def test_a_link_ends(ledger: Ledger) -> None:
    """Rule 43: up to its end it works; from that moment on it does not."""
    _add(ledger)
    assert ledger.take_delivery(SECRET, NOW + 7 * DAY) is None
    assert ledger.take_delivery(SECRET, NOW + 7 * DAY - dt.timedelta(microseconds=1))


@pytest.mark.parametrize("other", ["", SECRET[:-1], SECRET + "A", SECRET.lower(), "\ud800", "é"])
def test_an_unknown_secret_leads_nowhere(ledger: Ledger, other: str) -> None:
    """Bad input: no other text opens it, and none is noted: it may be anybody's secret."""
    _add(ledger)
    assert ledger.take_delivery(other, NOW) is None
    assert len(_events(ledger)) == 1


def test_a_new_link_ends_the_older_ones_of_its_request(ledger: Ledger) -> None:
    """A link that was lost on its way opens nothing once another was sent; others' links stay."""
    _add(ledger, "first")
    _add(ledger, "other", "r2")
    _add(ledger, "second")
    assert ledger.take_delivery("first", NOW) is None
    assert ledger.take_delivery("second", NOW)
    assert ledger.take_delivery("other", NOW)


def test_a_link_needs_a_request(ledger: Ledger) -> None:
    """A link is to the package of a request."""
    with pytest.raises(RequestNotFound):
        _add(ledger, request="r3")
    assert ledger.parcels() == []


def test_a_forgotten_place_is_gone(ledger: Ledger) -> None:
    """What is over leads nowhere, also before its end; twice is success, noted once."""
    _add(ledger)
    (parcel,) = ledger.parcels()
    for _ in range(2):
        ledger.forget_parcel(parcel, NOW, removed=True)
        assert ledger.parcels() == []
    assert ledger.take_delivery(SECRET, NOW) is None
    assert [each[0] for each in _events(ledger)] == ["link made", "package removed", "link refused"]


def _take(url: str, _: int) -> bool:
    with Ledger.open(url, KEY) as own:
        return own.take_delivery(SECRET, NOW) is not None


def test_of_many_processes_one_gets_it(ledger: Ledger, url: str) -> None:
    """Rule 43: a link that is followed twice at the same moment works once."""
    _add(ledger)
    ledger.dispose()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        got = list(pool.map(_take, [url] * 12, range(12)))
    assert sorted(got) == [False] * 11 + [True]


def test_nothing_of_a_link_can_be_read(ledger: Ledger, url: str, tmp_path: Path) -> None:
    """Law 8: neither secret nor place, plain or as a hash that needs no key; nor in a repr."""
    _add(ledger)
    found = everything(url, tmp_path)
    shown = repr(ledger.parcels()) + repr(list(ledger.entries()))
    for text in (SECRET, PLACE, PLACE.removeprefix("s3://packages/"), "4930901820"):
        raw = text.encode()
        for each in (raw, hashlib.sha256(raw).digest()):
            assert each not in found
            assert each.hex().encode() not in found
        assert text not in shown


def test_a_place_opens_only_for_its_own_link(ledger: Ledger) -> None:
    """Who can write to the database cannot make one person's link lead to another's package."""
    _add(ledger, "mine", "r1", "s3://packages/mine.zip")
    _add(ledger, "other", "r2", "s3://packages/other.zip")
    with ledger._database.writing() as unit:
        rows = {each.request: each for each in unit.connection.execute(deliveries.select())}
        change = deliveries.update().where(deliveries.c.request == "r2")
        unit.connection.execute(change.values(place=rows["r1"].place))
    with pytest.raises(LedgerError, match="does not open"):
        ledger.take_delivery("other", NOW)
