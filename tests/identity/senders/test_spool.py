"""Senders for development, over real files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from dsr.errors import DeliveryError
from dsr.identity.senders import ConsoleSender, FileSender, Sender
from tests.identity.senders.servers import PIN, assert_silent
from tests.ledger.people import PHONE

#: mypy judges whether ours are senders.
_SENDERS: list[Sender] = [ConsoleSender(), FileSender(Path())]
TEXTS = {"fr": "Code {pin}, {minutes} min"}


def test_a_file_is_appended_and_private(tmp_path: Path) -> None:
    """Every message is one line, readable for the owner alone, whatever the file was before."""
    path = tmp_path / "pins.jsonl"
    path.touch(0o644)
    sender = FileSender(path)
    sender.send(PHONE, PIN, "fr", 10)
    sender.send(PHONE, "000000", "fr", 10)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [(each["number"], each["pin"]) for each in lines] == [(PHONE, PIN), (PHONE, "000000")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_operator_s_own_text_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What development sees is what the service would send."""
    FileSender(tmp_path / "pins.jsonl", TEXTS).send(PHONE, PIN, "fr", 9)
    assert json.loads((tmp_path / "pins.jsonl").read_text("utf-8")) == {
        "number": PHONE,
        "pin": PIN,
        "language": "fr",
        "minutes": 9,
        "text": f"Code {PIN}, 9 min",
    }
    ConsoleSender(TEXTS).send(PHONE, PIN, "fr", 9)
    assert capsys.readouterr().err == f"Code {PIN}, 9 min\n"


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A message that goes nowhere is not sent."""
    with pytest.raises(DeliveryError, match="cannot be written") as caught:
        FileSender(tmp_path).send(PHONE, PIN, "en", 10)
    assert_silent(caught.value)


def test_the_console_shows_the_pin_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, where no script reads; without the number."""
    ConsoleSender().send(PHONE, PIN, "en", 10)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert PIN in err
    assert PHONE[3:] not in err
