"""`Verified`: made by verifying, bound to a request, not to be forged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from attrs import evolve
from sqlalchemy import create_engine

from dsr.errors import NotVerified, RequestNotFound
from dsr.identity import OneTimePin, Verified, check, granted
from dsr.ledger import Ledger
from dsr.model import State
from tests.identity.post import Post
from tests.ledger.people import ERIKA, KEY, NOW, PHONE, a_request


@pytest.fixture
def verified(ledger: Ledger, otp: OneTimePin, post: Post) -> Verified:
    """Return the grant of r1."""
    otp.challenge(ledger, a_request(), PHONE, NOW)
    return otp.verify(ledger, a_request(), post.pin(), NOW)


def test_a_grant_holds_in_another_process(ledger: Ledger, url: str, verified: Verified) -> None:
    """`dsr verify` and `dsr plan` are two commands."""
    with Ledger.open(url, KEY) as other:
        assert granted(other, "r1") == verified
        assert check(verified, other) == ledger.get("r1")


@pytest.mark.parametrize(
    "forge",
    [
        lambda v: evolve(v, proof=bytes(32)),
        lambda v: evolve(v, proof=b""),
        lambda v: evolve(v, proof=v.proof[:-1]),
        lambda v: evolve(v, method="login"),
        lambda v: evolve(v, at=v.at + dt.timedelta(microseconds=1)),
        lambda v: evolve(v, request=evolve(v.request, id="r2")),
    ],
)
def test_a_forged_grant_is_refused(
    ledger: Ledger, verified: Verified, forge: Callable[[Verified], Verified]
) -> None:
    """No part of it can be changed, and it is of one request (law.md rule 43)."""
    ledger.add(a_request("r2", state="verified"), ERIKA)
    with pytest.raises(NotVerified):
        check(forge(verified), ledger)


def test_a_grant_is_bound_to_the_right(ledger: Ledger, url: str, verified: Verified) -> None:
    """Who can write to the database cannot turn a grant for erasure into one for access."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE dsr_requests SET \"right\" = 'access'")
    engine.dispose()
    with pytest.raises(NotVerified):
        check(verified, ledger)
    with pytest.raises(NotVerified):
        granted(ledger, "r1")


def test_a_state_alone_is_no_grant(ledger: Ledger) -> None:
    """Who sets `verified` in the database has verified nobody."""
    ledger.set_state("r1", "verified", NOW)
    with pytest.raises(NotVerified):
        granted(ledger, "r1")


@pytest.mark.parametrize(
    ("state", "passes"),
    [
        ("open", False),
        ("refused", False),
        ("verified", True),
        ("confirmed", True),
        ("incomplete", True),
        ("done", True),
    ],
)
def test_a_grant_needs_a_state_that_follows_it(
    ledger: Ledger, verified: Verified, state: State, *, passes: bool
) -> None:
    """A refused request is not carried out with the grant that it once had."""
    ledger.set_state("r1", state, NOW)
    if passes:
        assert check(verified, ledger).state == state
    else:
        with pytest.raises(NotVerified):
            check(verified, ledger)


def test_an_unknown_request_has_no_grant(ledger: Ledger, verified: Verified) -> None:
    """It is told apart from an unverified one: ids are no secret of a person."""
    with pytest.raises(RequestNotFound):
        granted(ledger, "r9")
    with pytest.raises(RequestNotFound):
        check(evolve(verified, request=a_request("r9")), ledger)


def test_a_grant_is_bound_to_the_tenure(ledger: Ledger, verified: Verified) -> None:
    """Rule 43: a number whose tenure is another now needs another verification."""
    now = ledger.subject("r1")
    later = [evolve(each, since=NOW - dt.timedelta(days=1)) for each in now.identifiers]
    ledger.reseal("r1", evolve(now, identifiers=tuple(later)))
    with pytest.raises(NotVerified):
        check(verified, ledger)
    ledger.reseal("r1", now)
    assert check(verified, ledger).id == "r1"


def test_a_grant_ends_after_thirty_days(ledger: Ledger, verified: Verified) -> None:
    """Rule 43: unless something was confirmed by it, which is carried out to its end."""
    end = verified.at + dt.timedelta(days=30)
    assert check(verified, ledger, end - dt.timedelta(seconds=1)).id == "r1"
    with pytest.raises(NotVerified, match="more than 30 days ago"):
        check(verified, ledger, end)
    ledger.set_state("r1", "confirmed", NOW)
    assert check(verified, ledger, end).id == "r1"
