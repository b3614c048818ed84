"""A batch, by where it can be met: in cards, in their names, and as owners of books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from dsr.connectors.lookup import Keys, Lookup
from dsr.connectors.vcards.people import OWN, People
from dsr.match import Matcher
from dsr.model import Identifier, Kind

__all__ = ["Batch", "accepted", "owning"]

_OWNERS: Final[frozenset[Kind]] = frozenset({"account", "sip"})


def accepted(owner: Keys | None) -> frozenset[Kind]:
    """Return the kinds of identifier that cards hold and, with a pattern, owners have."""
    return OWN | owning(owner)


def owning(owner: Keys | None) -> frozenset[Kind]:
    """Return the kinds of identifier that owners of books have; none without a pattern."""
    return owner.accepts & _OWNERS if owner else frozenset()


@frozen
class Batch:
    """The people that one reading looks for."""

    people: People = field(repr=False)
    _matcher: Matcher = field(repr=False)
    _owners: Lookup | None = field(repr=False)

    @classmethod
    def of(cls, who: Sequence[Identifier], region: str, owner: Keys | None) -> Batch:
        """Index a batch; `owner` is the pattern of paths that name whose book it is."""
        owning = [each for each in who if each.kind in _OWNERS]
        named = [each for each in who if each.kind in OWN]
        lookup = Lookup(owner, owning) if owner else None
        return cls(People.of(who, region), Matcher(named, region), lookup)

    def owners(self, path: str) -> tuple[Identifier, ...]:
        """Return whose book the path names."""
        hit = self._owners.match(path) if self._owners else None
        return hit.who if hit else ()

    def named(self, file: str) -> frozenset[Identifier]:
        """Return whom the name of a card's file speaks of."""
        return self._matcher.matches(file.removesuffix(".vcf"))
