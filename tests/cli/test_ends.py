"""How commands end: one exit code, one message or one document, whatever went wrong."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from dsr.cli import intake
from tests.cli.office import EVA, PERSONAL, Office, call

DSR = (sys.executable, "-m", "dsr")


def test_every_command_prints_one_document(office: Office, tmp_path: Path) -> None:
    """With --json stdout is one JSON object in one line; `Office.document` sees to that."""
    case = ("--case", "A", "--reason", "r", "--law", "GDPR Art. 17(3)(e)")
    office.document("check")
    request = office.document("open", "erasure", "--phone", EVA)["request"]
    office.document("challenge", request)
    office.document("verify", request, stdin=office.pin())
    token = office.document("plan", request, code=4)["token"]
    letter = str(tmp_path / "letter.html")
    office.document("run", request, "--confirm", token, "--out", letter, code=4)
    office.document("show", request)
    office.document("list")
    hold = office.document("hold", "add", *case)["hold"]
    office.document("hold", "list")
    office.document("hold", "release", hold)
    office.document("audit")


@pytest.mark.parametrize(
    "words",
    [
        ("open",),
        ("open", "access", "--phon", EVA),
        ("open", "access", EVA, "--phone", EVA),
        ("hold", "add", "--case", "A"),
        ("hold", "nothing"),
        ("nothing",),
        ("list", "--state", "asleep"),
        ("show",),
        ("verify", "0" * 12, "23125100"),
    ],
)
def test_wrong_usage_is_told_once(office: Office, words: tuple[str, ...]) -> None:
    """Exit code 2, one document on stdout with --json, and never what stood in the wrong place."""
    told = office.document(*words, code=2)["error"]
    assert told["what"]
    assert told["fix"] == "see --help"
    result = office.call(*words, code=2)
    assert result.stdout == ""
    assert "--help" in result.stderr or "Usage" in result.stderr


def test_a_value_that_looks_like_the_option_is_no_option(office: Office) -> None:
    """`--case --json` asks for no JSON: what the options say counts, not the words."""
    case = ("--case", "--json", "--reason", "r", "--law", "GDPR Art. 17(3)(e)", "--until", "soon")
    result = office.call("hold", "add", *case, code=2)
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("kind", "code"),
    [("NotVerified", 3), ("RequestNotFound", 2)],
)
def test_errors_of_requests_have_their_code(office: Office, kind: str, code: int) -> None:
    """3 says: verify first. 2 says: look at what you typed."""
    request = office.challenged("access") if kind == "NotVerified" else "0" * 12
    for command in ("plan", "run"):
        assert office.document(command, request, code=code)["error"]["type"] == kind
        office.error(command, request, code=code)


def test_what_nobody_foresaw_quotes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exception is told by its type and place: its text may quote data (law 8)."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError(EVA)

    monkeypatch.setattr(intake, "identifiers", broken)
    told = office.document("open", "access", "--phone", EVA, code=1)["error"]
    assert told["type"] == "Unexpected"
    assert told["what"].startswith("unexpected KeyError at cli/intake.py:")
    office.error("open", "access", "--phone", EVA, code=1)


def test_the_whole_help_is_there() -> None:
    """Every command explains itself, exit codes included."""
    text = call("--help").stdout
    assert "Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 not verified" in text
    assert call("--version").exit_code == 0


# --- in a process of its own ------------------------------------------------------------------


def _run(
    words: Sequence[str], stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DSR, *words],
        input=stdin,
        env={**os.environ, "PYTHONWARNINGS": "error", **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_script_gets_documents_and_exit_codes(office: Office) -> None:
    """In a real process: data on stdout, messages on stderr, and the PIN through a pipe."""
    env = {"DSR_CONFIG": str(office.config)}
    opened = _run(["open", "erasure", "--phone", EVA, "--json"], env=env)
    assert (opened.returncode, opened.stderr) == (0, "")
    request = json.loads(opened.stdout)["request"]
    assert _run(["challenge", request], env=env).stdout == ""
    assert _run(["verify", request], stdin="000000x\n", env=env).returncode == 3
    assert _run(["verify", request], stdin=office.pin() + "\n", env=env).returncode == 0
    planned = _run(["plan", request, "--json"], env=env)
    assert (planned.returncode, planned.stderr) == (4, "")
    assert json.loads(planned.stdout)["status"] == "planned"
    unconfirmed = _run(["run", request, "--json"], env=env)
    assert unconfirmed.returncode == 2
    assert json.loads(unconfirmed.stdout)["error"]["type"] == "NotConfirmed"
    assert unconfirmed.stderr.startswith("error: ")


def test_people_see_progress_and_are_asked_for_the_pin(office: Office) -> None:
    """On a terminal a bar shows each store as it is read, and the PIN is typed unseen."""
    request = office.challenged("access")
    shown = _on_terminal(["verify", request], office, typed=office.pin() + "\n")
    assert "PIN:" in shown
    assert office.pin() not in shown
    assert "Verified" in shown
    shown = _on_terminal(["plan", request], office)
    assert "reading cdr" in shown
    assert "records" in shown
    assert not [each for each in PERSONAL if each in shown]


def _on_terminal(words: Sequence[str], office: Office, typed: str = "") -> str:
    """Run a command on a pseudo terminal of 80 columns, and return all that it showed."""
    terminal, ours = pty.openpty()
    env = {**os.environ, "DSR_CONFIG": str(office.config), "COLUMNS": "80", "TERM": "xterm"}
    process = subprocess.Popen([*DSR, *words], stdin=ours, stdout=ours, stderr=ours, env=env,
                               start_new_session=True)  # fmt: skip
    os.close(ours)
    shown, sent = b"", False
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the process has closed its end
            break
        if not piece:
            break
        shown += piece
        if typed and not sent and b"PIN" in shown:
            os.write(terminal, typed.encode())
            sent = True
    process.wait()
    os.close(terminal)
    return shown.decode()
