"""The receipt: what a second reading, after the run, says of the confirmed plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from dsr.confirm import Permit
from dsr.model import ERASES, Gap, Receipt, Request, Tally, Verb
from dsr.spool import Spot
from dsr.survey import Survey

__all__ = ["receipt"]

_WRITING: Final[frozenset[Verb]] = frozenset({"erase", "redact", "rectify", "annotate", "restrict"})
_GROUNDLESS: Final = (
    "gone, and no policy says by which ground of GDPR Art. 17(1): name its category"
)
_UNMARKED: Final = "kept, and not restricted to that although its store can: run again"


def receipt(  # noqa: PLR0917  (all six are what a receipt is made of)
    request: Request,
    permit: Permit,
    number: int,
    proof: Survey,
    failures: Mapping[Spot, str],
    now: dt.datetime,
    *,
    grounds: Mapping[str, str] = MappingProxyType({}),
) -> Receipt:
    """Return the receipt of one request (the `number`th of the batch), unsigned.

    `proof` is a reading made after the run, `failures` what the stores refused in it. A record
    of the confirmed plan counts as done when the proof finds nothing more to do with it.
    `grounds` are the points of GDPR Art. 17(1) by which categories are erased: what was erased
    without one keeps the request open (law.md rule 13).
    """
    steps = proof.steps
    done = {
        store: {category: dict(verbs) for category, verbs in categories.items()}
        for store, categories in permit.confirmed.counts.items()
    }
    for row in steps.rows(number):
        decision = row.decision
        verbs = done.get(row.store, {}).get(row.category, {})
        if decision.wanted is not None and not row.again and permit.knows(row):
            verb = decision.wanted.verb
            verbs[verb] = max(0, verbs.get(verb, 0) - 1)
            if decision.do is None and permit.partial(row):
                verbs["redact"] = verbs.get("redact", 0) + 1
            if decision.is_marked and row.restricted:
                verbs["restrict"] = verbs.get("restrict", 0) + 1
        if decision.is_marked and not row.restricted:
            reason = failures.get(Spot(row.store, row.digest), _UNMARKED)
            gap = Gap(row.store, row.category, row.key, reason)
            decision = decision._replace(gap=gap, marks=False)
            steps.change(row, decision)
        if decision.do is not None and decision.do.verb in _WRITING:
            late = f"still found after the run was to {decision.do.verb} it: run again"
            reason = failures.get(Spot(row.store, row.digest), late)
            gap = Gap(row.store, row.category, row.key, reason)
            steps.change(row, decision._replace(do=None, gap=gap))
    tallies = steps.tallies(number)
    erases = request.right in ERASES
    stores = {
        store: {
            category: _outcome(verbs, tally, grounds.get(category, ""), erases=erases)
            for category, verbs, tally in _matched(done.get(store, {}), tallies.get(store, {}))
        }
        for store in sorted({*done, *tallies})
    }
    complete = not any(t.keep or t.gaps for each in stores.values() for t in each.values())
    open_ = {store for store, each in stores.items() if any(t.gaps for t in each.values())}
    return Receipt(
        request=request.id,
        right=request.right,
        state="done" if complete else "incomplete",
        at=now,
        stores=stores,
        proved=dict.fromkeys(sorted(proof.read[number] - open_), now),
    )


def _gone(verbs: Mapping[Verb, int]) -> int:
    """Return how many records were erased or emptied."""
    return verbs.get("erase", 0) + verbs.get("redact", 0)


def _outcome(verbs: Mapping[Verb, int], rest: Tally, ground: str, *, erases: bool) -> Tally:
    """Return what came of one category in one store; `rest` is what the proof still finds."""
    done = {verb: count for verb, count in verbs.items() if count}
    gone, gaps = _gone(done), dict(rest.gaps)
    if gone and erases and not ground:
        gaps[_GROUNDLESS] = gone
    return Tally(done, rest.keep, gaps, {ground: gone} if gone and ground else {})


def _matched(
    done: Mapping[str, dict[Verb, int]], tallies: Mapping[str, Tally]
) -> list[tuple[str, dict[Verb, int], Tally]]:
    names = sorted({*done, *tallies})
    return [(name, done.get(name, {}), tallies.get(name, Tally())) for name in names]
