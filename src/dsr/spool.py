"""What one reading must remember, on disk: links still to follow, records already seen.

A reading of a large store meets more keys and links than memory should hold (law 9). They go
to an anonymous SQLite database that the operating system removes with the process; nothing of
it is ever named or kept.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Self, cast

from dsr.model import Identifier, Kind

__all__ = ["LINKS_AT_ONCE", "Link", "Spool", "Spot"]

#: How many distinct identifiers one `find` is asked for while following links: bounds memory
#: (about 10 MB), and the number of times that a store without an index is scanned.
LINKS_AT_ONCE: Final = 20_000

#: How many records a reading remembers before it writes them down (16 bytes each): most
#: readings follow no links, and need never write.
_NEW_IN_MEMORY: Final = 100_000
_KINDS_IN_MEMORY: Final = 10_000  # of a log, every line may speak in another place of it

_SCHEMA: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -2048;
CREATE TABLE seen (
  subject INTEGER, store TEXT, digest INTEGER, about TEXT,
  PRIMARY KEY (subject, store, digest)
) WITHOUT ROWID;
CREATE TABLE link (
  wave INTEGER, kind TEXT, value TEXT, subject INTEGER, since TEXT, until TEXT,
  store TEXT, digest INTEGER
);
CREATE INDEX link_wave ON link (wave, kind, value);
CREATE INDEX link_value ON link (kind, value, subject);
"""


class Spot(NamedTuple):
    """Where a record is: its store and a digest of its key, valid inside one process."""

    store: str
    digest: int


class Link(NamedTuple):
    """An identifier to look up for a subject (by its index), and the record that named it."""

    who: Identifier
    subject: int
    parent: Spot


class Spool:
    """The disk memory of one reading. A context manager; not shared between threads."""

    def __init__(self) -> None:
        """Open an empty, anonymous database."""
        self.db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self.db.executescript(_SCHEMA)
        self.db.execute("BEGIN")
        self._kinds: dict[tuple[int, str, frozenset[str]], int] = {}
        self._new_kinds = array("q")
        self._new_digests = array("q")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self.db.close()

    def add_links(self, wave: int, links: Iterable[Link]) -> None:
        """Remember identifiers to look up in `wave`."""
        self.db.executemany(
            "INSERT INTO link VALUES (?,?,?,?,?,?,?,?)",
            (
                (wave, who.kind, who.value, subject, _text(who.since), _text(who.until), *parent)
                for who, subject, parent in links
            ),
        )

    def links(self, wave: int) -> Iterator[list[tuple[Identifier, int]]]:
        """Yield what to look up in `wave`, at most `LINKS_AT_ONCE` distinct identifiers a time.

        What an earlier wave looked up for the same subject is left out.
        """
        after = ("", "")
        while True:
            bound = self.db.execute(
                "SELECT kind, value FROM (SELECT DISTINCT kind, value FROM link"
                " WHERE wave = ? AND (kind, value) > (?, ?) ORDER BY kind, value LIMIT ?)"
                " ORDER BY kind DESC, value DESC LIMIT 1",
                (wave, *after, LINKS_AT_ONCE),
            ).fetchone()
            if bound is None:
                return
            rows = self.db.execute(
                "SELECT DISTINCT kind, value, since, until, subject FROM link AS l WHERE wave = ?"
                " AND (kind, value) > (?, ?) AND (kind, value) <= (?, ?) AND NOT EXISTS ("
                "  SELECT 1 FROM link AS old WHERE old.kind = l.kind AND old.value = l.value"
                "  AND old.subject = l.subject AND old.wave < ?)"
                " ORDER BY kind, value, subject, since, until",
                (wave, *after, *bound, wave),
            ).fetchall()
            after = bound
            if rows:
                yield [
                    (Identifier(cast("Kind", k), v, _time(since), _time(until)), subject)
                    for k, v, since, until, subject in rows
                ]

    def remember(self, subject: int, store: str, digest: int, about: frozenset[str]) -> None:
        """Remember a record that is known to be new."""
        kind = self._kinds.setdefault((subject, store, about), len(self._kinds))
        self._new_kinds.append(kind)
        self._new_digests.append(digest)
        if len(self._new_kinds) >= _NEW_IN_MEMORY or len(self._kinds) >= _KINDS_IN_MEMORY:
            self._settle()

    def _settle(self) -> None:
        """Write what was remembered, in the order of its key."""
        texts = [
            (subject, store, "\0".join(sorted(about))) for subject, store, about in self._kinds
        ]
        self.db.executemany(
            "INSERT OR IGNORE INTO seen VALUES (?,?,?,?)",
            (
                (texts[kind][0], texts[kind][1], digest, texts[kind][2])
                for kind, digest in zip(self._new_kinds, self._new_digests, strict=True)
            ),
        )
        self._kinds.clear()
        del self._new_kinds[:], self._new_digests[:]

    def see(self, subject: int, spot: Spot, about: frozenset[str]) -> frozenset[str] | None:
        """Remember a record of a subject; return which of its fields were not known before.

        None means that the record itself is new.
        """
        if self._new_kinds:
            self._settle()
        key = (subject, *spot)
        row = self.db.execute(
            "SELECT about FROM seen WHERE subject = ? AND store = ? AND digest = ?", key
        ).fetchone()
        if row is None:
            self.db.execute("INSERT INTO seen VALUES (?,?,?,?)", (*key, "\0".join(sorted(about))))
            return None
        known = frozenset(row[0].split("\0"))
        if about <= known:
            return frozenset()
        self.db.execute(
            "UPDATE seen SET about = ? WHERE subject = ? AND store = ? AND digest = ?",
            ("\0".join(sorted(known | about)), *key),
        )
        return about - known

    def parents(self, who: Identifier, subject: int) -> list[Spot]:
        """Return the records that named an identifier for a subject."""
        rows = self.db.execute(
            "SELECT DISTINCT store, digest FROM link WHERE kind = ? AND value = ? AND subject = ?"
            " AND store <> ''",
            (who.kind, who.value, subject),
        )
        return [Spot(*row) for row in rows]


def _text(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
