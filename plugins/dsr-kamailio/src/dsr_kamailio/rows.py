"""The rows of one call: which way each request went, and which of its columns speak of whom.

The From of a request is who sent it. Throughout a dialog both telephones keep the addresses with
which it was set up (RFC 3261 section 12.2.1.1), so that the BYE of the callee has in From what
the INVITE has in To. That tells its direction; the tags alone do not, because `detect_direction`
turns them around, and not the columns beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from attrs import frozen

from dsr.model import Record
from dsr_kamailio.legs import Sign
from dsr_kamailio.parts import Part

__all__ = ["CALLEE", "CALLER", "Call", "CallRow", "CallTable"]

CALLER: Final = "caller"
CALLEE: Final = "callee"
_SETUP: Final = "INVITE"

Names = frozenset[str]


@frozen
class CallTable:
    """A table with rows of calls, whose parties are a caller and a callee."""

    name: str
    part: Part


@frozen
class CallRow:
    """A row of a call."""

    table: CallTable
    record: Record

    @property
    def call(self) -> str:
        """The call that it belongs to; empty for a row of none."""
        return self._text(self.table.part.call)

    @property
    def is_request(self) -> bool:
        """Whether it is one request of a call; else it sums the call up."""
        return "method" in self.record.data

    @property
    def sets_up(self) -> bool:
        """Whether the request may be the one that began the call."""
        return self.record.data.get("method") == _SETUP

    @property
    def addresses(self) -> tuple[str, str]:
        """The users in From and To."""
        parties = (self.table.part.parties[each] for each in (CALLER, CALLEE))
        caller, callee = (party.names[0].user if party.names else None for party in parties)
        return self._text(caller), self._text(callee)

    @property
    def tags(self) -> tuple[str, str]:
        """The tags of From and To."""
        parties = self.table.part.parties
        return self._text(parties[CALLER].tag), self._text(parties[CALLEE].tag)

    def signs(self, names: Iterable[str]) -> frozenset[Sign]:
        """Return the signs of the telephones of these parties."""
        return frozenset(Sign(name, self.record.key) for name in names)

    def fields(self, names: Names) -> Names:
        """Return what of the row speaks of these parties."""
        about = (self.table.part.parties[name].about or () for name in names)
        return Names().union(*about) & self.record.personal

    def _text(self, column: str | None) -> str:
        return str(self.record.data[column] or "") if column else ""


@frozen
class Call:
    """All rows of one call."""

    rows: Sequence[CallRow]

    @property
    def _setup(self) -> CallRow | None:
        """The row of the request that began it: the first one, where several may be."""
        found = [row for row in self.rows if row.sets_up]
        return min(found, key=_age) if found else None

    def signed(self, signs: AbstractSet[Sign]) -> list[Names]:
        """Return for each row which of its parties is the telephone with one of `signs`."""
        setup = self._setup
        turned = [_is_turned(row, setup) for row in self.rows]
        roles = set()
        for row, is_turned in zip(self.rows, turned, strict=True):
            if is_turned is not None:
                names = {sign.party for sign in signs if sign.key == row.record.key}
                roles |= {_turn(name) if is_turned else name for name in names}
        return [
            Names()
            if is_turned is None
            else frozenset(_turn(role) if is_turned else role for role in roles)
            for is_turned in turned
        ]


def _age(row: CallRow) -> tuple[bool, float, int, str]:
    at = row.record.at
    return at is None, at.timestamp() if at else 0, len(row.record.key), row.record.key


def _turn(name: str) -> str:
    return {CALLER: CALLEE, CALLEE: CALLER}.get(name, name)


def _is_turned(row: CallRow, setup: CallRow | None) -> bool | None:
    """Return whether a row's caller is the callee of the call; None where it cannot be told."""
    if not row.is_request or row is setup:
        return False
    if setup is None:
        return None
    sender, caller, callee = row.addresses[0], *setup.addresses
    if caller != callee:
        return {caller: False, callee: True}.get(sender)
    tag = row.tags[0]
    return {setup.tags[0]: False, setup.tags[1]: True}.get(tag) if tag else None
