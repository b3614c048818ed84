"""What each right asks of one record (GDPR Arts. 15 to 21, 7(3)): one function a right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import evolve

from dsr.decision import (
    Decision,
    Rules,
    Wish,
    able_to,
    is_kept_only,
    reasons_for,
    restrained,
)
from dsr.find import Hit
from dsr.model import Do, Gap, Keep, Right, Verb
from dsr.policy.grounds import OBJECTABLE, ground_of
from dsr.policy.model import Category

__all__ = ["BY_RIGHT", "changes_for", "do", "kept", "left"]

_NOTHING: Final[frozenset[str]] = frozenset()


def do(hit: Hit, verb: Verb, fields: frozenset[str] = _NOTHING) -> Do:
    """Return the step that does `verb` to a record."""
    return Do(hit.store, hit.record.category, hit.record.key, verb, fields)


def left(hit: Hit, reason: str) -> Decision:
    """Return the decision that a record cannot be handled, and why."""
    return Decision(None, gap=Gap(hit.store, hit.record.category, hit.record.key, reason))


def kept(hit: Hit, reason: str, law: str) -> Decision:
    """Return the decision that a record stays as it is, and why."""
    return Decision(None, keep=Keep(hit.store, hit.record.category, hit.record.key, reason, law))


def _access(hit: Hit, _wish: Wish, _category: Category, _rules: Rules) -> Decision:
    given = do(hit, "export")
    return Decision(given, do=given)


def _portability(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Decision:
    if category.is_portable:
        return _access(hit, wish, category, rules)
    reason = "not data that the person provided or that was observed, on consent or contract"
    return kept(hit, reason, "GDPR Art. 20(1)")


def _unchanged(hit: Hit) -> Decision:
    return Decision(None, do=do(hit, "unchanged"))


def _restrict(hit: Hit, _wish: Wish, _category: Category, rules: Rules) -> Decision:
    if hit.record.restricted or not hit.about:
        return _unchanged(hit)
    wanted = do(hit, "restrict")
    return able_to(Decision(wanted, do=wanted, fields=hit.about), rules.verbs[hit.store])


def _rectify(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Decision:
    """Correct what the person may have corrected; annotate facts that the network observed."""
    data = hit.record.data
    asked = changes_for(hit.record.category, wish.changes)
    wrong = frozenset(
        name
        for name, value in asked.items()
        if name in data and name in hit.about and str(data[name]) != value
    )
    may = wrong & frozenset(category.rectifiable)
    if not wrong:
        return _unchanged(hit)
    if not may:
        return _annotate(hit, wish, {name: asked[name] for name in wrong}, rules)
    decision = restrained(  # a period to keep asks for right data; a case for untouched data
        Decision(do(hit, "rectify", may), fields=hit.about),
        list(reasons_for(hit, wish, evolve(category, keep=()), rules)),
        rules.verbs[hit.store],
    )
    if may == wrong or decision.keep:
        return decision
    reason = "facts that the network observed are annotated: ask for these fields by themselves"
    refused = kept(hit, reason, "GDPR Arts. 16, 5(1)(d)")
    return decision._replace(keep=refused.keep)


def _annotate(hit: Hit, wish: Wish, claimed: Mapping[str, str], rules: Rules) -> Decision:
    """Keep the person's version beside the record; restrict it while it is disputed (18(1)(a))."""
    record = hit.record
    noted = rules.claimed(hit.store, record.key)
    known = all(noted.get(name) == value for name, value in claimed.items())
    unable = "restrict" not in rules.verbs[hit.store]
    if known and (record.restricted or unable or wish.outcome):
        return _unchanged(hit)
    wanted = do(hit, "annotate", frozenset(claimed))
    return Decision(wanted, do=wanted, fields=hit.about)


def changes_for(category: str, changes: Mapping[str, str]) -> dict[str, str]:
    """Return the changes meant for a category: those of `field` and of `category.field`."""
    meant: dict[str, str] = {}
    for name, value in changes.items():
        prefix, dot, field = name.rpartition(".")
        if not dot or prefix == category:
            meant[field] = value
    return meant


def _erase(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Decision:
    """Delete what speaks of nobody else; elsewhere empty only the person's fields (law 7)."""
    if not hit.about:  # it led here, but says nothing of the person: the end of a call, say
        return _unchanged(hit)
    able = rules.verbs[hit.store]
    delete = category.erase == "delete" and not hit.others
    if delete and "erase" not in able and "redact" in able:
        delete = False  # named for what it is: the receipt counts it as redacted
    wanted = do(hit, "erase") if delete else do(hit, "redact", hit.about)
    wanted = evolve(wanted, ground=ground_of(wish.right, wish.ground, category))
    decision = Decision(wanted, fields=hit.about, marks=_may_mark(hit, rules))
    return restrained(decision, list(reasons_for(hit, wish, category, rules)), able)


def _may_mark(hit: Hit, rules: Rules) -> bool:
    """Return whether what is kept of a record can be marked as restricted (law.md rule 16).

    What is restricted already stays so, for whatever reason it is.
    """
    record = hit.record
    if "restrict" not in rules.verbs[hit.store] or not record.markable:
        return False
    return not record.restricted or is_kept_only(hit, rules)


def _withdraw(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Decision:
    """Erase what rests on consent alone (GDPR Arts. 7(3), 17(1)(b)); the rest is unconcerned."""
    if category.basis != "consent":
        return _unchanged(hit)
    return _erase(hit, wish, category, rules)


def _object(hit: Hit, wish: Wish, category: Category, rules: Rules) -> Decision:
    """Erase marketing at once (21(3)); restrict the rest until a person decides (18(1)(d))."""
    if category.is_for_marketing:
        return _erase(hit, wish, category, rules)
    if category.basis not in OBJECTABLE:
        return _unchanged(hit)
    if wish.outcome == "upheld":
        return _erase(hit, wish, category, rules)
    return _restrict(hit, wish, category, rules)


#: From a right to the function that decides for it, of a record that is answered at all.
BY_RIGHT: Final[Mapping[Right, Callable[[Hit, Wish, Category, Rules], Decision]]] = {
    "access": _access,
    "portability": _portability,
    "rectification": _rectify,
    "erasure": _erase,
    "restriction": _restrict,
    "objection": _object,
    "withdrawal": _withdraw,
}
