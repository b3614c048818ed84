"""A leg: one telephone's side of a call, as an identifier that a record can link to."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from dsr.model import Identifier

__all__ = ["Sign", "leg", "leg_of"]

_LEG: Final = re.compile(r"(?P<call>.+);(?P<party>\w+) of (?P<key>.+)", re.DOTALL)


class Sign(NamedTuple):
    """What tells a telephone of a call: it is `party` (caller, callee) of the row with `key`."""

    party: str
    key: str

    def __repr__(self) -> str:
        """Show no key."""
        return f"Sign(party={self.party!r})"


def leg(call: str, sign: Sign) -> Identifier:
    """Return the identifier of the telephone with `sign` in `call`."""
    return Identifier("object", f"{call};{sign.party} of {sign.key}")


def leg_of(who: Identifier) -> tuple[str, Sign] | None:
    """Return the call and the sign of a leg; None for any other identifier."""
    told = _LEG.fullmatch(who.value) if who.kind == "object" else None
    return (told["call"], Sign(told["party"], told["key"])) if told else None
