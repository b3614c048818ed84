"""What staff approved: a plan by its token, and no other."""

from __future__ import annotations

import datetime as dt

import pytest

from dsr.errors import NotConfirmed, RequestNotFound
from dsr.ledger import Confirmed, Ledger
from tests.ledger.people import ERIKA, NOW, a_request


def planned(ledger: Ledger, token: str) -> None:
    ledger.save_plan("r1", Confirmed(token, NOW, {}, {}))


@pytest.fixture
def asked(ledger: Ledger) -> Ledger:
    ledger.add(a_request(), ERIKA)
    planned(ledger, "first")
    return ledger


def test_each_member_counts_once(asked: Ledger) -> None:
    """Rule 43 (GDPR Art. 32): the same person twice is one pair of eyes."""
    for member in ("ada", "ada", "ben"):
        asked.approve("r1", "first", member, NOW + dt.timedelta(minutes=1))
    assert asked.approved("r1", "first") == {"ada", "ben"}


def test_another_plan_is_not_approved(asked: Ledger) -> None:
    """Rule 43 (GDPR Art. 32): neither by a wrong token, nor because an earlier plan was."""
    with pytest.raises(NotConfirmed, match="not the token of the last plan"):
        asked.approve("r1", "other", "ada", NOW)
    assert asked.approved("r1", "other") == frozenset()
    asked.approve("r1", "first", "ada", NOW)
    planned(asked, "second")
    assert asked.approved("r1", "second") == frozenset()
    with pytest.raises(NotConfirmed):
        asked.approve("r1", "first", "ben", NOW)


def test_a_request_that_is_not_there(ledger: Ledger) -> None:
    """Bad input: it is told."""
    ledger.add(a_request("r2"), ERIKA)
    with pytest.raises(RequestNotFound):
        ledger.approve("r9", "first", "ada", NOW)
