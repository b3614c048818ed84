"""Where runs read and write, by which rules, and what stands against it now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Final

from attrs import frozen

from dsr.connector import Connector
from dsr.decision import nobody_claims
from dsr.ledger import Ledger
from dsr.model import Hold, Request
from dsr.plan import changes_for
from dsr.policy.model import Policy
from dsr.survey import Ground

__all__ = ["Stores"]

_RESTRICTED: Final = "restricted at the request of the person concerned"
#: What a request restricts that is not for everything: an objection, a dispute.
_OBJECTABLE: Final = frozenset({"legitimate interests", "public task"})


@frozen
class Stores:
    """Where a run reads and writes, and by which rules."""

    connectors: Sequence[Connector]
    policy: Policy
    ledger: Ledger
    holds: Sequence[Hold] = ()  # of the configuration; those of the ledger are read as we go
    executor: Executor | None = None

    def ground(self, now: dt.datetime) -> Ground:
        """Return what a reading stands on, with the holds as they are now."""
        holds = [*self.holds, *self.ledger.holds(), *self.restrictions()]
        claimed = self._claimed if self.ledger.has_notes() else nobody_claims
        return Ground(self.connectors, self.policy, holds, now, self.executor, claimed)

    def restrictions(self) -> list[Hold]:
        """Return the restrictions that stand, each as a hold on its person's data (Art. 18(2))."""
        return [
            Hold(
                id=f"restriction-{request.id}",
                case=request.id,
                reason=_RESTRICTED,
                law="GDPR Art. 18(2)",
                subject=subject,
                categories=self.restricted(request),
                request=request.id,
            )
            for request, subject in self.ledger.restricting()
        ]

    def restricted(self, request: Request) -> frozenset[str]:
        """Return the categories in which a request restricts data; empty: all of them.

        A dispute does where it names a field that nobody may simply correct.
        """
        categories = self.policy.categories.items()
        if request.right == "objection":
            names = [name for name, each in categories if each.basis in _OBJECTABLE]
        elif request.right == "rectification":
            names = [
                name
                for name, each in categories
                if not set(each.rectifiable).issuperset(changes_for(name, request.changes))
            ]
        else:
            return frozenset()
        return frozenset(names or ["none is concerned"])

    def _claimed(self, store: str, key: str) -> Mapping[str, str]:
        claims: dict[str, str] = {}
        for note in self.ledger.notes(store, key):
            claims.update(note.claimed)
        return claims
