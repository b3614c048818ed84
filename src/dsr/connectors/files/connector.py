"""The connector of recordings on disk."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attrs import define, evolve, field, frozen

from dsr.connectors.aging import check_anchor
from dsr.connectors.disk import Blocked, Empty, File, FileContent, Folder, Node, text
from dsr.connectors.files import checking
from dsr.connectors.files.erasing import LINKED, erase
from dsr.connectors.lookup import Hit, Keys, Lookup
from dsr.errors import Refused
from dsr.model import Finding, Found, Identifier, Kind, Lock, Record, Unread

__all__ = ["Files"]

_ABOUT: Final = frozenset({"path", "content"})
_NAMELESS: Final = frozenset({"path"})  # an empty file has no content to speak of


@define
class _Linked:
    """A file with several names: those that speak of somebody, and whom of."""

    file: File
    hits: list[Hit]
    names: list[bytes] = field(factory=list)


@frozen
class Files:
    """A folder of recordings.

    The key of a record is its quoted path below the folder; of several names of one file the
    first in order. An empty folder whose path speaks of somebody is a record, too: its key ends
    with a slash. `writing` is how many seconds after its last change a file counts as still
    being written.
    """

    name: str
    folder: Folder = field(repr=False)
    category: str
    keys: Keys
    writing: int = 0

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds that the patterns can find."""
        return self.keys.accepts

    @property
    def categories(self) -> frozenset[str]:
        """The one category of the folder."""
        return frozenset({self.category})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Walk the folder and yield each file whose path speaks of any of `who`.

        If one of them has several names, the folder is walked again to find them all.
        """
        lookup = Lookup(self.keys, who)
        linked: dict[Node, _Linked] = {}
        for each in self.folder.walk():
            if isinstance(each, Blocked):
                yield Unread(each.reason, self.category)
                continue
            path = text(each.path)
            hit = lookup.read(path, also=lookup.beside(path))
            if not hit.who:
                continue
            if isinstance(each, Empty):
                record = Record(quote_from_bytes(each.path), self.category, {"path": path})
                yield from (Found(person, record, _NAMELESS) for person in hit.who)
            elif each.links > 1:
                linked.setdefault(each.node, _Linked(each, [])).hits.append(hit)
            else:
                record = self._record(each, hit, path)
                yield from (Found(person, record, record.personal) for person in hit.who)
        for record, hits in self._with_names(linked, lookup):
            for person in dict.fromkeys(each for hit in hits for each in hit.who):
                yield Found(person, record, record.personal)

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        """Yield every file from before `before`, as `find` dates it.

        An empty folder has no time. Files with several names come last; they alone take memory.
        """
        check_anchor(self.name, category, anchor)
        return self._aged(before) if category == self.category else iter(())

    def erase(self, keys: Sequence[str]) -> None:
        """Remove the files, and make sure that the disk has forgotten the names.

        Folders that this leaves empty go too: they may be named after the person. Raises
        `Refused` if any could not be removed, after all others were.
        """
        refusals = Counter(erase(self.folder, [unquote_to_bytes(key) for key in keys]))
        if refusals:
            reasons = ", ".join(f"{count} times {why}" for why, count in sorted(refusals.items()))
            what = f"files or folders could not be removed ({reasons})"
            raise Refused(self.name, what, "correct the permissions and run the request again")

    def check(self) -> Sequence[Finding]:
        """Return rights that are missing, names out of reach, and what stays behind."""
        return checking.findings(self.folder, writing=self.writing)

    def _aged(self, before: dt.datetime) -> Iterator[Record | Unread]:
        lookup = Lookup(self.keys, ())
        linked: dict[Node, _Linked] = {}
        for each in self.folder.walk():
            if isinstance(each, Blocked):
                yield Unread(each.reason, self.category)
            elif isinstance(each, File) and each.links > 1:
                linked.setdefault(each.node, _Linked(each, []))
            elif isinstance(each, File):
                path = text(each.path)
                hit = lookup.read(path)
                if hit.time(_moment(each.modified), self.keys.timezone) < before:
                    yield self._record(each, hit, path)
        for record, _ in self._with_names(linked, lookup):
            if record.at is not None and record.at < before:
                yield record

    def _with_names(
        self, linked: Mapping[Node, _Linked], lookup: Lookup
    ) -> Iterator[tuple[Record, Sequence[Hit]]]:
        """Yield each file with several names, all of which are looked for in the whole folder."""
        if not linked:
            return
        for each in self.folder.walk():
            if isinstance(each, File) and each.node in linked:
                linked[each.node].names.append(each.path)
        for found in linked.values():
            names = sorted(found.names or [found.file.path])
            paths = [text(name) for name in names]
            dated = max(map(lookup.read, paths), key=lambda hit: (hit.at is not None, hit.timed))
            record = self._record(found.file._replace(path=names[0]), dated, paths)
            if len(names) < found.file.links:
                record = evolve(record, lock=Lock(LINKED))
            yield record, found.hits

    def _record(self, file: File, hit: Hit, path: str | list[str]) -> Record:
        modified = _moment(file.modified)
        settled = file.modified + self.writing
        is_new = self.writing > 0 and time.time() < settled
        return Record(
            key=quote_from_bytes(file.path),
            category=self.category,
            data={"path": path, "size": file.size, "modified": modified},
            at=hit.time(modified, self.keys.timezone),
            personal=_ABOUT if file.size else _NAMELESS,
            content=FileContent(self.folder, file.path, file.size),
            lock=Lock("it is still being written", _moment(settled)) if is_new else None,
            restricted=self._is_restricted(file.path),
        )

    def _is_restricted(self, path: bytes) -> bool:
        """Return whether a file is restricted: never, where nothing could mark it."""
        del path
        return False


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
