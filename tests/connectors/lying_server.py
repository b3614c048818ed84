"""A server that takes legal holds and keeps none: it stands before a real one, for all else.

Some servers that speak S3 answer 200 to a hold, and even show it, and enforce nothing.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from attrs import define, field

__all__ = ["Liar", "liar"]

_ON = b"<LegalHold><Status>ON</Status></LegalHold>"
_HOP = frozenset({"connection", "content-length", "transfer-encoding"})


def _everything(_: str) -> bool:
    return True


@define
class Liar:
    """A running server. It lies about the paths for which `about` says so.

    `shows` tells whether it pretends that the hold is there. `writes` counts requests to it
    that write.
    """

    endpoint: str
    about: Callable[[str], bool] = _everything
    shows: bool = True
    writes: int = 0
    _held: set[str] = field(factory=set, repr=False)

    def answer(self, method: str, path: str) -> bytes | None:
        """Return the lie; None where it passes the request on."""
        self.writes += method in {"PUT", "POST", "DELETE"}
        name, _, query = path.partition("?")
        if "legal-hold" not in query or not self.about(name):
            return None
        if method == "PUT":
            self._held.add(name)
            return b""
        return _ON if self.shows and name in self._held else None


@contextmanager
def liar(endpoint: str) -> Iterator[Liar]:
    """Run one before the server at `endpoint`, a URL."""
    upstream = str(urlsplit(endpoint).netloc)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            lie = running.answer(self.command, self.path)
            if lie is not None:
                self._send(200, [("Content-Type", "application/xml")], lie)
                return
            server = http.client.HTTPConnection(upstream)
            headers = {name: each for name, each in self.headers.items() if name != "Expect"}
            server.request(self.command, self.path, body, headers)
            answer = server.getresponse()
            data = answer.read()
            self._send(answer.status, answer.getheaders(), data)
            server.close()

        def _send(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
            self.send_response_only(status)
            for name, each in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, each)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler._serve)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Liar(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
