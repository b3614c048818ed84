"""What the database's errors mean.

The text of a database error may quote values, and a URL holds a password: neither is repeated.
What is told is the table, the database's own error code, the table or constraint that stands in
the way, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from dsr.errors import Refused, StoreError, StoreUnavailable

__all__ = ["code_of", "is_passing", "mapped"]

_VIEW: Final = "a view can only be read: map the tables behind it"
_FIXES: Final = {
    "42501": "grant the database user the right to do this",
    "1142": "grant the database user the right to do this",
    "1143": "grant the database user the right to do this",
    "55000": _VIEW,
    "42809": _VIEW,
    "1288": _VIEW,
    "1395": _VIEW,
    "25006": "the server is read-only: use the address of the primary",
    "1290": "the server is read-only: use the address of the primary",
    "55P03": "another program holds locks on it: try again",
    "40001": "other programs change the same rows: try again",
    "40P01": "other programs change the same rows: try again",
    "1205": "another program holds locks on it: try again",
    "1213": "other programs change the same rows: try again",
    "1020": "other programs change the same rows: try again",
    "57014": "it took too long: try again when the server is less busy, and look for an index",
    "1969": "it took too long: try again when the server is less busy, and look for an index",
    "SQLITE_READONLY": "let dsr write the database file and its folder",
    "SQLITE_CANTOPEN": "let dsr write the folder of the database file",
    "SQLITE_BUSY": "another program holds the database file: try again",
    "SQLITE_LOCKED": "another program holds the database file: try again",
}

#: What may work when it is tried again at once: deadlocks, and changes at the same time.
_PASSING: Final = re.compile(r"40001|40P01|1020|1213|SQLITE_BUSY_SNAPSHOT|SQLITE_LOCKED\w*")

#: Refusals that the driver does not class as such: raised by a trigger (P0001 and the user's
#: own classes of PostgreSQL, SIGNAL of MariaDB), or a column that may not be written.
_REFUSALS: Final = re.compile(r"P0\w{3}|428C9|44000|1644|1906|4025|45\w{3}|09000|38\w{3}")

#: MariaDB names who refers to a row, and quotes no value: (`db`.`table`, CONSTRAINT `name` …
_REFERRER: Final = re.compile(r"\(`[^`]+`\.`(?P<table>[^`]+)`, CONSTRAINT `(?P<name>[^`]+)`")
_FOREIGN_KEY: Final = re.compile(r"23503|23001|1451|1452|SQLITE_CONSTRAINT_FOREIGNKEY")


@contextmanager
def mapped(store: str, table: str, *, writing: bool = False) -> Iterator[None]:
    """Turn the database's errors inside the block into `StoreError`.

    `Refused` when it was asked to write and does not take these values, or keeps these rows;
    else `StoreUnavailable`.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _meaning(store, table, error, writing=writing) from None


def is_passing(error: SQLAlchemyError) -> bool:
    """Return whether the same may work when it is tried again at once."""
    return _PASSING.fullmatch(code_of(error)) is not None


def code_of(error: SQLAlchemyError) -> str:
    """Return the database's own name for an error; never its text."""
    origin = getattr(error, "orig", None)
    for name in ("sqlstate", "sqlite_errorname"):
        code = getattr(origin, name, None)
        if isinstance(code, str) and type(origin).__module__.partition(".")[0] != "pymysql":
            return code
    arguments = getattr(origin, "args", ())
    if arguments and isinstance(arguments[0], int):  # MariaDB's number says more than its state
        return str(arguments[0])
    return type(origin or error).__name__


def _meaning(store: str, table: str, error: SQLAlchemyError, *, writing: bool) -> StoreError:
    code = code_of(error)
    if writing and (_REFUSALS.fullmatch(code) or isinstance(error, IntegrityError | DataError)):
        what = f"table {table} does not take the change ({code})"
        return Refused(store, what, _obstacle(error, code))
    fix = next((fix for start, fix in _FIXES.items() if code.startswith(start)), "")
    what = f"the database could not {'change' if writing else 'read'} table {table} ({code})"
    return StoreUnavailable(store, what, fix or "look the code up in the database's manual")


def _obstacle(error: SQLAlchemyError, code: str) -> str:
    """Return what stands in the way: the table and the constraint, as far as they are named."""
    if not _FOREIGN_KEY.fullmatch(code):
        name = _diagnosed(error, "constraint_name")
        if name:
            return f"constraint {name} forbids it"
        if _REFUSALS.fullmatch(code):
            return "a trigger, a rule or a computed column forbids it"
        return "a constraint, a trigger, or the type or length of a column forbids it"
    table, name = _diagnosed(error, "table_name"), _diagnosed(error, "constraint_name")
    found = _REFERRER.search(str(getattr(error, "orig", "")))
    if found is not None:
        table, name = found["table"], found["name"]
    if not table:
        return "rows of another table refer to it: erase those first, or map that table too"
    return f"table {table} refers to it (constraint {name}): map that table too, or erase it first"


def _diagnosed(error: SQLAlchemyError, name: str) -> str:
    """Return a field of PostgreSQL's diagnostics that names a part of the schema."""
    diagnostics = getattr(getattr(error, "orig", None), "diag", None)
    return getattr(diagnostics, name, None) or ""
