"""Challenges in the ledger: what races between counting, comparing and redeeming come to."""

from __future__ import annotations

import datetime as dt
from typing import Final

import pytest

from dsr.errors import RequestNotFound
from dsr.ledger import Attempt, Ledger, Limits
from tests.ledger.people import ERIKA, NOW, PHONE, a_request

LIMITS: Final = Limits(attempts=5, per_number=10, overall=1_000, hard=100)
SECRET: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def _save(ledger: Ledger, request: str = "r1") -> bool:
    return ledger.save_challenge(
        request,
        secret=SECRET,
        number=PHONE,
        real=True,
        expires=NOW + dt.timedelta(minutes=10),
        limits=LIMITS,
        at=NOW,
    )


def _take(ledger: Ledger) -> Attempt:
    attempt = ledger.take_attempt("r1", LIMITS, NOW)
    assert isinstance(attempt, Attempt)
    return attempt


@pytest.fixture(autouse=True)
def challenged(ledger: Ledger) -> None:
    """Open a request and challenge it."""
    ledger.add(a_request(), ERIKA)
    assert _save(ledger)


def test_the_secret_comes_back_unshown(ledger: Ledger) -> None:
    """It is compared, never printed."""
    attempt = _take(ledger)
    assert (attempt.secret, attempt.real) == (SECRET, True)
    assert SECRET not in repr(attempt)


def test_two_right_guesses_at_once_redeem_once(ledger: Ledger) -> None:
    """Single use, also when both were compared before either was redeemed."""
    first, second = _take(ledger), _take(ledger)
    assert ledger.redeem("r1", first.serial, NOW)
    assert not ledger.redeem("r1", second.serial, NOW)


def test_a_new_challenge_makes_an_old_guess_void(ledger: Ledger) -> None:
    """Even one that was compared just before."""
    old = _take(ledger)
    assert _save(ledger)
    assert not ledger.redeem("r1", old.serial, NOW)
    assert ledger.redeem("r1", _take(ledger).serial, NOW)


def test_closing_makes_a_guess_void(ledger: Ledger) -> None:
    """Nothing is verified for a request that is over."""
    attempt = _take(ledger)
    ledger.close("r1", "refused", NOW)
    assert not ledger.redeem("r1", attempt.serial, NOW)
    assert ledger.take_attempt("r1", LIMITS, NOW) == "none"


def test_a_right_guess_is_no_failure(ledger: Ledger) -> None:
    """Ten successes a day leave all ten failures of the day."""
    for _ in range(9):
        assert ledger.redeem("r1", _take(ledger).serial, NOW)
        assert _save(ledger)
    for _ in range(5):
        _take(ledger)
    assert ledger.take_attempt("r1", LIMITS, NOW) == "limit"


def test_a_used_code_is_no_lockout(ledger: Ledger) -> None:
    """Who mistyped four times and was right then hears that the code is used, not of a limit."""
    for _ in range(4):
        _take(ledger)
    assert ledger.redeem("r1", _take(ledger).serial, NOW)
    assert ledger.take_attempt("r1", LIMITS, NOW) == "none"


def test_an_unknown_request_is_not_challenged(ledger: Ledger) -> None:
    """There is nothing to verify."""
    with pytest.raises(RequestNotFound):
        _save(ledger, "r9")
    with pytest.raises(RequestNotFound):
        ledger.take_attempt("r9", LIMITS, NOW)
    with pytest.raises(RequestNotFound):
        ledger.redeem("r9", 1, NOW)
