"""Addresses of record and their contacts, as Kamailio's `ul.*` methods speak of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dsr.model import Identifier, Record
from dsr_kamailio.parties import spelled

__all__ = [
    "asked",
    "is_no_table",
    "is_nobody",
    "is_without_contacts",
    "lacks_domain",
    "record",
]

#: What Kamailio writes for an empty value.
_UNSET: Final = "[not set]"
#: The fields of a contact, by Kamailio's name for them. The others are its own bookkeeping.
_FIELDS: Final = {
    "Address": "contact",
    "Received": "received",
    "Path": "path",
    "User-Agent": "user_agent",
    "Instance": "instance",
    "Call-ID": "callid",
    "Socket": "socket",
    "Expires": "expires",
    "Q": "q",
    "Ruid": "ruid",
}


def is_nobody(message: str) -> bool:
    """Return whether a fault of `ul.lookup` says that memory does not know the address."""
    return message.startswith("AOR not found")


def is_without_contacts(message: str) -> bool:
    """Return whether it says that all its contacts ran out, but are not forgotten yet."""
    return message == "AOR has no contacts"


def lacks_domain(message: str) -> bool:
    """Return whether it says that addresses have a domain, and this one has none."""
    return message == "Domain missing in AOR"


def is_no_table(message: str) -> bool:
    """Return whether it says that there is no such location table."""
    return message in {"Domain table not found", "Domain not found", "Table not found"}


def asked(
    who: Sequence[Identifier], domains: Sequence[str], region: str, *, by_domain: bool
) -> dict[str, list[Identifier]]:
    """Return the addresses of record to look up, sorted, and whom each means.

    With `by_domain` an address is user and domain. Without, it is the user alone, and means
    that user at any of the `domains`: Kamailio itself does not tell them apart.
    """
    found: dict[str, list[Identifier]] = {}
    for each in dict.fromkeys(who):
        for aor in sorted(_aors(each, domains, region, by_domain=by_domain)):
            found.setdefault(aor, []).append(each)
    return dict(sorted(found.items()))


def _aors(
    who: Identifier, domains: Sequence[str], region: str, *, by_domain: bool
) -> frozenset[str]:
    if who.kind == "sip":
        user, _, domain = who.value.lower().partition("@")
        if not by_domain:
            return frozenset({user} if not domain or domain in domains else ())
        return frozenset({f"{user}@{domain}"} if domain else {f"{user}@{d}" for d in domains})
    if who.kind != "phone":
        return frozenset()
    users = spelled(who.value, region)
    return frozenset(f"{u}@{d}" for u in users for d in domains) if by_domain else users


def record(key: str, category: str, aor: str, contacts: Sequence[Mapping[str, Any]]) -> Record:
    """Return what is known of an address of record; all of it is its owner's."""
    shown = [
        {
            ours: contact[theirs]
            for theirs, ours in _FIELDS.items()
            if contact.get(theirs) not in {None, "", _UNSET}
        }
        for contact in contacts
    ]
    times = [int(each["Last-Modified"]) for each in contacts if each.get("Last-Modified")]
    data: dict[str, object] = {"aor": aor, "contacts": shown}
    return Record(
        key=key,
        category=category,
        data=data,
        at=dt.datetime.fromtimestamp(max(times), dt.UTC) if times else None,
        personal=frozenset(name for name, value in data.items() if value),
    )
