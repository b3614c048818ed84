"""Whose address a row holds: user and domain together, and what can be said without a domain.

Kamailio writes the domain where it knows it. `$rd` is the host of the telephone once a call was
routed to its binding; with `use_domain = 0` the registrar writes none at all. Where one domain
is served, such a user is that domain's; where several are, the row does not say whose it is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from attrs import define, field

from dsr.match import Matcher
from dsr.model import Identifier, Kind
from dsr.phone import spellings
from dsr_kamailio.parts import Name, Part, Party

__all__ = ["NAMED", "Named", "Parties", "spelled"]

#: The kinds that stand in the columns of a party; all others are `sql`'s affair.
NAMED: Final[frozenset[Kind]] = frozenset({"phone", "sip"})

Names = frozenset[str]
_AT: Final = re.compile(rb"@|%40")


class Named(NamedTuple):
    """The parties of a row that somebody is, and those that they may be."""

    sure: Names
    unclear: Names


@lru_cache(maxsize=4096)
def spelled(e164: str, region: str) -> Names:
    """Return every spelling of a number as digits and pluses."""
    return frozenset(spellings(e164, region))


@define
class Parties:
    """Judges the rows of one reading, for the SIP `domains` that are served."""

    domains: Sequence[str]
    region: str
    _matchers: dict[Identifier, Matcher] = field(factory=dict, init=False, repr=False)

    def named(self, part: Part, data: Mapping[str, object], who: Identifier) -> Named:
        """Return which parties of a row `who` (of a kind in `NAMED`) is."""
        verdicts = {name: self._is_party(party, data, who) for name, party in part.parties.items()}
        return Named(
            frozenset(name for name, verdict in verdicts.items() if verdict),
            frozenset(name for name, verdict in verdicts.items() if verdict is None),
        )

    def _is_party(self, party: Party, data: Mapping[str, object], who: Identifier) -> bool | None:
        verdicts = {is_named(name, data, who, self.domains, self.region) for name in party.names}
        if True in verdicts:
            return True
        if any(self.speaks(str(data[column] or ""), who) for column in party.uris):
            return True
        return None if None in verdicts else False

    def speaks(self, text: str, who: Identifier) -> bool:
        """Return whether a text with addresses speaks of `who`.

        Where several domains are served, a user at an IP address (a telephone's contact) may be
        any domain's, and is taken for nobody.
        """
        if not text:
            return False
        matcher = self._matchers.get(who)
        if matcher is None:
            matcher = self._matchers[who] = Matcher((who,), self.region)
        data = text.encode("utf-8", "surrogateescape")
        whole = who.kind != "sip" or "@" not in who.value or len(self.domains) == 1
        return any(whole or _AT.search(data, *match[:2]) for match in matcher.scan(data))


def is_named(
    name: Name, data: Mapping[str, object], who: Identifier, domains: Sequence[str], region: str
) -> bool | None:
    """Return whether user and domain are those of `who`; None where it cannot be told."""
    user = str(data[name.user] or "")
    if who.kind == "phone":
        return user in spelled(who.value, region)
    mine, _, domain = who.value.lower().partition("@")
    if user.lower() != mine:
        return False
    said = str(data[name.domain] or "").lower() if name.domain else ""
    if not domain or said == domain:
        return True
    if (said and not _is_address(said)) or domain not in domains:
        return False
    return True if len(domains) == 1 else None


@lru_cache(maxsize=4096)
def _is_address(host: str) -> bool:
    """Return whether a host is an IP address: a telephone's or a server's, but no domain."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
