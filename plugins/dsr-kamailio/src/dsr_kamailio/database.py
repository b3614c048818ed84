"""`connector = "kamailio-db"`: the tables of Kamailio's database.

::

    [stores.kamailio]
    connector = "kamailio-db"
    url = "postgresql+psycopg://dsr@db/kamailio"
    timezone = "UTC"                    # of Kamailio's timestamps: that of its servers
    domains = ["sip.example.org"]       # the SIP domains that it serves
    parts = ["acc", "missed_calls", "acc_cdrs", "subscriber", "location"]
    realm = "example.org"               # of the subscribers' passwords, if not their domain
    [stores.kamailio.tables.acc.parties.callee]      # laid over the plugin's own map
    names = [{ user = "dst_ouser", domain = "dst_odomain" }]

What else the `sql` connector takes at this level (`replica`) is passed on to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, cast

from attrs import evolve, field, frozen

from dsr.connectors.sql import RestrictableSql, Sql
from dsr.connectors.sql import from_config as sql_from_config
from dsr.errors import ConfigurationError, Refused
from dsr.model import Credential, Finding, Found, Identifier, Kind, Unread
from dsr.settings import Context, settings
from dsr_kamailio.calls import Calls, Told
from dsr_kamailio.checking import findings
from dsr_kamailio.parties import Parties
from dsr_kamailio.parts import Part, parts_of
from dsr_kamailio.rows import CallTable
from dsr_kamailio.showing import judged, shown
from dsr_kamailio.subscribers import credentials

__all__ = ["KamailioDb", "RestrictableKamailioDb", "from_config"]

_OWN: Final = frozenset({"parts", "domains", "realm", "tables"})


@frozen
class KamailioDb:
    """Tables of Kamailio's database, each a part of one store.

    sql      the same tables as plain columns: it searches, and writes
    parts    what the plugin knows of each, by the table's name
    domains  the SIP domains that Kamailio serves
    realm    of the subscribers' passwords; None: each one's own domain
    """

    sql: Sql
    parts: Mapping[str, Part] = field(repr=False)
    domains: tuple[str, ...]
    realm: str | None = None

    @property
    def name(self) -> str:
        """The store's name in the policy."""
        return self.sql.name

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds of identifier that a table can be searched by; `object`: the leg of a call."""
        legs: frozenset[Kind] = frozenset({"object"})
        return self.sql.accepts | legs if self._joins else self.sql.accepts

    @property
    def categories(self) -> frozenset[str]:
        """The categories of the tables."""
        return self.sql.categories

    @property
    def _joins(self) -> bool:
        return any(part.joins for part in self.parts.values())

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Yield every row that speaks of any of `who`, table by table.

        A row that names a user whose domain cannot be told (several are served) is not
        guessed: it shows as one `Unread` for its table.
        """
        parties = Parties(self.domains, self.sql.region)
        for name, founds in groupby(self._told(who, parties), key=itemgetter(0)):
            part = self.parts[name]
            for each in shown((found for _, found in founds), part, self.domains):
                if isinstance(each, Found):
                    yield each
                else:
                    why = (
                        f"table {name} names users without a domain, and several domains are"
                        " served: whose rows these are cannot be told"
                    )
                    yield Unread(why, part.category)

    def _told(self, who: Sequence[Identifier], parties: Parties) -> Iterator[Told]:
        calls = [each for each in self.sql.tables if self.parts[each.name].joins]
        others = tuple(each for each in self.sql.tables if each not in calls)
        if others:
            found = evolve(self.sql, tables=others).find(who)  # all as they were at one moment
            for name, founds in groupby(found, key=lambda each: _table_of(each.record.key)):
                for each in judged(founds, self.parts[name], parties):
                    yield name, each
        if calls:
            tables = [
                (evolve(self.sql, tables=(each,)), CallTable(each.name, self.parts[each.name]))
                for each in calls
            ]
            yield from Calls(tables, parties).find(who)

    def erase(self, keys: Sequence[str]) -> None:
        """Delete the rows."""
        self.sql.erase(keys)

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Empty columns; the secrets of a row (passwords) go with whatever is emptied in it."""
        self.sql.redact({key: names | self._secrets(key, names) for key, names in fields.items()})

    def _secrets(self, key: str, names: frozenset[str]) -> frozenset[str]:
        part = self.parts.get(_table_of(key))
        return frozenset(part.secrets if part is not None and names else ())

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set columns of one row. Raises `Refused` for a password."""
        if changes.keys() & self._secrets(key, frozenset(changes)):
            what = "a password is not data that a person has corrected"
            raise Refused(self.name, what, "let the person set a new one")
        self.sql.rectify(key, changes)

    def credentials(self, who: Identifier) -> Sequence[Credential]:
        """Return the password hashes of a SIP address, for a digest check.

        The column with the password itself is not read. Raises `StoreUnavailable`.
        """
        part = self.parts.get("subscriber")
        if part is None or who.kind != "sip":
            return ()
        return credentials(self.sql, part.table or "subscriber", who, self.realm, self.domains)

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the tables, what is in no part, and what memory keeps."""
        return [*self.sql.check(), *findings(self.sql, self.parts, self.domains)]


@frozen
class RestrictableKamailioDb(KamailioDb):
    """The same where a table has a column that marks restricted rows."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Mark or unmark rows. Raises `Refused` for a table without such a column."""
        cast("RestrictableSql", self.sql).restrict(keys, on)


def _table_of(key: str) -> str:
    """Return the table that a record's key names first; empty if it is no key of `sql`."""
    start, _, rest = key.partition('"')
    return rest.partition('"')[0] if start == "[" else ""


@frozen
class _Settings:
    """What is this plugin's own in `[stores.NAME]`."""

    parts: tuple[str, ...]
    domains: tuple[str, ...]
    realm: str | None = None
    tables: Mapping[str, object] = field(factory=dict)


def from_config(name: str, table: Mapping[str, object], context: Context) -> KamailioDb:
    """Return the store that `[stores.NAME]` describes; nothing is reached yet.

    Raises `ConfigurationError` that names the wrong key and the fix.
    """
    where = f"stores.{name}"
    own = settings(_Settings, {k: v for k, v in table.items() if k in _OWN}, where)
    if not own.domains:
        what = f"{where}.domains is empty"
        raise ConfigurationError(what, "list the SIP domains that this Kamailio serves")
    parts = parts_of(own.parts, own.tables, where)
    rest = {key: value for key, value in table.items() if key not in _OWN}
    maps = {each: part.map() for each, part in parts.items()}
    sql = sql_from_config(name, {**rest, "tables": maps}, context)
    cls = RestrictableKamailioDb if isinstance(sql, RestrictableSql) else KamailioDb
    domains = tuple(each.lower() for each in own.domains)
    return cls(sql, parts, domains, own.realm)
