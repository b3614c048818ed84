"""Holds in the ledger."""

from __future__ import annotations

import datetime as dt
from typing import Final

import pytest
from attrs import evolve

from dsr.errors import RequestError
from dsr.ledger import Ledger
from dsr.model import Hold
from tests.ledger.people import ERIKA, NOW

CASE: Final = Hold(
    id="h1",
    case="12 O 34/26",
    reason="a claim is pending",
    law="Art. 17(3)(e)",
    until=dt.date(2027, 1, 1),
    subject=ERIKA,
    categories=frozenset({"call_records", "recordings"}),
    since=NOW - dt.timedelta(days=30),
    before=NOW,
    fields=frozenset({"start", "src"}),
)
EVERYBODY: Final = Hold(id="h2", case="audit", reason="tax", law="AO § 147")


def test_a_hold_comes_back_whole(ledger: Ledger) -> None:
    """Holds win (law 5): none of what one names may be lost."""
    ledger.add_hold(CASE, NOW)
    ledger.add_hold(EVERYBODY, NOW + dt.timedelta(seconds=1))
    assert ledger.holds() == [CASE, EVERYBODY]
    assert ledger.holds(released=True) == []


def test_the_same_hold_again_is_success(ledger: Ledger) -> None:
    """Twice is success; but an id never stands for two holds."""
    ledger.add_hold(CASE, NOW)
    ledger.add_hold(CASE, NOW)
    assert ledger.holds() == [CASE]
    with pytest.raises(RequestError, match="another hold"):
        ledger.add_hold(evolve(CASE, fields=frozenset()), NOW)
    assert ledger.holds() == [CASE]


def test_a_released_hold_forgets_the_person(ledger: Ledger) -> None:
    """It holds no more, and what it was about is kept without whom; its id is used up."""
    ledger.add_hold(CASE, NOW)
    ledger.release_hold("h1", NOW)
    ledger.release_hold("h1", NOW)
    assert ledger.holds() == []
    assert ledger.holds(released=True) == [evolve(CASE, subject=None)]
    with pytest.raises(RequestError, match="another hold"):
        ledger.add_hold(CASE, NOW)


def test_releasing_an_unknown_hold_is_an_error(ledger: Ledger) -> None:
    """A slip of the pen does not look like success."""
    with pytest.raises(RequestError, match="no hold"):
        ledger.release_hold("h9", NOW)


def test_the_version_tells_of_every_change(ledger: Ledger, url: str) -> None:
    """A run that reads it before each write sees holds that others place meanwhile (law 5)."""
    seen = [ledger.holds_version()]
    with Ledger.open(url, bytes(range(32))) as other:
        other.add_hold(CASE, NOW)
        seen.append(ledger.holds_version())
        other.add_hold(EVERYBODY, NOW)
        seen.append(ledger.holds_version())
        other.release_hold("h1", NOW)
        seen.append(ledger.holds_version())
    assert seen == sorted(set(seen))


def test_holds_are_audited(ledger: Ledger) -> None:
    """Who asks why data stayed finds when the hold was placed and released."""
    ledger.add_hold(CASE, NOW)
    ledger.add_hold(CASE, NOW)
    ledger.release_hold("h1", NOW)
    assert [(each.event, each.note) for each in ledger.entries()] == [
        ("hold added", "h1"),
        ("hold released", "h1"),
    ]
