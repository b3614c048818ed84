"""The connector of log files: one record an entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen

from dsr.connectors.disk import text
from dsr.connectors.listing import Listed, Part, listing, parts
from dsr.connectors.logs.checking import findings
from dsr.connectors.logs.erasing import redact
from dsr.connectors.logs.file import Entry, LogFile
from dsr.connectors.logs.lines import Sides, links_of
from dsr.connectors.logs.reading import FAILURES, Damaged, unread
from dsr.connectors.logs.rotation import (
    ROTATING,
    followed,
    lock_until,
    packed_twin,
    plain_twin,
)
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.replacing import INTERRUPTED, leftovers
from dsr.match import Matcher
from dsr.model import Finding, Found, Identifier, Kind, Lock, Record, Unread

__all__ = ["Logs"]

_ACCEPTS: Final[frozenset[Kind]] = frozenset({"phone", "sip", "email", "account", "call", "ip"})


@frozen
class Logs:
    """Log files in a folder, plain or compressed, of which some may still be written.

    A record is one entry, which may have many lines; parts of it are named `line[48:61]`,
    counted in bytes. Entries are redacted, never removed: they speak of others too, and a
    daemon counts on its file.
    """

    name: str
    folder: Path = field(repr=False)
    category: str
    region: str
    files: tuple[str, ...] = ("*.log", "*.log.*")
    clock: Clock = field(factory=Clock)
    sides: Sides = field(factory=Sides)
    links: Mapping[Kind, re.Pattern[bytes]] = field(factory=dict)
    part: Part | None = None

    @property
    def accepts(self) -> frozenset[Kind]:
        """All kinds that can stand in a line."""
        return _ACCEPTS

    @property
    def categories(self) -> frozenset[str]:
        """The one category of these logs."""
        return frozenset({self.category})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Read every file once and yield the entries that speak of any of `who`."""
        matcher = Matcher([each for each in who if each.kind in _ACCEPTS], self.region)
        if self.part is None or self.part.number == 1:
            yield from (
                Unread(INTERRUPTED, self.category)
                for _ in leftovers(self.name, self.folder, self.files)
            )
        for part in self._parts():
            why = part.file.error
            if not why:
                try:
                    yield from self._read(part, matcher)
                except FAILURES as error:
                    why = unread(error)
            if why:
                yield Unread(f"{part} {why}", self.category)

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Cover the named parts of the entries, each with as many bytes.

        Raises `StoreUnavailable` if the folder is not there. Raises `Refused`, after all else
        was done, if an entry is not where it was read, a file cannot be rewritten or is being
        compressed, or a field is no part of an entry.
        """
        redact(self.name, self.folder, self._listing(), self.clock, fields)

    def split(self) -> Sequence[Logs]:
        """Return one connector a file."""
        return [evolve(self, part=part) for part in self._parts()]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the files, not allowed, left behind or slow."""
        return findings(self.name, self.folder, self.files, self._parts(), self.clock)

    def _parts(self) -> list[Part]:
        if self.part is not None:
            return [self.part]
        skip = {each.path for each in leftovers(self.name, self.folder, self.files)}
        return parts(self.name, self.folder, self.files, skip)

    def _listing(self) -> list[Listed]:
        skip = {each.path for each in leftovers(self.name, self.folder, self.files)}
        return [
            each for each in listing(self.name, self.folder, self.files) if each.path not in skip
        ]

    def _read(self, part: Part, matcher: Matcher) -> Iterator[Found]:
        """Yield what is in one file, which may have got another name since it was listed."""
        now = self._listing()
        part = followed(part, now) or part
        path = part.file.path
        paths = {each.path for each in now}
        plain, packed = plain_twin(path, paths), packed_twin(path, paths)
        twins = [each for each in (path, plain or packed) if plain or packed]
        lock = Lock(ROTATING, lock_until(self.folder, twins)) if twins else None
        links = self._file_links(part.file)
        file = LogFile(self.folder, part.file, self.clock, known_alone=bool(plain))
        try:
            for entry in file.records(matcher):
                yield from self._found(path, entry, lock, links)
        except Damaged:
            if not plain:  # else all that it will hold was read in the file it is made of
                raise

    def _file_links(self, file: Listed) -> tuple[Identifier, ...]:
        """Return what all entries of a file lead to: nothing, where it is no record itself."""
        del file
        return ()

    def _data(self, path: bytes, entry: Entry) -> dict[str, object]:
        """Return the fields of an entry."""
        return {"file": text(path), "line": text(entry.text)}

    def _found(
        self, path: bytes, entry: Entry, lock: Lock | None, links: tuple[Identifier, ...]
    ) -> Iterator[Found]:
        said = self.sides.read(entry.text, entry.matches)
        record = Record(
            key=str(entry.key),
            category=self.category,
            data=self._data(path, entry),
            at=entry.at,
            personal=said.personal,
            links=(*links_of(entry.text, self.links, self.region), *links),
            lock=lock,
        )
        for who, about in said.about.items():
            yield Found(who, record, about)
