"""From what was found to what will be done: pure functions, one decision a record.

`decide` asks first whether the record is answered at all, then what the right asks of it
(`dsr.rights`); what the reasons to keep leave of that is in `dsr.decision`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dsr.connector import Connector, Erases, Rectifies, Redacts, Restricts
from dsr.decision import Decision, Rules, Wish, restrained
from dsr.find import Hit
from dsr.model import Gap, Unread, Verb
from dsr.policy.model import Category
from dsr.rights import BY_RIGHT, changes_for, kept, left

__all__ = [
    "ALARM",
    "PROCESSED",
    "Decision",
    "Rules",
    "Wish",
    "changes_for",
    "decide",
    "gaps_of",
    "restrained",
    "verbs_of",
]


def verbs_of(connector: Connector) -> frozenset[Verb]:
    """Return what a store can do, by the methods its connector has.

    Every record can be annotated: the ledger keeps the note.
    """
    found: set[Verb] = {"export", "annotate", "unchanged"}
    for protocol, verb in _PROTOCOLS:
        if isinstance(connector, protocol):
            found.add(verb)
    return frozenset(found)


_PROTOCOLS: Final[tuple[tuple[type, Verb], ...]] = (
    (Erases, "erase"),
    (Redacts, "redact"),
    (Rectifies, "rectify"),
    (Restricts, "restrict"),
)

_HANDED_OVER: Final = frozenset({"access", "portability"})
#: The law by which a record stays that is processed for somebody else, who decides about it.
PROCESSED: Final = "GDPR Art. 28(3)(e)"
#: What a record of data is told as that the operator says it does not have.
ALARM: Final = "the policy says that there is none: a person must look at it"


def gaps_of(unread: Unread, connectors: Sequence[Connector]) -> Iterator[Gap]:
    """Yield a gap for each category that the unread part may have held; at least one."""
    categories = {unread.category} if unread.category else set[str]()
    for connector in connectors:
        if connector.name == unread.store and not categories:
            categories = set(connector.categories)
    for category in sorted(categories) or ["unknown"]:
        yield Gap(unread.store, category, key="", reason=unread.reason)


def decide(hit: Hit, wish: Wish, rules: Rules) -> Decision:
    """Return what is to be done with one record for one request."""
    category = rules.policy.categories.get(hit.record.category)
    if category is None:
        return left(hit, f"no policy names this category: add [categories.{hit.record.category}]")
    if hit.undecidable:
        return left(hit, "bears no time, and the number had another holder before or after")
    if category.role == "processor":
        return _of_others(hit, category)
    if category.present != "no":
        return BY_RIGHT[wish.right](hit, wish, category, rules)
    alarm = left(hit, ALARM)  # what a public promise denies is never erased unseen
    if wish.right not in _HANDED_OVER:
        return alarm
    return BY_RIGHT[wish.right](hit, wish, category, rules)._replace(gap=alarm.gap)


def _of_others(hit: Hit, category: Category) -> Decision:
    """Keep what is processed for a controller, who decides about it (law.md rule 37).

    A controller whom the record names is not named here: plans and receipts tell no field's value.
    """
    if not category.controller_of(hit.record.data):
        return left(hit, "processed for somebody whom nothing names: find out who, and name them")
    who = "its controller" if category.controller_field else category.controller
    return kept(hit, f"processed for {who}, to whom the request goes", PROCESSED)
