"""What a person decides at the command line: lift, decide."""

from __future__ import annotations

import datetime as dt
import html
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from tests.cli.office import Office, check_run, office, template

__all__ = ["office", "template"]

BERLIN: Final = ZoneInfo("Europe/Berlin")
#: How the operator's letters begin, in English, and what each of them says.
LIFTING: Final = "The restriction ends on"
WHY: Final = ("--by", "M. Weber", "--reason", "the bill was checked")


def _today() -> str:
    return dt.datetime.now(BERLIN).date().isoformat()


@pytest.fixture
def desk(office: Office) -> Office:
    """Give an office whose databases can restrict, and which has no other stores.

    Calls rest on legitimate interests, so that an objection reaches them.
    """
    text = office.config.read_text("utf-8")
    start, end = text.index("[stores.recordings]"), text.index("# --- categories")
    text = text[:start] + text[end:]
    for at in ('at = "start"', 'at = "assigned_at"'):
        assert text.count(at) == 1
        text = text.replace(at, f'{at}\nrestricted = "blocked"')
    calls = 'purposes = ["billing"]\nbasis = "contract"'
    assert text.count(calls) == 1
    text = text.replace(calls, 'purposes = ["billing"]\nbasis = "legitimate interests"')
    office.config.write_text(text, "utf-8")
    with _database(office) as db:
        for table in ("cdr", "numbers"):
            db.execute(f"ALTER TABLE {table} ADD blocked INTEGER NOT NULL DEFAULT 0")
    return office


@contextmanager
def _database(office: Office) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(office.folder / "operator.db")
    try:
        with db:
            yield db
    finally:
        db.close()


def _blocked(office: Office) -> int:
    """Count the restricted rows with the database's own means."""
    query = "SELECT (SELECT sum(blocked) FROM cdr) + (SELECT sum(blocked) FROM numbers)"
    with _database(office) as db:
        (count,) = db.execute(query).fetchone()
    return int(count)


def _done(office: Office, right: str, *more: str) -> str:
    """Carry out a request; return its id."""
    request = office.verified(right, "--language", "en", *more)
    token = office.document("plan", request)["token"]
    receipt = office.document("run", request, "--confirm", token)
    check_run(receipt)
    assert receipt["status"] == "restricted"
    return request


def _words(path: Path) -> str:
    page = re.sub(r"<style>.*?</style>", "", path.read_text("utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _disputed(office: Office) -> str:
    return _done(office, "rectification", "--set", "call_records.clid=Ewa <0>")


def test_lifting_takes_two_steps(desk: Office, tmp_path: Path) -> None:
    """Rule 17 (GDPR Art. 18(3)): first the letter and nothing else.

    Once it was sent, the day, and it ends.
    """
    request, letter = _done(desk, "restriction"), tmp_path / "letter.html"
    count, before = _blocked(desk), desk.stores()
    assert count > 0
    result = desk.call("lift", request, *WHY, "--out", str(letter), code=1)
    assert result.stdout == ""
    assert f"Letter: {letter}" in result.stderr
    assert f"send {letter}; then give the day with --told" in result.stderr
    assert LIFTING in _words(letter)
    assert "the bill was checked" in _words(letter)
    assert desk.stores() == before
    assert desk.document("show", request)["status"] == "restricted"

    document = desk.document("lift", request, *WHY, "--told", _today())
    assert document == {
        "request": request,
        "status": "done",
        "outcome": "",
        "lifted": {"cdr": count - 1, "numbers": 1},
        "problems": [],
    }
    assert _blocked(desk) == 0
    assert desk.document("show", request)["status"] == "done"


def test_people_read_what_was_lifted(desk: Office) -> None:
    """What a person at the terminal reads: the state, and how many records in which store."""
    request = _done(desk, "restriction")
    count = _blocked(desk) - 1
    result = desk.call("lift", request, *WHY, "--told", _today())
    assert result.stdout == f"{request} is done\n"
    assert f"lifted for {count:,} records in store cdr" in result.stderr


def test_without_a_letter_it_is_asked_for(desk: Office) -> None:
    """Rule 17 (GDPR Art. 18(3)): without a day and a file nothing changes, and one is told why."""
    request, before = _done(desk, "restriction"), desk.stores()
    said = desk.error("lift", request, *WHY, code=1)
    assert "the person is told before a restriction ends" in said
    assert "write the letter with --out, and send it; then give the day with --told" in said
    assert desk.stores() == before


def test_lifting_twice_is_success(desk: Office, tmp_path: Path) -> None:
    """Law 2: the same command again says that it is done, and writes no other letter."""
    request, letter = _done(desk, "restriction"), tmp_path / "letter.html"
    words = ("lift", request, *WHY, "--told", _today(), "--out", str(letter))
    desk.call(*words)
    letter.unlink()
    assert desk.document(*words)["lifted"] == {}
    assert not letter.exists()


def test_an_objection_that_is_rejected(desk: Office, tmp_path: Path) -> None:
    """Rule 22 (GDPR Arts. 21(1), 18(3)): its letter carries the grounds.

    Then the restriction ends.
    """
    request, letter = _done(desk, "objection"), tmp_path / "letter.html"
    count = _blocked(desk)
    words = ("decide", request, "rejected", *WHY)
    desk.call(*words, "--out", str(letter), code=1)
    assert "compelling legitimate grounds" in _words(letter)
    assert _blocked(desk) == count
    document = desk.document(*words, "--told", _today())
    assert document["status"] == "refused"
    assert document["outcome"] == "rejected"
    assert document["lifted"] == {"cdr": count}
    assert _blocked(desk) == 0
    assert desk.document(*words, "--told", _today())["lifted"] == {}


def test_an_objection_that_is_upheld(desk: Office, tmp_path: Path) -> None:
    """Rule 22 (GDPR Art. 17(1)(c)): nobody need be told before.

    The next plan erases what nothing keeps.
    """
    request, letter = _done(desk, "objection"), tmp_path / "letter.html"
    result = desk.call("decide", request, "upheld", *WHY, "--out", str(letter))
    assert result.stdout == f"{request} is verified\n"
    assert f"Next: dsr plan {request}" in result.stderr
    assert "erase the data (Art. 17(1)(c) GDPR)" in _words(letter)
    plan = desk.document("plan", request, code=4)  # some bills may still be challenged
    calls = plan["stores"]["cdr"]["call_records"]
    assert calls["do"]["redact"] > 0
    assert {each["law"] for each in calls["keep"]} == {"TDDDG § 10; GDPR Art. 17(3)(b)"}
    again = desk.document("decide", request, "upheld", *WHY)
    assert (again["status"], again["outcome"], again["lifted"]) == ("verified", "upheld", {})
    receipt = desk.document("run", request, "--confirm", plan["token"], code=4)
    assert receipt["stores"]["cdr"]["call_records"]["do"] == calls["do"]


def test_a_dispute_is_annotated_and_decided(desk: Office, tmp_path: Path) -> None:
    """Rule 18 (GDPR Arts. 16, 18(1)(a)): what was done reads as annotated.

    The decision lifts and is told.
    """
    with _database(desk) as db:
        before = db.execute("SELECT clid FROM cdr ORDER BY uniqueid").fetchall()
    request = desk.verified("rectification", "--set", "call_records.clid=Ewa <0>")
    token = desk.document("plan", request)["token"]
    shown = desk.call("run", request, "--confirm", token).stdout
    assert "annotated" in shown
    count = _blocked(desk)
    assert count > 0
    letter = tmp_path / "letter.html"
    words = ("decide", request, "rejected", *WHY)
    desk.call(*words, "--out", str(letter), code=1)
    assert letter.stat().st_size > 0
    assert desk.document(*words, "--told", _today())["lifted"] == {"cdr": count}
    assert _blocked(desk) == 0
    with _database(desk) as db:
        assert db.execute("SELECT clid FROM cdr ORDER BY uniqueid").fetchall() == before


@pytest.mark.parametrize("right", ["restriction", "objection"])
def test_what_the_stores_keep_marked_is_told(desk: Office, right: str) -> None:
    """Law 4: a database that refuses leaves the request open, with exit code 4."""
    request = _done(desk, right)
    with _database(desk) as db:
        db.execute(
            "CREATE TRIGGER no BEFORE UPDATE OF blocked ON cdr"
            " BEGIN SELECT RAISE(ABORT, 'not today'); END"
        )
    words = ["lift", request] if right == "restriction" else ["decide", request, "rejected"]
    result = desk.call(*words, *WHY, "--told", _today(), code=4)
    assert result.stdout == f"{request} is restricted\n"
    assert "not lifted: store cdr" in result.stderr
    with _database(desk) as db:
        db.execute("DROP TRIGGER no")
    desk.call(*words, *WHY, "--told", _today())
    assert _blocked(desk) == 0


def test_what_cannot_be_decided_changes_nothing(desk: Office) -> None:
    """Bad input: an unknown id, another right, no day, the future, what is not restricted."""
    restriction, objection = _done(desk, "restriction"), _done(desk, "objection")
    fresh, before = desk.verified("restriction"), desk.stores()
    later = (dt.datetime.now(BERLIN).date() + dt.timedelta(days=2)).isoformat()
    told = ("--told", _today())
    wrong: dict[str, tuple[int, Any]] = {
        "no request of this id": (2, ("lift", "feedbeef0000", *WHY, *told)),
        "use decide": (1, ("lift", objection, *WHY, *told)),
        "which is not decided so": (1, ("decide", restriction, "upheld", *WHY, *told)),
        "restricts nothing": (1, ("lift", fresh, *WHY, *told)),
        "--told is not a date": (2, ("lift", restriction, *WHY, "--told", "yesterday")),
        "in the future": (2, ("lift", restriction, *WHY, "--told", later)),
        "names who made it": (
            2,
            ("lift", restriction, "--by", " ", "--reason", "checked", *told),
        ),
    }
    for said, (code, words) in wrong.items():
        assert said in desk.error(*words, code=code), said
    assert desk.stores() == before
    assert [desk.document("show", each)["status"] for each in (restriction, objection, fresh)] == [
        "restricted",
        "restricted",
        "verified",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("lift", "ID", "--by", "A"),
        ("lift", "ID", "--reason", "r"),
        ("decide", "ID", *WHY),
        ("decide", "ID", "perhaps", *WHY),
    ],
)
def test_a_decision_has_all_its_parts(desk: Office, words: tuple[str, ...]) -> None:
    """Usage: who, why and which outcome are asked for, with exit code 2."""
    result = desk.call(*words, code=2)
    assert "Usage: dsr" in result.stderr


def test_a_letter_that_cannot_be_written_decides_nothing(desk: Office, tmp_path: Path) -> None:
    """Rule 17 (GDPR Art. 18(3)): without its letter the restriction stays.

    The next --out carries on.
    """
    request = _done(desk, "restriction")
    out = str(tmp_path / "no such folder" / "letter.html")
    words = ("lift", request, *WHY, "--told", _today(), "--out", out)
    assert "nothing was decided" in desk.error(*words, code=1)
    assert _blocked(desk) > 0
    assert desk.document("show", request)["status"] == "restricted"


def test_no_letter_for_what_is_not_restricted(desk: Office, tmp_path: Path) -> None:
    """Rule 17 (GDPR Art. 18(3)): nobody is told of the end of what never was."""
    letter = tmp_path / "letter.html"
    objection, fresh = _done(desk, "objection"), desk.verified("restriction")
    for words in (("lift", objection), ("lift", fresh), ("decide", fresh, "rejected")):
        desk.call(*words, *WHY, "--out", str(letter), code=1)
        assert not letter.exists(), words
