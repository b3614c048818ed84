"""The package a person receives: records go in one by one, a ZIP comes out as a stream.

What is added waits in working space on disk, so memory does not grow with the number of
records; recordings are read while the ZIP is written, and never held.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import Final, Self

from attrs import evolve

from dsr.errors import ConfigurationError
from dsr.model import Do, Gap, PackageInfo, Record, Step
from dsr.package.answer import Held, answer
from dsr.package.cover import Cover
from dsr.package.index import Section, index
from dsr.package.manifest import Schema
from dsr.package.recordings import Backlog, Opened, Recording, extension, opened
from dsr.package.scratch import Scratch, Stream
from dsr.package.table import FILE, Table
from dsr.package.withheld import Tallies, rows
from dsr.package.writer import Writer

__all__ = ["Package"]

_PIECE: Final = 64 * 1024  # bytes that a piece of the ZIP has at least, but for the last
_UNSAFE: Final = re.compile(r"[^a-z0-9_-]+")
_UNREADABLE: Final = "the recording could not be read"
_CONTENT: Final = frozenset({"content"})
_VCARD: Final = "vcard"  # the field of a record that holds a whole vCard


class Package:
    """One package. A context manager; `add` everything, then take `chunks` or `stream` once.

    `gaps` are the contents that turned out to be unreadable; known once the ZIP is written.
    Their records are in the package, without the content.
    """

    _explained = "readme.text"  # what README.txt says

    def __init__(self, cover: Cover) -> None:
        """Start an empty package."""
        self.gaps: list[Gap] = []
        self._cover = cover
        self._text = cover.text
        self._scratch = Scratch()
        self._tables: dict[str, Section] = {}
        self._contacts = Stream(self._scratch)
        self._backlog = Backlog(self._scratch)
        self._withheld = Tallies()
        self._written = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the working space."""
        self._scratch.close()

    def add(self, step: Step, record: Record | None) -> None:
        """Take in a step: the record that an export hands over, or the reason for none.

        An export of some `fields` hands over these only. Raises `ValueError` for a verb that
        hands nothing over, an export without its record, and a refusal without its reason;
        `ConfigurationError` for a record whose category the policy does not name.
        """
        if not isinstance(step, Do):
            self._withheld.add(step)
            return
        if record is None or step.verb != "export":
            msg = "only exported records go into a package"
            raise ValueError(msg)
        section = self._tables.get(step.category) or self._section(step.category)
        data, content = record.data, record.content
        if step.fields:
            data = {name: data[name] for name in data if name in step.fields}
            content = content if "content" in step.fields else None
        if _VCARD in data:
            self._add_contact(data[_VCARD])
        if content is None:
            section.table.add(step.store, data, record.at)
        else:
            self._backlog.append(Recording(step, evolve(record, data=data)))

    def chunks(self) -> Iterator[bytes]:
        """Yield the ZIP in pieces of 64 to 320 KiB; the same data gives the same bytes.

        Raises `StoreError` when a recording breaks off while it is read: what was yielded so
        far is no ZIP then. Raises `DeliveryError` when the working space is full.
        """
        if self._written:
            msg = "a package is written once"
            raise RuntimeError(msg)
        self._written = True
        return _joined(self._zip())

    def stream(self) -> Generator[bytes, None, PackageInfo]:
        """Yield as `chunks` does; return the size and SHA-256 of it all, with an empty path."""
        digest, size = hashlib.sha256(), 0
        for piece in self.chunks():
            digest.update(piece)
            size += len(piece)
            yield piece
        return PackageInfo(path="", size=size, sha256=digest.hexdigest())

    def _section(self, category: str) -> Section:
        if category not in self._cover.categories:
            what = f"no policy names the category {category}"
            raise ConfigurationError(what, f"add [categories.{category}]")
        slug = base = _UNSAFE.sub("-", category.lower()).strip("-")[:60] or "data"
        taken = {each.slug for each in self._tables.values()}
        number = 2
        while slug in taken:
            slug, number = f"{base}-{number}", number + 1
        table = Table(self._scratch, self._cover.operator.zone)
        self._tables[category] = Section(self._cover.title(category), slug, table)
        return self._tables[category]

    def _add_contact(self, card: object) -> None:
        raw = card if isinstance(card, bytes) else str(card).encode(errors="replace")
        self._contacts.write(raw.rstrip(b"\r\n") + b"\r\n")

    def _zip(self) -> Iterator[bytes]:
        """Yield the members, the manifest last, and the ZIP's directory."""
        writer = Writer(self._cover, self._scratch)
        yield from writer.file("README.txt", [self._readme()])
        yield from self._recordings(writer)
        for section in self._tables.values():
            yield from self._data(section, writer)
        if self._contacts.size:
            yield from writer.file("contacts.vcf", self._contacts.chunks())
        yield from writer.file("withheld.json", [self._withheld.json(self._cover)])
        yield from self._papers(writer)
        yield from writer.end(self._title)

    @property
    def _title(self) -> str:
        portability = self._cover.request.right == "portability"
        return self._text("titles.portability" if portability else "titles.access")

    def _papers(self, writer: Writer) -> Iterator[bytes]:
        """Write what people read of it: the page, and the letter."""
        cover = self._cover
        sections, reasons = list(self._tables.values()), self._withheld.items()
        page = index(cover, sections, rows(cover, reasons), contacts=bool(self._contacts.size))
        yield from writer.file("index.html", page)
        letter = answer(cover, self._held(), reasons).encode(errors="replace")
        yield from writer.file("letter.html", [letter])

    def _readme(self) -> bytes:
        request, operator = self._cover.request, self._cover.operator
        made = self._text.date(self._cover.made.astimezone(operator.zone).date())
        text = self._text(
            self._explained,
            title=self._title,
            operator=operator.name,
            request=self._text("common.request", id=request.id),
            made=self._text("common.made", date=made),
        )
        return text.encode()

    def _held(self) -> dict[str, Held]:
        return {
            name: Held(each.table.count, [field for field in each.table.kinds if field != FILE])
            for name, each in self._tables.items()
        }

    def _recordings(self, writer: Writer) -> Iterator[bytes]:
        """Write the contents, and add their records to the tables: now it is known which exist."""
        number = 0
        with closing(opened(self._backlog)) as contents:
            for each in contents:
                (step, record), file = each.recording, None
                if isinstance(each, Opened):
                    number += 1
                    stem, ending = f"recordings/{number:04d}", extension(each.content)
                    file = f"{stem}.{ending}"
                    yield from writer.recording(each, stem, ending)
                else:
                    gap = Gap(step.store, step.category, step.key, _UNREADABLE, _CONTENT)
                    self._withheld.add(gap)
                    self.gaps.append(gap)
                self._tables[step.category].table.add(step.store, record.data, record.at, file)

    def _data(self, section: Section, writer: Writer) -> Iterator[bytes]:
        """Write the two files of a category."""
        table, stem = section.table, f"data/{section.slug}"
        columns = table.columns()
        exact = Schema([(each.name, each.kinds) for each in columns])
        about = f"{section.title}: {self._text('files.jsonl')}"
        yield from writer.file(f"{stem}.jsonl", table.jsonl(), schema=exact, about=about)
        guarded = Schema([(each.header, each.kinds) for each in columns])
        about = f"{section.title}: {self._text('files.csv')}"
        yield from writer.file(f"{stem}.csv", table.csv(), schema=guarded, about=about)


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces that are worth a write."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if not waiting and len(piece) >= _PIECE:
            yield piece
            continue
        waiting.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
