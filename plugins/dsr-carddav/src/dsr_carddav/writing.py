"""Cards deleted and changed over HTTP, each in the version that was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from attrs import define, field

from dsr.connectors.vcards.cards import Card
from dsr_carddav.books import Book, digest
from dsr_carddav.cards import only_card
from dsr_carddav.listing import Unlisted
from dsr_carddav.session import Session, failed

__all__ = ["Writer"]

_TRIES: Final = 5  # how often somebody else may change a card while it is written
_OK: Final = range(200, 300)
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_CHANGED: Final = HTTPStatus.PRECONDITION_FAILED  # the card is not the version that was named
_CARD: Final = "text/vcard; charset=utf-8"


@define
class Writer:
    """Changes the cards of one book; collects what went wrong, in words that name nobody."""

    session: Session
    book: Book
    problems: list[str] = field(factory=list)

    def delete(self, digests: set[str]) -> None:
        """Delete cards in the versions that are listed; again while somebody changes them."""
        met: set[int] = set()
        for _ in range(_TRIES):
            met = set()
            for path, tag in self._targets(digests).items():
                with self.session.send("DELETE", path, _if(tag)) as answer:
                    met.add(answer.status)
            if _CHANGED not in met:
                break
        for status in sorted(met):
            self._note(status)

    def change(self, edits: Mapping[str, Callable[[Card], Card]]) -> set[str]:
        """Change cards, by the digests of their paths; return those that are not there.

        An edit raises `ValueError` for what it cannot do.
        """
        left = set(edits)
        for path, tag in self._targets(left).items():
            if self._put(path, tag, edits[digest(path)]):
                left.discard(digest(path))
        return left

    def _targets(self, digests: set[str]) -> dict[str, str]:
        """Return the entity tags of cards by their paths."""
        try:
            entries = self.book.entries(self.session)
            return {each.path: each.etag for each in entries if digest(each.path) in digests}
        except Unlisted as error:
            self._note(error.status)
            return {}

    def _put(self, path: str, listed: str, edit: Callable[[Card], Card]) -> bool:
        """Change one card in the version that was read; return False if it is gone."""
        status: int = _CHANGED
        for _ in range(_TRIES):
            with self.session.send("GET", path) as answer:
                status, tag = answer.status, answer.etag or listed
                card = only_card(answer.body()) if status in _OK else None
            if card is None:
                break
            try:
                edited = edit(card)
            except ValueError as error:
                self.problems.append(str(error))
                return True
            if edited.raw == card.raw:
                return True
            headers = {"content-type": _CARD, **_if(tag)}
            with self.session.send("PUT", path, headers, edited.raw) as answer:
                status = answer.status
            if status != _CHANGED:
                break
        self._note(status)
        return status not in _GONE

    def _note(self, status: int) -> None:
        if status == _CHANGED:
            self.problems.append("somebody else keeps changing a card")
        elif status not in _OK and status not in _GONE:
            self.problems.append(f"a card: {failed(status)}")


def _if(tag: str) -> dict[str, str]:
    return {"if-match": tag} if tag else {}
