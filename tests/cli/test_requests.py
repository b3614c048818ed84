"""A request at the command line: open, challenge, verify, plan, run, show, list."""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta

from dsr.cli import main
from tests.cli.office import EVA, Office, call, check_run

ID = re.compile(r"[0-9a-f]{12}")


def _calls_of_eva(office: Office) -> int:
    """Count Eva's calls since the number is hers, with the database's own means."""
    query = """
        WITH spelled (number) AS (VALUES
          ('+493023125100'), ('00493023125100'), ('493023125100'), ('03023125100'))
        SELECT count(*) FROM cdr
        WHERE (src IN (SELECT number FROM spelled) OR dst IN (SELECT number FROM spelled))
        AND "start" >= (SELECT assigned_at FROM numbers WHERE account = 'A-1001')
    """
    db = sqlite3.connect(office.folder / "operator.db")
    try:
        (count,) = db.execute(query).fetchone()
    finally:
        db.close()
    return int(count)


def test_open_prints_the_id_and_nothing_else(office: Office) -> None:
    """`ID=$(dsr open …)` works; people read the rest on stderr."""
    result = office.call("open", "access", "--phone", EVA)
    assert ID.fullmatch(result.stdout.strip())
    assert f"Next: dsr challenge {result.stdout.strip()}" in result.stderr


def test_open_counts_from_the_receipt(office: Office) -> None:
    """The due date is the same day of the next month (GDPR Art. 12(3)), in the operator's zone."""
    received = dt.date.today() - dt.timedelta(days=9)  # noqa: DTZ011  (a day of the past)
    options = ("--phone", EVA, "--received", received.isoformat(), "--language", "en")
    document = office.document("open", "access", *options)
    berlin = dt.datetime.combine(received, dt.time(), ZoneInfo("Europe/Berlin"))
    assert document["received"] == berlin.isoformat()
    assert office.document("show", document["request"])["received"] == berlin.isoformat()
    assert document["due"] == str(received + relativedelta(months=1))
    assert document["language"] == "en"
    assert document["status"] == "open"


@pytest.mark.parametrize(
    "who",
    [
        ("--sip", "alice@sip.example.net"),
        ("--email", "alice@example.net"),
        ("--account", "B-7"),
        ("--phone", "+49 30 23125 100", "--sip", "alice@sip.example.net"),
    ],
)
def test_open_takes_every_identifier(office: Office, who: tuple[str, ...]) -> None:
    """A person may be known by a number, SIP address, e-mail address or account."""
    assert ID.fullmatch(office.document("open", "erasure", *who)["request"])


def test_challenge_tells_nobody_who_is_a_customer(office: Office) -> None:
    """A known and an unknown number get the same answer; only the known one gets a PIN."""
    answers = []
    for phone in (EVA, "+44 20 7946 0999"):
        request = office.document("open", "access", "--phone", phone)["request"]
        result = office.call("challenge", request)
        answers.append((result.stdout, result.stderr.replace(request, "ID")))
    assert answers[0] == answers[1]
    assert len((office.folder / "pins.jsonl").read_text("utf-8").splitlines()) == 1


def test_verify_takes_the_pin_from_standard_input_only(office: Office) -> None:
    """No option or argument takes a PIN: there it would show in the list of processes (law 8)."""
    (argument,) = (each for each in main.commands["verify"].params if each.name == "request")
    assert {each.name for each in main.commands["verify"].params} == {
        "request",
        "factor",
        "config",
        "actor",
        "as_json",
    }
    assert argument.nargs == 1
    request = office.challenged("access")
    result = office.call("verify", request, office.pin(), code=2)
    assert office.pin() not in result.stdout + result.stderr
    document = office.document("verify", request, stdin=office.pin())
    assert document == {
        "request": request,
        "status": "verified",
        "method": "one-time PIN",
        "missing": [],
    }


def test_a_missing_pin_is_no_guess(office: Office) -> None:
    """Empty input, ten times over, uses up none of the five attempts."""
    request = office.challenged("access")
    for _ in range(5):
        assert "there is no PIN on standard input" in office.error("verify", request, code=2)
    office.call("verify", request, stdin=office.pin())


def test_plan_and_run_of_an_access(office: Office, tmp_path: Path) -> None:
    """A plan counts what the person has, changes nothing, and the package holds just that."""
    before = office.stores()
    request = office.verified("access")
    plan = office.document("plan", request, code=4)  # the undated card of somebody else's book
    check_run(plan)
    assert plan["status"] == "planned"
    assert plan["stores"]["cdr"]["call_records"]["do"] == {"export": _calls_of_eva(office)}
    assert plan["stores"]["contacts"]["address_book"]["gaps"][0]["count"] == 1
    assert set(plan["proved"]) == {"numbers", "cdr", "recordings", "logs", "contacts"}

    path = tmp_path / "eva.zip"
    receipt = office.document("run", request, "--out", str(path), code=4)
    check_run(receipt)
    assert receipt["stores"] == plan["stores"]
    assert receipt["package"]["path"] == str(path)
    assert receipt["package"]["size"] == path.stat().st_size
    with zipfile.ZipFile(path) as package:
        lines = package.read("data/call_records.jsonl").splitlines()
    assert len(lines) == _calls_of_eva(office)
    assert office.stores() == before


def test_the_package_goes_to_the_working_folder(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --out it is named after the request, never after the person."""
    monkeypatch.chdir(tmp_path)
    request = office.verified("portability")
    office.call("run", request, code=4)
    assert (tmp_path / f"dsr-{request}.zip").exists()


def test_erasure_needs_the_token_of_its_plan(office: Office) -> None:
    """Without the plan's token, or with another, nothing is changed (exit code 2)."""
    before = office.stores()
    request = office.verified("erasure")
    assert f"dsr plan {request}" in office.error("run", request, code=2)
    assert "is not confirmed" in office.error("run", request, "--confirm", "0" * 16, code=2)
    office.call("plan", request, code=4)
    assert "is not confirmed" in office.error("run", request, "--confirm", "0" * 16, code=2)
    assert office.stores() == before


def test_plan_and_run_of_an_erasure(office: Office, tmp_path: Path) -> None:
    """What the plan announced is done, the receipt says so, and again changes nothing."""
    request = office.verified("erasure")
    result = office.call("plan", request, code=4)
    plan = office.document("plan", request, code=4)
    check_run(plan)
    assert plan["token"] in result.stdout
    assert f"dsr run {request} --confirm {plan['token']}" in result.stderr

    run = ("run", request, "--confirm", plan["token"])
    letter = tmp_path / "letter.html"
    receipt = office.document(*run, "--out", str(letter), code=4)
    check_run(receipt)
    assert receipt["status"] == "incomplete"
    assert receipt["stores"] == plan["stores"]
    assert receipt["signature"]
    assert "<html" in letter.read_text("utf-8")
    after = office.stores()
    assert office.document(*run, code=4)["stores"] == receipt["stores"]
    assert office.stores() == after


def _nothing_stands_in_the_way(office: Office) -> None:
    """Leave of the operator only what an erasure may take at once: recordings and logs."""
    for undated in (office.folder / "contacts" / "A-2000").iterdir():
        undated.unlink()
    text = office.config.read_text("utf-8")
    text = re.sub(r"^keep = .*$", "", text, flags=re.MULTILINE)
    office.config.write_text(text, "utf-8")


@pytest.mark.parametrize("right", ["erasure", "access"])
def test_a_request_that_is_done_stays_done(office: Office, right: str, tmp_path: Path) -> None:
    """`run` again, with or without token, prints the same receipt and does nothing (exit 0)."""
    _nothing_stands_in_the_way(office)
    request = office.verified(right)
    plan = office.document("plan", request)
    run = ["run", request, "--out", str(tmp_path / "first")]
    run += ["--confirm", plan["token"]] if right == "erasure" else []
    receipt = office.document(*run)
    assert receipt["status"] == "done"
    after = office.stores()
    second = tmp_path / "second.zip"
    again = ("run", request) if right == "erasure" else ("run", request, "--out", str(second))
    assert office.document(*again) == receipt
    assert "nothing was done now" in office.call(*again).stderr
    assert office.stores() == after
    assert not second.exists()


def test_rectification_sets_the_field(office: Office) -> None:
    """The corrected field is in the store; the number of everybody else's cards is unchanged."""
    before = office.stores()
    request = office.verified("rectification", "--set", "address_book.fn=E. Mueller-Lüdenscheidt")
    token = office.document("plan", request, code=4)["token"]
    receipt = office.document("run", request, "--confirm", token, code=4)
    check_run(receipt)
    assert receipt["stores"]["contacts"]["address_book"]["do"] == {"rectify": 1}
    own = "contacts/A-1001/self.vcf"
    after = office.stores()
    assert {name for name in before if before[name] != after.get(name)} == {own}
    assert "FN:E. Mueller-Lüdenscheidt\r\n" in (office.folder / own).read_bytes().decode()


def test_show_tells_the_state_and_the_receipt(office: Office, tmp_path: Path) -> None:
    """From open to answered, `show` says where a request is, and what comes next."""
    request = office.challenged("access")
    shown = office.document("show", request)
    assert (shown["status"], shown["receipt"]) == ("open", None)
    assert f"dsr verify {request}" in office.call("show", request).stderr
    office.call("verify", request, stdin=office.pin())
    assert office.document("show", request)["status"] == "verified"
    assert f"dsr run {request}" in office.call("show", request).stderr
    receipt = office.document("run", request, "--out", str(tmp_path / "p.zip"), code=4)
    shown = office.document("show", request)
    assert shown["status"] == "incomplete"
    assert shown["receipt"] == receipt
    assert "exported" in office.call("show", request).stdout


def test_list_puts_the_most_urgent_first(office: Office) -> None:
    """What is due first is at the top; what is overdue says so; states can be chosen."""
    assert office.document("list") == {"requests": []}
    assert office.call("list").stdout == "No request.\n"
    late = office.document("open", "access", "--phone", EVA, "--received", "2024-01-31")["request"]
    new = office.verified("erasure")
    old = office.document("open", "access", "--phone", EVA, "--received", "2024-02-01")["request"]
    assert [each["request"] for each in office.document("list")["requests"]] == [late, old, new]
    chosen = office.document("list", "--state", "verified")["requests"]
    assert [each["request"] for each in chosen] == [new]
    table = office.call("list").stdout
    assert table.index(late) < table.index(old) < table.index(new)
    assert table.count("overdue") == 2
    assert "2024-02-29" in table  # 31 January and a month (Reg. 1182/71 Art. 3(2)(c))


def test_the_configuration_comes_from_the_option_the_environment_or_the_folder(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--config` wins over $DSR_CONFIG, which wins over ./dsr.toml."""
    monkeypatch.chdir(tmp_path)
    nowhere = str(tmp_path / "no.toml")
    assert call("list", "--json").exit_code == 2
    assert call("list", "--json", env={"DSR_CONFIG": str(office.config)}).exit_code == 0
    assert call("list", env={"DSR_CONFIG": nowhere}).exit_code == 2
    option = ("--config", str(office.config))
    assert call("list", *option, env={"DSR_CONFIG": nowhere}).exit_code == 0
    monkeypatch.chdir(office.folder)
    assert json.loads(call("list", "--json").stdout) == {"requests": []}
