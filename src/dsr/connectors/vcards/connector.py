"""The connector of vCard files."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attrs import define, evolve, field, frozen

from dsr.connectors.aging import check_anchor
from dsr.connectors.disk import reason, text
from dsr.connectors.listing import Part, listing, parts, walk
from dsr.connectors.lookup import Keys, Lookup
from dsr.connectors.replacing import INTERRUPTED, Changed, leftovers, replacing, sync
from dsr.connectors.vcards.books import Broken, cards, rewritten
from dsr.connectors.vcards.cards import Card
from dsr.connectors.vcards.marks import Marks
from dsr.connectors.vcards.mentions import Place, mentioned
from dsr.connectors.vcards.people import OWN, People
from dsr.errors import Refused
from dsr.model import Finding, Found, Identifier, Kind, Record, Unread

__all__ = ["VCards"]

T = TypeVar("T")

_OWNERS: Final[frozenset[Kind]] = frozenset({"account", "sip"})
_NAME: Final = re.compile(r"[a-z0-9-]+")
_FIXED: Final = frozenset({"vcard", "version", "uid", "begin", "end"})
_GROUP: Final = 500  # files a part
_LIKE_CARDS: Final = tuple(f"**/*.{each}" for each in ("vcf", "vcard", "jcf", "jcard"))
_Edit = Callable[[Card, frozenset[str]], Card | None]
_BOOKS: Final = frozenset({"source"})  # what tells in whose book a card is (RFC 6350, 6.1.3)


@frozen
class VCards:
    """A folder of vCards.

    A card's key is its file and its UID or, without one of its own, a digest of its bytes;
    cards with the same bytes in one file are one record. `data` has the raw card as `vcard` and
    each property by its name: a text, or a list of texts where there are several. Whose book it
    is in, neither tells, but to its owner.

    What another person's card says of somebody (`dsr.connectors.vcards.mentions`) is a record of
    its own.
    """

    name: str
    folder: Path = field(repr=False)
    category: str
    region: str
    files: tuple[str, ...]
    owner: Keys | None = None
    parts: tuple[Part, ...] | None = None

    @property
    def accepts(self) -> frozenset[Kind]:
        """What cards hold and, where paths name it, the owner."""
        return OWN | (self.owner.accepts & _OWNERS if self.owner else frozenset())

    @property
    def categories(self) -> frozenset[str]:
        """The one category of these books."""
        return frozenset({self.category})

    def owners(self, category: str) -> frozenset[Kind]:
        """Return the kinds that paths name: a card found by a number alone may be anybody's."""
        named = self.owner.accepts & _OWNERS if self.owner else frozenset[Kind]()
        return named if category == self.category else frozenset()

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Read every file once and yield the cards that speak of any of `who`."""
        people = People.of(who, self.region)
        owning = [each for each in who if each.kind in _OWNERS]
        owners = Lookup(self.owner, owning) if self.owner else None
        yield from self._of_parts(lambda part: self._read(part, people, owners))

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        """Yield every card that was last revised (REV) before `before`.

        A card without REV, or with one that names no zone, has no time. A mention goes with the
        card that it is in.
        """
        check_anchor(self.name, category, anchor)
        if category != self.category:
            return iter(())
        return self._of_parts(lambda part: self._aged(part, before))

    def erase(self, keys: Sequence[str]) -> None:
        """Remove the cards, and cover the mentions; a file without cards goes with its last one.

        Raises `Refused` if a file cannot be written, after all others were.
        """
        doomed: dict[bytes, _Doomed] = {}
        for key in keys:
            path, mark, place = _parsed(key)
            own = doomed.setdefault(path, _Doomed())
            if place:
                own.places.setdefault(mark, []).append(place)
            else:
                own.cards.add(mark)
        next(self._parts(), None)  # a folder that is not mounted is not an empty one
        problems = []
        for path, own in sorted(doomed.items(), key=itemgetter(0)):
            problems += self._rewrite(path, own.rest)
        if problems:
            raise Refused(self.name, "; ".join(dict.fromkeys(problems)), "run the request again")

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set properties of a card: a text, or a list of texts for one that stands several times.

        REV stays as it is: it is the owner's time of change, and a card's place in a tenure.
        Raises `Refused` if the card is gone, or cannot hold the value, and `StoreUnavailable`.
        """
        path, mark, place = _parsed(key)
        if place:
            raise Refused(self.name, "a mention is no card", "correct the card that it is in")
        values = {name.lower(): _values(value) for name, value in changes.items()}
        if any(name in _FIXED or not _NAME.fullmatch(name) for name in values):
            raise Refused(self.name, "one of these is no property that can be set")
        next(self._parts(), None)  # a folder that is not mounted is not an empty one
        met = False

        def corrected(card: Card, own: frozenset[str]) -> Card:
            nonlocal met
            if mark in own:
                met = True
                for name, texts in values.items():
                    card = card.changed(name, texts)
            return card

        try:
            problems = self._rewrite(path, corrected)
        except ValueError as error:
            raise Refused(self.name, str(error)) from None
        if problems or not met:
            what = "; ".join(problems) or "the card is not there any more"
            raise Refused(self.name, what, "plan again")

    def split(self) -> Sequence[VCards]:
        """Return connectors of up to 500 files each."""
        whole = self.parts or tuple(parts(self.name, self.folder, self.files))
        groups = (whole[start : start + _GROUP] for start in range(0, len(whole), _GROUP))
        return [evolve(self, parts=group) for group in groups]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the folder, not allowed in it, and what would stay behind."""
        found = self.parts or parts(self.name, self.folder, self.files)
        rests = leftovers(self.name, self.folder, self.files)
        findings = [Finding("fault", INTERRUPTED) for _ in rests]
        if not found:
            text = f"no file matches {', '.join(self.files)}: correct path or files"
            findings.append(Finding("fault", text))
        for part in found:
            path = self._path(part.file.path)
            if part.file.error or not os.access(path, os.R_OK):
                findings.append(Finding("right", f"{part} cannot be read"))
            elif not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
                text = f"{part} is not writable, so nothing in it can be erased"
                findings.append(Finding("right", text))
        return [*findings, *self._left(len(found))]

    def _left(self, count: int) -> Iterator[Finding]:
        like = len(listing(self.name, self.folder, _LIKE_CARDS))
        if like > count:
            text = f"{like - count} files that look like cards are not read: name them in files"
            yield Finding("left", text)
        if any(True for _ in self.folder.rglob(".Radicale.*")):
            text = "Radicale keeps copies of its cards in caches: reach it over HTTP instead"
            yield Finding("left", text)

    def _parts(self) -> Iterator[Part]:
        """Yield the files, without having counted them."""
        if self.parts is not None:
            yield from self.parts
            return
        for number, each in enumerate(walk(self.name, self.folder, self.files), 1):
            yield Part(each, number)

    def _path(self, path: bytes) -> Path:
        return self.folder / os.fsdecode(path)

    def _of_parts(self, read: Callable[[Part], Iterator[T | Unread]]) -> Iterator[T | Unread]:
        """Yield what `read` gives of each file, and what could not be read."""
        if self.parts is None or self.parts[0].number == 1:
            for _ in leftovers(self.name, self.folder, self.files):
                yield Unread(INTERRUPTED, self.category)
        for part in self._parts():
            why = part.file.error
            if not why:
                try:
                    yield from read(part)
                except FileNotFoundError:  # erased by its owner meanwhile
                    continue
                except OSError as error:
                    why = f"cannot be read ({reason(error)})"
            if why:
                yield Unread(f"{part}: {why}", self.category)

    def _aged(self, part: Part, before: dt.datetime) -> Iterator[Record | Unread]:
        path = part.file.path
        marks: Marks | None = None
        with self._path(path).open("rb") as file, ExitStack() as stack:
            for number, card in enumerate(cards(file), 1):
                if isinstance(card, Broken):
                    yield Unread(f"{part}: card {number} {card.why}", self.category)
                    continue
                if card.revised is None or card.revised >= before:
                    continue
                marks = marks or stack.enter_context(Marks.of(self._path(path)))
                mark = marks.first(card)
                if mark:
                    key = f"{quote_from_bytes(path)}:{mark}"
                    yield self._record(key, card, is_owners=False)

    def _read(self, part: Part, people: People, owners: Lookup | None) -> Iterator[Found | Unread]:
        path = part.file.path
        hit = owners.match(text(path)) if owners else None
        mine = hit.who if hit else ()
        marks: Marks | None = None
        with self._path(path).open("rb") as file, ExitStack() as stack:
            for number, card in enumerate(cards(file), 1):
                if isinstance(card, Broken):
                    yield Unread(f"{part}: card {number} {card.why}", self.category)
                    continue
                who = dict.fromkeys((*mine, *people.of_card(card)))
                mentions = [each for each in people.mentions(card) if each.who not in who]
                if not (who or mentions):
                    continue
                marks = marks or stack.enter_context(Marks.of(self._path(path)))
                mark = marks.first(card)
                if not mark:
                    continue
                key = f"{quote_from_bytes(path)}:{mark}"
                if who:
                    record = self._record(key, card, is_owners=bool(mine))
                    yield from (Found(each, record, record.personal) for each in who)
                yield from mentioned(key, self.category, card, mentions)

    def _record(self, key: str, card: Card, *, is_owners: bool) -> Record:
        """Return a card as a record; only its book's owner may read whose book it is in."""
        if not is_owners:
            card = card.without([each for each in card.properties if each.name in _BOOKS])
        data: dict[str, str | bytes | list[str]] = {"vcard": card.text}
        for each in card.properties:
            if not each.binary:  # a picture is in the card itself
                known = data.setdefault(each.name, [])
                assert isinstance(known, list)  # noqa: S101  (for the type checker)
                known.append(each.value)
        for name, values in data.items():
            if isinstance(values, list) and len(values) == 1:
                data[name] = values[0]
        about = frozenset(name for name, value in data.items() if any(value)) - _BOOKS
        return Record(key, self.category, data, at=card.revised, personal=about)

    def _rewrite(self, path: bytes, edit: _Edit) -> list[str]:
        """Replace each card by what `edit` makes of it and its marks; return what went wrong.

        `edit` returns None for a card that goes.
        """
        try:
            self._replace(self._path(path), edit)
        except FileNotFoundError:
            return []
        except Changed:
            return ["somebody else changed a file meanwhile"]
        except OSError as error:
            return [f"a file cannot be written ({reason(error)})"]
        return []

    def _replace(self, path: Path, edit: _Edit) -> None:
        with (
            Marks.of(path) as marks,
            path.open("rb") as file,
            replacing(path, keep_time=False) as new,
        ):
            done = rewritten(file, new.file, lambda card: edit(card, marks.all(card)))
            new.wanted = done.is_changed and done.is_left
        if done.is_changed and not done.is_left:
            path.unlink()
            sync(path.parent)


@define
class _Doomed:
    """What goes of a file: cards by their marks, and mentions in cards."""

    cards: set[str] = field(factory=set)
    places: dict[str, list[Place]] = field(factory=dict)

    def rest(self, card: Card, own: frozenset[str]) -> Card | None:
        """Return what stays of a card with these marks."""
        if own & self.cards:
            return None
        for mark in own & self.places.keys():
            for place in self.places[mark]:
                card = place.covered(card)
        return card


def _parsed(key: str) -> tuple[bytes, str, Place | None]:
    """Return the file of a key, the mark of the card in it, and the place of a mention."""
    path, _, rest = key.rpartition(":")
    mark, _, place = rest.partition("/")
    return unquote_to_bytes(path), mark, Place.read(place)


def _values(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
