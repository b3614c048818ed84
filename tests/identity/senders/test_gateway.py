"""The HTTP gateway, over a real server."""

from __future__ import annotations

import json
import logging
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import DeliveryError
from dsr.identity.senders import Sender, WebhookSender
from tests.identity.senders.servers import PIN, Gateway, assert_silent, running
from tests.ledger.people import PHONE

#: mypy judges whether it is a sender.
_SENDER: Sender = WebhookSender("https://sms.example")
CALL = {"to": "{number}", "say": "{greeting}", "wait_for": "{key}", "then": "{text}"}


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Give a gateway that answers with the statuses of the test's parameter."""
    with running(*getattr(request, "param", [200])) as server:
        yield server


def test_a_webhook_posts_the_message(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway gets number, PIN and text as JSON, and the token from the environment."""
    monkeypatch.setenv("DSR_TEST_TOKEN", "Bearer s3cret")
    sender = WebhookSender(gateway.url, {"Authorization": "DSR_TEST_TOKEN"})
    sender.send(PHONE, PIN, "de", 10)
    (asked,) = gateway.received
    assert (asked.method, asked.target) == ("POST", "/send?token=s3cret")
    assert asked.headers["authorization"] == "Bearer s3cret"
    assert asked.headers["content-type"] == "application/json"
    body = asked.json
    text = body.pop("text")
    assert body == {"number": PHONE, "pin": PIN, "language": "de", "minutes": 10}
    assert text.startswith(f"{PIN} ist der Code")


def test_a_body_is_filled_where_it_has_placeholders(gateway: Gateway) -> None:
    """A gateway's own JSON: tables, lists, numbers and braces arrive as they were written."""
    body = {
        "messages": [{"to": ["{number}"], "body": "{text}", "ttl": "{minutes}", "flash": False}],
        "from": "Example",
        "priority": 2,
        "note": "{{in}} {language}: {minutes} min",
    }
    WebhookSender(gateway.url, method="PUT", body=body).send(PHONE, PIN, "en", 7)
    (asked,) = gateway.received
    assert asked.method == "PUT"
    (message,) = asked.json["messages"]
    assert message.pop("body").startswith(PIN)
    assert message == {"to": [PHONE], "ttl": 7, "flash": False}
    assert asked.json["note"] == "{in} en: 7 min"
    assert (asked.json["from"], asked.json["priority"]) == ("Example", 2)


def test_a_form_and_a_query_are_filled(gateway: Gateway) -> None:
    """A plus sign is no space, in either."""
    body = {"to": "{number}", "message": "{text}", "unicode": True, "ttl": "{minutes}"}
    WebhookSender(gateway.url, body=body, format="form").send(PHONE, PIN, "en", 10)
    url = f"{gateway.base}/{{number}}/send?to={{number}}&text={{text}}"
    WebhookSender(url, method="GET").send(PHONE, PIN, "en", 10)
    form, query = gateway.received
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert form.form["message"].startswith(f"{PIN} is the code")
    assert {**form.form, "message": ""} == {
        "to": PHONE,
        "message": "",
        "unicode": "true",
        "ttl": "10",
    }
    assert (query.method, query.body) == ("GET", b"")
    assert query.target.startswith(f"/%2B{PHONE[1:]}/send?")
    assert query.query == {"to": PHONE, "text": form.form["message"]}


@pytest.fixture(scope="module")
def echo() -> Iterator[Gateway]:
    """Give a gateway that takes everything."""
    with running() as server:
        yield server


@given(
    number=st.text(min_size=1, max_size=20).filter(lambda it: it not in {".", ".."}),
    pin=st.text(min_size=1, max_size=8),
    minutes=st.integers(1, 10),
)
def test_nothing_that_is_filled_in_breaks_out(
    echo: Gateway, number: str, pin: str, minutes: int
) -> None:
    """Quotes, ampersands, line ends, braces: what arrives is what was sent, in JSON, form, URL."""
    fields = {"a": "{number}", "b": "<{pin}>", "c": "{text}"}
    url = f"{echo.base}/send?a={{number}}&b=<{{pin}}>&c={{text}}"
    senders = [
        WebhookSender(echo.base, body=fields),
        WebhookSender(echo.base, body=fields, format="form"),
        WebhookSender(url, method="GET"),
    ]
    echo.received.clear()
    for each in senders:
        each.send(number, pin, "en", minutes)
    as_json, as_form, as_query = echo.received
    assert as_json.json == as_form.form == as_query.query
    assert as_json.json["a"] == number
    assert as_json.json["b"] == f"<{pin}>"
    assert as_json.json["c"].startswith(pin)


def test_the_operator_s_own_text_is_sent(gateway: Gateway) -> None:
    """Whatever quotes and braces it has."""
    texts = {"de": 'Hier: "{pin}", {{bald}} & {minutes} min'}
    WebhookSender(gateway.url, texts=texts).send(PHONE, PIN, "de-AT", 10)
    assert gateway.received[0].json["text"] == f'Hier: "{PIN}", {{bald}} & 10 min'


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
    ("gateway", "tries", "text"),
    [
        pytest.param([503, 503, 503, 200], 3, "status 503", id="busy"),
        pytest.param([400, 200], 1, "status 400", id="refused"),
        pytest.param([401, 200], 1, "status 401", id="no login"),
        pytest.param([429, 200], 1, "status 429", id="too many"),
        pytest.param([302, 200], 1, "status 302", id="redirected"),
        pytest.param([0, 200], 1, "cannot be reached", id="hung up"),
        pytest.param([-1, 200], 1, "ReadTimeoutError", id="no answer in time"),
    ],
    indirect=["gateway"],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_gateway_that_fails_is_an_error(
    gateway: Gateway, tries: int, text: str, method: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Told without number, PIN or the URL's token; a message that may be on its way goes once.

    Nor does the HTTP library log the URL, into which the template may have put all three.
    """
    caplog.set_level(logging.DEBUG)
    url = f"{gateway.url}&to={{number}}&text={{text}}"
    with pytest.raises(DeliveryError, match=text) as caught:
        WebhookSender(url, method=method, timeout=0.5).send(PHONE, PIN, "en", 10)
    assert len(gateway.received) == tries
    assert_silent(caught.value, "token")
    for secret in (PHONE[3:], PIN, "s3cret"):
        assert secret not in caplog.text


def test_what_others_ask_for_is_logged(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    """The HTTP library is silent about PINs only: a backend that debugs its own calls can."""
    import urllib3  # noqa: PLC0415  (only here)

    caplog.set_level(logging.DEBUG)
    WebhookSender(gateway.url).send(PHONE, PIN, "en", 10)
    with urllib3.PoolManager() as pool:
        pool.request("GET", f"{gateway.base}/other")
    assert "/other" in caplog.text


def test_a_gateway_that_is_not_there_is_an_error() -> None:
    """A refused connection ends in an error, not in silence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/s3cret?to={{number}}"
        with pytest.raises(DeliveryError, match="cannot be reached") as caught:
            WebhookSender(url).send(PHONE, PIN, "en", 10)
    assert_silent(caught.value, "s3cret")


def test_a_missing_token_is_an_error(gateway: Gateway) -> None:
    """Nothing is posted without the header that was asked for."""
    with pytest.raises(DeliveryError, match="DSR_NO_SUCH_VARIABLE"):
        WebhookSender(gateway.url, {"Authorization": "DSR_NO_SUCH_VARIABLE"}).send(
            PHONE, PIN, "en", 10
        )
    assert gateway.received == []


def test_a_token_that_is_no_header_is_an_error(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line end in it is not told together with it."""
    monkeypatch.setenv("DSR_TEST_TOKEN", "s3cret\r\nX-Other: 1")
    with pytest.raises(DeliveryError, match="ValueError") as caught:
        WebhookSender(gateway.url, {"Authorization": "DSR_TEST_TOKEN"}).send(PHONE, PIN, "en", 10)
    assert_silent(caught.value, "s3cret")
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


@pytest.mark.parametrize(
    ("url", "options", "text"),
    [
        ("https://{number}.example/", {}, "path and query only"),
        ("https://{pin}@sms.example/", {}, "path and query only"),
        ("https://sms.example/#{number}", {}, "path and query only"),
        ("https://sms.example/{", {}, "a brace stands alone"),
        ("https://sms.example/{number!r}", {}, "more than a name"),
        ("https://sms.example/{nummer}", {}, "placeholders of url and body are language,"),
        ("https://sms.example/", {"body": {"to": "{number.real}"}}, "more than a name"),
        ("https://sms.example/", {"body": {"to": ["{name}"]}}, "placeholders of url and body"),
        ("https://sms.example/", {"body": {"text": "{text}"}}, "lack {number}"),
        ("https://sms.example/", {"body": {"to": "{number}"}}, "lack {pin} or {text}"),
        ("https://sms.example/", {"method": "GET"}, "lack {number}, {pin} or {text}"),
        ("https://sms.example/", {"method": "GET", "body": {"a": "{pin}"}}, "POST and PUT"),
        ("https://sms.example/", {"format": "form", "body": {"a": ["{pin}"]}}, "no tables"),
        ("https://sms.example/", {"timeout": 0}, "timeout is a number of seconds"),
        ("https://sms.example/", {"timeout": 61}, "timeout is a number of seconds"),
        ("https://sms.example/", {"texts": {"de": "{pin}"}}, "texts.de needs"),
    ],
)
def test_a_template_that_is_none_is_refused(url: str, options: dict[str, Any], text: str) -> None:
    """Before anybody waits for a PIN; without showing it."""
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        WebhookSender(url, **options)
    assert "sms.example" not in str(caught.value)


# --- calls --------------------------------------------------------------------------------------


def test_a_gateway_is_told_to_ask_before_it_speaks(gateway: Gateway) -> None:
    """Rule 43 (voicemail capture): the greeting asks for the key, and does not have the code."""
    sender = WebhookSender(gateway.url, channel="call", body=CALL | {"voice": "{language}"})
    sender.send(PHONE, PIN, "de-AT", 10)
    asked = gateway.received[0].json
    assert asked["to"] == PHONE
    assert re.fullmatch(r"\d{3}", asked["wait_for"])
    assert "drücken Sie" in asked["say"]
    assert "null, vier, acht, zwei, eins, drei" not in asked["say"]
    assert asked["then"].startswith("Ihr Code lautet: null, vier, acht, zwei, eins, drei.")
    assert asked["voice"] == "de"
    assert PIN not in json.dumps(asked)


def test_every_call_asks_for_another_key(gateway: Gateway) -> None:
    """Rule 43 (voicemail capture): a mailbox cannot have recorded its tones before."""
    sender = WebhookSender(gateway.url, channel="call", body=CALL)
    for _ in range(10):
        sender.send(PHONE, PIN, "en", 10)
    assert len({each.json["wait_for"] for each in gateway.received}) > 5


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "lack {number}, {greeting}, {key}, {text}"),
        *(
            (
                {name: each for name, each in CALL.items() if each != f"{{{missing}}}"},
                f"lack {{{missing}}}",
            )
            for missing in ("number", "greeting", "key", "text")
        ),
        (CALL | {"pin": "{pin}"}, "placeholders of url and body are greeting, key,"),
    ],
)
def test_a_gateway_that_would_not_ask_is_refused(body: dict[str, object], text: str) -> None:
    """Rule 43 (voicemail capture): no template speaks the code to whoever picks up."""
    with pytest.raises(ValueError, match=re.escape(text)):
        WebhookSender("https://calls.example/", channel="call", body=body)
