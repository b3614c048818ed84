"""The store `asterisk-db`: Asterisk's and FreePBX's tables in one database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from attrs import evolve, field, frozen

from dsr.connectors.sql import RestrictableSql
from dsr.connectors.sql import from_config as sql_from_config
from dsr.errors import ConfigurationError, Refused
from dsr.model import Credential, Finding, Found, Identifier, Kind, Unread
from dsr.settings import Context, settings
from dsr_asterisk.checking import findings
from dsr_asterisk.credentials import credentials
from dsr_asterisk.messages import mend
from dsr_asterisk.part import Part
from dsr_asterisk.tables import PARTS, Layout, table_map

__all__ = [
    "AsteriskDb",
    "RedactableAsteriskDb",
    "RestrictableAsteriskDb",
    "Settings",
    "from_config",
]

_OWN: Final = ("parts", "layout", "realm", "tables")


@frozen
class Settings:
    """What the table of an `asterisk-db` store holds besides the settings of `sql`."""

    parts: tuple[str, ...]  # which tables there are: see dsr_asterisk.tables.PARTS
    layout: Layout = "stock"  # of the call records: Asterisk's own, or FreePBX's
    realm: str = "asterisk"  # of credentials that name none: PJSIP's default_realm
    tables: Mapping[str, Mapping[str, object]] = field(factory=dict)  # what differs, by part


@frozen
class AsteriskDb:
    """Tables of one database. A record's key is `part:` and the key that `sql` gives it."""

    name: str
    url: str = field(repr=False)
    folder: Path
    parts: tuple[Part, ...]
    realm: str = "asterisk"

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds of identifier that any part can be searched by."""
        kinds = frozenset[Kind]().union(*(each.sql.accepts for each in self.parts))
        boxes = any(each.map.mailbox for each in self.parts)
        return kinds | frozenset[Kind]({"account", "sip"} if boxes else ())

    @property
    def categories(self) -> frozenset[str]:
        """The categories of the parts."""
        return frozenset[str]().union(*(each.sql.categories for each in self.parts))

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Yield every row that speaks of any of `who`, part after part.

        Raises `StoreUnavailable` as `sql` does.
        """
        if who:
            for part in self.parts:
                yield from part.find(who)

    def split(self) -> Sequence[AsteriskDb]:
        """Return the store in parts, where `sql` would split one of its tables.

        Raises `StoreUnavailable`.
        """
        pieces = [evolve(part, sql=sql) for part in self.parts for sql in part.sql.split()]
        if len(pieces) == len(self.parts):
            return [self]
        return [evolve(self, parts=(each,)) for each in pieces]

    def erase(self, keys: Sequence[str]) -> None:
        """Delete rows. Messages behind an erased one move up, so that Asterisk sees no gap."""
        for part, inner in self._by_part(keys):
            part.sql.erase(list(inner))
            mend(self, part)

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set columns of one row; never one that is secret."""
        for part, inner in self._by_part([key]):
            if part.map.secret.intersection(changes):
                what = "a password is not data that a person has corrected"
                raise Refused(self.name, what, "let the person set a new one")
            for each in inner:
                part.sql.rectify(each, changes)

    def credentials(self, who: Identifier) -> Sequence[Credential]:
        """Return the hashes that `ps_auths` keeps of a SIP user's password; reads no password."""
        return [
            each
            for part in self.parts
            if part.name == "ps_auths" and who.kind == "sip"
            for each in credentials(self, part, who)
        ]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong or slow, and what an erasure here would leave behind."""
        found = [each for part in self.parts for each in part.sql.check()]
        return [*found, *findings(self)]

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
class RedactableAsteriskDb(AsteriskDb):
    """The same where rows are left when a person's columns are emptied.

    The row of an extension is none without its name: `id` is its key. Where a store has no
    other parts, it erases and does not redact.
    """

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Empty columns. Raises `Refused` as `sql` does."""
        for part, inner in self._by_part(fields):
            part.sql.redact({key: fields[whole] for key, whole in inner.items()})
            mend(self, part)


@frozen
class RestrictableAsteriskDb(RedactableAsteriskDb):
    """The same where a table has a column that marks restricted rows."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Mark or unmark rows. Raises `Refused` for rows of a part without such a column."""
        for part, inner in self._by_part(keys):
            if not isinstance(part.sql, RestrictableSql):
                what = f"part {part.name} has no column that marks restricted rows"
                fix = f"name one in stores.{self.name}.tables.{part.name}.restricted"
                raise Refused(self.name, what, fix)
            part.sql.restrict(list(inner), on)


def from_config(name: str, table: Mapping[str, object], context: Context) -> AsteriskDb:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, {key: table[key] for key in _OWN if key in table}, where)
    shared = {key: value for key, value in table.items() if key not in _OWN}
    _check(chosen, where)
    parts = []
    for each in chosen.parts:
        map_ = table_map(each, chosen.layout, chosen.tables.get(each, {}), f"{where}.tables.{each}")
        sql = sql_from_config(name, {**shared, "tables": {each: map_.sql}}, context)
        parts.append(Part(each, map_, sql))
    restricts = any(isinstance(each.sql, RestrictableSql) for each in parts)
    cls = AsteriskDb if all(each.map.is_named_by_key for each in parts) else RedactableAsteriskDb
    cls = RestrictableAsteriskDb if restricts else cls
    url = cast("str", shared["url"])  # else sql would have refused it
    return cls(name, url, context.folder, tuple(parts), chosen.realm)


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
