"""The store `fusionpbx-db`: FusionPBX's and FreeSWITCH's tables in one database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

import sqlalchemy as sa
from attrs import evolve, field, frozen

from dsr.connectors.sql import RestrictableSql
from dsr.connectors.sql import from_config as sql_from_config
from dsr.errors import ConfigurationError, Refused
from dsr.model import Finding, Found, Identifier, Kind, Unread
from dsr.settings import Context, settings
from dsr_fusionpbx.checking import findings
from dsr_fusionpbx.part import Part
from dsr_fusionpbx.session import connect
from dsr_fusionpbx.tables import PARTS, table_map

__all__ = ["FusionPbxDb", "RestrictableFusionPbxDb", "Settings", "from_config"]

_OWN: Final = ("parts", "domains", "tables")
_PLAIN: Final = "freeswitch_cdr"  # FreeSWITCH without FusionPBX: no domains


@frozen
class Settings:
    """What the table of a `fusionpbx-db` store holds besides the settings of `sql`."""

    parts: tuple[str, ...]  # which tables there are: see dsr_fusionpbx.tables.PARTS
    domains: str = "v_domains"  # where the names of tenants are; "" if there is one tenant only
    tables: Mapping[str, Mapping[str, object]] = field(factory=dict)  # what differs, by part


@frozen
class FusionPbxDb:
    """Tables of one database. A record's key is `part:` and the key that `sql` gives it."""

    name: str
    url: str = field(repr=False)
    folder: Path
    parts: tuple[Part, ...]
    domains: str

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds of identifier that any part can be searched by."""
        return frozenset[Kind]().union(*(each.sql.accepts for each in self.parts))

    @property
    def categories(self) -> frozenset[str]:
        """The categories of the parts."""
        return frozenset[str]().union(*(each.sql.categories for each in self.parts))

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Yield every row that speaks of any of `who`, part after part.

        Raises `StoreUnavailable` as `sql` does.
        """
        if not who:
            return
        domains = self._names_of_domains()
        for part in self.parts:
            yield from part.find(who, domains)

    def split(self) -> Sequence[FusionPbxDb]:
        """Return the store in parts, where `sql` would split one of its tables.

        Raises `StoreUnavailable`.
        """
        pieces = [evolve(part, sql=sql) for part in self.parts for sql in part.sql.split()]
        if len(pieces) == len(self.parts):
            return [self]
        return [evolve(self, parts=(each,)) for each in pieces]

    def erase(self, keys: Sequence[str]) -> None:
        """Delete rows. Raises `Refused` as `sql` does."""
        for part, inner in self._by_part(keys):
            part.sql.erase(list(inner))

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Empty columns, members of documents and pieces of texts. Raises `Refused`."""
        for part, inner in self._by_part(fields):
            part.sql.redact({key: fields[whole] for key, whole in inner.items()})

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set columns of one row; never one that is secret."""
        for part, inner in self._by_part([key]):
            if part.map.secret.intersection(changes):
                what = "a password is not data that a person has corrected"
                raise Refused(self.name, what, "let the person set a new one")
            for each in inner:
                part.sql.rectify(each, changes)

    def check(self) -> Sequence[Finding]:
        """Return what is wrong or slow, and what an erasure here would leave behind."""
        found = [each for part in self.parts for each in part.sql.check()]
        self._names_of_domains()
        return [*found, *findings(self)]

    def _names_of_domains(self) -> Mapping[str, str]:
        """Return the name of each domain by its id. Raises `StoreUnavailable`."""
        if not self.domains or {each.name for each in self.parts} == {_PLAIN}:
            return {}
        schema, _, name = self.domains.rpartition(".")
        table = sa.table(
            name, sa.column("domain_uuid"), sa.column("domain_name"), schema=schema or None
        )
        with connect(self.name, self.url, self.folder) as connection:
            rows = connection.execute(sa.select(table.c.domain_uuid, table.c.domain_name))
            return {str(each): str(called or "").lower() for each, called in rows}

    def _by_part(self, keys: Iterable[str]) -> Iterator[tuple[Part, dict[str, str]]]:
        """Yield each part that has some of `keys`, with these as `sql` knows them."""
        groups: dict[str, dict[str, str]] = defaultdict(dict)
        known = {each.name for each in self.parts}
        for key in keys:
            name, _, inner = key.partition(":")
            if name not in known:
                what = "a record key is not one of this store"
                raise Refused(self.name, what, "plan again: its parts may have changed")
            groups[name][inner] = key
        return ((each, groups[each.name]) for each in self.parts if each.name in groups)


@frozen
class RestrictableFusionPbxDb(FusionPbxDb):
    """The same where a table has a column that marks restricted rows."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Mark or unmark rows. Raises `Refused` for rows of a part without such a column."""
        for part, inner in self._by_part(keys):
            if not isinstance(part.sql, RestrictableSql):
                what = f"part {part.name} has no column that marks restricted rows"
                fix = f"name one in stores.{self.name}.tables.{part.name}.restricted"
                raise Refused(self.name, what, fix)
            part.sql.restrict(list(inner), on)


def from_config(name: str, table: Mapping[str, object], context: Context) -> FusionPbxDb:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, {key: table[key] for key in _OWN if key in table}, where)
    shared = {key: value for key, value in table.items() if key not in _OWN}
    _check(chosen, where)
    parts = []
    for each in chosen.parts:
        map_ = table_map(each, chosen.tables.get(each, {}), f"{where}.tables.{each}")
        sql = sql_from_config(name, {**shared, "tables": {each: map_.sql}}, context)
        parts.append(Part(each, map_, sql))
    restricts = any(isinstance(each.sql, RestrictableSql) for each in parts)
    cls = RestrictableFusionPbxDb if restricts else FusionPbxDb
    url = cast("str", shared["url"])  # else sql would have refused it
    return cls(name, url, context.folder, tuple(parts), chosen.domains)


def _check(chosen: Settings, where: str) -> None:
    if not chosen.parts:
        what = f"{where}.parts is empty"
        raise ConfigurationError(what, f"name some of {', '.join(PARTS)}")
    for each in chosen.parts:
        if each not in PARTS:
            what = f"{where}.parts: there is no part {each}"
            raise ConfigurationError(what, f"known are {', '.join(PARTS)}")
    for each in chosen.tables:
        if each not in chosen.parts:
            what = f"{where}.tables.{each} is not in parts"
            raise ConfigurationError(what, "add it to parts, or remove the table")
