"""Recordings that a table keeps in a column of bytes."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from attrs import field, frozen

from dsr.connectors.sql.bound import Bound, bind
from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.database import connect
from dsr.connectors.sql.errors import mapped
from dsr.connectors.sql.keys import decode
from dsr.connectors.sql.session import begin_reading
from dsr.connectors.sql.tables import TableMap
from dsr.errors import Refused

__all__ = ["Blob", "Blobs"]

_CHUNK: Final = 256 * 1024
_NAME: Final = 100  # characters of a file's name at most, without its extension


@frozen
class Blobs:
    """Where the recordings of one table are: what it takes to open the database again."""

    store: str
    url: str = field(repr=False)
    folder: Path
    clock: Clock
    zone: str
    table: TableMap

    def blob(self, key: str, size: int) -> Blob:
        """Return the recording of the row with this key."""
        return Blob(self, key, size)


@frozen
class Blob:
    """The bytes of one row, read in pieces by its key."""

    blobs: Blobs
    key: str = field(repr=False)
    size: int

    @property
    def name(self) -> str:
        """The table and what names the row in it, with the media type's extension."""
        key = decode(self.key)
        named = "-".join(str(each) for each in key.values) if key else ""
        plain = re.sub(r"[^\w.-]+", "_", f"{self.blobs.table.name}-{named}")[:_NAME]
        return plain + (mimetypes.guess_extension(self.mediatype) or ".bin")

    @property
    def mediatype(self) -> str:
        """The media type that the map names."""
        return self.blobs.table.mediatype

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, from one state of the database.

        Raises `Refused` if the recording is gone, or another one, since it was found.
        """
        source = self.blobs
        with (
            connect(source.store, source.url, source.folder) as connection,
            mapped(source.store, source.table.name),
        ):
            begin_reading(connection, source.zone)
            bound = bind(connection, source.table, source.clock)
            column = _bytes(bound, connection.dialect.name)
            size = bound.field(str(bound.map.content)).read
            condition = self._condition(bound)
            for start in range(0, self.size, _CHUNK):
                wanted = min(_CHUNK, self.size - start)
                part = sa.func.substr(column, start + 1, wanted, type_=sa.LargeBinary())
                row = connection.execute(sa.select(part, size).where(condition)).first()
                piece = b"" if row is None or row[0] is None else bytes(row[0])
                if row is None or row[1] != self.size or len(piece) != wanted:
                    what = "a recording has changed or is gone since it was found"
                    raise Refused(source.store, what, "run it again")
                yield piece

    def _condition(self, bound: Bound) -> sa.ColumnElement[bool]:
        key = decode(self.key)
        values: tuple[Any, ...] = key.values if key else ()
        if len(values) != len(bound.key):
            what = f"the columns of table {self.blobs.table.name} have changed since it was read"
            raise Refused(self.blobs.store, what, "run it again")
        return sa.and_(
            *(
                each.read.is_(None) if value is None else each.exact == value
                for each, value in zip(bound.key, values, strict=True)
            )
        )


def _bytes(bound: Bound, dialect: str) -> sa.ColumnElement[Any]:
    column = bound.field(str(bound.map.content)).column
    # SQLite: whatever the row holds there
    return sa.cast(column, sa.LargeBinary) if dialect == "sqlite" else column
