"""Members of JSON documents: how the database is asked for them, and what their values mean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import sqlalchemy as sa

from dsr.connectors.sql.fields import Field
from dsr.connectors.sql.mariadb import DIALECTS
from dsr.connectors.sql.paths import Path

__all__ = ["encoded", "looked_up", "member", "text_of"]

Positions = tuple[int, ...]
_NOBODY: Final[Positions] = ()
_ESCAPE: Final = re.compile("%[0-9A-F]{2}")


def encoded(texts: Iterable[str]) -> set[str]:
    """Return `texts`, and what URLs make of them: FreeSWITCH writes its variables so."""
    found = set()
    for text in texts:
        url = quote(text, safe="/")
        found |= {text, url, _ESCAPE.sub(lambda escape: escape[0].lower(), url)}
    return found


def text_of(value: object) -> str | None:
    """Return the text of a member's value; None for what cannot be an identifier."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def looked_up(index: Mapping[str, Positions], *, folded: bool) -> Callable[[str], Positions]:
    """Return what tells whom a member's text means, as it is or as a URL has it."""

    def who(text: str) -> Positions:
        plain = unquote(text) if "%" in text else text
        return index.get(plain.lower() if folded else plain, _NOBODY)

    return who


def member(field: Field, path: Path, dialect: str) -> sa.ColumnElement[Any] | None:
    """Return the text of a member, as the database extracts it.

    None where the database cannot without failing on a row that holds no document, or where the
    path does not say whether a step is a name or a number: then the document's text is searched.
    """
    steps = [each for each in path.steps if each is not None and not each.isdecimal()]
    if len(steps) < len(path.steps):
        return None
    if dialect == "postgresql":
        if not isinstance(field.column.type, sa.JSON):
            return None
        # a literal, so that an index on the same expression serves
        place = ",".join(json.dumps(each, ensure_ascii=False) for each in steps)
        literal: sa.ColumnElement[Any] = sa.literal_column("'{" + place.replace("'", "''") + "}'")
        return field.column.op("#>>", return_type=sa.Text())(literal)
    place = "$" + "".join(f".{json.dumps(each, ensure_ascii=False)}" for each in steps)
    if dialect in DIALECTS:
        return sa.func.json_value(field.column, place, type_=sa.Text())
    value = sa.cast(sa.func.json_extract(field.column, place), sa.Text)
    return sa.case((sa.func.json_valid(field.column) == 1, value))
