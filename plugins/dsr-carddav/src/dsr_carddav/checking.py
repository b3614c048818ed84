"""What `dsr check` says of a CardDAV server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsr.model import Finding
from dsr_carddav.parts import Part
from dsr_carddav.radicale import Radicale

__all__ = ["findings"]

#: True of every server.
_COPIES = "phones and programs keep their copy of an erased card until they synchronise next"
_HISTORY = (
    "a server that notes deletions keeps the file names of erased cards for a while; of Radicale"
    " they go when radicale_folder is set"
)


def findings(parts: Sequence[Part], radicale: Radicale | None) -> Iterator[Finding]:
    """Yield what discovery showed, and what is true of any CardDAV server."""
    books = [(each, each.book) for each in parts if each.book is not None]
    if not books:
        yield Finding("fault", "the login sees no address book: check url, user and books")
    for part in parts:
        for failure in part.failures:
            yield Finding("right", failure.why)
    for part, book in books:
        if book.writable is False:
            yield Finding("right", f"{part}: the login may only read it")
        for problem in dict.fromkeys(radicale.problems(book)) if radicale else ():
            yield Finding(problem.kind, f"{part}: {problem.text}")
    yield Finding("left", _COPIES)
    if radicale is None:
        yield Finding("left", _HISTORY)
