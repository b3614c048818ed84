"""Further identifiers that a row leads to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.inside import Opened
from dsr.connectors.sql.members import text_of
from dsr.connectors.sql.paths import Path, parse
from dsr.connectors.sql.tables import Link
from dsr.errors import InvalidIdentifier, StoreUnavailable
from dsr.identify import identify
from dsr.model import Identifier, Kind

__all__ = ["Follow", "follower"]

#: Kinds of identifier that have a canonical form.
_FORMED: Final[frozenset[Kind]] = frozenset({"phone", "sip", "email"})

#: What reads links out of a record's data, and of the row's documents if it has any.
Follow = Callable[[Mapping[str, Any], Opened | None], Iterable[Identifier]]


def follower(link: Link, clock: Clock, region: str) -> Follow:
    """Return what reads a link."""
    column, kind = link.column, link.kind
    path = parse(column)
    if isinstance(path, Path):
        return _from_members(link, path, clock, region)
    if kind in _FORMED or len(link.columns) > 1:
        return lambda data, _: _identified(link, str(data[column] or ""), data, clock, region)

    def follow(data: Mapping[str, Any], _: Opened | None) -> Iterable[Identifier]:
        # most links are so plain: a call id or a file name, for every row
        value = data[column]
        return () if value is None or value == "" else (Identifier(kind, str(value).strip()),)

    return follow


def _from_members(link: Link, path: Path, clock: Clock, region: str) -> Follow:
    def follow(data: Mapping[str, Any], opened: Opened | None) -> Iterable[Identifier]:
        members: Sequence[Any] = opened.found[path] if opened is not None else ()
        texts = [unquote(text_of(each.value) or "") for each in members]
        return [found for text in texts for found in _identified(link, text, data, clock, region)]

    return follow


def _identified(
    link: Link, text: str, data: Mapping[str, Any], clock: Clock, region: str
) -> Iterable[Identifier]:
    value = text.strip()
    if not value:
        return ()
    folder = str((data.get(link.folder) if link.folder else None) or "").strip()
    if folder:
        value = f"{unquote(folder).rstrip('/')}/{value}"
    since, until = (_tenure(data, name, clock) for name in (link.since, link.until))
    try:
        return (identify(link.kind, value, region, since, until),)
    except InvalidIdentifier:
        return ()  # an extension or `anonymous`: nothing to look up


def _tenure(data: Mapping[str, Any], name: str | None, clock: Clock) -> dt.datetime | None:
    value = data.get(name) if name else None
    moment = clock.moment(value)
    if moment is None and value not in (None, "", 0):
        # taken as open, it would give somebody else's records away
        what = f"column {name} holds something else than a time"
        raise StoreUnavailable(clock.store, what, "correct it: it bounds a tenure")
    return moment
