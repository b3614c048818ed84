"""The column maps that this package ships, in the terms of the `sql` connector.

A map names its columns once, by party::

    [parties.caller]
    about = ["src", "clid"]                # what speaks of the party; left out: the whole row
    equal = { sip = ["src"] }              # columns that hold an identifier and nothing else
    inside = { phone = ["src", "clid"] }   # columns that hold it in any spelling, or among text
    mailbox = ["mailboxuser", "mailboxcontext"]
    [pieces]
    phone = ["lastdata"]                   # text of which only the piece that matches is theirs
    [things]
    call = ["uniqueid"]                    # what two people share

Further keys are those of a table of `sql`, `secret` (columns that are never read) and `columns`
(how a site names a column; an empty text says that its table has none).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, Final, Literal, cast

from attrs import field, frozen

from dsr.errors import ConfigurationError
from dsr.settings import layered, settings

__all__ = ["PARTS", "Layout", "TableMap", "shipped", "table_map"]

Layout = Literal["stock", "freepbx"]

#: Everything that can be a part of a store: its map has the same name.
PARTS: Final = (
    "cdr",
    "cel",
    "queue_log",
    "queue_members",
    "voicemail_messages",
    "voicemail",
    "ps_endpoints",
    "ps_auths",
    "ps_aors",
    "ps_contacts",
    "users",
    "userman_users",
    "devices",
)
#: The maps that a layout replaces.
_LAYOUTS: Final[Mapping[tuple[str, Layout], str]] = {("cdr", "freepbx"): "cdr-freepbx"}
#: What belongs to this package, and not to a table of `sql`.
_OWN: Final = ("parties", "pieces", "things", "columns", "secret")

_Kinds = Mapping[str, tuple[str, ...]]


@frozen
class _Party:
    about: tuple[str, ...] | None = None
    equal: _Kinds = field(factory=dict)
    inside: _Kinds = field(factory=dict)
    mailbox: tuple[str, ...] = ()


@frozen
class _Own:
    """The keys of a map that this package reads."""

    parties: Mapping[str, _Party]
    pieces: _Kinds = field(factory=dict)
    things: _Kinds = field(factory=dict)
    columns: Mapping[str, str] = field(factory=dict)
    secret: tuple[str, ...] = ()


@frozen
class TableMap:
    """A part's map, ready to be used.

    sql           the table as the `sql` connector is told of it
    is_one_party  whether a row speaks of one person, whatever column names them
    secret        columns that are never read
    mailbox       the columns of a mailbox's number and context
    names         how the table calls a column, where that differs
    """

    sql: Mapping[str, object]
    is_one_party: bool
    secret: frozenset[str]
    mailbox: tuple[str, str] | None
    names: Mapping[str, str]

    @property
    def is_named_by_key(self) -> bool:
        """Whether the person is the key of the row, which cannot be emptied."""
        return self.is_one_party and not self._key.isdisjoint(self._named)

    @property
    def silent(self) -> frozenset[str]:
        """The columns that speak of nobody in a table of one party."""
        marks = {str(self.sql[each]) for each in ("at", "restricted") if each in self.sql}
        return (self._key | marks) - self._named

    @property
    def _key(self) -> frozenset[str]:
        return frozenset(cast("Sequence[str]", self.sql.get("key", ())))

    @property
    def _named(self) -> frozenset[str]:
        return frozenset(
            name for side in self.sides for name in side.values() if name.__class__ is str
        )

    @property
    def sides(self) -> Sequence[Mapping[str, Any]]:
        """Every side, as `sql` is told of it."""
        return cast("Sequence[Mapping[str, Any]]", self.sql["sides"])


def table_map(part: str, layout: Layout, own: Mapping[str, object], where: str) -> TableMap:
    """Return the map of a part with an operator's `own` settings laid over it.

    `where` is the dotted place of those. Raises `ConfigurationError`.
    """
    merged = layered(shipped(_LAYOUTS.get((part, layout), part)), own)
    ours = settings(_Own, {key: merged[key] for key in _OWN if key in merged}, where)
    names = _Names(ours.columns)
    table = {key: value for key, value in merged.items() if key not in _OWN}
    for key in ("at", "restricted", "content"):
        if key in table:
            table[key] = names.one(str(table[key]))
    if isinstance(table.get("key"), list | tuple):
        table["key"] = names.many(cast("Sequence[str]", table["key"]))
    table["links"] = _links(cast("Mapping[str, object]", table.get("links", {})), names)
    table.setdefault("sides", list(_sides(ours, names)))
    secret = list(names.many(ours.secret))
    mailboxes = [each.mailbox for each in ours.parties.values() if each.mailbox]
    return TableMap(
        sql={key: value for key, value in (table | {"secret": secret}).items() if value},
        is_one_party=all(each.about is None for each in ours.parties.values()),
        secret=frozenset(secret),
        mailbox=_mailbox(mailboxes[0], names, where) if mailboxes else None,
        names=ours.columns,
    )


def shipped(name: str) -> Mapping[str, object]:
    """Return a file of this package's folder `maps`."""
    return tomllib.loads((resources.files(__package__) / f"maps/{name}.toml").read_text("utf-8"))


@frozen
class _Names:
    """What a site calls a column."""

    renamed: Mapping[str, str]

    def one(self, column: str) -> str:
        """Return the site's name of a column; empty if its table has none."""
        return self.renamed.get(column, column)

    def many(self, columns: Sequence[str]) -> list[str]:
        """Return the site's names of those columns that its table has."""
        return [name for each in columns if (name := self.one(each))]


def _links(links: Mapping[str, object], names: _Names) -> dict[str, object]:
    plain = {
        kind: names.one(column) if isinstance(column, str) else column
        for kind, column in links.items()
    }
    return {kind: column for kind, column in plain.items() if column}


def _sides(own: _Own, names: _Names) -> Iterator[dict[str, object]]:
    for party in own.parties.values():
        about = {} if party.about is None else {"about": names.many(party.about)}
        for kind, column in _each(party.equal, names):
            yield {kind: column, **about}
        for kind, column in _each(party.inside, names):
            yield {kind: column, "match": "contains", **about}
        if party.mailbox:
            number, context = (names.one(each) for each in party.mailbox)
            yield {"sip": number, "domain": context, **about}
    for kind, column in _each(own.pieces, names):
        yield {kind: column, "match": "contains", "part": True}
    for kind, column in _each(own.things, names):
        yield {kind: column, "about": []}


def _each(kinds: _Kinds, names: _Names) -> Iterator[tuple[str, str]]:
    for kind, columns in kinds.items():
        for column in names.many(columns):
            yield kind, column


def _mailbox(columns: Sequence[str], names: _Names, where: str) -> tuple[str, str]:
    found = names.many(columns)
    if len(found) != 2:  # noqa: PLR2004  (a number and a context)
        what = f"{where}.columns leaves a mailbox without its number or context"
        raise ConfigurationError(what, "name both columns")
    return found[0], found[1]
