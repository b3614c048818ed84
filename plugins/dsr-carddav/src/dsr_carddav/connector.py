"""Address books on a CardDAV server, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from urllib.parse import unquote

from attrs import evolve, field, frozen

from dsr.connectors.lookup import Keys
from dsr.connectors.vcards.cards import Card
from dsr.errors import Refused
from dsr.model import Finding, Found, Identifier, Kind, Unread
from dsr_carddav.books import Book, Failure, digest
from dsr_carddav.cards import found_in, only_card, rectified, to_erase, to_redact
from dsr_carddav.checking import findings
from dsr_carddav.discovery import found_books
from dsr_carddav.listing import Unlisted
from dsr_carddav.parts import Part
from dsr_carddav.people import Batch, accepted, owning
from dsr_carddav.radicale import Radicale
from dsr_carddav.session import Server, Session, failed
from dsr_carddav.traces import found_in_trace, trace
from dsr_carddav.writing import Writer

__all__ = ["CardDav"]


@frozen
class CardDav:
    """The address books that a login may see.

    A record is a card. Its key is made of digests of the book's and the card's path, so that
    neither key nor data tells whose book it is. `data` has the raw card as `vcard` and each
    property by its name: a text, or a list of texts where there are several. What another
    person's card says of somebody (`dsr.connectors.vcards.mentions`) is a record of its own.
    """

    name: str
    server: Server
    category: str
    region: str
    books: tuple[str, ...] = field(default=(), repr=False)
    owner: Keys | None = None
    radicale: Radicale | None = None
    part: Part | None = None

    @property
    def accepts(self) -> frozenset[Kind]:
        """What cards hold and, where paths name it, the owner."""
        return accepted(self.owner)

    @property
    def categories(self) -> frozenset[str]:
        """The one category of these books."""
        return frozenset({self.category})

    def owners(self, category: str) -> frozenset[Kind]:
        """Return what tells whose a card is: one found by a number alone may be anybody's."""
        return owning(self.owner) if category == self.category else frozenset()

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Read every card once and yield those that speak of any of `who`."""
        if not who:
            return
        batch = Batch.of(who, self.region, self.owner)
        with self.server.session() as session:
            for part in self._parts(session):
                for failure in part.failures:
                    yield Unread(failure.why, self.category)
                if part.book is not None:
                    yield from self._read(session, part, part.book, batch)

    def erase(self, keys: Sequence[str]) -> None:
        """Remove the cards, each in the version that the server lists now, and cover mentions.

        Raises `Refused` if a card or what Radicale remembers of it stays, after all others went.
        """
        orders = to_erase(keys)

        def write(writer: Writer, cards: Mapping[str, str]) -> None:
            whole = {card for card, key in cards.items() if orders[key].whole}
            self._delete(writer, whole)
            rest = cards.keys() - whole
            writer.change({each: orders[cards[each]].edit for each in rest})

        self._write(orders, write)

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Empty properties; all other lines of a card stay as they are.

        Raises `Refused` if a card stays as it was, after all others were written.
        """
        orders = to_redact(fields)

        def write(writer: Writer, cards: Mapping[str, str]) -> None:
            gone = writer.change({each: orders[key].edit for each, key in cards.items()})
            self._redact_traces(writer, {each: orders[cards[each]].fields for each in gone})

        self._write(orders, write)

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set properties of a card: a text, or a list of texts for one that stands several times.

        Raises `Refused` if the card is gone, or cannot hold the value.
        """
        if "/" in key:
            raise Refused(self.name, "a mention is no card", "correct the card that it is in")
        left = {key}

        def write(writer: Writer, cards: Mapping[str, str]) -> None:
            edit: Callable[[Card], Card] = partial(rectified, changes=changes)
            if not writer.change(dict.fromkeys(cards, edit)):
                left.clear()

        self._write([key], write)
        if left:
            raise Refused(self.name, "the card is not there any more", "plan again")

    def split(self) -> Sequence[CardDav]:
        """Return a connector for each book."""
        with self.server.session() as session:
            return [evolve(self, part=each) for each in self._parts(session)]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong, not allowed, or left behind. Raises `StoreUnavailable`."""
        with self.server.session() as session:
            parts = self._parts(session)
            if self.radicale:
                self.radicale.check_there()
            return list(findings(parts, self.radicale))

    def _parts(self, session: Session) -> Sequence[Part]:
        if self.part is not None:
            return [self.part]
        shelves = found_books(session, self.books)
        books = [shelves.books[each] for each in sorted(shelves.books)]
        parts = [Part(number, len(books), each) for number, each in enumerate(books, 1)]
        if shelves.failures:
            parts.append(Part(0, len(books), None, tuple(shelves.failures)))
        return parts

    def _read(
        self, session: Session, part: Part, book: Book, batch: Batch
    ) -> Iterator[Found | Unread]:
        owners = batch.owners(unquote(book.path.removeprefix(self.server.path)).strip("/"))
        try:
            for each in book.cards(session):
                if isinstance(each, Failure):
                    yield Unread(f"{part}: a card: {each.why}", self.category)
                elif (card := only_card(each.raw)) is None:
                    why = f"{part}: something in it is not one whole card"
                    yield Unread(why, self.category)
                else:
                    key = f"{book.digest}-{digest(each.path)}"
                    yield from found_in(card, key, self.category, batch.people, owners)
        except Unlisted as error:
            if not error.is_gone:  # else its owner removed it meanwhile
                yield Unread(f"{part}: {failed(error.status)}", self.category)
            return
        if self.radicale:
            for gone in self.radicale.traces(book):
                yield from found_in_trace(gone, self.category, batch, owners)

    def _write(
        self, keys: Iterable[str], write: Callable[[Writer, Mapping[str, str]], None]
    ) -> None:
        """Call `write` for each book that the keys are of, with its cards' digests and keys.

        Raises `Refused` with what went wrong, after all others were written.
        """
        wanted: dict[str, dict[str, str]] = {}
        for key in keys:
            book, _, card = key.partition("-")
            wanted.setdefault(book, {})[card] = key
        problems: list[str] = []
        with self.server.session() as session:
            if self.radicale:
                self.radicale.check_there()
            for part in self._parts(session):
                if part.book is not None and (cards := wanted.pop(part.book.digest, None)):
                    writer = Writer(session, part.book)
                    write(writer, cards)
                    problems += writer.problems
                if part.failures and wanted:
                    problems.append("not all address books can be listed")
        if problems:
            raise Refused(self.name, "; ".join(dict.fromkeys(problems)), "run the request again")

    def _delete(self, writer: Writer, digests: set[str]) -> None:
        """Delete cards, and what Radicale remembers of them, or would."""
        if not digests:
            return
        if self.radicale:  # before: Radicale then has no history to note the deletion in
            self.radicale.forget(writer.book, digests)
        writer.delete(digests)
        if self.radicale:  # again: a client may have asked in between
            self.radicale.forget(writer.book, digests)

    def _redact_traces(self, writer: Writer, asked: Mapping[str, Collection[str]]) -> None:
        """Remove what Radicale remembers of these cards, which are gone."""
        if self.radicale is None or not asked:
            return
        whole = set()
        for gone in self.radicale.traces(writer.book):
            if gone.card in asked:
                if trace(gone, self.category).personal <= set(asked[gone.card]):
                    whole.add(gone.card)
                else:
                    writer.problems.append("a copy of a card that is gone can only go as a whole")
        if whole:
            self.radicale.forget(writer.book, whole)
