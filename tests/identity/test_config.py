"""`[identity.one-time-pin]` of dsr.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsr.errors import ConfigurationError
from dsr.identity import ConsoleSender, FileSender, OneTimePin, WebhookSender, from_config
from dsr.settings import Context

CONTEXT = Context("DE", Path("/srv/dsr"))


def test_only_the_sender_need_be_named() -> None:
    """The rest has the defaults that the rules ask for."""
    assert from_config({"sender": "console"}, CONTEXT) == OneTimePin(ConsoleSender())


def test_everything_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key of the table reaches the value."""
    monkeypatch.setenv("DSR_TEST_TOKEN", "s3cret")
    table = {
        "sender": "https://sms.example/send",
        "headers": {"Authorization": "DSR_TEST_TOKEN"},
        "digits": 8,
        "minutes": 5,
        "attempts": 3,
        "per_number": 6,
        "per_source": 7,
        "overall": 50,
        "hard": 20,
    }
    sender = WebhookSender("https://sms.example/send", {"Authorization": "DSR_TEST_TOKEN"})
    expected = OneTimePin(
        sender, digits=8, minutes=5, attempts=3, per_number=6, per_source=7, overall=50, hard=20
    )
    assert from_config(table, CONTEXT) == expected


def test_a_file_starts_from_the_configuration() -> None:
    """Relative paths do not depend on where a command is run."""
    relative = from_config({"sender": "file:pins.jsonl"}, CONTEXT).sender
    absolute = from_config({"sender": "file:/run/pins.jsonl"}, CONTEXT).sender
    assert relative == FileSender(Path("/srv/dsr/pins.jsonl"))
    assert absolute == FileSender(Path("/run/pins.jsonl"))


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({}, "identity.one-time-pin.sender is missing"),
        ({"sender": "sms"}, 'write "console"'),
        ({"sender": "file:"}, 'write "console"'),
        ({"sender": "http://sms.example"}, "https"),
        ({"sender": "console", "headers": {"A": "B"}}, "headers"),
        ({"sender": "https://sms.example", "headers": {"A": "DSR_NO_SUCH"}}, "DSR_NO_SUCH"),
        ({"sender": "console", "digits": 4}, "digits is a whole number from 6 to 8"),
        ({"sender": "console", "digits": "6"}, "digits has the wrong type"),
        ({"sender": "console", "minutes": 30}, "minutes is a whole number from 1 to 10"),
        ({"sender": "console", "atempts": 3}, 'did you mean "attempts"'),
    ],
    ids=str,
)
def test_a_mistake_is_named_with_its_fix(table: dict[str, object], text: str) -> None:
    """No setting is weaker than the rules, misspelled, or silently ignored."""
    with pytest.raises(ConfigurationError, match=r"identity\.one-time-pin") as caught:
        from_config(table, CONTEXT)
    assert text in str(caught.value)
