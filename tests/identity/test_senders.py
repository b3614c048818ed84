"""Senders, over real files and a real HTTP server."""

from __future__ import annotations

import json
import logging
import socket
import stat
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dsr.errors import DeliveryError
from dsr.identity import ConsoleSender, FileSender, Sender, WebhookSender
from tests.ledger.people import PHONE

PIN = "048213"
#: mypy judges whether ours are senders.
_SENDERS: list[Sender] = [ConsoleSender(), FileSender(Path()), WebhookSender("https://sms.example")]


class Gateway(ThreadingHTTPServer):
    """An SMS gateway that answers with the given statuses, one after another; 0: not at all."""

    def __init__(self, *statuses: int) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.received: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/send?token=s3cret"


class _Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append((self.path, headers, body))
        status = self.server.statuses.pop(0)
        if status:
            self.send_response(status)
            self.send_header("location", self.path)
            self.send_header("retry-after", "3600")
            self.send_header("content-length", "0")
            self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's)
        pass


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Give a gateway that answers with the statuses of the test's parameter."""
    with Gateway(*getattr(request, "param", [200])) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_webhook_posts_the_message(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway gets number, PIN and text as JSON, and the token from the environment."""
    monkeypatch.setenv("DSR_TEST_TOKEN", "Bearer s3cret")
    sender = WebhookSender(gateway.url, {"Authorization": "DSR_TEST_TOKEN"})
    sender.send(PHONE, PIN, "de", 10)
    ((path, headers, body),) = gateway.received
    assert path == "/send?token=s3cret"
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["content-type"] == "application/json"
    text = body.pop("text")
    assert body == {"number": PHONE, "pin": PIN, "language": "de", "minutes": 10}
    assert text.startswith(f"{PIN} ist der Code")


@pytest.mark.parametrize(
    ("gateway", "tries"),
    [
        pytest.param([200], 1, id="200"),
        pytest.param([202], 1, id="202"),
        pytest.param([503, 200], 2, id="once busy"),
        pytest.param([500, 502, 204], 3, id="twice busy"),
    ],
    indirect=["gateway"],
)
def test_a_busy_gateway_is_tried_again(gateway: Gateway, tries: int) -> None:
    """Twice more, at once, and then it is a success."""
    WebhookSender(gateway.url).send(PHONE, PIN, "en", 10)
    assert len(gateway.received) == tries


@pytest.mark.parametrize(
    ("gateway", "tries"),
    [
        pytest.param([503, 503, 503, 200], 3, id="busy"),
        pytest.param([400, 200], 1, id="refused"),
        pytest.param([429, 200], 1, id="too many"),
        pytest.param([302, 200], 1, id="redirected"),
        pytest.param([0, 200], 1, id="no answer"),
    ],
    indirect=["gateway"],
)
def test_a_gateway_that_fails_is_an_error(
    gateway: Gateway, tries: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Told without number, PIN or the URL's token; a message that may be on its way goes once."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(DeliveryError) as caught:
        WebhookSender(gateway.url).send(PHONE, PIN, "en", 10)
    assert len(gateway.received) == tries
    shown = "".join(traceback.format_exception(caught.value))
    assert "token" not in shown
    for secret in (PHONE[3:], PIN):
        assert secret not in shown
        assert secret not in caplog.text


def test_a_gateway_that_is_not_there_is_an_error() -> None:
    """A refused connection ends in an error, not in silence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/s3cret"
        with pytest.raises(DeliveryError, match="cannot be reached") as caught:
            WebhookSender(url).send(PHONE, PIN, "en", 10)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_missing_token_is_an_error(gateway: Gateway) -> None:
    """Nothing is posted without the header that was asked for."""
    with pytest.raises(DeliveryError, match="DSR_NO_SUCH_VARIABLE"):
        WebhookSender(gateway.url, {"Authorization": "DSR_NO_SUCH_VARIABLE"}).send(
            PHONE, PIN, "en", 10
        )
    assert gateway.received == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sms.example/send",
        "http://127.0.0.1.sms.example/send",
        "ftp://127.0.0.1/send",
        "https://",
        "https:///send",
        "sms.example",
        "",
    ],
)
def test_a_pin_does_not_travel_in_clear(url: str) -> None:
    """Only https leaves this machine."""
    with pytest.raises(ValueError, match="https"):
        WebhookSender(url)


@pytest.mark.parametrize(
    "url", ["https://sms.example/send", "http://localhost:1/", "http://[::1]/"]
)
def test_protected_urls_are_taken(url: str) -> None:
    """And none shows in the value: it may hold a token."""
    assert url not in repr(WebhookSender(url))


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


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A message that goes nowhere is not sent."""
    with pytest.raises(DeliveryError, match="cannot be written") as caught:
        FileSender(tmp_path).send(PHONE, PIN, "en", 10)
    assert PIN not in "".join(traceback.format_exception(caught.value))


def test_the_console_shows_the_pin_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, where no script reads; without the number."""
    ConsoleSender().send(PHONE, PIN, "en", 10)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert PIN in err
    assert PHONE[3:] not in err
