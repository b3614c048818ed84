"""A row as one short text, for tables without a key: the SHA-256 of all that the row holds.

The database computes it, from the text that its own types have, so that nothing is lost on the
way to Python and back: floats, JSON (which PostgreSQL cannot compare), NULL, bytes, trailing
blanks. It is the same in every session, because `session.py` fixes what the text depends on; and
it names the row by what is in it, not by where it lies, so that no VACUUM changes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from dsr.connectors.sql.fields import Field
from dsr.connectors.sql.mariadb import DIALECTS

__all__ = ["SQLITE_FUNCTION", "digest", "digest_field", "sqlite_digest"]

#: The function that a connection to SQLite needs (it has no hash of its own).
SQLITE_FUNCTION: Final = "dsr_digest"

#: Arguments that a function of SQLite takes at most, by default.
_ARGUMENTS: Final = 100


def digest_field(dialect: str, table: sa.Table, fields: Sequence[Field]) -> Field:
    """Return the digest of a row as a column that can be read and compared, never written."""
    read = digest(dialect, table, fields)
    column: sa.Column[Any] = sa.Column("digest", sa.Text)
    return Field(name="", column=column, read=read, array=sa.Text(), empty=(), blank=None)


def digest(dialect: str, table: sa.Table, fields: Sequence[Field]) -> sa.ColumnElement[Any]:
    """Return the digest of a row of `table`, whose columns are `fields`, in hexadecimal."""
    if dialect == "postgresql":
        row = sa.cast(table.table_valued(), sa.Text)  # quoted: no two rows have one text
        octets = sa.func.convert_to(row, sa.func.getdatabaseencoding())
        return sa.func.encode(sa.func.sha256(octets), "hex", type_=sa.Text())
    if dialect in DIALECTS:
        pieces = [_piece(each) for each in fields]
        return sa.func.sha2(sa.func.concat(*pieces), sa.literal_column("256"), type_=sa.Text())
    parts: list[sa.ColumnElement[Any]] = [each.column for each in fields]
    while len(parts) > _ARGUMENTS:
        parts = [_hashed(parts[:_ARGUMENTS]), *parts[_ARGUMENTS:]]
    return _hashed(parts)


def _hashed(parts: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    function: sa.ColumnElement[Any] = getattr(sa.func, SQLITE_FUNCTION)(*parts, type_=sa.Text())
    return function


def sqlite_digest(*values: object) -> str:
    """Return the digest of a row of SQLite: `repr` tells NULL, numbers, text and bytes apart."""
    return hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).hexdigest()


def _piece(field: Field) -> sa.ColumnElement[Any]:
    """Return one column of MariaDB as bytes that show where it ends."""
    column: sa.ColumnElement[Any] = field.column
    match field.column.type:
        case sa.Double():  # its text is cut to six digits
            column = sa.cast(column, mysql.DOUBLE())
        case sa.Text() | sa.JSON() | sa.LargeBinary():  # too long to be quoted, maybe
            column = sa.func.sha2(column, sa.literal_column("256"))
    # QUOTE: NULL without, anything else within apostrophes
    return sa.cast(sa.func.quote(column), sa.LargeBinary)
