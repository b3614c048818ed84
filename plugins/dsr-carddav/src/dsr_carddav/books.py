"""The address books of a server: found by discovery, listed, and read card by card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from http import HTTPStatus
from itertools import islice
from tempfile import TemporaryFile
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from attrs import define, field, frozen

from dsr.errors import StoreUnavailable
from dsr_carddav.multistatus import CARDDAV, DAV, Malformed, Response, responses
from dsr_carddav.session import FAILED, Session, failed

__all__ = ["Book", "Entry", "Failure", "Shelves", "Text", "Unlisted", "digest", "found_books"]

_BOOK: Final = CARDDAV + "addressbook"
_COLLECTION: Final = DAV + "collection"
_TYPE: Final = DAV + "resourcetype"
_ETAG: Final = DAV + "getetag"
_DATA: Final = CARDDAV + "address-data"
_HOME: Final = CARDDAV + "addressbook-home-set"
_PRINCIPAL: Final = DAV + "current-user-principal"
_PRIVILEGES: Final = DAV + "current-user-privilege-set"
_PAGE: Final = 100  # cards of one request
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_XML: Final = "application/xml; charset=utf-8"
_START: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_NAMESPACES: Final = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
_ASKED: Final = (
    f"{_START}<propfind {_NAMESPACES}><prop><resourcetype/><current-user-principal/>"
    "<C:addressbook-home-set/><current-user-privilege-set/></prop></propfind>"
).encode()
_LISTED: Final = (
    f"{_START}<propfind {_NAMESPACES}><prop><resourcetype/><getetag/></prop></propfind>"
).encode()
_WRITING: Final = frozenset({DAV + "write", DAV + "all", DAV + "write-content"})


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


class Unlisted(StoreUnavailable):
    """A listing was answered with a `status` that is none of success."""

    status = 0

    @property
    def is_gone(self) -> bool:
        """Whether what was to be listed is not there."""
        return self.status in _GONE


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
        for each in _listing(session, self.path, _LISTED):
            path = session.server.local(each.href)
            if path is None or _same(path, self.path) or _COLLECTION in each.names(_TYPE):
                continue
            if each.status in _GONE:
                continue
            if each.status not in range(200, 300):
                raise _unlisted(session, each.status)
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
                if path is not None and (each.status in _GONE or _DATA in each.props):
                    del left[unquote_to_bytes(path)]
                    if _DATA in each.props:
                        yield Text(path, _lines(each.text(_DATA)))
        except Malformed:  # one card with a character that XML cannot hold spoils the answer
            pass
        for path in left.values():
            with session.send("GET", path) as answer:
                if answer.is_ok:
                    yield Text(path, answer.body())
                elif answer.status not in _GONE:
                    yield Failure(failed(answer.status))

    def _multiget(self, session: Session, paths: Sequence[str]) -> Iterator[Response]:
        """Ask for cards together (RFC 6352, 8.7); yields nothing where a server cannot."""
        hrefs = "".join(f"<href>{escape(path)}</href>" for path in paths)
        body = (
            f"{_START}<C:addressbook-multiget {_NAMESPACES}><prop><getetag/><C:address-data/>"
            f"</prop>{hrefs}</C:addressbook-multiget>"
        )
        headers = {"content-type": _XML, "depth": "0"}
        with session.send("REPORT", self.path, headers, body.encode()) as answer:
            if answer.status == HTTPStatus.MULTI_STATUS:
                yield from responses(answer.chunks())


@define
class Shelves:
    """What discovery found: books by the digest of their path, and what stood in its way."""

    books: dict[str, Book] = field(factory=dict, repr=False)
    failures: list[Failure] = field(factory=list)

    def add(self, path: str, response: Response) -> None:
        """Add a book, once."""
        rights = response.names(_PRIVILEGES)
        writable = bool(rights & _WRITING) if rights else None
        book = Book(path, writable)
        self.books.setdefault(book.digest, book)


def found_books(session: Session, starts: Iterable[str]) -> Shelves:
    """Return the address books that `starts` lead to.

    A start is the path of a book, of the home of books, of a principal, or of a collection of
    principals; without one it is the user's own (RFC 6764, 6). Raises `StoreUnavailable` if a
    start cannot be read or leads nowhere.
    """
    shelves = Shelves()
    for start in list(starts) or [_own(session)]:
        if not _walk(session, start, shelves):
            what = "an address leads to no address book"
            raise StoreUnavailable(session.server.store, what, "check url and books")
    return shelves


def _own(session: Session) -> str:
    """Return the path of the user's principal."""
    for path in (f"{session.server.path}.well-known/carddav", session.server.path):
        headers = {"content-type": _XML, "depth": "0"}
        with session.send("PROPFIND", path, headers, _ASKED) as answer:
            if answer.status != HTTPStatus.MULTI_STATUS:
                continue
            for each in responses(answer.chunks()):
                for href in each.hrefs(_PRINCIPAL):
                    if (principal := session.server.local(href)) is not None:
                        return principal
    return session.server.path


def _walk(session: Session, start: str, shelves: Shelves) -> bool:
    """Add the books that a start leads to; return whether it is a place for books."""
    if _one(session, start, shelves):
        return True
    met = False
    for each in list(_listing(session, start, _ASKED)):
        path = session.server.local(each.href)
        if path is None or _same(path, start) or _COLLECTION not in each.names(_TYPE):
            continue
        try:  # asked by itself: Radicale gives the home of whom it was asked for
            met |= _one(session, path, shelves)
        except Unlisted as error:
            met = True
            shelves.failures.append(Failure(f"the books of a user: {failed(error.status)}"))
    return met


def _one(session: Session, path: str, shelves: Shelves) -> bool:
    """Add a book, or the books of a principal; return False if it is neither."""
    homes: list[str] = []
    for each in _listing(session, path, _ASKED, depth="0"):
        if _BOOK in each.names(_TYPE):
            shelves.add(path, each)
            return True
        homes += each.hrefs(_HOME)
    for href in homes:
        home = session.server.local(href)
        if home is None:
            shelves.failures.append(Failure("the books of a user are on another server"))
            continue
        for each in _listing(session, home, _ASKED):
            book = session.server.local(each.href)
            if book is not None and _BOOK in each.names(_TYPE):
                shelves.add(book, each)
    return bool(homes)


def _listing(session: Session, path: str, body: bytes, *, depth: str = "1") -> Iterator[Response]:
    """Yield what a PROPFIND gives. Raises `StoreUnavailable` if it fails."""
    headers = {"content-type": _XML, "depth": depth}
    with session.send("PROPFIND", path, headers, body) as answer:
        if answer.status != HTTPStatus.MULTI_STATUS:
            raise _unlisted(session, answer.status)
        try:
            for each in responses(answer.chunks()):
                if each.status == HTTPStatus.INSUFFICIENT_STORAGE:  # cut off (RFC 6578, 3.6)
                    raise _unlisted(session, each.status)
                yield each
        except Malformed as error:
            what = f"a listing cannot be read: {error}"
            raise StoreUnavailable(
                session.server.store, what, "is this a CardDAV server?"
            ) from None


def _unlisted(session: Session, status: int) -> Unlisted:
    fix = FAILED.get(status, "try again later")
    error = Unlisted(session.server.store, failed(status), fix)
    error.status = status
    return error


def _same(one: str, other: str) -> bool:
    return unquote_to_bytes(one).rstrip(b"/") == unquote_to_bytes(other).rstrip(b"/")


def _lines(text: str) -> bytes:
    """Return a card with the line ends it has by RFC 6350, 3.2: XML made one character of them."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
