"""The connector of log files: one record a line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen

from dsr.connectors.disk import reason, text
from dsr.connectors.listing import Part, parts
from dsr.connectors.logs.keys import LineKey
from dsr.connectors.logs.lines import Sides, links_of
from dsr.connectors.logs.reading import Damaged, Rotated, Unsupported, blocks, is_compressed, pieces
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.logs.writing import Edit, moment_of, redact_file
from dsr.connectors.replacing import INTERRUPTED, leftovers
from dsr.errors import Refused
from dsr.match import Match, Matcher
from dsr.model import Finding, Found, Identifier, Kind, Record, Unread

__all__ = ["Logs"]

_ACCEPTS: Final[frozenset[Kind]] = frozenset({"phone", "sip", "email", "account", "call", "ip"})
_PART: Final = re.compile(r"line(?:\[(\d+):(\d+)\])?")
#: journald writes a message that is no UTF-8 as a list of numbers.
_BYTE_LISTS: Final = (b'"MESSAGE":[', b'"MESSAGE" : [')
_AGAIN: Final = "plan again"


@frozen
class Logs:
    """Log files in a folder, plain or compressed, of which some may still be written.

    A record is one line; parts of it are named `line[48:61]`, counted in bytes. Lines are
    redacted, never removed: they speak of others too, and a daemon counts on its file.
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
        """Read every file once and yield the lines that speak of any of `who`."""
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
                except FileNotFoundError:
                    why = "is gone, its log was rotated: read again"
                except Rotated:
                    why = "is not the file it was, its log was rotated: read again"
                except Unsupported as error:
                    why = f"is compressed as {error}, which cannot be read: unpack it"
                except Damaged:
                    why = "is damaged, the text behind the damage cannot be read"
                except OSError as error:
                    why = f"cannot be read ({reason(error)})"
            if why:
                yield Unread(f"{part} {why}", self.category)

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Cover the named parts of the lines, each with as many bytes.

        Raises `StoreUnavailable` if the folder is not there. Raises `Refused`, after all else
        was done, if a line is not where it was read, a file cannot be rewritten, or a field is
        no part of a line.
        """
        problems: list[str] = []
        edits = [edit for key, names in fields.items() if (edit := _edit(key, names))]
        if len(edits) < len(fields):
            problems.append("what is not a part of a line cannot be redacted")
        edits.sort(key=lambda edit: edit.key.path)
        parts(self.name, self.folder, self.files)  # a folder not mounted is no rotated log
        for path, group in groupby(edits, key=lambda edit: edit.key.path):
            try:
                if redact_file(self.folder, path, list(group), self.clock):
                    problems.append("the log was rotated since it was read")
            except (FileNotFoundError, Rotated):
                problems.append("the log was rotated since it was read")
            except (Damaged, Unsupported):
                problems.append("a compressed file is damaged or of a kind that is not written")
            except OSError as error:
                problems.append(f"a file cannot be written ({reason(error)})")
        if problems:
            raise Refused(self.name, "; ".join(dict.fromkeys(problems)), _AGAIN)

    def split(self) -> Sequence[Logs]:
        """Return one connector a file."""
        return [evolve(self, part=part) for part in self._parts()]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the files: none, unreadable, not writable, no time zone."""
        found = self._parts()
        if not found:
            text = f"no file matches {', '.join(self.files)}: correct path or files"
            return [Finding("fault", text)]
        findings = [each for part in found for each in self._check(part)]
        rests = leftovers(self.name, self.folder, self.files)
        return findings + [Finding("fault", INTERRUPTED) for _ in rests]

    def _check(self, part: Part) -> Iterator[Finding]:
        path = self.folder / os.fsdecode(part.file.path)
        try:
            _, block = next(blocks(pieces(self.folder, part.file)), (0, b""))
        except (OSError, Damaged, Unsupported, Rotated):
            yield Finding("right", f"{part} cannot be read")
            return
        if not os.access(path, os.W_OK):
            text = f"{part} is not writable, so nothing in it can be redacted"
            yield Finding("right", text)
        stamp = self.clock.read(block.partition(b"\n")[0], part.file.modified)
        if stamp.text and stamp.at is None and self.clock.zone is None:
            text = f"{part} has time stamps without a zone: set stores.{self.name}.timezone"
            yield Finding("fault", text)

    def _parts(self) -> list[Part]:
        if self.part is not None:
            return [self.part]
        skip = {each.path for each in leftovers(self.name, self.folder, self.files)}
        return parts(self.name, self.folder, self.files, skip)

    def _read(self, part: Part, matcher: Matcher) -> Iterator[Found | Unread]:
        inode = 0 if is_compressed(self.folder, part.file) else part.file.inode
        told = False
        for offset, block in blocks(pieces(self.folder, part.file)):
            for start, line, matches in _lines(block, matcher):
                yield from self._found(part, offset + start, line, matches, inode)
            if not told and any(each in block for each in _BYTE_LISTS):
                told = True
                why = f"{part} has messages written as lists of bytes, which are not searched"
                yield Unread(why, self.category)

    def _found(
        self, part: Part, offset: int, line: bytes, matches: Sequence[Match], inode: int
    ) -> Iterator[Found]:
        stamp = self.clock.read(line, part.file.modified)
        said = self.sides.read(line, matches)
        key = LineKey.of(part.file.path, offset, line, moment_of(stamp.text, inode))
        record = Record(
            key=str(key),
            category=self.category,
            data={"file": text(part.file.path), "line": text(line)},
            at=stamp.at,
            personal=said.personal,
            links=links_of(line, self.links, self.region),
        )
        for who, about in said.about.items():
            yield Found(who, record, about)


def _edit(key: str, names: frozenset[str]) -> Edit | None:
    """Return what to cover; None if the key is none of ours, or a name no part of a line."""
    try:
        line = LineKey.parse(key)
    except ValueError:
        return None
    spans = []
    for name in names:
        told = _PART.fullmatch(name)
        if told is None:
            return None
        spans.append((int(told[1]), int(told[2])) if told[1] else (0, line.length))
    return Edit(line, tuple(spans))


def _lines(block: bytes, matcher: Matcher) -> Iterator[tuple[int, bytes, list[Match]]]:
    """Yield each line with a match: where it starts, its text, and the matches in it."""

    def start_of(match: Match) -> int:
        return block.rfind(b"\n", 0, match.start) + 1

    for start, group in groupby(matcher.scan(block), key=start_of):
        end = block.find(b"\n", start)
        line = block[start : end if end >= 0 else len(block)].removesuffix(b"\r")
        yield start, line, [Match(a - start, b - start, who) for a, b, who in group]
