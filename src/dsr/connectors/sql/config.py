"""`[stores.NAME]` with `connector = "sql"`, as a connector.

::

    [stores.cdr]
    connector = "sql"
    url = "postgresql+psycopg://dsr@db/cdr"  # or "env:NAME", or "sqlite:///cdr.db"
    timezone = "Europe/Berlin"               # of timestamps that bear no zone
    [stores.cdr.tables.cdr]                  # the table's name; "schema.table" in quotes
    category = "call_records"
    key = ["uniqueid", "sequence"]
    at = "start"
    sides = [
      { phone = "src", about = ["src", "clid", "channel"] },
      { phone = "dst", about = ["dst", "dstchannel"] },
      { phone = "lastdata", match = "contains", about = ["lastdata"] },
      { sip = "src_user", domain = "src_domain", about = ["src_user", "src_domain"] },
      { phone = "json->variables.sip_from_user", about = ["json->variables.sip_from_display"] },
    ]
    restricted = "blocked"
    [stores.cdr.tables.cdr.links]
    object = "recordingfile"
    [stores.cdr.tables.numbers]
    category = "accounts"
    at = "assigned_at"
    sides = [{ phone = "number" }, { account = "account" }]
    [stores.cdr.tables.numbers.links]
    phone = { column = "number", since = "assigned_at", until = "released_at" }

What each setting means stands in `dsr.connectors.sql.tables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from attrs import Attribute, field, frozen
from attrs.validators import optional
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from dsr.connectors.sql.connector import RestrictableSql, Sql
from dsr.connectors.sql.tables import Link, Side, TableMap
from dsr.errors import ConfigurationError
from dsr.model import KINDS
from dsr.settings import Context, settings

__all__ = ["from_config"]

_URL: Final = 'write a database URL such as "sqlite:///cdr.db", or "env:NAME" to read one'


def _check_url(_: object, _attribute: Attribute[str], value: str) -> None:
    if value.startswith("env:"):
        return
    try:
        make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(_URL) from None


def _check_zone(_: object, _attribute: Attribute[str | None], value: str | None) -> None:
    try:
        ZoneInfo(value or "UTC")
    except (OSError, ValueError, KeyError):
        msg = 'write an IANA time zone such as "Europe/Berlin"'
        raise ValueError(msg) from None


@frozen
class _Side:
    """A side as TOML has it: the kind of identifier is the name of the setting."""

    phone: str | None = None
    sip: str | None = None
    email: str | None = None
    account: str | None = None
    call: str | None = None
    object: str | None = None
    usage: str | None = None
    ip: str | None = None
    about: tuple[str, ...] | None = None
    match: Literal["equal", "contains"] = "equal"
    domain: str | None = None
    country: str | None = None
    part: bool = False

    def side(self) -> Side:
        """Return the side; raises `ValueError` unless it has exactly one kind."""
        columns = [(kind, getattr(self, kind)) for kind in KINDS if getattr(self, kind) is not None]
        if len(columns) != 1:
            msg = f"a side needs exactly one of {', '.join(KINDS)}"
            raise ValueError(msg)
        kind, column = columns[0]
        return Side(kind, column, self.about, self.match, self.domain, self.country, part=self.part)


@frozen
class _Link:
    column: str
    since: str | None = None
    until: str | None = None
    folder: str | None = None


@frozen
class _Table:
    category: str
    sides: tuple[_Side, ...]
    table: str | None = None
    key: tuple[str, ...] | None = None
    at: str | None = None
    links: Mapping[str, object] = field(factory=dict)
    restricted: str | None = None
    content: str | None = None
    secret: tuple[str, ...] = ()
    standing_pin: str | None = None
    mediatype: str = "application/octet-stream"


@frozen
class _Store:
    url: str = field(validator=_check_url)
    tables: Mapping[str, _Table]
    timezone: str | None = field(default=None, validator=_check_zone)
    replica: str | None = field(default=None, validator=optional(_check_url))


def from_config(name: str, table: Mapping[str, object], context: Context) -> Sql:
    """Return the connector that `[stores.<name>]` describes; nothing is opened or reached.

    It has `restrict` if one of its tables names a `restricted` column. Raises
    `ConfigurationError` that names the wrong key and the fix.
    """
    where = f"stores.{name}"
    store = settings(_Store, table, where)
    if not store.tables:
        what = f"{where} has no tables"
        raise ConfigurationError(what, f"add [{where}.tables.NAME]")
    tables = tuple(
        _table_map(each, value, f"{where}.tables.{each}") for each, value in store.tables.items()
    )
    cls = RestrictableSql if any(each.restricted for each in tables) else Sql
    return cls(
        name=name,
        url=store.url,
        region=context.region,
        tables=tables,
        timezone=store.timezone,
        folder=context.folder,
        replica=store.replica,
    )


def _table_map(name: str, table: _Table, where: str) -> TableMap:
    sides = []
    for number, each in enumerate(table.sides):
        try:
            sides.append(each.side())
        except ValueError as error:
            what = f"{where}.sides[{number}]"
            raise ConfigurationError(what, str(error)) from None
    links = tuple(_link(kind, value, f"{where}.links") for kind, value in table.links.items())
    try:
        return TableMap(
            name=name,
            category=table.category,
            sides=tuple(sides),
            table=table.table,
            key=table.key,
            at=table.at,
            links=links,
            restricted=table.restricted,
            content=table.content,
            secret=table.secret,
            standing_pin=table.standing_pin,
            mediatype=table.mediatype,
        )
    except ValueError as error:
        raise ConfigurationError(where, str(error)) from None


def _link(kind: str, value: object, where: str) -> Link:
    if kind not in KINDS:
        what = f"unknown key {where}.{kind}"
        raise ConfigurationError(what, f"known here: {', '.join(KINDS)}")
    table = value if isinstance(value, Mapping) else {"column": value}
    link = settings(_Link, cast("Mapping[str, object]", table), f"{where}.{kind}")
    try:
        return Link(kind, link.column, link.since, link.until, link.folder)
    except ValueError as error:
        what = f"{where}.{kind}"
        raise ConfigurationError(what, str(error)) from None
