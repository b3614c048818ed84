"""What people and configurations write, as identifiers in their canonical form."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from dsr.errors import InvalidIdentifier
from dsr.model import KINDS, Identifier, Kind
from dsr.phone import normalise

__all__ = ["identify"]

_SIP: Final = re.compile(r"(?:sips?:)?([^\s@:;<>]+(?:@[^\s@;<>]+)?)(?:;.*)?", re.IGNORECASE)
_EMAIL: Final = re.compile(r"(?:mailto:)?([^\s@<>]+@[^\s@<>]+)", re.IGNORECASE)


def identify(
    kind: Kind,
    text: str,
    region: str,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Identifier:
    """Return `text` as an identifier of `kind`, in the one form that stores are asked for.

    Phone numbers become E.164 (`region` is the home region, ISO 3166-1 alpha-2), SIP and
    e-mail addresses lower case without scheme; other kinds are taken as they are. `since` and
    `until` bound the tenure. Raises `InvalidIdentifier` for what is malformed or of no known
    kind, or a tenure that is empty; the message never repeats it.
    """
    value = text.strip()
    if since is not None and until is not None and since >= until:
        what = "the tenure ends before it begins"
        raise InvalidIdentifier(what, "give `since` before `until`")
    if kind == "phone":
        value = normalise(value, region)
    elif kind == "sip":
        value = _matched(_SIP, value, "a SIP address, such as alice@sip.example.org")
    elif kind == "email":
        value = _matched(_EMAIL, value, "an e-mail address, such as alice@example.org")
    elif kind not in KINDS:
        what = "unknown kind of identifier"
        raise InvalidIdentifier(what, f"use one of {', '.join(KINDS)}")
    elif not value:
        what = f"the {kind} identifier is empty"
        raise InvalidIdentifier(what, "leave it out, or give its value")
    return Identifier(kind, value, since, until)


def _matched(pattern: re.Pattern[str], text: str, example: str) -> str:
    match = pattern.fullmatch(text)
    if match is None:
        what = f"this is not {example.partition(',')[0]}"
        raise InvalidIdentifier(what, f"write {example}")
    return match[1].lower()
