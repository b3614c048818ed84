"""What a request asks of one record, and what the reasons to keep leave of that.

Pure values and functions. `restrained` is used again when a hold is found out later, so that
the rule exists once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from attrs import evolve, frozen

from dsr.find import Hit
from dsr.model import Do, Gap, Hold, Keep, Outcome, Request, Right, Step, Verb
from dsr.policy.model import Category, Policy
from dsr.policy.reasons import Reason, reasons

__all__ = [
    "KEPT",
    "RESTRICTED",
    "YES",
    "Claimed",
    "Decision",
    "Rules",
    "Wish",
    "able_to",
    "is_kept_only",
    "nobody_claims",
    "reasons_for",
    "restrained",
]

_NOTHING: Final[frozenset[str]] = frozenset()

#: Why a record stays that its store shows as restricted, by whom is not known.
RESTRICTED: Final = Reason("restricted in its store", "GDPR Art. 18(2)", None)
#: What is noted of a record, as if it were a field, that an erasure kept and restricted to that
#: (law.md rule 16).
KEPT: Final = "dsr: kept"
YES: Final = "yes"


class Wish(NamedTuple):
    """What a request asks for, for every record: a right, and the fields to set.

    `outcome` is what a person decided of an objection or a dispute. `own` says that the person
    has a restriction of their own, which does not bind them. `ground` is what they rely on.
    """

    right: Right
    changes: Mapping[str, str]
    outcome: Outcome = ""
    own: bool = False
    ground: str = ""

    @classmethod
    def of(cls, request: Request) -> Wish:
        """Return what a request asks for."""
        own = request.outcome != ""
        return cls(request.right, request.changes, request.outcome, own, request.ground)


#: From a store and a record's key to what people claim of its fields.
Claimed = Callable[[str, str], Mapping[str, str]]


def nobody_claims(_store: str, _key: str) -> Mapping[str, str]:
    """Return no claim: what a ledger without notes says of every record."""
    return {}


@frozen
class Rules:
    """All that a decision depends on besides the record.

    `holds` are the active ones that name no subject; `verbs` what each store can do; `today`
    the day in the operator's time zone; `claimed` returns what people claim of a record.
    """

    policy: Policy
    holds: Sequence[Hold]
    verbs: Mapping[str, frozenset[Verb]]
    today: dt.date
    claimed: Claimed = nobody_claims


class Decision(NamedTuple):
    """The outcome for one record; at least one of `do`, `keep`, `gap` is there.

    `wanted` is what will be done once no reason is left to keep anything (None where the right
    asks nothing of this record); `fields` all that speaks of the subject. `marks` says that
    what is kept of the record is restricted to being kept, if it is `excepted`: if all that it
    is kept for are exceptions of GDPR Art. 17(3).
    """

    wanted: Do | None
    do: Do | None = None
    keep: Keep | None = None
    gap: Gap | None = None
    fields: frozenset[str] = _NOTHING
    marks: bool = False
    excepted: bool = False

    @property
    def is_marked(self) -> bool:
        """Whether the record is to be restricted because it is kept (law.md rule 16)."""
        return self.marks and self.excepted and self.keep is not None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps, in the order do, keep, gap."""
        return tuple(each for each in (self.do, self.keep, self.gap) if each is not None)


def reasons_for(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Iterator[Reason]:
    """Yield the reasons that keep anything of this record: empty fields need no keeping."""
    data = hit.record.data
    zone = rules.policy.operator.zone
    if hit.record.restricted and not wish.own and not is_kept_only(hit, rules):
        yield RESTRICTED
    for each in reasons(category, hit.record, rules.holds, rules.today, zone):
        if not each.fields:
            yield each
        elif filled := frozenset(name for name in each.fields if data.get(name) not in (None, "")):
            yield evolve(each, fields=filled)


def is_kept_only(hit: Hit, rules: Rules) -> bool:
    """Return whether a record is restricted because an earlier erasure kept it (rule 16).

    Nobody asked for that under GDPR Art. 18, so it stands against nothing.
    """
    return rules.claimed(hit.store, hit.record.key).get(KEPT) == YES


def restrained(decision: Decision, found: Sequence[Reason], able: frozenset[Verb]) -> Decision:
    """Return what the reasons leave of what is wanted, and of that what the store can do.

    A reason as wide as the record keeps all of it. One that names fields keeps these; the
    other fields of the person are still emptied (law.md rule 15). The longest reason is named
    first, the others with it.
    """
    wanted = decision.wanted
    if wanted is None:
        return decision
    if not found:
        return able_to(decision._replace(do=wanted, keep=None, gap=None), able)
    whole = [each for each in found if not each.fields]
    kept = frozenset[str]().union(*(each.fields for each in found))
    target = wanted.fields or decision.fields
    stays = target if whole else frozenset(each for each in target if _is_kept(each, kept))
    if not whole and not stays and wanted.verb != "erase":
        return able_to(decision._replace(do=wanted, keep=None, gap=None), able)
    reason = _joined(whole or found)
    decision = decision._replace(excepted=all(each.excepted for each in found))
    keep = Keep(
        wanted.store,
        wanted.category,
        wanted.key,
        reason.reason,
        reason.law,
        reason.until,
        _NOTHING if whole else stays or kept,
    )
    rest = target - stays
    if whole or not rest:
        return decision._replace(do=None, keep=keep, gap=None)
    verb: Verb = "redact" if wanted.verb == "erase" else wanted.verb
    do = evolve(wanted, verb=verb, fields=rest)
    return able_to(decision._replace(do=do, keep=keep, gap=None), able)


def _is_kept(field: str, kept: frozenset[str]) -> bool:
    """Return whether a field is kept, or what it is a part of.

    `line[48:61]` is a part of `line`; `json->a[0:3]` one of `json->a` and of `json`.
    """
    whole = field.partition("[")[0]
    return not kept.isdisjoint((field, whole, whole.partition("->")[0]))


def _joined(found: Sequence[Reason]) -> Reason:
    """Return the reason that holds longest, its text followed by the others."""
    ranked = sorted(found, key=lambda each: (each.until or dt.date.max, each.reason), reverse=True)
    others = dict.fromkeys(f"{each.reason} ({each.law})" for each in ranked[1:])
    if not others:
        return ranked[0]
    return evolve(ranked[0], reason=f"{ranked[0].reason}; also {'; '.join(others)}")


def able_to(decision: Decision, able: frozenset[Verb]) -> Decision:
    """Turn what the store cannot do into a gap (law 4)."""
    do = decision.do
    if do is None or do.verb in able:
        return decision
    if not do.fields and do.verb == "redact":
        return decision
    reason = f"the store cannot {do.verb}: its connector has no such method"
    gap = Gap(do.store, do.category, do.key, reason, do.fields)
    return decision._replace(do=None, gap=gap)
