"""Logs whose rotated files are records, too: for routine deletion (law.md rule 38).

The entries of a log are what speaks of a person, and are redacted; what grows old and goes is
the file that they are in. An entry links to its file, so that whatever keeps the entries of one
person (a hold, a restriction) is found to cover the file. Both have a field `written`, which
periods are counted from: an entry's own time, and that of a file's last entry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import suppress

from attrs import evolve, field, frozen

from dsr.connectors.listing import Listed
from dsr.connectors.logs.connector import Logs
from dsr.connectors.logs.file import Entry
from dsr.connectors.logs.files import WRITTEN, LogFiles
from dsr.connectors.logs.reading import FAILURES
from dsr.connectors.logs.rotation import is_rotated
from dsr.connectors.logs.whole import KEYS, file_key
from dsr.errors import Refused
from dsr.model import Finding, Found, Identifier, Kind, Record, Unread

__all__ = ["RotatedLogs"]


@frozen
class RotatedLogs(Logs):
    """Entries, and the rotated files that they are in; never the file that is written now.

    `files_only` makes it the part that has no entries.
    """

    files_only: bool = field(default=False, kw_only=True)

    @property
    def accepts(self) -> frozenset[Kind]:
        """All kinds that can stand in a line, and the links to files."""
        return super().accepts | self._files.accepts

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Yield the entries that speak of any of `who`, and the files that are linked to."""
        if not self.files_only:
            yield from super().find(who)
        if self.part is None:
            yield from self._files.find(who)

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        """Yield the rotated files whose last entry is from before `before`; `anchor` is `written`.

        No entries: they go with their file.
        """
        return self._files.aged(category, anchor, before)

    def erase(self, keys: Sequence[str]) -> None:
        """Remove rotated files. Raises `Refused` for entries, after all files are gone."""
        self._files.erase(keys)
        if not all(key.startswith(KEYS) for key in keys):
            what = "entries of logs are redacted, never removed"
            raise Refused(self.name, what, 'write erase = "redact" for their category')

    def split(self) -> Sequence[Logs]:
        """Return one connector a file for entries, and one for the files themselves."""
        return [*super().split(), evolve(self, files_only=True)]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the files, not allowed, left behind or slow."""
        return [*super().check(), *self._files.check()]

    @property
    def _files(self) -> LogFiles:
        return LogFiles(self.name, self.folder, self.category, self.files, self.clock)

    def _file_links(self, file: Listed) -> tuple[Identifier, ...]:
        if is_rotated(file.path):
            with suppress(*FAILURES):  # told by the reading of its entries
                return (Identifier("object", file_key(self.folder, file, self.clock)),)
        return ()

    def _data(self, path: bytes, entry: Entry) -> dict[str, object]:
        return {**super()._data(path, entry), WRITTEN: entry.at}
