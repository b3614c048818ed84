"""From what was found to what will be done: pure functions, one decision a record.

`decide` first says what the right asks for (`wanted`), then what the reasons to keep leave of
it (`restrained`). Both are used again when a hold is found out later, so that the rule exists
once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from attrs import evolve, frozen

from dsr.connector import Connector, Erases, Rectifies, Redacts, Restricts
from dsr.find import Hit
from dsr.model import Do, Gap, Hold, Keep, Right, Step, Unread, Verb
from dsr.policy.model import Category, Policy
from dsr.policy.reasons import Reason, reasons

__all__ = [
    "Decision",
    "Rules",
    "Wish",
    "changes_for",
    "decide",
    "gaps_of",
    "restrained",
    "verbs_of",
]

_NOTHING: Final[frozenset[str]] = frozenset()


class Wish(NamedTuple):
    """What a request asks for, for every record: a right, and the fields to set."""

    right: Right
    changes: Mapping[str, str]


@frozen
class Rules:
    """All that a decision depends on besides the record.

    `holds` are the active ones that name no subject; `verbs` what each store can do; `today`
    the day in the operator's time zone.
    """

    policy: Policy
    holds: Sequence[Hold]
    verbs: Mapping[str, frozenset[Verb]]
    today: dt.date


class Decision(NamedTuple):
    """The outcome for one record; at least one of `do`, `keep`, `gap` is there.

    `wanted` is what will be done once no reason is left to keep anything (None where the right
    asks nothing of this record); `fields` all that speaks of the subject.
    """

    wanted: Do | None
    do: Do | None = None
    keep: Keep | None = None
    gap: Gap | None = None
    fields: frozenset[str] = _NOTHING

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps, in the order do, keep, gap."""
        return tuple(each for each in (self.do, self.keep, self.gap) if each is not None)


def verbs_of(connector: Connector) -> frozenset[Verb]:
    """Return what a store can do, by the methods its connector has."""
    found: set[Verb] = {"export", "unchanged"}
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
        return _gap(hit, f"no policy names this category: add [categories.{hit.record.category}]")
    if hit.undecidable:
        return _gap(hit, "bears no time, and the number had another holder before or after")
    if category.role == "processor":
        who = category.controller or "its controller"
        reason = f"processed for {who}, to whom the request goes"
        return _keep(hit, reason, "GDPR Art. 28(3)(e)")
    return _BY_RIGHT[wish.right](hit, wish, category, rules)


def _do(hit: Hit, verb: Verb, fields: frozenset[str] = _NOTHING) -> Do:
    return Do(hit.store, hit.record.category, hit.record.key, verb, fields)


def _gap(hit: Hit, reason: str) -> Decision:
    return Decision(None, gap=Gap(hit.store, hit.record.category, hit.record.key, reason))


def _keep(hit: Hit, reason: str, law: str) -> Decision:
    return Decision(None, keep=Keep(hit.store, hit.record.category, hit.record.key, reason, law))


def _access(hit: Hit, _wish: Wish, _category: Category, _rules: Rules) -> Decision:
    do = _do(hit, "export")
    return Decision(do, do=do)


def _portability(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Decision:
    if category.is_portable:
        return _access(hit, wish, category, rules)
    reason = "not data that the person provided or that was observed, on consent or contract"
    return _keep(hit, reason, "GDPR Art. 20(1)")


def _unchanged(hit: Hit) -> Decision:
    return Decision(None, do=_do(hit, "unchanged"))


def _restrict(hit: Hit, _wish: Wish, _category: Category, rules: Rules) -> Decision:
    if hit.record.restricted:
        return _unchanged(hit)
    do = _do(hit, "restrict")
    return _able(Decision(do, do=do, fields=hit.about), rules.verbs[hit.store])


def _rectify(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Decision:
    """Correct what the person may have corrected; facts the network saw are not overwritten."""
    data = hit.record.data
    wrong = frozenset(
        name
        for name, value in changes_for(hit.record.category, wish.changes).items()
        if name in data and name in hit.about and str(data[name]) != value
    )
    may = wrong & frozenset(category.rectifiable)
    if not wrong:
        return _unchanged(hit)
    reason = "the policy does not let these fields be overwritten: annotate them by hand"
    refused = _keep(hit, reason, "GDPR Arts. 16, 5(1)(d)")
    if not may:
        return refused
    decision = restrained(
        Decision(_do(hit, "rectify", may), fields=hit.about),
        list(_reasons(hit, category, rules)),
        rules.verbs[hit.store],
    )
    return decision if may == wrong or decision.keep else decision._replace(keep=refused.keep)


def changes_for(category: str, changes: Mapping[str, str]) -> dict[str, str]:
    """Return the changes meant for a category: those of `field` and of `category.field`."""
    meant: dict[str, str] = {}
    for name, value in changes.items():
        prefix, dot, field = name.rpartition(".")
        if not dot or prefix == category:
            meant[field] = value
    return meant


def _erase(hit: Hit, _wish: Wish, category: Category, rules: Rules) -> Decision:
    """Delete what speaks of nobody else; elsewhere empty only the person's fields (law 7)."""
    if not hit.about:  # it led here, but says nothing of the person: the end of a call, say
        return _unchanged(hit)
    able = rules.verbs[hit.store]
    delete = category.erase == "delete" and not hit.others
    if delete and "erase" not in able and "redact" in able:
        delete = False  # named for what it is: the receipt counts it as redacted
    do = _do(hit, "erase") if delete else _do(hit, "redact", hit.about)
    decision = Decision(do, fields=hit.about)
    return restrained(decision, list(_reasons(hit, category, rules)), able)


def _withdraw(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Decision:
    """Erase what rests on consent alone (GDPR Arts. 7(3), 17(1)(b)); the rest is unconcerned."""
    if category.basis != "consent":
        return _unchanged(hit)
    return _erase(hit, wish, category, rules)


_BY_RIGHT: Final[Mapping[Right, Callable[[Hit, Wish, Category, Rules], Decision]]] = {
    "access": _access,
    "portability": _portability,
    "rectification": _rectify,
    "erasure": _erase,
    "restriction": _restrict,
    "objection": _restrict,
    "withdrawal": _withdraw,
}


def _reasons(hit: Hit, category: Category, rules: Rules) -> Iterator[Reason]:
    """Yield the reasons that keep anything of this record: empty fields need no keeping."""
    data = hit.record.data
    zone = rules.policy.operator.zone
    for each in reasons(category, hit.record, rules.holds, rules.today, zone):
        if not each.fields:
            yield each
        elif filled := frozenset(name for name in each.fields if data.get(name) not in (None, "")):
            yield evolve(each, fields=filled)


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
        return _able(decision._replace(do=wanted, keep=None, gap=None), able)
    whole = [each for each in found if not each.fields]
    kept = frozenset[str]().union(*(each.fields for each in found))
    target = wanted.fields or decision.fields
    stays = target if whole else frozenset(each for each in target if _is_kept(each, kept))
    if not whole and not stays and wanted.verb != "erase":
        return _able(decision._replace(do=wanted, keep=None, gap=None), able)
    reason = _joined(whole or found)
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
    return _able(decision._replace(do=do, keep=keep, gap=None), able)


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


def _able(decision: Decision, able: frozenset[Verb]) -> Decision:
    """Turn what the store cannot do into a gap (law 4)."""
    do = decision.do
    if do is None or do.verb in able:
        return decision
    if not do.fields and do.verb == "redact":
        return decision
    reason = f"the store cannot {do.verb}: its connector has no such method"
    gap = Gap(do.store, do.category, do.key, reason, do.fields)
    return decision._replace(do=None, gap=gap)
