"""The column maps that this package ships, in the terms of the `sql` connector.

A map names its columns once, by party::

    [parties.caller]
    about = ["caller_id_name"]                 # what else speaks of the party; left out: the row
    equal = { sip = ["caller_id_number"] }     # what holds an identifier and nothing else
    inside = { phone = ["caller_id_number"] }  # what holds it in any spelling, or among text
    split = { phone_number = "phone_country_code" }
    [pieces]
    phone = ["last_arg"]                       # text of which only the piece that matches is theirs
    [things]
    call = ["xml_cdr_uuid"]                    # what two people share

Further keys are those of a table of `sql`, and

- `secret`     columns that are never read
- `columns`    what a site calls a column; an empty text says that its table has none
- `documents`  columns with FreeSWITCH's JSON, whose members `maps/documents.toml` names
- `markup`     a column with FreeSWITCH's XML, with elements of the same names
- `speech`     a column with FreeSWITCH's log, where names stand beside numbers
- `user`       the column with a SIP user's name; its domain is that of the row
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Final

from attrs import field, frozen

from dsr.settings import layered, settings

__all__ = ["PARTS", "TableMap", "shipped", "table_map", "words"]

#: Everything that can be a part of a store: its map has the same name.
PARTS: Final = (
    "xml_cdr",
    "xml_cdr_json",
    "xml_cdr_flow",
    "xml_cdr_logs",
    "xml_cdr_transcripts",
    "contacts",
    "contact_phones",
    "contact_emails",
    "contact_addresses",
    "contact_notes",
    "extensions",
    "voicemails",
    "voicemail_messages",
    "destinations",
    "freeswitch_cdr",
)
#: Where a JSON call record keeps the profiles of a call's legs.
_PROFILES: Final = (
    "callflow.*.caller_profile",
    "callflow.*.caller_profile.originatee.originatee_caller_profiles.*",
)
#: Members with free text. The last takes whatever variable no party has.
_TEXTS: Final = (
    *(f"{profile}.chan_name" for profile in _PROFILES),
    "callflow.*.extension.number",
    "callflow.*.extension.applications.*.app_data",
    "app_log.applications.*.app_data",
    "variables.*",
)

#: What FreeSWITCH may write a person's identifier as.
_KINDS: Final = ("phone", "sip")
#: How members are called that hold an address, and not a number or user alone.
_ADDRESSES: Final = ("_uri", "_full_from", "_full_to", "_bridge_to")

_Kinds = Mapping[str, tuple[str, ...]]
_Words = Mapping[str, Mapping[str, Mapping[str, list[str]]]]


@frozen
class _Party:
    about: tuple[str, ...] | None = None
    equal: _Kinds = field(factory=dict)
    inside: _Kinds = field(factory=dict)
    split: Mapping[str, str] = field(factory=dict)


@frozen
class _Own:
    """The keys of a map that this package reads."""

    parties: Mapping[str, _Party]
    pieces: _Kinds = field(factory=dict)
    things: _Kinds = field(factory=dict)
    columns: Mapping[str, str] = field(factory=dict)
    secret: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    markup: str = ""
    speech: str = ""
    user: str = ""


_OWN: Final = (
    *("parties", "pieces", "things", "columns", "secret", "documents", "markup", "speech"),
    "user",
)


@frozen
class TableMap:
    """A part's map, ready to be used.

    sql           the table as the `sql` connector is told of it
    is_one_party  whether a row speaks of one person, whatever column names them
    silent        columns that speak of nobody in a table of one party
    secret        columns that are never read
    markup        the column with XML, `speech` that with a log, `user` that with a SIP user
    """

    sql: Mapping[str, object]
    is_one_party: bool
    silent: frozenset[str]
    secret: frozenset[str]
    markup: str
    speech: str
    user: str


def table_map(part: str, own: Mapping[str, object], where: str) -> TableMap:
    """Return the map of a part with an operator's `own` settings laid over it.

    `where` is the dotted place of those. Raises `ConfigurationError`.
    """
    merged = layered(shipped(part), own)
    ours = settings(_Own, {key: merged[key] for key in _OWN if key in merged}, where)
    table = {key: value for key, value in merged.items() if key not in _OWN}
    names = _Names(ours.columns)
    if not isinstance(own.get("sides"), list | tuple):
        table["sides"] = list(_sides(ours, names))
    secret = names.many(ours.secret)
    table["secret"] = list(secret)
    marks = {str(merged[each]) for each in ("at", "restricted") if each in merged}
    keys = merged.get("key", ())
    parties = ours.parties.values()
    return TableMap(
        sql=table,
        is_one_party=bool(parties) and all(each.about is None for each in parties),
        silent=frozenset(marks.union(keys if isinstance(keys, list | tuple) else ())),
        secret=frozenset(secret),
        markup=names.one(ours.markup),
        speech=names.one(ours.speech),
        user=names.one(ours.user),
    )


def shipped(name: str) -> Mapping[str, object]:
    """Return a file of this package's folder `maps`."""
    return tomllib.loads((resources.files(__package__) / f"maps/{name}.toml").read_text("utf-8"))


def words() -> _Words:
    """Return what FreeSWITCH's call records say: block, party, `numbers` or `words`, names."""
    return shipped("documents")  # type: ignore[return-value]  # our own file


@frozen
class _Names:
    """What a site calls a column; the part of a name behind `->` stays as it is."""

    renamed: Mapping[str, str]

    def one(self, name: str) -> str:
        """Return the site's name; empty if its table has none."""
        column, arrow, path = name.partition("->")
        called = self.renamed.get(column, column)
        return f"{called}{arrow}{path}" if called else ""

    def many(self, names: Sequence[str]) -> list[str]:
        """Return the site's names of those columns that its table has."""
        return [called for each in names if (called := self.one(each))]


def _sides(own: _Own, names: _Names) -> Iterator[dict[str, object]]:
    documents = names.many(own.documents)
    for party in own.parties.values():
        yield from _of_party(party, names)
    for column in documents:
        yield from _in_document(column)
    texts = [f"{column}->{each}" for column in documents for each in _TEXTS]
    kinds = [*_each(own.pieces, names), *((kind, each) for each in texts for kind in _KINDS)]
    for kind, column in kinds:
        yield {kind: column, "match": "contains", "part": True}
    parties = own.parties or own.pieces or documents
    for kind, column in _each(own.things, names):
        about: dict[str, object] = {"about": []} if parties else {}
        yield {kind: column, **about}


def _of_party(party: _Party, names: _Names) -> Iterator[dict[str, object]]:
    about: dict[str, object] = {}
    if party.about is not None:
        about["about"] = names.many(party.about)
    for kind, column in _each(party.equal, names):
        yield {kind: column, **about}
    for kind, column in _each(party.inside, names):
        yield {kind: column, "match": "contains", **about}
    for number, country in party.split.items():
        side = {"phone": names.one(number), "country": names.one(country), **about}
        yield side | {"match": "contains"}


def _each(kinds: _Kinds, names: _Names) -> Iterator[tuple[str, str]]:
    for kind, columns in kinds.items():
        for column in names.many(columns):
            yield kind, column


def _in_document(column: str) -> Iterator[dict[str, object]]:
    """Yield a side for each member with an identifier: it speaks of its own block's party."""
    said = words()
    for block, places in (("variables", ("variables",)), ("profile", _PROFILES)):
        for party in said[block].values():
            for place in places:
                prefix = f"{column}->{place}."
                about = [prefix + each for each in (*party["numbers"], *party["words"])]
                for number in party["numbers"]:
                    yield {"phone": prefix + number, "match": "contains", "about": about}
                    is_text = number.endswith(_ADDRESSES)
                    match = {"match": "contains"} if is_text else {}
                    yield {"sip": prefix + number, "about": about, **match}
