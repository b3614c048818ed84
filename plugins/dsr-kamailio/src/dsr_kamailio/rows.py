"""One row of a call: which telephones sign it, and which of its columns speak of whom."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from attrs import frozen

from dsr.model import Record
from dsr_kamailio.legs import of_party, of_tag
from dsr_kamailio.parts import Part

__all__ = ["CallRow", "CallTable"]

Names = frozenset[str]


@frozen
class CallTable:
    """A table with rows of calls.

    `swaps`: the accounting module turns the requests of a callee around (`detect_direction`),
    so that the caller's columns come with the callee's address.
    """

    name: str
    part: Part
    swaps: bool

    @property
    def senders(self) -> Names:
        """The parties whose columns come with the address that a request came from."""
        parties = self.part.parties.items()
        return frozenset(name for name, each in parties if self.part.sender in (each.about or ()))

    def home(self, rows: Iterable[CallRow]) -> Names:
        """Return the addresses from which the rows of one call say that it was set up."""
        sender = self.part.sender
        if not (self.swaps and sender):
            return Names()
        return frozenset(str(row.record.data[sender] or "") for row in rows if row.sets_up)


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
    def sets_up(self) -> bool:
        """Whether its caller is who called: a later request may come from the callee."""
        return self.record.data.get("method", "INVITE") == "INVITE"

    def signs(self, names: Iterable[str]) -> Names:
        """Return the signs of the telephones of these parties."""
        found = set()
        for name in names:
            if tag := self._tag(name):
                found.add(of_tag(tag))
            if self.sets_up:
                found.add(of_party(name))
        return frozenset(found)

    def signed(self, signs: AbstractSet[str]) -> Names:
        """Return the parties of the row whose telephone has one of `signs`."""
        return frozenset(name for name in self.table.part.parties if self.signs([name]) & signs)

    def fields(self, names: Names, home: Names | None = None) -> Names:
        """Return what of the row speaks of these parties; `home` as its call tells.

        Where requests are turned around, the sender of a later one is the caller only if it
        came from where the call was set up from: without `home` that is not known.
        """
        part = self.table.part
        fields = Names().union(*(part.parties[name].about or () for name in names))
        sender = part.sender
        if self.table.swaps and sender and not self.sets_up:
            fields -= {sender}
            from_caller = not home or self._text(sender) in home
            theirs = names & self.table.senders if from_caller else names - self.table.senders
            if home is not None and theirs:
                fields |= {sender}
        return fields & self.record.personal

    def _tag(self, name: str) -> str:
        return self._text(self.table.part.parties[name].tag)

    def _text(self, column: str | None) -> str:
        return str(self.record.data[column] or "") if column else ""
