"""Hand over what was found: one reading of every store into one package."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from attrs import evolve

from dsr.find import Hit, Reading
from dsr.masking import masked, without_others
from dsr.model import Do, Gap, Keep, Receipt, Record, Request, Right, Step, Tally, Unread
from dsr.package import Package
from dsr.plan import Wish, decide, gaps_of
from dsr.policy.model import Category
from dsr.spool import Spool
from dsr.steps import Counter
from dsr.stores import Stores
from dsr.survey import Progress, quiet

__all__ = ["fill", "with_gap"]

#: What limits each right where handing data over would adversely affect others.
_OTHERS: Final[Mapping[Right, str]] = {
    "access": "GDPR Art. 15(4)",
    "portability": "GDPR Art. 20(4)",
}


def fill(
    package: Package,
    stores: Stores,
    request: Request,
    now: dt.datetime,
    progress: Progress = quiet,
) -> Receipt:
    """Read every store once, hand each record to the package, and return what was handed.

    The receipt is unsigned, and says nothing of the package yet.
    """
    ground, counter = stores.ground(now), Counter()
    rules, wish = ground.rules, Wish.of(request)
    noted = stores.ledger.has_notes()
    subject = stores.ledger.subject(request.id)

    with Spool() as spool:
        reading = Reading(stores.connectors, [subject], spool, stores.executor)
        for item in reading:
            if isinstance(item, Unread):
                for gap in gaps_of(item, stores.connectors):
                    counter.add(gap)
                    package.add(gap, None)
                continue
            if item.again:
                continue
            category = stores.policy.categories.get(item.record.category)
            for step in decide(item, wish, rules).steps:
                record, *more = _handed(item, category, step, request.right)
                counter.add(step)
                package.add(step, _disputed(stores, item, record) if noted else record)
                for refused in more:
                    counter.add(refused)
                    package.add(refused, None)
            progress(item.store, 1)
        for lost in reading.unasked(0):
            for gap in gaps_of(lost, stores.connectors):
                counter.add(gap)
                package.add(gap, None)
        read = reading.read(0)
    return Receipt(
        request=request.id,
        right=request.right,
        state="done",
        at=now,
        stores=counter.done(),
        proved=dict.fromkeys(sorted(read), now),
    )


def _handed(
    hit: Hit, category: Category | None, step: Step, right: Right
) -> tuple[Record, *tuple[Keep, ...]]:
    """Return what of a record may be handed over, and why the rest of it may not."""
    if category is None or not isinstance(step, Do):
        return (hit.record,)
    record = masked(hit.record, hit.about, category.clir)
    record, taken = without_others(record, hit.about, category.third_party, right)
    law = _OTHERS[right]
    return record, *(
        Keep(step.store, step.category, step.key, rule.reason, law, fields=fields)
        for rule, fields in taken
    )


def _disputed(stores: Stores, hit: Hit, record: Record) -> Record:
    """Return the record with what people claim of it instead: both versions (Art. 16)."""
    claims = {
        name: {"claimed": value, "since": note.at, "decided": note.outcome or None}
        for note in stores.ledger.notes(hit.store, record.key)
        for name, value in note.claimed.items()
        if name in hit.about
    }
    return evolve(record, data={**record.data, "disputed": claims}) if claims else record


def with_gap(receipt: Receipt, gap: Gap) -> Receipt:
    """Return the receipt with a gap more: a record's content could not be read."""
    stores = {store: dict(categories) for store, categories in receipt.stores.items()}
    tally = stores.setdefault(gap.store, {}).get(gap.category, Tally())
    gaps = dict(tally.gaps)
    gaps[gap.reason] = gaps.get(gap.reason, 0) + 1
    stores[gap.store][gap.category] = evolve(tally, gaps=gaps)
    read = {name: at for name, at in receipt.proved.items() if name != gap.store}
    return evolve(receipt, stores=stores, proved=read)
