"""Rotated log files as records, each a whole."""

from __future__ import annotations

import datetime as dt
import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen

from dsr.connectors.disk import reason, text
from dsr.connectors.listing import Listed, Part, listing, parts
from dsr.connectors.logs.reading import FAILURES, Damaged, Rotated, Unsupported, unread
from dsr.connectors.logs.rotation import ROTATING, is_rotated, lock_until, packed_twin, plain_twin
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.logs.whole import Undated, file_key, last_entry
from dsr.connectors.replacing import INTERRUPTED, leftovers, sync
from dsr.errors import ConfigurationError, Refused
from dsr.model import Finding, Found, Identifier, Kind, Lock, Record, Unread

__all__ = ["WRITTEN", "LogFiles"]

#: The field that periods are counted from: when the last entry was written.
WRITTEN: Final = "written"
_LINKED: Final = "it has another name (a hard link): remove that first"
_UNDATED: Final = (
    "has time stamps that tell no time, so its age is not known: set timezone, if they name none"
)
_ACCEPTS: Final[frozenset[Kind]] = frozenset({"object"})
_LEFT: Final = (
    "routine deletion leaves the log that is written now to what rotates it: entries in it may be"
    " older than their period, by the span between two rotations"
)


@frozen
class LogFiles:
    """The rotated files of a folder; never the one that a log is written to.

    The key of a record stays when its file is rotated further and compressed; copies of a file
    are one record. It has no time of its own, for it has entries of many: a hold of any span
    covers it. Its field `written` is when its last entry was; to tell that the whole file is read,
    so that only `aged` does.
    """

    name: str
    folder: Path = field(repr=False)
    category: str
    files: tuple[str, ...] = ("*.log", "*.log.*")
    clock: Clock = field(factory=Clock)

    @property
    def accepts(self) -> frozenset[Kind]:
        """The links that entries carry."""
        return _ACCEPTS

    @property
    def categories(self) -> frozenset[str]:
        """The one category of these files."""
        return frozenset({self.category})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Yield the files that the entries of `who` are in; they say nothing of anybody alone."""
        wanted: dict[str, list[Identifier]] = {}
        for each in who:
            if each.kind in _ACCEPTS:
                wanted.setdefault(each.value, []).append(each)
        for _, record in self._records(wanted.keys()):
            if isinstance(record, Unread):
                yield record
            else:
                yield from (Found(own, record, frozenset()) for own in wanted[record.key])

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        """Yield the files whose last entry was written before `before`; `anchor` is `written`."""
        if anchor != WRITTEN:
            what = f"store {self.name} counts periods of category {category} from the last entry"
            raise ConfigurationError(what, f'write anchor = "{WRITTEN}"')
        return self._aged(before) if category == self.category else iter(())

    def erase(self, keys: Sequence[str]) -> None:
        """Remove the files, and make sure that the disk has forgotten the names.

        Keys of entries are passed over. Raises `Refused`, after all else was done, if a file
        cannot be removed.
        """
        wanted = frozenset(keys)
        if not wanted:
            return
        problems: Counter[str] = Counter()
        touched = {self.folder}
        for part in self._parts():
            file = part.file
            try:
                if not file.error and file_key(self.folder, file, self.clock) in wanted:
                    touched.add(self._remove(file))
            except (Damaged, Unsupported):  # without a key: told by every reading
                continue
            except (FileNotFoundError, Rotated):
                problems["its log was rotated meanwhile"] += 1
            except OSError as error:
                problems[reason(error)] += 1
        for folder in sorted(touched):
            sync(folder)
        if problems:
            reasons = ", ".join(f"{count} times {why}" for why, count in sorted(problems.items()))
            what = f"log files were not removed ({reasons})"
            raise Refused(self.name, what, "correct what is in the way and run it again")

    def check(self) -> Sequence[Finding]:
        """Return what keeps files from being removed, and what routine deletion leaves."""
        folders = {self._path(each.file.path).resolve().parent for each in self._parts()}
        closed = sum(not os.access(each, os.W_OK | os.X_OK) for each in folders)
        told = f"{closed} folders of rotated files are not writable, so these cannot be removed"
        return [*([Finding("right", told)] if closed else []), Finding("left", _LEFT)]

    def _aged(self, before: dt.datetime) -> Iterator[Record | Unread]:
        yield from (Unread(INTERRUPTED, self.category) for _ in self._leftovers())
        for copies, record in self._records(None):
            if isinstance(record, Unread):
                yield record
                continue
            last: list[dt.datetime] = []
            for part in copies:
                try:
                    last.append(last_entry(self.folder, part.file, self.clock, before))
                except Undated:
                    yield Unread(f"{part} {_UNDATED}", self.category)
                except FAILURES as error:
                    yield Unread(f"{part} {unread(error)}", self.category)
            if len(last) == len(copies) and max(last) < before:
                yield evolve(record, data={**record.data, WRITTEN: max(last)})

    def _records(
        self, wanted: AbstractSet[str] | None
    ) -> Iterator[tuple[Sequence[Part], Record | Unread]]:
        """Yield the files with the wanted keys (None: all), and what could not be read.

        With each its copies; it is usually alone.
        """
        if wanted is not None and not wanted:
            return
        found: dict[str, list[Part]] = {}
        for part in self._parts():
            why = part.file.error
            try:
                if not why:
                    key = file_key(self.folder, part.file, self.clock)
                    found.setdefault(key, []).append(part)
            except FAILURES as error:
                why = unread(error)
            if why:
                yield (), Unread(f"{part} {why}", self.category)
        paths = frozenset(each.path for each in listing(self.name, self.folder, self.files))
        for key, copies in found.items():
            if wanted is None or key in wanted:
                yield copies, self._record(key, copies, paths)

    def _record(self, key: str, copies: Sequence[Part], paths: AbstractSet[bytes]) -> Record:
        """Return the record of a file; `paths` are those of all files."""
        names = [text(part.file.path) for part in copies]
        locks = [lock for part in copies for lock in self._locks(part.file.path, paths)]
        return Record(
            key=key,
            category=self.category,
            data={
                "file": names if len(names) > 1 else names[0],
                "size": sum(part.file.size for part in copies),
            },
            lock=next(iter(locks), None),
        )

    def _locks(self, path: bytes, paths: AbstractSet[bytes]) -> Iterator[Lock]:
        """Yield why a file cannot go now."""
        with suppress(OSError):  # moved meanwhile: removing it looks again
            if self._path(path).stat().st_nlink > 1:
                yield Lock(_LINKED)
        twin = plain_twin(path, paths) or packed_twin(path, paths)
        if twin:
            yield Lock(ROTATING, lock_until(self.folder, [path, twin]))

    def _remove(self, file: Listed) -> Path:
        """Remove a file and return the folder that it was in. Raises `OSError` or `Rotated`."""
        name = self._path(file.path)
        path = name.resolve(strict=True)
        seen = path.stat()
        if (seen.st_dev, seen.st_ino) != (file.device, file.inode):
            raise Rotated
        if seen.st_nlink > 1:
            raise OSError(errno.EMLINK, _LINKED)
        path.unlink()
        if name.is_symlink():
            name.unlink()
        return path.parent

    def _parts(self) -> list[Part]:
        """Return the rotated files."""
        found = parts(self.name, self.folder, self.files, {each.path for each in self._leftovers()})
        return [part for part in found if is_rotated(part.file.path)]

    def _leftovers(self) -> list[Listed]:
        return leftovers(self.name, self.folder, self.files)

    def _path(self, path: bytes) -> Path:
        return self.folder / os.fsdecode(path)
