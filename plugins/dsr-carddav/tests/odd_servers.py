"""HTTP servers that do what a CardDAV server should not, or may: answers are given by the test."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from attrs import define, field

ROOT = (
    '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">'
)
BOOK = "<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype>"


def multistatus(*responses: str) -> str:
    return ROOT + "".join(responses) + "</d:multistatus>"


def response(href: str, props: str = "", status: int = 200) -> str:
    told = f"<d:status>HTTP/1.1 {status} X</d:status>"
    if props:
        told = f"<d:propstat><d:prop>{props}</d:prop>{told}</d:propstat>"
    return f"<d:response><d:href>{href}</d:href>{told}</d:response>"


@define
class Odd:
    """Answers by method and path: status, headers, body; a list is used up one by one."""

    answers: dict[tuple[str, str], list[tuple[int, Mapping[str, str], str]]] = field(factory=dict)
    asked: list[tuple[str, str, Mapping[str, str], str]] = field(factory=list)
    url: str = ""

    def answer(self, method: str, path: str, status: int, body: str = "", **headers: str) -> None:
        self.answers.setdefault((method, path), []).append((status, headers, body))

    def book(self, *entries: str) -> None:
        """Answer discovery with one book at `/book/` that lists `entries`."""
        own = response("/book/", BOOK)
        self.answer("PROPFIND", "/book/", 207, multistatus(own), depth="0")
        self.answer("PROPFIND", "/book/", 207, multistatus(own, *entries), depth="1")

    def take(self, method: str, path: str, depth: str) -> tuple[int, Mapping[str, str], str]:
        left = self.answers.get((method, path), [])
        fits = [each for each in left if each[1].get("depth", depth) == depth]
        if not fits:
            return 404, {}, ""
        if len(fits) > 1 and "depth" not in fits[0][1]:
            left.remove(fits[0])
        return fits[0]


@contextmanager
def odd_server(certificate: Path | None = None) -> Iterator[Odd]:
    """Start a server on loopback, with TLS if a certificate with its key is given."""
    odd = Odd()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            body = self.rfile.read(length).decode()
            odd.asked.append((self.command, self.path, dict(self.headers), body))
            depth = self.headers.get("depth", "")
            status, headers, text = odd.take(self.command, self.path, depth)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_DELETE = do_PROPFIND = do_REPORT = _any  # noqa: N815  (the library's)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        odd.url = f"{scheme}://127.0.0.1:{server.server_port}/"
        yield odd
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
