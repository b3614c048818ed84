"""A relay before a server, which breaks connections off, is slow, or answers busy at first."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from attrs import define, field

__all__ = ["Relay", "relay"]

_BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Type: application/xml\r\n"
    b"Content-Length: 48\r\n\r\n<Error><Code>SlowDown</Code><Message/></Error>\r\n"
)


@define
class Relay:
    """A running relay. Its fields may be changed while it runs.

    cuts     for each connection to come, after how many bytes of answers it is broken off
    busy     how many connections to come are answered with SlowDown
    latency  seconds that each answer takes longer
    """

    endpoint: str
    cuts: list[int] = field(factory=list)
    busy: int = 0
    latency: float = 0.0
    connections: int = 0
    _lock: threading.Lock = field(factory=threading.Lock, repr=False)

    def _serve(self, client: socket.socket, upstream: tuple[str, int]) -> None:
        with self._lock:
            self.connections += 1
            busy, self.busy = self.busy > 0, max(0, self.busy - 1)
            budget = -1 if busy or not self.cuts else self.cuts.pop(0)
        with client:
            if busy:
                client.recv(65536)
                client.sendall(_BUSY)
                client.shutdown(socket.SHUT_WR)
                client.recv(65536)
                return
            with socket.create_connection(upstream) as server:
                asked = threading.Thread(target=_pump, args=(client, server), daemon=True)
                asked.start()
                self._answers(server, client, budget)
                for each in (client, server):
                    _end(each)
                asked.join()

    def _answers(self, server: socket.socket, client: socket.socket, budget: int) -> None:
        fresh = True
        while True:
            try:
                data = server.recv(65536)
                if not data:
                    return
                if fresh and self.latency:
                    time.sleep(self.latency)
                fresh = not _more(server)
                if 0 <= budget <= len(data):
                    client.sendall(data[:budget])
                    return
                budget -= len(data) if budget > 0 else 0
                client.sendall(data)
            except OSError:
                return


@contextmanager
def relay(endpoint: str) -> Iterator[Relay]:
    """Run a relay before the server at `endpoint`, a URL."""
    target = urlsplit(endpoint)
    upstream = (str(target.hostname), int(target.port or 80))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Relay(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(
                    target=running._serve, args=(client, upstream), daemon=True
                ).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            _end(listener)
            thread.join(timeout=5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _more(source: socket.socket) -> bool:
    """Return whether more of the same answer is there already."""
    source.settimeout(0)
    try:
        return bool(source.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
    finally:
        source.settimeout(None)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
