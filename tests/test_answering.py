"""Deadlines, alarms, and the answers that act on nothing: longer, refused, in doubt."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dsr import identify
from dsr.answering import asked
from dsr.desk import Desk
from dsr.errors import InputError, RequestError
from dsr.identity import FileSender, OneTimePin
from dsr.model import Request, Right
from dsr.policy.model import Deadlines, Policy
from dsr.policy.refusals import Refusal
from tests.shelf import shelf
from tests.things import OPERATOR, category, ledger

BERLIN = ZoneInfo("Europe/Berlin")
EVA = identify("phone", "030 901820", "DE")
WHY = "several numbers over ten years"
NO = Refusal("not entitled", "this data is not portable", "M. Weber", law="GDPR Art. 20(1)")


def noon(day: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=BERLIN)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One store, the calendar of Germany, an alarm a week ahead."""
    deadlines = Deadlines(calendar="DE", alarm="7 days")
    return Desk(
        stores=(shelf(tmp_path, "cdr", ["phone", "account"], "calls"),),
        policy=Policy(OPERATOR, {"calls": category()}, deadlines=deadlines),
        ledger=ledger(tmp_path),
        pin=OneTimePin(FileSender(tmp_path / "pins")),
    )


def received(desk: Desk, day: str, right: Right = "access") -> Request:
    return desk.open(right, [EVA], now=noon(day))


# --- extension ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "extended"),
    [  # law.md, vectors: receipt + 3 months, never chained on a shifted date
        ("2026-03-05", "2026-06-05"),
        ("2026-01-31", "2026-04-30"),
        ("2026-04-01", "2026-07-01"),
    ],
)
def test_an_extension_ends_three_months_after_receipt(desk: Desk, day: str, extended: str) -> None:
    """Rule 3 (GDPR Art. 12(3)): counted from receipt, also where the month was moved."""
    request = received(desk, day)
    answered = desk.extend(request.id, WHY, now=noon(day))
    assert answered.request.due == dt.date.fromisoformat(extended)
    assert WHY in answered.letter
    assert desk.ledger.get(request.id).due == answered.request.due


def test_a_late_notice_raises(desk: Desk) -> None:
    """Rule 3 (GDPR Art. 12(3)): told inside the first month, which a holiday moves; not after."""
    request = received(desk, "2026-03-05")  # due 2026-04-05, Easter; moved to 2026-04-07
    with pytest.raises(RequestError, match="could be extended until 2026-04-07"):
        desk.extend(request.id, WHY, now=noon("2026-04-08"))
    assert desk.ledger.get(request.id).due == dt.date(2026, 4, 7)
    assert desk.extend(request.id, WHY, now=noon("2026-04-07")).request.due == dt.date(2026, 6, 5)


def test_an_extension_is_given_once(desk: Desk) -> None:
    """Rule 3 (GDPR Art. 12(3)): two further months, once; the same again is the same letter."""
    request = received(desk, "2026-03-05")
    first = desk.extend(request.id, WHY, now=noon("2026-03-10"))
    again = desk.extend(request.id, WHY, now=noon("2026-03-10"))
    assert again == first
    with pytest.raises(RequestError):
        desk.extend(request.id, "another reason", now=noon("2026-03-10"))


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_extension_has_a_reason(desk: Desk, reason: str) -> None:
    """Rule 3 (GDPR Art. 12(3)): the controller gives the reasons for the delay."""
    request = received(desk, "2026-03-05")
    with pytest.raises(InputError, match="needs its reason"):
        desk.extend(request.id, reason, now=noon("2026-03-10"))


# --- refusal --------------------------------------------------------------------------------


def test_a_refusal_closes_and_forgets(desk: Desk) -> None:
    """Rule 6 (GDPR Art. 12(4)): reason and remedies are told; then the person is forgotten."""
    request = received(desk, "2026-03-05", "portability")
    answered = desk.refuse(request.id, NO, now=noon("2026-03-10"))
    assert answered.request.state == "refused"
    assert NO.reason in answered.letter
    assert OPERATOR.authority in answered.letter
    with pytest.raises(RequestError):
        desk.ledger.subject(request.id)
    again = desk.refuse(request.id, NO, now=noon("2026-03-11"))
    assert again.request == answered.request
    assert NO.decision in {each.note for each in desk.ledger.entries(request.id)}


def test_who_cannot_be_identified_learns_what_would_help(desk: Desk) -> None:
    """Rule 12 (GDPR Art. 11(2)): what the stores can be searched by, in a new request."""
    request = received(desk, "2026-03-05")
    refusal = Refusal("not identifiable", "no record bears a name", "M. Weber")
    letter = desk.refuse(request.id, refusal, now=noon("2026-03-10")).letter
    assert "account" in letter
    assert "e-mail" not in letter  # no store could be searched by it


# --- doubt ----------------------------------------------------------------------------------


def test_a_doubt_pauses_a_second_date_only(desk: Desk) -> None:
    """Rule 5 (GDPR Art. 12(6)): the strict date never moves; the other does while it is open."""
    request = received(desk, "2026-03-05")
    stands = desk.doubt(request.id, "written from an unknown address", now=noon("2026-03-10"))
    assert stands.paused_until == dt.date(2026, 4, 7)  # no day has passed yet
    (stands,) = desk.standing([request], now=noon("2026-03-20"))
    assert stands.paused_until == dt.date(2026, 4, 15)  # 5 April and the ten days
    assert stands.request.due == dt.date(2026, 4, 7)
    desk.end_doubt(request.id, now=noon("2026-03-20"))
    desk.end_doubt(request.id, now=noon("2026-03-20"))
    (stands,) = desk.standing([request], now=noon("2026-03-21"))
    assert stands.paused_until is None


def test_a_late_doubt_pauses_nothing(desk: Desk) -> None:
    """Rule 5 (GDPR Art. 12(6)): it was not asked promptly."""
    request = received(desk, "2026-03-05")
    stands = desk.doubt(request.id, "written from an unknown address", now=noon("2026-03-13"))
    assert stands.paused_until is None


def test_a_doubt_has_a_reason(desk: Desk) -> None:
    """Rule 5 (GDPR Art. 12(6)): doubts are reasonable, and recorded."""
    request = received(desk, "2026-03-05")
    with pytest.raises(InputError, match="needs its reason"):
        desk.doubt(request.id, " ", now=noon("2026-03-10"))


@pytest.mark.parametrize("language", ["en", "de"])
def test_who_was_asked_is_reminded_later(desk: Desk, language: str) -> None:
    """Rule 5 (GDPR Art. 12(6)): first it asks, on a later day it reminds; both name the doubt."""
    request = desk.open("access", [EVA], now=noon("2026-03-05"), language=language)
    with pytest.raises(RequestError, match="no doubt"):
        asked(desk.policy, desk.ledger, request.id, noon("2026-03-05"))
    desk.doubt(request.id, "two voices", now=noon("2026-03-06"))
    first = asked(desk.policy, desk.ledger, request.id, noon("2026-03-06"))
    later = asked(desk.policy, desk.ledger, request.id, noon("2026-03-07"))
    missing = {"en": "We do not have it yet", "de": "liegen uns noch nicht vor"}[language]
    assert (missing in first, missing in later) == (False, True)
    for each in (first, later):
        assert "two voices" in each
        assert {"en": "one-time code", "de": "Einmalcode"}[language] in each
    desk.end_doubt(request.id, now=noon("2026-03-08"))
    with pytest.raises(RequestError, match="no doubt"):
        asked(desk.policy, desk.ledger, request.id, noon("2026-03-08"))


# --- alarms ---------------------------------------------------------------------------------


def test_alarms_ring_before_the_end(desk: Desk) -> None:
    """GDPR Art. 12(3): a week ahead, the soonest first, and the overdue until it is answered."""
    late, soon, far = (received(desk, day) for day in ("2026-03-05", "2026-03-13", "2026-04-08"))
    found = desk.alarms(now=noon("2026-04-08"))
    assert [each.request.id for each in found] == [late.id, soon.id]
    assert [(each.days_left, each.overdue) for each in found] == [(-1, True), (5, False)]
    desk.refuse(late.id, NO, now=noon("2026-04-08"))
    assert [each.request.id for each in desk.alarms(now=noon("2026-04-08"))] == [soon.id]
    assert far.id in {each.request.id for each in desk.alarms(now=noon("2026-05-01"))}
