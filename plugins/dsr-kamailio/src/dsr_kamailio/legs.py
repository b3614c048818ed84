"""A leg: one telephone's side of a call, as an identifier that a record can link to.

It is the call and a sign of the telephone: the tag that it chose, which stands in every request
of the call (RFC 3261 section 12), or the part that it had in setting the call up.
"""

from __future__ import annotations

import re
from typing import Final

from dsr.model import Identifier

__all__ = ["leg", "leg_of", "of_party", "of_tag"]

_LEG: Final = re.compile(r"(.+);((?:tag|party)=.+)", re.DOTALL)


def of_tag(tag: str) -> str:
    """Return the sign of the telephone that chose `tag`."""
    return f"tag={tag}"


def of_party(name: str) -> str:
    """Return the sign of the telephone that was `name` (caller, callee) when a call was set up."""
    return f"party={name}"


def leg(call: str, sign: str) -> Identifier:
    """Return the identifier of the telephone with `sign` in `call`."""
    return Identifier("object", f"{call};{sign}")


def leg_of(who: Identifier) -> tuple[str, str] | None:
    """Return the call and the sign of a leg; None for any other identifier."""
    told = _LEG.fullmatch(who.value) if who.kind == "object" else None
    return (told[1], told[2]) if told else None
