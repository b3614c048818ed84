"""Recordings on disk, and what lies beside them: one record a file.

The path of a file says whom it is about (`dsr.connectors.keys`). Its date is the one in the
path or, without one, the time of its last writing: a recording is written during its call.

Not reached, and so no part of what a receipt claims: other hard links to a file, and what lies
behind symbolic links (one that leads out of the folder makes the reading incomplete).
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attrs import field, frozen

from dsr.connectors.disk import Blocked, File, FileContent, Folder, reason, text
from dsr.connectors.lookup import Hit, Keys, Lookup
from dsr.errors import Refused
from dsr.model import Finding, Found, Identifier, Kind, Record, Unread
from dsr.settings import Context, settings

__all__ = ["Files", "Settings", "from_config"]

_ABOUT: Final = frozenset({"path", "content"})
_NAMELESS: Final = frozenset({"path"})  # an empty file has no content to speak of


@frozen
class Settings:
    """The table of a `files` store in dsr.toml."""

    path: str  # the root folder; relative to the configuration file
    category: str  # the category of all its files
    keys: tuple[str, ...]  # patterns of the paths in it: dsr.connectors.keys
    timezone: str = ""  # of dates in the paths, such as "Europe/Berlin"


def from_config(name: str, table: Mapping[str, object], context: Context) -> Files:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, table, where)
    keys = Keys.of(chosen.keys, chosen.timezone, context, where)
    return Files(name, Folder(name, context.folder / chosen.path), chosen.category, keys)


@frozen
class Files:
    """A folder of recordings. The key of a record is its quoted path below the folder."""

    name: str
    folder: Folder = field(repr=False)
    category: str
    keys: Keys

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds that the patterns can find."""
        return self.keys.accepts

    @property
    def categories(self) -> frozenset[str]:
        """The one category of the folder."""
        return frozenset({self.category})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Walk the folder once and yield each file whose path speaks of any of `who`."""
        lookup = Lookup(self.keys, who)
        for each in self.folder.walk():
            if isinstance(each, Blocked):
                yield Unread(each.reason, self.category)
                continue
            hit = lookup.match(text(each.path))
            if hit is not None:
                record = self._record(each, hit)
                for person in hit.who:
                    yield Found(person, record, record.personal)

    def erase(self, keys: Sequence[str]) -> None:
        """Remove the files, and make sure that the disk has forgotten the names.

        Folders that this leaves empty go too: they may be named after the person. Raises
        `Refused` if any could not be removed, after all others were.
        """
        paths = sorted(map(unquote_to_bytes, keys))
        refusals: dict[str, int] = {}
        for folder, group in groupby(paths, _parent):
            names = [path[len(folder) :] for path in group]
            for why in (*self._remove(folder, names), *self._prune(folder)):
                refusals[why] = refusals.get(why, 0) + 1
        if refusals:
            reasons = ", ".join(f"{count} times {why}" for why, count in sorted(refusals.items()))
            what = f"files or folders could not be removed ({reasons})"
            raise Refused(self.name, what, "correct the permissions and run the request again")

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the folder: not there, not readable, not writable."""
        with self.folder.open(b"") as root:
            if not os.access(".", os.R_OK | os.W_OK | os.X_OK, dir_fd=root):
                return [Finding("right", "its folder is not writable, so nothing can be erased")]
        return []

    def _record(self, file: File, hit: Hit) -> Record:
        modified = dt.datetime.fromtimestamp(file.modified, dt.UTC)
        return Record(
            key=quote_from_bytes(file.path),
            category=self.category,
            data={"path": text(file.path), "size": file.size, "modified": modified},
            at=hit.time(modified, self.keys.timezone),
            personal=_ABOUT if file.size else _NAMELESS,
            content=FileContent(self.folder, file.path, file.size),
        )

    def _remove(self, folder: bytes, names: Sequence[bytes]) -> Iterator[str]:
        """Remove the names from one folder, and yield why for each that stays."""
        try:
            with self.folder.open(folder) as here:
                for name in names:
                    try:
                        _unlink(name, here)
                    except OSError as error:
                        yield reason(error)
                os.fsync(here)  # also when all were gone: an earlier run may have crashed before
        except FileNotFoundError:
            return
        except OSError as error:
            yield from [reason(error)] * len(names)

    def _prune(self, folder: bytes) -> Iterator[str]:
        """Remove the folder if it is empty, then the one above it, and so on below the root."""
        while folder:
            path = folder.rstrip(b"/")
            folder = _parent(path)
            try:
                with self.folder.open(path) as above:
                    os.rmdir(path[len(folder) :], dir_fd=above)
                    os.fsync(above)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    yield reason(error)
                return


def _parent(path: bytes) -> bytes:
    """Return the folder of a path, with the slash at its end."""
    return path[: path.rfind(b"/") + 1]


def _unlink(name: bytes, folder: int) -> None:
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise IsADirectoryError(0, "not a file")
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
