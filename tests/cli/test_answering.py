"""Longer, no, and not yet at the command line: extend, refuse, doubt, and what is due."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta

from tests.cli.office import EVA, Office

BERLIN = ZoneInfo("Europe/Berlin")
WHY = "several numbers over ten years"
NO = ("--reason", "it is observed by nobody", "--by", "M. Weber", "--law", "GDPR Art. 20(1)")


def _ago(**span: int) -> str:
    today = dt.datetime.now(BERLIN).date()
    return (today - relativedelta(**span)).isoformat()  # type: ignore[arg-type]  # names of spans


def _opened(office: Office, right: str, received: str) -> str:
    document = office.document("open", right, "--phone", EVA, "--received", received)
    return str(document["request"])


def test_extend_writes_the_letter_and_moves_the_date(office: Office, tmp_path: Path) -> None:
    """Rule 3 (GDPR Art. 12(3)): three months from receipt; the letter gives the reason."""
    received, letter = _ago(days=3), tmp_path / "letter.html"
    request = _opened(office, "access", received)
    document = office.document("extend", request, "--reason", WHY, "--out", str(letter))
    due = dt.date.fromisoformat(document["due"])
    raw = dt.date.fromisoformat(received) + relativedelta(months=3)
    assert dt.timedelta(0) <= due - raw <= dt.timedelta(days=5)  # no more days off in a row
    assert document["letter"] == str(letter)
    assert WHY in letter.read_text("utf-8")
    again = tmp_path / "again.html"
    office.call("extend", request, "--reason", WHY, "--out", str(again))
    assert again.read_text("utf-8") == letter.read_text("utf-8")


def test_extend_after_the_month_fails(office: Office) -> None:
    """Rule 3 (GDPR Art. 12(3)): a late notice raises, and says what to do instead."""
    request = _opened(office, "access", _ago(months=2))
    told = office.error("extend", request, "--reason", WHY, code=1)
    assert "answer it at once" in told
    assert office.document("show", request)["extended"] is False


def test_refuse_closes_with_a_letter(office: Office, tmp_path: Path) -> None:
    """Rule 6 (GDPR Art. 12(4)): reason, authority and remedy in it; the request is closed."""
    request, letter = _opened(office, "portability", _ago(days=1)), tmp_path / "letter.html"
    document = office.document("refuse", request, *NO, "--out", str(letter))
    assert document["status"] == "refused"
    text = letter.read_text("utf-8")
    assert NO[1] in text
    assert "Bundesbeauftragte" in text
    office.error("challenge", request, code=1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--cause", "excessive", "--reason", "x", "--by", "W"), "a number of requests is none"),
        (
            ("--cause", "excessive", "--reason", "x", "--by", "W", "--evidence", "14 requests"),
            "a number of requests is none",
        ),
        (("--cause", "national-law", "--reason", "x", "--by", "W"), "cites that law"),
        (("--reason", "x", "--by", "W"), "the provision that the right ends at"),
        (("--reason", " ", "--by", "W"), "needs its reason"),
    ],
)
def test_no_refusal_without_what_the_law_wants(
    office: Office, words: tuple[str, ...], told: str
) -> None:
    """Rules 6, 10, 24 (GDPR Arts. 12(4), 12(5), 23): it is not even recorded."""
    request = _opened(office, "portability", _ago(days=1))
    assert told in office.error("refuse", request, *words, code=2)
    assert office.document("show", request)["status"] == "open"


def test_a_letter_that_cannot_be_written_is_written_the_next_time(
    office: Office, tmp_path: Path
) -> None:
    """Law 2: the refusal stands; the same command with another --out writes the letter."""
    request, letter = _opened(office, "portability", _ago(days=1)), tmp_path / "letter.html"
    office.error("refuse", request, *NO, "--out", str(tmp_path / "none" / "letter.html"), code=1)
    office.call("refuse", request, *NO, "--out", str(letter))
    assert NO[1] in letter.read_text("utf-8")


def test_doubt_pauses_a_second_date(office: Office) -> None:
    """Rule 5 (GDPR Art. 12(6)): beside the strict date, which stays; both are shown."""
    request = _opened(office, "access", _ago(days=2))
    strict = office.document("show", request)["due"]
    document = office.document("doubt", request, "--reason", "two voices")
    assert (document["due"], document["paused_until"]) == (strict, strict)
    assert f"paused: {strict})" in " ".join(office.call("list").stdout.split())
    document = office.document("doubt", request, "--ended")
    assert (document["due"], document["paused_until"]) == (strict, None)


def test_doubt_writes_what_is_asked_and_why(office: Office, tmp_path: Path) -> None:
    """Rule 5 (GDPR Art. 12(6)): the doubt, the code that settles it, and no identity document."""
    request, letter = _opened(office, "access", _ago(days=2)), tmp_path / "letter.html"
    document = office.document("doubt", request, "--reason", "two voices", "--out", str(letter))
    assert document["letter"] == str(letter)
    text = letter.read_text("utf-8")
    assert "two voices" in text
    assert "Einmalcode" in text
    assert "keine Ausweiskopie" in text
    assert "Bundesbeauftragte" in text
    again = tmp_path / "again.html"
    office.call("doubt", request, "--reason", "two voices", "--out", str(again))
    assert again.read_text("utf-8") == text
    told = office.error("doubt", request, "--ended", "--out", str(again), code=2)
    assert "needs no letter" in told


@pytest.mark.parametrize("words", [(), ("--reason", "two voices", "--ended")])
def test_a_doubt_is_raised_or_ended(office: Office, words: tuple[str, ...]) -> None:
    """Bad input: neither, or both at once, is told; nothing is recorded."""
    request = _opened(office, "access", _ago(days=2))
    assert "either raised or ended" in office.error("doubt", request, *words, code=2)
    assert office.document("show", request)["paused_until"] is None


def test_list_due_is_an_alarm(office: Office) -> None:
    """GDPR Art. 12(3): what ends soon or is over, the soonest first; exit code 4 for cron."""
    far = _opened(office, "access", _ago(days=1))
    assert office.document("list", "--due") == {"requests": []}
    late = _opened(office, "access", _ago(months=2))
    soon = _opened(office, "access", _ago(days=27))
    found = office.document("list", "--due", code=4)["requests"]
    assert [each["request"] for each in found] == [late, soon]
    assert [each["overdue"] for each in found] == [True, False]
    shown = office.call("list", "--due", code=4).stdout
    assert "overdue" in shown
    assert far not in shown
