"""Real servers on loopback that senders send to, and what their errors must not say."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dsr.errors import DeliveryError
from tests.ledger.people import NOW, PHONE

PIN = "048213"


def assert_silent(error: DeliveryError, *more: str) -> None:
    """Nothing of it, also no error that it is chained to, has number, PIN or `more`."""
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert [each for each in (PHONE[3:], PIN, *more) if each in shown] == []


# --- HTTP ---------------------------------------------------------------------------------------


@define
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("ascii"), keep_blank_values=True))

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Gateway(ThreadingHTTPServer):
    """A gateway that answers with the given statuses, one after another, then with 200.

    0: it closes the connection without an answer; -1: it does not answer before it is shut down.
    """

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.received: list[Asked] = []
        self.over = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.base}/send?token=s3cret"


class _Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Asked(self.command, self.path, headers, body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status > 0:
            self.send_response(status)
            self.send_header("location", self.path)
            self.send_header("retry-after", "3600")
            self.send_header("content-length", "0")
            self.end_headers()
        if status < 0:
            self.server.over.wait(30)
        self.close_connection = True

    do_PUT = do_POST  # noqa: N815  (http.server's)
    do_GET = do_POST  # noqa: N815  (http.server's)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's)
        pass


@contextmanager
def running(*statuses: int) -> Iterator[Gateway]:
    """Give a gateway that answers with the statuses."""
    with Gateway(*statuses) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


# --- SMTP ---------------------------------------------------------------------------------------


@define
class Post:
    """A mail server's handler: the mails it took, and what it answers to RCPT and DATA."""

    rcpt: str = "250 OK"
    data: str = "250 OK"
    mails: list[tuple[str, list[str], Message]] = field(factory=list)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        del server, session, rcpt_options
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt.format(address=address)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's)
        del server, session
        if self.data.startswith("250"):
            mail = _READER.prepare_message(Session(None), envelope)  # type: ignore[arg-type]  # no loop needed
            self.mails.append((envelope.mail_from or "", envelope.rcpt_tos, mail))
        return self.data


class _Reader(MessageHandler):
    def handle_message(self, message: Message) -> None:
        raise NotImplementedError


_READER = _Reader()


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    """Let in whoever is dsr, with the right password."""
    del server, session, envelope, mechanism
    right = data == LoginPassword(b"dsr", b"s3cret-password")
    return AuthResult(success=right, handled=right)


@contextmanager
def mail_server(handler: Post, host: str = "127.0.0.1", **options: Any) -> Iterator[str]:
    """Give `host:port` of a mail server."""
    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname=host, port=port, **options)
    controller.start()
    try:
        yield f"{host}:{port}"
    finally:
        controller.stop()


def certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a fresh certificate of `host`, and a server's context that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    day = dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 900 * day)
        .not_valid_after(NOW + 9_000 * day)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path, private = folder / "cert.pem", folder / "key.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, private)
    return path, context
