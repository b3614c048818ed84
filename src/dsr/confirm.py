"""The confirmed plan: what a person has seen and agreed to, as keyed digests.

A plan is confirmed by its token. So that applying does only what the confirmed plan says, even
when new records appear in between or a run is resumed after a crash, the ledger holds a 64-bit
keyed digest for each act that the plan contains, also of those that wait for a hold to end.
They are packed and sorted, one block a store: eight bytes an act, no personal data.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from attrs import define, evolve, field

from dsr.ledger import Confirmed
from dsr.model import Do, Gap, Verb
from dsr.plan import Decision
from dsr.steps import Row

__all__ = ["Permit", "confirm"]

_ANY: Final = "*"  # the record is part of the plan
_PARTIAL: Final = "partial"  # some fields go now, others stay
_TOKEN: Final = 16  # hexadecimal digits: 64 bits, enough to tell plans apart


def _acts(row: Row) -> Iterable[tuple[str, str]]:
    """Yield what the plan allows for one record, now or when its reasons to stay have ended."""
    decision = row.decision
    do = decision.do
    for each in (decision.wanted, do):
        if each is None or each.verb in {"unchanged", "export"}:
            continue
        yield _ANY, ""
        for name in each.fields or ("",):
            yield each.verb, name
        if each.verb == "erase":  # a hold on fields turns deletion into redaction
            for name in decision.fields:
                yield "redact", name
    if do is not None and decision.keep is not None:
        yield _PARTIAL, ""


def confirm(
    request: str, rows: Iterable[Row], digest: Callable[[str], int], at: dt.datetime
) -> Confirmed:
    """Return the plan in the form that the ledger keeps until the request is closed."""
    parts: dict[str, array[int]] = {}
    counts: dict[str, dict[str, dict[Verb, int]]] = {}
    for row in rows:
        part = parts.setdefault(row.store, array("Q"))
        part.extend({digest(_text(row, *act)) for act in _acts(row)})
        final = row.decision.wanted or row.decision.do
        if final is not None and not row.again:
            verbs = counts.setdefault(row.store, {}).setdefault(row.category, {})
            verbs[final.verb] = verbs.get(final.verb, 0) + 1
    packed = {store: array("Q", sorted(set(part))).tobytes() for store, part in parts.items()}
    token = hashlib.sha256(request.encode())
    for store in sorted(packed):
        token.update(f"\0{store}\0".encode())
        token.update(packed[store])
    return Confirmed(token=token.hexdigest()[:_TOKEN], at=at, counts=counts, parts=packed)


def _text(row: Row, act: str, name: str) -> str:
    return f"{row.store}\0{row.key}\0{act}\0{name}"


@define
class Permit:
    """Tells whether an act is part of a confirmed plan.

    With `again`, the plan was carried out before: a record that it does not know came since, and
    nothing is asked of it.
    """

    confirmed: Confirmed
    _digest: Callable[[str], int]
    again: bool = False
    _parts: Mapping[str, array[int]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Unpack the digests."""
        parts = {}
        for store, packed in self.confirmed.parts.items():
            parts[store] = array("Q")
            parts[store].frombytes(packed)
        self._parts = parts

    def _has(self, row: Row, act: str, name: str = "") -> bool:
        part = self._parts.get(row.store)
        if part is None:
            return False
        digest = self._digest(_text(row, act, name))
        place = bisect_left(part, digest)
        return place < len(part) and part[place] == digest

    def knows(self, row: Row) -> bool:
        """Return whether the plan contains an act on this record."""
        return self._has(row, _ANY)

    def partial(self, row: Row) -> bool:
        """Return whether the plan emptied some of the record's fields and kept others."""
        return self._has(row, _PARTIAL)

    def allowed(self, row: Row) -> Decision:
        """Return the row's decision, less what the plan does not contain.

        What it does not contain becomes a gap: nobody has seen it.
        """
        decision = row.decision
        do = decision.do
        if do is None or do.verb in {"unchanged", "export"}:
            return decision
        if self.again and not self.knows(row):
            rest = Do(row.store, row.category, row.key, "unchanged")
            return decision._replace(wanted=None, do=rest, keep=None, gap=None)
        if do.verb == "erase" and not self._has(row, "erase"):
            # the other party's half has gone meanwhile; this one's half was confirmed
            do = evolve(do, verb="redact", fields=decision.fields)
        if do.fields:
            seen = frozenset(name for name in do.fields if self._has(row, do.verb, name))
            if seen == do.fields:
                return decision._replace(do=do)
            do = evolve(do, fields=seen) if seen else None
        elif self._has(row, do.verb):
            return decision
        else:
            do = None
        reason = "not in the confirmed plan: plan and confirm again"
        return decision._replace(do=do, gap=Gap(row.store, row.category, row.key, reason))
