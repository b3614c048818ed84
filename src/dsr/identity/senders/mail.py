"""Mail to a gateway that turns it into an SMS, over SMTP (RFC 5321, submission: RFC 6409)."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

from dsr.errors import DeliveryError
from dsr.identity.messages import fitting, message
from dsr.identity.senders.sender import FIX, LOOPBACK, environment, patience
from dsr.identity.templates import fill, placeholders

__all__ = ["SmtpSender"]

_PORTS: Final[Mapping[str, int]] = {"smtp": 587, "smtps": 465}  # RFC 6409; RFC 8314
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_NUMBER: Final = re.compile(r"\+[0-9]{3,15}")  # E.164: nothing that an address could take amiss
_EXAMPLE: Final = "+493012345678"
_POLICY: Final = SMTP.clone(cte_type="7bit")  # every server takes it


def _server(_: object, _attribute: object, url: str) -> None:
    try:
        parts = urlsplit(url)
        bare = parts.netloc.rpartition("@")[1] == "" and not (parts.path or parts.query)
        known = parts.scheme in _PORTS and parts.hostname and bare and parts.port != 0
    except ValueError:  # of a port
        known = False
    if not known:
        msg = (
            "the mail server is written smtp://host:port (it must offer STARTTLS, except on this"
            " machine) or smtps://host:port; the login stands elsewhere"
        )
        raise ValueError(msg)


def _address(_: object, attribute: Attribute[str], value: str) -> None:
    if not _ADDRESS.fullmatch(value):
        msg = f"{attribute.name} is one mail address"
        raise ValueError(msg)


def _recipient(_: object, attribute: Attribute[str], value: str) -> None:
    wanted = placeholders(value) == {"number"}
    if not wanted or not _ADDRESS.fullmatch(fill(value, {"number": _EXAMPLE})):
        msg = f"{attribute.name} is one mail address with {{number}} in it"
        raise ValueError(msg)


def _login(_: object, attribute: Attribute[Mapping[str, str]], value: Mapping[str, str]) -> None:
    if value and set(value) != {"user", "password"}:
        msg = f"{attribute.name} has user and password, each the name of an environment variable"
        raise ValueError(msg)


@frozen
class SmtpSender:
    """Mails the message to `recipient`, such as `{number}@sms.example.org`, from `author`.

    `server` is `smtp://host:port`, which must offer STARTTLS unless it is this machine, or
    `smtps://host:port`; without a port 587 or 465. Its certificate is checked. `login` has the
    names of the environment variables that hold `user` and `password`; left out, there is none.
    `timeout` is in seconds. `texts` are the operator's own, by language. Raises `ValueError`.
    """

    server: str = field(validator=_server)
    recipient: str = field(validator=_recipient)
    author: str = field(validator=_address)
    login: Mapping[str, str] = field(factory=dict, validator=_login)
    timeout: float = field(default=10, validator=patience)
    texts: Mapping[str, str] = field(factory=dict, validator=fitting)

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Hand the mail to the server, once. It has no subject: gateways would send it, too."""
        if not _NUMBER.fullmatch(number):
            what = "the number cannot stand in a mail address"
            raise DeliveryError(what, "look at how the accounts store writes it")
        credentials = {name: environment(variable) for name, variable in self.login.items()}
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = self.author
        mail["To"] = fill(self.recipient, {"number": number})
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody is out of office
        mail.set_content(message(pin, language, minutes, self.texts))
        failed = ""
        try:
            with closing(self._connected()) as server:
                self._secure(server)
                if credentials:
                    server.login(credentials["user"], credentials["password"])
                server.send_message(mail)
                with suppress(smtplib.SMTPException, OSError):  # it has the mail by now
                    server.quit()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            failed = _failure(error)
        if failed:  # outside of the handler: an error that is chained could be shown, too
            raise DeliveryError(failed, FIX)

    def _connected(self) -> smtplib.SMTP:
        parts = urlsplit(self.server)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        if parts.scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=self.timeout, context=context)
        return smtplib.SMTP(host, port, timeout=self.timeout)

    def _secure(self, server: smtplib.SMTP) -> None:
        parts = urlsplit(self.server)
        if parts.scheme == "smtp" and parts.hostname not in LOOPBACK:
            server.starttls(context=ssl.create_default_context())


def _failure(error: Exception) -> str:
    """Return what happened: the server's answers can repeat the address, so codes only."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            codes = sorted({code for code, _ in error.recipients.values()})
            return f"the mail server refused the recipient ({', '.join(map(str, codes))})"
        case smtplib.SMTPResponseException():
            return f"the mail server refused the message ({error.smtp_code})"
        case smtplib.SMTPNotSupportedError():
            return "the mail server offers no STARTTLS, or no login that is known"
    return f"the mail server cannot be reached ({type(error).__name__})"
