"""What MariaDB grants to the user of a session, itself or through its roles (`SHOW GRANTS`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa
from attrs import frozen

__all__ = ["Grants", "grants_of"]

_LINE: Final = re.compile(
    r"GRANT (?P<rights>.+?) ON (?P<database>\*|`.+?`)\.(?P<table>\*|`.+?`) TO "
)
_RIGHT: Final = re.compile(r"(?P<right>[A-Z][A-Z ]*[A-Z])(?: ?\((?P<columns>[^)]*)\))?(?:, |$)")
_ALL: Final = "ALL PRIVILEGES"


@frozen
class Grants:
    """The rights on one table: on all of it, and on single columns of it."""

    whole: frozenset[str]
    columns: frozenset[tuple[str, str]]

    def lacks(self, right: str, names: Sequence[str] = ()) -> list[str] | None:
        """Return the columns of `names` without the right; None where nothing is missing.

        Without names, the right on the table is meant: an empty list says that it is missing.
        """
        if self.whole & {right, _ALL}:
            return None
        missing = [each for each in names if (right, each) not in self.columns]
        return missing if missing or not names else None


def grants_of(connection: sa.Connection, schema: str | None, table: str) -> Grants:
    """Return what the user of this session may do with a table."""
    database = schema or str(connection.execute(sa.text("SELECT database()")).scalar_one())
    whole: set[str] = set()
    columns: set[tuple[str, str]] = set()
    for line in connection.execute(sa.text("SHOW GRANTS")).scalars():
        found = _LINE.match(line)
        if found is None or not _covers(found["database"], found["table"], database, table):
            continue
        for right, names in _rights(found["rights"]):
            whole |= set() if names else {right}
            columns |= {(right, each) for each in names}
    return Grants(frozenset(whole), frozenset(columns))


def _rights(text: str) -> Iterator[tuple[str, list[str]]]:
    for found in _RIGHT.finditer(text):
        names = [each.strip(" `") for each in (found["columns"] or "").split(",")]
        yield found["right"], [each for each in names if each]


def _covers(granted: str, on: str, database: str, table: str) -> bool:
    """Return whether a grant on `granted`.`on` is one on this table."""
    if on not in {"*", f"`{table}`"}:
        return False
    if granted == "*":
        return True
    name = granted.strip("`")
    if on != "*":
        return name == database
    # the name of a database may be a pattern: % and _, unless a backslash stands before
    pattern = re.sub(r"\\(.)|(.)", lambda sign: _meaning(sign[1], sign[2]), name, flags=re.DOTALL)
    return re.fullmatch(pattern, database, re.DOTALL) is not None


def _meaning(escaped: str | None, sign: str) -> str:
    if escaped is not None:
        return re.escape(escaped)
    return {"%": ".*", "_": "."}.get(sign, re.escape(sign))
