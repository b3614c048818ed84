"""Whom a mailbox and the texts in it speak of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from dsr.connectors.voicemail.note import CALLER, Note
from dsr.match import Matcher
from dsr.model import Identifier, Kind
from dsr.phone import spellings

__all__ = ["ACCEPTS", "People"]

ACCEPTS: Final[frozenset[Kind]] = frozenset({"account", "phone", "sip"})
_DEFAULT: Final = "default"  # the context of a mailbox without one (voicemail.conf)
_USER: Final = re.compile(r"<([^<>@:\s]*[A-Za-z][^<>@:\s]*)>\s*\Z")


class People:
    """A batch, by what a spool can hold of it."""

    def __init__(self, who: Sequence[Identifier], region: str) -> None:
        """Index a batch; numbers without country code are of `region`."""
        self._owners: dict[str, list[Identifier]] = {}
        for each in who:
            if each.kind == "account":
                self._owners.setdefault(each.value, []).append(each)
            elif each.kind == "phone":
                for spelling in spellings(each.value, region):
                    self._owners.setdefault(spelling, []).append(each)
        self._matcher = Matcher([each for each in who if each.kind in {"phone", "sip"}], region)

    def owners(self, context: str, number: str) -> list[Identifier]:
        """Return those to whom a mailbox belongs.

        An account is `mailbox@context`, or the mailbox alone in the context `default`; a
        number is a phone number in any context, an extension never is.
        """
        own = self._owners.get(number, [])
        bare = context == _DEFAULT
        return [
            *self._owners.get(f"{number}@{context}", []),
            *(each for each in own if bare or each.kind == "phone"),
        ]

    def callers(self, note: Note) -> dict[Identifier, frozenset[str]]:
        """Return whom a text names, each with the fields that speak of them."""
        lines = [(name, value) for name, value in note.values.items() if value]
        user = _USER.search(note.values.get("callerid", ""))
        if user:  # "Name" <user>: the matcher wants to be told that it is one
            lines.append(("callerid", f"sip:{user[1]}"))
        found: dict[Identifier, frozenset[str]] = {}
        for name, value in lines:  # one by one: where a value ends, so does a number in it
            names = CALLER if name in CALLER else {name}
            filled = frozenset(each for each in names if note.values.get(each))
            for who in self._matcher.matches(value):
                found[who] = found.get(who, frozenset()) | filled
        return found
