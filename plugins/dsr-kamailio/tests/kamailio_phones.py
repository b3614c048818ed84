"""Telephones for the tests: they register by themselves, and sipp makes their calls."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from attrs import field, frozen

from tests.servers.kamailio import Kamailio

__all__ = ["Phone", "calling", "ha1"]

_PATIENCE: Final = 20  # seconds for an answer on a busy machine
_FINAL: Final = 200  # from this status code on, a response ends the transaction


def ha1(user: str, realm: str, password: str, algorithm: str = "md5") -> str:
    """Return what RFC 7616 section 3.4.2 calls H(A1)."""
    return hashlib.new(algorithm, f"{user}:{realm}:{password}".encode()).hexdigest()


@frozen
class Phone:
    """A telephone of `user` at `domain`, which listens on `port` of the loopback address `host`."""

    server: Kamailio = field(repr=False)
    user: str
    domain: str
    port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """Its address of record."""
        return f"{self.user}@{self.domain}"

    def register(self, password: str, expires: int = 3600) -> int:
        """Register, answering the challenge; return the last status code."""
        call = uuid.uuid4().hex
        with self._open() as wire:
            answer = self._ask(wire, self._register(call, 1, expires))
            realm, nonce = re.search(r'realm="([^"]+)", nonce="([^"]+)"', answer).groups()  # type: ignore[union-attr]  # registrars challenge
            uri = f"sip:{self.domain}"
            ha2 = hashlib.md5(f"REGISTER:{uri}".encode()).hexdigest()  # noqa: S324  (RFC 2617)
            secret = ha1(self.user, realm, password)
            response = hashlib.md5(f"{secret}:{nonce}:{ha2}".encode()).hexdigest()  # noqa: S324
            proof = (
                f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}",'
                f' uri="{uri}", response="{response}"\r\n'
            )
            answer = self._ask(wire, self._register(call, 2, expires, proof))
        return _status(answer)

    def invite(self, callee: str) -> int:
        """Call an address, and return the status code that the call ended with."""
        call, branch = uuid.uuid4().hex, f"z9hG4bK{uuid.uuid4().hex}"
        with self._open() as wire:
            answer = self._ask(wire, self._message("INVITE", callee, call, branch))
            to = re.search(r"^To: .*?(;tag=\S+)", answer, re.MULTILINE)
            ack = self._message("ACK", callee, call, branch, to[1] if to else "")
            wire.sendto(ack.encode(), ("127.0.0.1", self.server.port))
        return _status(answer)

    @contextlib.contextmanager
    def _open(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.settimeout(_PATIENCE)
            wire.bind((self.host, self.port))
            yield wire

    def _ask(self, wire: socket.socket, request: str) -> str:
        wire.sendto(request.encode(), ("127.0.0.1", self.server.port))
        while True:
            answer = wire.recv(65536).decode()
            if answer.startswith("SIP/2.0") and _status(answer) >= _FINAL:
                return answer

    def _register(self, call: str, number: int, expires: int, proof: str = "") -> str:
        return (
            f"REGISTER sip:{self.domain} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{uuid.uuid4().hex}\r\n"
            f"From: <sip:{self.address}>;tag={call[:8]}\r\nTo: <sip:{self.address}>\r\n"
            f"Call-ID: {call}\r\nCSeq: {number} REGISTER\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{self.user}@{self.host}:{self.port}>\r\nExpires: {expires}\r\n"
            f"User-Agent: Telephone of {self.user}\r\n{proof}Content-Length: 0\r\n\r\n"
        )

    def _message(self, method: str, callee: str, call: str, branch: str, to: str = "") -> str:
        return (
            f"{method} sip:{callee} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={branch}\r\n"
            f"From: <sip:{self.address}>;tag={call[:8]}\r\nTo: <sip:{callee}>{to}\r\n"
            f"Call-ID: {call}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{self.user}@{self.host}:{self.port}>\r\nContent-Length: 0\r\n\r\n"
        )


def _status(answer: str) -> int:
    return int(answer.split(" ", 2)[1])


@contextlib.contextmanager
def calling(
    caller: Phone, callee: Phone, dialled: str, *, hangs_up: str = "caller", holds: int = 0
) -> Iterator[None]:
    """Let sipp call: inside the block the call stands for `holds` ms, or is over, if it is 0.

    `dialled` is the address that the caller calls; `hangs_up` who ends it.
    """
    if shutil.which("sipp") is None:
        pytest.skip("sipp is not installed: apt-get install sip-tester")
    folder = caller.server.folder
    ends = hangs_up == "caller"
    files = {
        "uac": _scenario("uac", _SETUP + (_pause(holds) + _ENDS if ends else _WAITS)),
        "uas": _scenario("uas", _taken(holds, ends=ends)),
    }
    for name, text in files.items():
        (folder / f"{name}.xml").write_text(text, "utf-8")
    listens = _sipp(folder, "uas", "-i", callee.host, "-p", str(callee.port))
    user, _, domain = dialled.partition("@")
    to = f"127.0.0.1:{caller.server.port}"
    keys = (
        "-cid_str",
        "%u-%p@call",
        "-key",
        "caller",
        caller.user,
        "-key",
        "home",
        caller.domain,
        "-key",
        "away",
        domain,
    )
    calls = _sipp(folder, "uac", to, "-i", caller.host, "-p", str(caller.port), "-s", user, *keys)
    try:
        if not holds:
            _end(calls, listens)
        yield
        if holds:
            _end(calls, listens)
    finally:
        for each in (calls, listens):
            each.kill()
            each.wait()


def _end(*processes: subprocess.Popen[bytes]) -> None:
    for each in processes:
        assert each.wait(_PATIENCE) == 0, "sipp's call failed"


def _sipp(folder: Path, name: str, *words: str) -> subprocess.Popen[bytes]:
    command = ["sipp", "-sf", f"{name}.xml", "-m", "1", "-nostdin", *words]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _scenario(name: str, steps: str) -> str:
    return f'<?xml version="1.0"?>\n<scenario name="{name}">{steps}</scenario>\n'


def _send(head: str, more: str = "", attributes: str = "") -> str:
    return (
        f"<send {attributes}><![CDATA[\n\n{head}\nMax-Forwards: 70\n{more}Content-Length: 0\n\n"
        "]]></send>"
    )


def _taken(holds: int, *, ends: bool) -> str:
    if ends:
        return _TAKES.format("") + _ENDED
    return _TAKES.format(_KEEPS) + _pause(holds) + _HANGS_UP


def _pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>' if milliseconds else ""


_DIALOG: Final = "From: {}\nTo: {}\nCall-ID: [call_id]\n"
_HERE: Final = "<sip:[caller]@[home]>;tag=a[pid]x[call_number]"
_THERE: Final = "<sip:[service]@[away]>"
_VIA: Final = "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n"
_CONTACT: Final = "Contact: <sip:[caller]@[local_ip]:[local_port]>\n"

_SETUP: Final = (
    _send(
        "INVITE sip:[service]@[away] SIP/2.0\n"
        + _VIA
        + _DIALOG.format(_HERE, _THERE)
        + "CSeq: 1 INVITE\n"
        + _CONTACT.rstrip()
    )
    + '<recv response="100" optional="true"/><recv response="180" optional="true"/>'
    + '<recv response="200" rrs="true"/>'
    + _send(
        "ACK [next_url] SIP/2.0\n"
        + _VIA
        + "[routes]\n"
        + _DIALOG.format(_HERE, _THERE + "[peer_tag_param]")
        + "CSeq: 1 ACK"
    )
)
_ENDS: Final = (
    _send(
        "BYE [next_url] SIP/2.0\n"
        + _VIA
        + "[routes]\n"
        + _DIALOG.format(_HERE, _THERE + "[peer_tag_param]")
        + "CSeq: 2 BYE",
        attributes='retrans="500"',
    )
    + '<recv response="200"/>'
)
_LAST: Final = "[last_Via:]\n[last_From:]\n[last_To:]{}\n[last_Call-ID:]\n[last_CSeq:]\n"
_OK: Final = (
    "<send><![CDATA[\n\nSIP/2.0 200 OK\n" + _LAST.format("") + "Content-Length: 0\n\n]]></send>"
)
_WAITS: Final = '<recv request="BYE"/>' + _OK
_TAG: Final = ";tag=b[pid]x[call_number]"
_KEEPS: Final = (  # sipp refuses a variable that nothing uses
    '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="theirs"/>'
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="mine"/>'
)
_TAKES: Final = (
    '<recv request="INVITE" rrs="true"><action>{}</action></recv>'
    "<send><![CDATA[\n\nSIP/2.0 200 OK\n[last_Record-Route:]\n"
    + _LAST.format(_TAG)
    + "Contact: <sip:[local_ip]:[local_port]>\nContent-Length: 0\n\n]]></send>"
    '<recv request="ACK"/>'
)
_ENDED: Final = '<recv request="BYE"/>' + _OK
_HANGS_UP: Final = (
    '<send retrans="500"><![CDATA[\n\nBYE [next_url] SIP/2.0\n'
    + _VIA
    + "[routes]\nFrom: [$mine];tag=b[pid]x[call_number]\nTo: [$theirs]\n"
    "[last_Call-ID:]\nCSeq: 1 BYE\nMax-Forwards: 70\nContent-Length: 0\n\n]]></send>"
    '<recv response="200"/>'
)
