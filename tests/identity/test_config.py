"""`[identity.one-time-pin]` of dsr.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dsr.errors import ConfigurationError
from dsr.identity import ConsoleSender, FileSender, OneTimePin, Sender, WebhookSender, from_config
from dsr.identity.senders import Call, CallableSender, CallSender, PinMessage, SmtpSender
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


TEXTS = {"de": "{pin}, {minutes}"}
CALL = {"to": "{number}", "say": "{greeting}", "wait_for": "{key}", "then": "{text}"}
MAIL: dict[str, Any] = {"recipient": "{number}@sms.example", "author": "dsr@example.org"}


class Exchange:
    """What an operator may have in a module of their own."""

    @staticmethod
    def send(message: PinMessage) -> None:
        del message

    @staticmethod
    def place(call: Call) -> None:
        del call


TROUBLE = "no function"
_HERE = f"python:{__name__}"


def _table(**more: object) -> dict[str, object]:
    return {"sender": "https://sms.example", **more}


@pytest.mark.parametrize(
    ("table", "sender"),
    [
        ({"sender": "console", "texts": TEXTS}, ConsoleSender(TEXTS)),
        ({"sender": "file:a", "texts": TEXTS}, FileSender(Path("/srv/dsr/a"), TEXTS)),
        (
            _table(method="PUT", format="form", body={"a": "{number}{pin}"}, timeout=3),
            WebhookSender(
                "https://sms.example",
                method="PUT",
                format="form",
                body={"a": "{number}{pin}"},
                timeout=3,
            ),
        ),
        (
            {"sender": "https://sms.example/{number}/{text}", "method": "GET", "texts": TEXTS},
            WebhookSender("https://sms.example/{number}/{text}", method="GET", texts=TEXTS),
        ),
        (
            _table(channel="call", body=CALL),
            WebhookSender("https://sms.example", channel="call", body=CALL),
        ),
        (
            {"sender": "smtps://mail.example", **MAIL, "timeout": 3, "texts": TEXTS},
            SmtpSender("smtps://mail.example", **MAIL, timeout=3, texts=TEXTS),
        ),
        (
            {
                "sender": "smtp://mail.example:25",
                **MAIL,
                "login": {"user": "HOME", "password": "PATH"},
            },
            SmtpSender(
                "smtp://mail.example:25", **MAIL, login={"user": "HOME", "password": "PATH"}
            ),
        ),
        (
            {"sender": f"{_HERE}:Exchange.send", "texts": TEXTS},
            CallableSender(Exchange.send, TEXTS),
        ),
        ({"sender": f"{_HERE}:Exchange.place", "channel": "call"}, CallSender(Exchange.place)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else type(value).__name__,
)
def test_each_sender_can_be_configured(table: dict[str, object], sender: Sender) -> None:
    """Each of its settings reaches the value."""
    assert from_config(table, CONTEXT).sender == sender


@pytest.mark.parametrize(
    ("sender", "setting"),
    [
        (sender, setting)
        for sender, wrong in (
            ("console", "headers method format body timeout recipient author login"),
            ("file:a", "headers method format body timeout recipient author login"),
            (f"{_HERE}:Exchange.send", "headers method format body timeout recipient author login"),
            ("https://sms.example", "recipient author login"),
            ("smtps://mail.example", "headers method format body"),
        )
        for setting in wrong.split()
    ],
)
def test_no_setting_is_ignored(sender: str, setting: str) -> None:
    """One of another kind of sender is a mistake, even if it says what is the default."""
    values: dict[str, Any] = {
        "headers": {},
        "method": "POST",
        "format": "json",
        "body": {},
        "timeout": 10,
        "recipient": "",
        "author": "",
        "login": {},
    }
    table = {"sender": sender, setting: values[setting]}
    with pytest.raises(ConfigurationError, match=rf"\.{setting} goes with another kind of sender"):
        from_config(table, CONTEXT)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (_table(channel="call"), "url and body lack {number}, {greeting}, {key}, {text}"),
        (_table(channel="call", body={**CALL, "say": "Hello"}), "lack {greeting}"),
        (_table(channel="call", body={**CALL, "wait_for": "#"}), "lack {key}"),
        (_table(channel="call", body=CALL, texts=TEXTS), "texts are written"),
        ({"sender": "console", "channel": "call"}, "channel is call, which"),
        ({"sender": "file:a", "channel": "call"}, "channel is call, which"),
        ({"sender": "smtps://a", **MAIL, "channel": "call"}, "channel is call, which"),
        (_table(channel="fax"), 'write "sms" or "call"'),
    ],
    ids=str,
)
def test_no_code_is_left_on_a_mailbox(table: dict[str, object], text: str) -> None:
    """Rule 43 (voicemail capture): a call that would not ask for keys cannot be configured."""
    with pytest.raises(ConfigurationError) as caught:
        from_config(table, CONTEXT)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("s3cret.module:send", "ModuleNotFoundError"),
        (f"{__name__}:s3cret", "AttributeError"),
        (f"{__name__}:Exchange.s3cret", "AttributeError"),
        (f"{__name__}:", "AttributeError"),
        (f"{__name__}", "AttributeError"),
        (":s3cret", "ValueError"),
        (".s3cret:send", "TypeError"),
        (f"{__name__}:TROUBLE", "no function"),
    ],
)
def test_a_function_that_is_not_there_is_told(place: str, text: str) -> None:
    """When the configuration is read, not when somebody waits for a PIN."""
    with pytest.raises(ConfigurationError, match="the function cannot be loaded") as caught:
        from_config({"sender": f"python:{place}"}, CONTEXT)
    assert text in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({}, "identity.one-time-pin.sender is missing"),
        ({"sender": "sms"}, 'write "https://'),
        ({"sender": "file:"}, '"file:PATH"'),
        ({"sender": "http://sms.example"}, "https"),
        ({"sender": "console", "headers": {"A": "B"}}, "headers"),
        ({"sender": "https://sms.example", "headers": {"A": "DSR_NO_SUCH"}}, "DSR_NO_SUCH"),
        ({"sender": "smtps://a"}, "recipient is one mail address"),
        ({"sender": "smtps://a", "recipient": "{number}@a"}, "author is one mail address"),
        (
            {"sender": "smtps://a", **MAIL, "login": {"user": "HOME", "password": "DSR_NO_SUCH"}},
            "login: the environment variable DSR_NO_SUCH is not set",
        ),
        ({"sender": "smtps:"}, 'write "https://'),
        ({"sender": "console", "texts": {"de": "{pin}"}}, "texts.de needs {pin} and {minutes}"),
        (_table(timeout=0), "timeout is a number of seconds from 1 to 60"),
        (_table(timeout=0.5), "timeout has the wrong type"),
        (_table(body={"a": "{name}"}), "placeholders of url and body are"),
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


def test_the_examples_of_the_reference_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator copies from the page is taken."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
    for variable in ("SMS_TOKEN", "SMTP_USER", "SMTP_PASSWORD"):
        monkeypatch.setenv(variable, "s3cret")
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    tables = [tomllib.loads(each).get("identity", {}).get("one-time-pin") for each in blocks]
    senders = [from_config(each, CONTEXT).sender for each in tables if each is not None]
    assert [type(each) for each in senders] == [WebhookSender, SmtpSender, WebhookSender]
