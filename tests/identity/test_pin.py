"""One-time PINs: what lets a person in, and what does not."""

from __future__ import annotations

import datetime as dt
import logging
import traceback
from pathlib import Path
from typing import Any, Final

import pyotp
import pytest

from dsr.errors import DeliveryError, NotVerified, RequestError
from dsr.identity import FileSender, OneTimePin, check
from dsr.ledger import Ledger
from tests.identity.post import Post
from tests.ledger.people import ERIKA, NOW, PHONE, a_request, everything

REQUEST: Final = a_request()
SECOND: Final = dt.timedelta(seconds=1)
TEN: Final = dt.timedelta(minutes=10)


def _refused(otp: OneTimePin, ledger: Ledger, pin: str, now: dt.datetime = NOW) -> str:
    """Return the text with which a PIN is refused."""
    with pytest.raises(NotVerified) as caught:
        otp.verify(ledger, REQUEST, pin, now)
    return str(caught.value)


def test_the_pin_that_was_sent_verifies(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Who reads messages to the number on file is let in, once, and the trail says so."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    assert [each["number"] for each in post.messages()] == [PHONE]
    verified = otp.verify(ledger, REQUEST, post.pin(), NOW + SECOND)
    assert verified.at == NOW + SECOND
    assert verified.request.state == ledger.get("r1").state == "verified"
    assert check(verified, ledger) == ledger.get("r1")
    entries = [(each.event, each.note) for each in ledger.entries("r1")]
    assert entries == [
        ("challenge sent", "one-time PIN"),
        ("state", "verified"),
        ("verified", "one-time PIN"),
    ]


def test_spaces_in_a_pin_do_not_matter(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """People write 123 456, and scripts a line's end."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    pin = post.pin()
    otp.verify(ledger, REQUEST, f" {pin[:3]} {pin[3:]}\n", NOW)
    assert ledger.get("r1").state == "verified"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_pins_are_random_digits(ledger: Ledger, post: Post) -> None:
    """Each is new, has all its digits, zeros in front included (law.md rule 41)."""
    otp = OneTimePin(FileSender(post.path), per_number=100)
    for _ in range(100):
        otp.challenge(ledger, REQUEST, PHONE, NOW)
    pins = [each["pin"] for each in post.messages()]
    assert all(len(each) == 6 and each.isascii() and each.isdecimal() for each in pins)
    assert len(set(pins)) > 90  # two of 100 are equal in 0.5 % of runs, ten practically never
    assert {each[0] for each in pins} == set("0123456789")


def test_every_refusal_reads_the_same(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Wrong, malformed, expired, used, void or never sent: a stranger learns nothing from it."""
    texts = {_refused(otp, ledger, "123456")}
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    texts |= {_refused(otp, ledger, wrong) for wrong in (post.wrong(), "", "\ud800")}
    old = post.pin()
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    if old != post.pin():
        texts.add(_refused(otp, ledger, old))
    texts.add(_refused(otp, ledger, post.pin(), NOW + TEN + SECOND))
    otp.verify(ledger, REQUEST, post.pin(), NOW)
    texts.add(_refused(otp, ledger, post.pin()))
    ledger.close("r1", "done", NOW)
    texts.add(_refused(otp, ledger, post.pin()))
    assert len(texts) == 1


def test_a_refusal_leaves_the_request_open(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Nothing is verified by trying."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    _refused(otp, ledger, post.wrong())
    assert ledger.get("r1").state == "open"
    assert ledger.granted("r1") is None
    assert [each.event for each in ledger.entries("r1")] == [
        "challenge sent",
        "verification failed",
    ]


@pytest.mark.parametrize("minutes", [1, 10])
def test_a_pin_ends_with_its_minutes(ledger: Ledger, post: Post, minutes: int) -> None:
    """At most ten minutes (law.md rule 41): the last microsecond counts, the end does not."""
    otp = OneTimePin(FileSender(post.path), minutes=minutes)
    end = NOW + dt.timedelta(minutes=minutes)
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    _refused(otp, ledger, post.pin(), end + SECOND)
    _refused(otp, ledger, post.pin(), end)
    otp.verify(ledger, REQUEST, post.pin(), end - dt.timedelta(microseconds=1))
    assert ledger.get("r1").state == "verified"


def test_a_pin_is_used_once(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Who looks over a shoulder comes too late."""
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    otp.verify(ledger, REQUEST, post.pin(), NOW)
    _refused(otp, ledger, post.pin())


def test_a_pin_is_of_one_request(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """A PIN for access does not unlock erasure (law.md rule 43)."""
    ledger.add(a_request("r2", "access"), ERIKA)
    otp.challenge(ledger, a_request("r2", "access"), PHONE, NOW)
    _refused(otp, ledger, post.pin())
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    pin = post.pin()
    if pin != post.messages()[0]["pin"]:
        _refused(otp, ledger, post.messages()[0]["pin"])
    assert otp.verify(ledger, REQUEST, pin, NOW).request.id == "r1"


def test_an_unknown_number_looks_the_same(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """Rule 11 (GDPR Art. 15(1)): no message, the same results: who is a customer stays unsaid."""
    otp.challenge(ledger, REQUEST, None, NOW)
    assert post.messages() == []
    text = _refused(otp, ledger, "123456")
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    known = [_refused(otp, ledger, post.wrong()) for _ in range(6)]
    assert known[:5] == [text] * 5
    later = NOW + dt.timedelta(days=1)
    otp.challenge(ledger, REQUEST, None, later)
    assert [_refused(otp, ledger, "123456", later) for _ in range(6)] == known


def test_for_an_unknown_number_no_pin_is_right(ledger: Ledger, otp: OneTimePin) -> None:
    """Not even the one that would have been sent: nobody can have read it."""
    otp.challenge(ledger, REQUEST, None, NOW)
    attempt = ledger.take_attempt("r1", otp.limits, NOW)
    assert not isinstance(attempt, str)
    pin = pyotp.HOTP(attempt.secret).at(0)
    _refused(otp, ledger, pin)


def test_a_closed_request_is_not_challenged(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """There is nothing left to verify for."""
    ledger.close("r1", "refused", NOW)
    with pytest.raises(RequestError, match="closed"):
        otp.challenge(ledger, REQUEST, PHONE, NOW)
    assert post.messages() == []


def test_verifying_again_keeps_the_state(ledger: Ledger, otp: OneTimePin, post: Post) -> None:
    """A request whose run is incomplete stays so when the person proves who they are again."""
    ledger.set_state("r1", "incomplete", NOW)
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    assert otp.verify(ledger, REQUEST, post.pin(), NOW).request.state == "incomplete"


class _Clumsy:
    """A sender of others that fails and says too much."""

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        what = f"could not send {pin} to {number} in {language} within {minutes}"
        raise OSError(what)


def test_a_failed_delivery_is_told_and_tells_nothing(ledger: Ledger, tmp_path: Path) -> None:
    """The operator learns that it failed; number and PIN stay out of the error (law 8)."""
    for sender in (_Clumsy(), FileSender(tmp_path / "no" / "such")):
        with pytest.raises(DeliveryError) as caught:
            OneTimePin(sender).challenge(ledger, REQUEST, PHONE, NOW)
        assert PHONE[3:] not in "".join(traceback.format_exception(caught.value))
    assert [each.event for each in ledger.entries()] == ["challenge not sent"] * 2


def test_neither_number_nor_pin_is_kept(
    ledger: Ledger,
    url: str,
    post: Post,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not in the ledger, logs, errors or what is shown of values (law.md rule 45)."""
    caplog.set_level(logging.DEBUG)
    otp = OneTimePin(FileSender(post.path), digits=8)
    shown = []
    otp.challenge(ledger, REQUEST, PHONE, NOW)
    shown.append(_refused(otp, ledger, post.wrong()))
    verified = otp.verify(ledger, REQUEST, post.pin(), NOW)
    shown += [repr(verified), repr(otp), caplog.text, str(list(ledger.entries()))]
    kept = everything(url, tmp_path)
    for secret in (PHONE[3:], post.pin(), post.wrong()):
        assert secret not in "".join(shown)
        assert secret.encode() not in kept
    assert verified.proof.hex() not in repr(verified)


@pytest.mark.parametrize(
    "wrong",
    [
        {"digits": 5},
        {"digits": 9},
        {"minutes": 0},
        {"minutes": 11},
        {"attempts": 0},
        {"attempts": 11},
        {"per_number": 0},
        {"per_source": 0},
        {"overall": 0},
        {"hard": 0},
        {"hard": 101},
    ],
    ids=str,
)
def test_weaker_settings_than_the_rules_are_refused(wrong: dict[str, Any], post: Post) -> None:
    """Six digits, ten minutes, a hard stop at 100: at least (law.md rule 41)."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OneTimePin(FileSender(post.path), **wrong)
