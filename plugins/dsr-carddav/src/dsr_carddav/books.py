"""One address book: listed, and read card by card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from http import HTTPStatus
from itertools import islice
from tempfile import TemporaryFile
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from attrs import field, frozen

from dsr_carddav.listing import (
    COLLECTION,
    GONE,
    NAMESPACES,
    START,
    TYPE,
    XML,
    Unlisted,
    listing,
    same_place,
)
from dsr_carddav.multistatus import CARDDAV, DAV, Malformed, Response, responses
from dsr_carddav.session import Session, failed

__all__ = ["Book", "Entry", "Failure", "Text", "digest"]

_ETAG: Final = DAV + "getetag"
_DATA: Final = CARDDAV + "address-data"
_PAGE: Final = 100  # cards of one request
_LISTED: Final = (
    f"{START}<propfind {NAMESPACES}><prop><resourcetype/><getetag/></prop></propfind>"
).encode()


class Failure(NamedTuple):
    """Why a part could not be read, in words that name nobody."""

    why: str


class Entry(NamedTuple):
    """A card's path and its entity tag; empty where that is weak or missing (RFC 9110, 8.8.3)."""

    path: str
    etag: str


class Text(NamedTuple):
    """A card's path and its bytes."""

    path: str
    raw: bytes


def digest(path: str) -> str:
    """Return what stands for a path in keys: nothing of it can be read there."""
    return blake2b(unquote_to_bytes(path), digest_size=8).hexdigest()


@frozen
class Book:
    """One address book: its path, as its server writes it.

    `writable` is None where the server does not say what the login may do.
    """

    path: str = field(repr=False)
    writable: bool | None = field(default=None, eq=False)

    @property
    def digest(self) -> str:
        """What stands for it in keys."""
        return digest(self.path.rstrip("/"))

    def entries(self, session: Session) -> Iterator[Entry]:
        """Yield every card that is listed.

        Raises `Unlisted` if the book cannot be listed, or not to its end.
        """
        for each in listing(session, self.path, _LISTED):
            path = session.server.local(each.href)
            if path is None or same_place(path, self.path) or COLLECTION in each.names(TYPE):
                continue
            if each.status in GONE:
                continue
            if each.status not in range(200, 300):
                raise Unlisted.of(session, each.status)
            tag = each.text(_ETAG).strip()
            yield Entry(path, tag if tag.startswith('"') else "")

    def cards(self, session: Session) -> Iterator[Text | Failure]:
        """Yield every card, or why it could not be read; a few are held at a time."""
        with TemporaryFile() as paths:
            for each in self.entries(session):
                paths.write(each.path.encode() + b"\n")
            paths.seek(0)
            lines = (line.rstrip(b"\n").decode() for line in paths)
            while page := list(islice(lines, _PAGE)):
                yield from self._page(session, page)

    def _page(self, session: Session, paths: Sequence[str]) -> Iterator[Text | Failure]:
        """Read cards with one request; one by one what the server did not give that way."""
        left = {unquote_to_bytes(path): path for path in paths}
        try:
            for each in self._multiget(session, paths):
                path = left.get(unquote_to_bytes(session.server.local(each.href) or ""))
                if path is not None and (each.status in GONE or _DATA in each.props):
                    del left[unquote_to_bytes(path)]
                    if _DATA in each.props:
                        yield Text(path, _lines(each.text(_DATA)))
        except Malformed:  # one card with a character that XML cannot hold spoils the answer
            pass
        for path in left.values():
            with session.send("GET", path) as answer:
                if answer.is_ok:
                    yield Text(path, answer.body())
                elif answer.status not in GONE:
                    yield Failure(failed(answer.status))

    def _multiget(self, session: Session, paths: Sequence[str]) -> Iterator[Response]:
        """Ask for cards together (RFC 6352, 8.7); yields nothing where a server cannot."""
        hrefs = "".join(f"<href>{escape(path)}</href>" for path in paths)
        body = (
            f"{START}<C:addressbook-multiget {NAMESPACES}><prop><getetag/><C:address-data/>"
            f"</prop>{hrefs}</C:addressbook-multiget>"
        )
        headers = XML | {"depth": "0"}
        with session.send("REPORT", self.path, headers, body.encode()) as answer:
            if answer.status == HTTPStatus.MULTI_STATUS:
                yield from responses(answer.chunks())


def _lines(text: str) -> bytes:
    """Return a card with the line ends it has by RFC 6350, 3.2: XML made one character of them."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
