"""Mail to an SMS gateway, over real SMTP servers."""

from __future__ import annotations

import logging
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from dsr.errors import DeliveryError
from dsr.identity.senders import Sender, SmtpSender
from tests.identity.senders.servers import (
    PIN,
    Post,
    assert_silent,
    authenticate,
    certificate,
    mail_server,
)
from tests.ledger.people import PHONE

TO = "{number}@sms.example.org"
FROM = "dsr@example.org"
#: A host of this machine that is not taken for it by name: what goes there must be encrypted.
AFAR = "127.0.0.2"
#: mypy judges whether it is a sender.
_SENDER: Sender = SmtpSender("smtps://mail.example.org", TO, FROM)


def _body(post: Post) -> str:
    ((_, _, mail),) = post.mails
    raw = mail.get_payload(decode=True)
    assert isinstance(raw, bytes)
    return raw.decode()


def test_a_mail_is_one_message() -> None:
    """To the number at the gateway, with the text and nothing that would be sent besides."""
    post = Post()
    with mail_server(post) as address:
        SmtpSender(f"smtp://{address}", TO, FROM).send(PHONE, PIN, "fr", 10)
    ((author, recipients, mail),) = post.mails
    assert (author, recipients) == (FROM, [f"{PHONE}@sms.example.org"])
    assert (mail["from"], mail["to"], mail["subject"]) == (FROM, f"{PHONE}@sms.example.org", None)
    assert mail["auto-submitted"] == "auto-generated"
    assert _body(post).startswith(f"{PIN} est le code de votre demande sur vos données.")


def test_the_operator_s_own_text_is_mailed() -> None:
    """Also in letters that no SMS alphabet has."""
    post = Post()
    with mail_server(post) as address:
        sender = SmtpSender(f"smtp://{address}", TO, FROM, texts={"el": "Κωδικός {pin}, {minutes}"})
        sender.send(PHONE, PIN, "el", 10)
    assert _body(post).strip() == f"Κωδικός {PIN}, 10"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_what_leaves_this_machine_is_encrypted_and_logged_in(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By STARTTLS or from the start, with a certificate that is checked; the login is secret."""
    path, context = certificate(tmp_path, AFAR)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("DSR_TEST_USER", "dsr")
    monkeypatch.setenv("DSR_TEST_PASSWORD", "s3cret-password")
    login = {"user": "DSR_TEST_USER", "password": "DSR_TEST_PASSWORD"}
    options: dict[str, Any] = {"authenticator": authenticate}
    if scheme == "smtp":
        options |= {"tls_context": context, "require_starttls": True, "auth_required": True}
    else:
        options |= {"ssl_context": context, "auth_require_tls": False}
    post = Post()
    with mail_server(post, AFAR, **options) as address:
        sender = SmtpSender(f"{scheme}://{address}", TO, FROM, login)
        sender.send(PHONE, PIN, "en", 10)
        assert len(post.mails) == 1
        monkeypatch.setenv("DSR_TEST_PASSWORD", "wrong-password")
        with pytest.raises(DeliveryError, match=r"refused the message \(535\)") as caught:
            sender.send(PHONE, PIN, "en", 10)
    assert len(post.mails) == 1
    assert_silent(caught.value, "wrong-password")
    assert "s3cret" not in repr(sender)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_ends_it(scheme: str, tmp_path: Path) -> None:
    """Somebody on the way reads no PIN."""
    _, context = certificate(tmp_path, AFAR)
    options = {"tls_context" if scheme == "smtp" else "ssl_context": context}
    post = Post()
    with (
        mail_server(post, AFAR, **options) as address,
        pytest.raises(DeliveryError, match="SSLCertVerificationError") as caught,
    ):
        SmtpSender(f"{scheme}://{address}", TO, FROM).send(PHONE, PIN, "en", 10)
    assert post.mails == []
    assert_silent(caught.value)


def test_a_server_without_encryption_gets_nothing() -> None:
    """Somebody on the way who takes STARTTLS out of the offer reads no PIN, either."""
    post = Post()
    with (
        mail_server(post, AFAR) as address,
        pytest.raises(DeliveryError, match="no STARTTLS") as caught,
    ):
        SmtpSender(f"smtp://{address}", TO, FROM).send(PHONE, PIN, "en", 10)
    assert post.mails == []
    assert_silent(caught.value)


@pytest.mark.parametrize(
    ("post", "text"),
    [
        pytest.param(Post(rcpt="550 {address} unknown"), r"recipient \(550\)", id="recipient"),
        pytest.param(Post(rcpt="451 later"), r"recipient \(451\)", id="busy"),
        pytest.param(Post(data=f"554 {PIN} to {PHONE}"), r"message \(554\)", id="message"),
    ],
)
def test_a_server_that_refuses_is_an_error(
    post: Post, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Told by its code: its words can repeat the address, and the message."""
    caplog.set_level(logging.DEBUG)
    with mail_server(post) as address, pytest.raises(DeliveryError, match=text) as caught:
        SmtpSender(f"smtp://{address}", TO, FROM).send(PHONE, PIN, "en", 10)
    assert post.mails == []
    assert_silent(caught.value)
    ours = [each for each in caplog.records if not each.name.startswith("mail.")]  # the server's
    assert not [each for each in ours if PHONE[3:] in each.getMessage()]


def test_a_server_that_is_silent_or_gone_is_an_error() -> None:
    """It is not waited for longer than the timeout."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DeliveryError, match="ConnectionRefusedError") as caught:
            SmtpSender(url, TO, FROM).send(PHONE, PIN, "en", 10)
        assert_silent(caught.value)
        silent.listen()
        with pytest.raises(DeliveryError, match=r"cannot be reached") as caught:
            SmtpSender(url, TO, FROM, timeout=0.2).send(PHONE, PIN, "en", 10)
        assert_silent(caught.value)


def test_a_missing_login_is_an_error() -> None:
    """Nothing is sent without it."""
    login = {"user": "DSR_NO_SUCH_VARIABLE", "password": "DSR_NO_SUCH_VARIABLE"}
    post = Post()
    with mail_server(post) as address, pytest.raises(DeliveryError, match="DSR_NO_SUCH"):
        SmtpSender(f"smtp://{address}", TO, FROM, login).send(PHONE, PIN, "en", 10)
    assert post.mails == []


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "4930901820",
        f"{PHONE}@evil.example,x",
        f"{PHONE}\r\nBcc: a@b",
        f"{PHONE}\n",
        "+४२४२",
    ],
    ids=ascii,
)
def test_what_is_no_number_makes_no_address(number: str) -> None:
    """A number on file that is none sends the PIN to nobody else."""
    post = Post()
    with mail_server(post) as address, pytest.raises(DeliveryError, match="mail address") as caught:
        SmtpSender(f"smtp://{address}", TO, FROM).send(number, PIN, "en", 10)
    assert post.mails == []
    assert_silent(caught.value)


@pytest.mark.parametrize(
    ("server", "options", "text"),
    [
        ("https://mail.example.org", {}, "smtp://host:port"),
        ("smtps://", {}, "smtp://host:port"),
        ("smtps://mail.example.org:x", {}, "smtp://host:port"),
        ("smtps://user:s3cret@mail.example.org", {}, "smtp://host:port"),
        ("smtps://mail.example.org/path", {}, "smtp://host:port"),
        ("smtps://a", {"recipient": "sms@example.org"}, "with {number} in it"),
        ("smtps://a", {"recipient": "{number}"}, "with {number} in it"),
        ("smtps://a", {"recipient": "{number}-{pin}@example.org"}, "with {number} in it"),
        ("smtps://a", {"recipient": "{number}@example.org, b@c"}, "with {number} in it"),
        ("smtps://a", {"author": "Example <dsr@example.org>"}, "author is one mail address"),
        ("smtps://a", {"author": "a@b\nBcc: c@d"}, "author is one mail address"),
        ("smtps://a", {"login": {"user": "A"}}, "login has user and password"),
        ("smtps://a", {"timeout": 0}, "timeout"),
    ],
)
def test_a_setting_that_is_none_is_refused(server: str, options: dict[str, Any], text: str) -> None:
    """Before anybody waits for a PIN; without showing it."""
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        SmtpSender(server, **{"recipient": TO, "author": FROM, **options})
    assert "s3cret" not in str(caught.value)
