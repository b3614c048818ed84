"""The connector of vCard files."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attrs import evolve, field, frozen

from dsr.connectors.disk import reason, text
from dsr.connectors.listing import Part, parts
from dsr.connectors.lookup import Keys, Lookup
from dsr.connectors.replacing import INTERRUPTED, Changed, leftovers, replacing, sync
from dsr.connectors.vcards.cards import Card, cut
from dsr.connectors.vcards.marks import Marks
from dsr.connectors.vcards.people import OWN, People
from dsr.errors import Refused
from dsr.model import Finding, Found, Identifier, Kind, Record, Unread

__all__ = ["VCards"]

_OWNERS: Final[frozenset[Kind]] = frozenset({"account", "sip"})
_NAME: Final = re.compile(r"[a-z0-9-]+")
_FIXED: Final = frozenset({"vcard", "version", "uid", "begin", "end"})
_GROUP: Final = 500  # files a part


@frozen
class VCards:
    """A folder of vCards.

    A card's key is its file and its UID or, without one of its own, a digest of its bytes;
    cards with the same bytes in one file are one record. `data` has the raw card as `vcard` and
    each property by its name: a text, or a list of texts where there are several.
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

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Read every file once and yield the cards that speak of any of `who`."""
        people = People.of(who, self.region)
        owning = [each for each in who if each.kind in _OWNERS]
        owners = Lookup(self.owner, owning) if self.owner else None
        if self.parts is None or self.parts[0].number == 1:
            for _ in leftovers(self.name, self.folder, self.files):
                yield Unread(INTERRUPTED, self.category)
        for part in self._parts():
            why = part.file.error
            if not why:
                try:
                    yield from self._read(part, people, owners)
                except FileNotFoundError:  # erased by its owner meanwhile
                    continue
                except OSError as error:
                    why = f"cannot be read ({reason(error)})"
            if why:
                yield Unread(f"{part}: {why}", self.category)

    def erase(self, keys: Sequence[str]) -> None:
        """Remove the cards; a file in which nothing else is left goes with them.

        Raises `Refused` if a file cannot be written, after all others were.
        """
        doomed: dict[bytes, set[str]] = {}
        for key in keys:
            path, mark = _place(key)
            doomed.setdefault(path, set()).add(mark)
        self._parts()  # a folder that is not mounted is not an empty one
        problems = []
        for path, marks in sorted(doomed.items()):

            def without(card: Card, own: frozenset[str], gone: set[str] = marks) -> Card | None:
                return None if own & gone else card

            problems += self._rewrite(path, without)
        if problems:
            raise Refused(self.name, "; ".join(dict.fromkeys(problems)), "run the request again")

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set properties of a card: a text, or a list of texts for one that stands several times.

        Raises `Refused` if the card is gone, or cannot hold the value.
        """
        path, mark = _place(key)
        values = {name.lower(): _values(value) for name, value in changes.items()}
        if any(name in _FIXED or not _NAME.fullmatch(name) for name in values):
            raise Refused(self.name, "one of these is no property that can be set")
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
        whole = tuple(self._parts())
        groups = (whole[start : start + _GROUP] for start in range(0, len(whole), _GROUP))
        return [evolve(self, parts=group) for group in groups]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the folder: no files, not writable, interrupted writing."""
        found = self._parts()
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
        return findings

    def _parts(self) -> Sequence[Part]:
        if self.parts is not None:
            return self.parts
        return parts(self.name, self.folder, self.files)

    def _path(self, path: bytes) -> Path:
        return self.folder / os.fsdecode(path)

    def _read(self, part: Part, people: People, owners: Lookup | None) -> Iterator[Found | Unread]:
        path = part.file.path
        hit = owners.match(text(path)) if owners else None
        marks: Marks | None = None
        numbers = count(1)
        with self._path(path).open("rb") as file:
            for piece in cut(file):
                number = 0 if piece.sort == "blank" else next(numbers)
                if piece.sort == "broken":
                    yield Unread(f"{part}: card {number} has no begin or no end", self.category)
                if piece.sort != "card":
                    continue
                card = Card(piece.raw)
                who = dict.fromkeys((*(hit.who if hit else ()), *people.of_card(card)))
                if not who:
                    continue
                marks = marks or Marks.of(self._path(path))
                mark = marks.first(card)
                if mark:
                    record = self._record(f"{quote_from_bytes(path)}:{mark}", card)
                    for each in who:
                        yield Found(each, record, record.personal)

    def _record(self, key: str, card: Card) -> Record:
        data: dict[str, str | bytes | list[str]] = {"vcard": card.text}
        for each in card.properties:
            if not each.binary:  # a picture is in the card itself
                known = data.setdefault(each.name, [])
                assert isinstance(known, list)  # noqa: S101  (for the type checker)
                known.append(each.value)
        for name, values in data.items():
            if isinstance(values, list) and len(values) == 1:
                data[name] = values[0]
        about = frozenset(name for name, value in data.items() if any(value))
        return Record(key, self.category, data, at=_moment(data.get("rev")), personal=about)

    def _rewrite(
        self, path: bytes, edit: Callable[[Card, frozenset[str]], Card | None]
    ) -> list[str]:
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

    def _replace(self, path: Path, edit: Callable[[Card, frozenset[str]], Card | None]) -> None:
        marks = Marks.of(path)
        changed = left = False
        with path.open("rb") as file, replacing(path, keep_time=False) as new:
            for piece in cut(file):
                raw = piece.raw
                if piece.sort == "card":
                    card = Card(raw)
                    edited = edit(card, marks.all(card))
                    raw = edited.raw if edited else b""
                    changed |= raw != piece.raw
                left |= bool(raw.strip())
                new.file.write(raw)
            new.wanted = changed and left
        if changed and not left:
            path.unlink()
            sync(path.parent)


def _place(key: str) -> tuple[bytes, str]:
    """Return the file of a key, and the mark of the card in it."""
    path, _, mark = key.rpartition(":")
    return unquote_to_bytes(path), mark


def _values(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]


def _moment(rev: object) -> dt.datetime | None:
    """Return when the card was last changed; None where it does not say, with its zone."""
    try:
        moment = dt.datetime.fromisoformat(rev) if isinstance(rev, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
