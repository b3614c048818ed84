"""Which address books a login may see: found from an address (RFC 6352, 7; RFC 6764, 6)."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from attrs import define, field

from dsr.errors import StoreUnavailable
from dsr_carddav.books import Book, Failure
from dsr_carddav.listing import (
    COLLECTION,
    NAMESPACES,
    START,
    TYPE,
    XML,
    Unlisted,
    listing,
    same_place,
)
from dsr_carddav.multistatus import CARDDAV, DAV, Response, responses
from dsr_carddav.session import Session, failed

__all__ = ["Shelves", "found_books"]

_BOOK: Final = CARDDAV + "addressbook"
_HOME: Final = CARDDAV + "addressbook-home-set"
_PRINCIPAL: Final = DAV + "current-user-principal"
_PRIVILEGES: Final = DAV + "current-user-privilege-set"
_WRITING: Final = frozenset({DAV + "write", DAV + "all", DAV + "write-content"})
_ASKED: Final = (
    f"{START}<propfind {NAMESPACES}><prop><resourcetype/><current-user-principal/>"
    "<C:addressbook-home-set/><current-user-privilege-set/></prop></propfind>"
).encode()


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
        headers = XML | {"depth": "0"}
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
    for each in list(listing(session, start, _ASKED)):
        path = session.server.local(each.href)
        if path is None or same_place(path, start) or COLLECTION not in each.names(TYPE):
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
    for each in listing(session, path, _ASKED, depth="0"):
        if _BOOK in each.names(TYPE):
            shelves.add(path, each)
            return True
        homes += each.hrefs(_HOME)
    for href in homes:
        home = session.server.local(href)
        if home is None:
            shelves.failures.append(Failure("the books of a user are on another server"))
            continue
        for each in listing(session, home, _ASKED):
            book = session.server.local(each.href)
            if book is not None and _BOOK in each.names(TYPE):
                shelves.add(book, each)
    return bool(homes)
