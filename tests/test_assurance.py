"""[identity] and [staff]: every mistake is told when the file is read."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dsr.assurance import from_config
from dsr.errors import ConfigurationError
from dsr.identity.lines import CallableLines, WebhookLines
from dsr.settings import Context
from tests.shelf import shelf
from tests.vault import vault

NUMBER = "+4930901820"


def read(
    folder: Path, identity: Mapping[str, object], staff: Mapping[str, object] | None = None
) -> Any:
    stores = (vault(folder), shelf(folder, "cdr", ["phone"], "calls"))
    return from_config(identity, staff or {}, Context("DE", folder), stores)


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        ({"levels": {"erase": "one-time-pin"}}, "identity.levels.erase is no right"),
        ({"levels": {"access": "trust"}}, "identity.levels.access is no level"),
        ({"levels": {"access": "standing-pin"}}, "a standing PIN is never enough"),
        ({"levels": {"access": "login"}}, r"names login, which cannot be shown here"),
        ({"levels": {"access": "person"}}, 'two members of [staff] need the role "verify"'),
        ({"four_eyes": ["erasure"]}, "two people who may approve"),
        ({"four_eyes": ["access"]}, "names access, which changes nothing"),
        ({"four_eyes": ["everything"]}, "names 1 that are no rights"),
        ({"standing-pin": {"store": "none"}}, "identity.standing-pin.store names no store"),
        ({"standing-pin": {"store": "cdr"}}, "store cdr cannot do this"),
        ({"sip": {"store": "accounts"}}, "identity.sip.realm is missing"),
        ({"login": {"issuer": "p", "key": "p.pem"}}, "identity.login.key is not known"),
        ({"login": {"issuer": "p", "key": "file:p.pem"}}, "identity.login.key cannot be read"),
        ({"line": {"days": -1}}, "identity.line.days"),
        ({"line": {"lines": "http://sim.example.org"}}, "identity.line.lines names nobody"),
        ({"line": {"lines": "python:no.such:thing"}}, "identity.line.lines names nobody"),
        (
            {
                "standing-pin": {"store": "accounts"},
                "levels": {"access": "standing-pin and one-time-pin"},
            },
            "identity.levels.erasure asks for less than identity.levels.access",
        ),
    ],
)
def test_mistakes_are_told(tmp_path: Path, identity: dict[str, object], told: str) -> None:
    """Rules 40, 43 (GDPR Art. 12(6)): what proves nothing, or cannot be shown, is refused."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, identity)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("ada", "staff.ada is not a table"),
        ({"roles": ["boss"]}, "staff.ada.roles: boss is no role"),
        ({"roles": ["approve"]}, "decides or approves, and has no authenticator"),
        ({"roles": ["approve"], "totp": "JBSWY3DPEHPK3PXP"}, "staff.ada.totp is not known"),
        ({"roles": ["approve"], "totp": "file:none"}, "staff.ada.totp cannot be read"),
        ({"roles": ["approve"], "totp": "file:open"}, "staff.ada.totp can be read by others"),
        ({"roles": ["approve"], "totp": "env:SHORT"}, "staff.ada.totp is no secret of"),
    ],
)
def test_mistakes_of_the_staff_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: object, told: str
) -> None:
    """Rule 45 (GDPR Art. 32): a secret stands in no configuration, and no message repeats it."""
    (tmp_path / "open").write_text("JBSWY3DPEHPK3PXP")
    (tmp_path / "open").chmod(0o644)
    monkeypatch.setenv("SHORT", "JBSWY3DP")
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, {}, {"ada": member})
    assert told in str(caught.value)
    assert "JBSWY3DPEHPK3PXP" not in str(caught.value)


def test_what_stands_there_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting arrives where it counts."""
    monkeypatch.setenv("ADA", "JBSWY3DPEHPK3PXP" * 2)
    assurance = read(
        tmp_path,
        {
            "standing-pin": {"store": "accounts"},
            "sip": {"store": "accounts", "realm": "sip.example.org"},
            "line": {"days": 3, "changed": ["sim"], "hosted": "all", "shared": "s"},
            "levels": {"access": "sip or one-time-pin"},
        },
        {"ada": {"roles": ["verify"], "totp": "env:ADA"}, "ben": {"roles": ["open"]}},
    )
    assert str(assurance.level("access")) == "sip or one-time-pin"
    assert str(assurance.level("erasure")) == "one-time-pin"
    assert (assurance.line.days, assurance.line.hosted) == (3, "all")
    assert assurance.factors == {"one-time-pin", "standing-pin", "sip"}, "one person is not two"
    assert "JBSWY3DPEHPK3PXP" not in repr(assurance)


# --- who knows of SIM cards -----------------------------------------------------------------


class _Answer(BaseHTTPRequestHandler):
    said: tuple[int, bytes] = (200, b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        status, body = self.said
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/sim"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b'{"changed": null}', "never"),
        (200, b'{"changed": "2026-03-05T10:00:00Z"}', dt.datetime(2026, 3, 5, 10, tzinfo=dt.UTC)),
        (200, b'{"changed": "2026-03-05T10:00:00"}', "unknown"),
        (200, b'{"changed": 5}', "unknown"),
        (200, b"{}", "unknown"),
        (200, b"[]", "unknown"),
        (200, b"oops", "unknown"),
        (404, b'{"changed": null}', "unknown"),
        (302, b'{"changed": null}', "unknown"),
    ],
)
def test_whatever_a_url_answers_is_a_time_never_or_unknown(
    url: str, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, told: object
) -> None:
    """Rule 42 (NIST SP 800-63B-4): no answer is taken for "never"."""
    monkeypatch.setattr(_Answer, "said", (status, body))
    assert WebhookLines(url).changed(NUMBER) == told


def test_a_url_that_nobody_serves_is_unknown(tmp_path: Path) -> None:
    """Rule 42 (NIST SP 800-63B-4): down is unknown, and so is a header whose value is not set."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert WebhookLines(f"http://127.0.0.1:{port}/").changed(NUMBER) == "unknown"
    assert WebhookLines("http://127.0.0.1:1/", {"x": "NOT_SET_HERE"}).changed(NUMBER) == "unknown"
    lines = read(tmp_path, {"line": {"lines": f"http://127.0.0.1:{port}/"}}).lines
    assert NUMBER not in repr(lines)


def test_a_function_of_the_backend_is_asked(tmp_path: Path) -> None:
    """Rule 42 (NIST SP 800-63B-4): named in the file, and called with the number."""
    lines = read(tmp_path, {"line": {"lines": "python:datetime:datetime.fromisoformat"}}).lines
    assert isinstance(lines, CallableLines)
    assert lines.changed(NUMBER) == "unknown"
    assert lines.changed("2026-03-05T10:00:00+00:00") == dt.datetime(2026, 3, 5, 10, tzinfo=dt.UTC)
