"""Kamailio's tables as this plugin knows them, with the operator's settings laid over.

`maps/tables.toml` names for each table its parties in Kamailio's own terms: a column with the
user of an address and one with its domain. From that follows the column map for the `sql`
connector, which finds, erases and corrects rows; `dsr_kamailio.parties` then decides exactly
whose address a row holds.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from attrs import field, frozen

from dsr.errors import ConfigurationError
from dsr.model import Lock
from dsr.settings import layered, settings

__all__ = ["KNOWN", "Busy", "Name", "Part", "Party", "parts_of"]


@frozen
class Name:
    """A column with the user of a SIP address or a number, and one with the domain."""

    user: str
    domain: str | None = None


@frozen
class Party:
    """Somebody whom a row names.

    names  user and domain in two columns
    uris   columns that hold whole addresses, or text with addresses in it
    about  the columns that speak of this party; None: all, in tables of one party
    tag    the column with the tag of this party's telephone, which all rows of a call share
    """

    names: tuple[Name, ...] = ()
    uris: tuple[str, ...] = ()
    about: tuple[str, ...] | None = None
    tag: str | None = None


@frozen
class Busy:
    """Rows that a running call needs: why, and until when.

    `until` is a column with a Unix time; `seconds` count from the row's own time.
    """

    reason: str
    until: str | None = None
    seconds: int | None = None

    def lock(self, at: dt.datetime | None, data: Mapping[str, object]) -> Lock:
        """Return the lock of a row."""
        return Lock(self.reason, self._end(at, data))

    def _end(self, at: dt.datetime | None, data: Mapping[str, object]) -> dt.datetime | None:
        value = data.get(self.until) if self.until else None
        if isinstance(value, int) and value > 0:
            return dt.datetime.fromtimestamp(value, dt.UTC)
        if self.seconds is not None and at is not None:
            return at + dt.timedelta(seconds=self.seconds)
        return None


@frozen
class Part:
    """One table; its settings are described at the head of `maps/tables.toml`."""

    category: str
    table: str | None = None
    key: tuple[str, ...] | None = None
    at: str | None = None
    parties: Mapping[str, Party] = field(factory=dict)
    sides: tuple[Mapping[str, object], ...] = ()
    links: Mapping[str, object] = field(factory=dict)
    call: str | None = None
    sender: str | None = None
    secrets: tuple[str, ...] = ()
    lock: Busy | None = None
    restricted: str | None = None
    memory: str = ""

    @property
    def joins(self) -> bool:
        """Whether the rows of one call tell together who is who."""
        return self.call is not None and {"caller", "callee"} <= self.parties.keys()

    def map(self) -> dict[str, Any]:
        """Return the table's map for the `sql` connector: it may find too much, never too little.

        An address is looked for by its user alone: whose domain it is, `Parties` decides.
        """
        sides: list[Mapping[str, object]] = []
        for party in self.parties.values():
            about = {} if party.about is None else {"about": list(party.about)}
            for name in party.names:
                sides += [{kind: name.user, **about} for kind in ("sip", "phone")]
            for column in party.uris:
                whole = {"match": "contains", **about}
                sides += [{kind: column, **whole} for kind in ("sip", "phone")]
        if self.sender is not None:
            sides.append({"ip": self.sender, "about": [self.sender]})
        if self.call is not None:
            sides.append({"call": self.call})
        links = {"call": self.call, **self.links} if self.call else dict(self.links)
        plain = {
            "table": self.table,
            "key": self.key and list(self.key),
            "at": self.at,
            "restricted": self.restricted,
        }
        return {
            "category": self.category,
            "sides": [*sides, *self.sides],
            "links": links,
            **{name: value for name, value in plain.items() if value is not None},
        }


@cache
def _shipped() -> Mapping[str, Mapping[str, object]]:
    text = resources.files("dsr_kamailio").joinpath("maps/tables.toml").read_text("utf-8")
    return tomllib.loads(text)


#: The tables that the plugin knows, by Kamailio's name for them.
KNOWN = frozenset(_shipped())


def parts_of(names: tuple[str, ...], own: Mapping[str, object], where: str) -> dict[str, Part]:
    """Return the chosen tables; `own` are the operator's settings, by the table's name.

    Raises `ConfigurationError` for one that Kamailio does not have, or twice, or without a part.
    """
    unknown = sorted(set(names) - KNOWN)
    if unknown or not names:
        what = f"{where}.parts names no table of Kamailio" + "".join(f" {each}" for each in unknown)
        raise ConfigurationError(what, f"choose of {', '.join(sorted(KNOWN))}")
    loose = sorted(set(own) - set(names))
    if loose:
        what = f"{where}.tables.{loose[0]} is not among {where}.parts"
        raise ConfigurationError(what, "add it there, or remove it")
    parts = {}
    for name in dict.fromkeys(names):
        mine = own.get(name, {})
        place = f"{where}.tables.{name}"
        if not isinstance(mine, Mapping):
            what = f"{place} is no table"
            raise ConfigurationError(what, f"write [{place}]")
        parts[name] = settings(Part, layered(_shipped()[name], mine), place)
    return parts
