"""Listings of a WebDAV server (PROPFIND; RFC 4918, 9.1), and what is asked in them."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

from dsr.errors import StoreUnavailable
from dsr_carddav.multistatus import DAV, Malformed, Response, responses
from dsr_carddav.session import FAILED, Session, failed

__all__ = [
    "COLLECTION",
    "GONE",
    "NAMESPACES",
    "START",
    "TYPE",
    "XML",
    "Unlisted",
    "listing",
    "same_place",
]

COLLECTION: Final = DAV + "collection"
TYPE: Final = DAV + "resourcetype"
GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
XML: Final = {"content-type": "application/xml; charset=utf-8"}
#: How every document begins, and what its first element says of names.
START: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
NAMESPACES: Final = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'


class Unlisted(StoreUnavailable):
    """A listing was answered with a `status` that is none of success."""

    status = 0

    @classmethod
    def of(cls, session: Session, status: int) -> Unlisted:
        """Return what an answer of this status means."""
        fix = FAILED.get(status, "try again later")
        error = cls(session.server.store, failed(status), fix)
        error.status = status
        return error

    @property
    def is_gone(self) -> bool:
        """Whether what was to be listed is not there."""
        return self.status in GONE


def listing(session: Session, path: str, body: bytes, *, depth: str = "1") -> Iterator[Response]:
    """Yield what a PROPFIND gives. Raises `StoreUnavailable` if it fails."""
    headers = XML | {"depth": depth}
    with session.send("PROPFIND", path, headers, body) as answer:
        if answer.status != HTTPStatus.MULTI_STATUS:
            raise Unlisted.of(session, answer.status)
        try:
            for each in responses(answer.chunks()):
                if each.status == HTTPStatus.INSUFFICIENT_STORAGE:  # cut off (RFC 6578, 3.6)
                    raise Unlisted.of(session, each.status)
                yield each
        except Malformed as error:
            what = f"a listing cannot be read: {error}"
            raise StoreUnavailable(
                session.server.store, what, "is this a CardDAV server?"
            ) from None


def same_place(one: str, other: str) -> bool:
    """Return whether two paths are one."""
    return unquote_to_bytes(one).rstrip(b"/") == unquote_to_bytes(other).rstrip(b"/")
