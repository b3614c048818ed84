"""A request's part for others: handed over to the controllers who decide about it (rule 37).

The operator processes some data for somebody else, the controller. It does not answer about it:
the controller receives the request and the data (GDPR Arts. 4(7), 28(3)(e)). Until then the
request stays open; afterwards what is kept for a controller no longer holds it up.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from attrs import define, evolve, field, frozen

from dsr.errors import DeliveryError
from dsr.find import Hit, Reading
from dsr.ledger import Ledger
from dsr.masking import masked
from dsr.model import WRITES, Do, PackageInfo, Receipt, Request, Tally, Unread
from dsr.package import Cover, Handover, forwarded, save, save_text
from dsr.plan import PROCESSED, Rules, Wish, changes_for, decide, gaps_of
from dsr.policy.model import Category, Policy
from dsr.spool import Spool
from dsr.stores import Stores
from dsr.survey import Progress, quiet

__all__ = ["Handed", "HandedOver", "hand_over", "handed", "record", "settled", "total", "waiting"]

_BEGUN: Final = "handover"
_HANDED: Final = "handed over"


@frozen
class Handed:
    """What one controller gets: a package, and how many `records` of which categories it holds.

    `controller` may come from a record; `named` is what the policy says of it, and may be shown
    anywhere: its name, or the `{field}` that holds it.
    """

    controller: str = field(repr=False)
    named: str
    package: PackageInfo
    records: Mapping[str, int]


@frozen
class HandedOver:
    """A request after its part for others was handed over, and the `letter` that tells the person.

    `gaps` counts by reason what could not be: parts of stores, and contents of recordings. There
    is no letter where nothing goes to anybody.
    """

    request: Request
    packages: tuple[Handed, ...] = ()
    gaps: Mapping[str, int] = field(factory=dict)
    letter: Path | None = None


def hand_over(
    stores: Stores, request: Request, folder: Path, now: dt.datetime, progress: Progress = quiet
) -> HandedOver:
    """Write a package for each controller, and a letter, into `folder`, made if need be.

    Every store is read once. The same once more writes the same files again. Records nothing:
    call `record` with what it returns. Raises `DeliveryError` when a file cannot be written, and
    `StoreError` when a recording breaks off while it is read.
    """
    with ExitStack() as stack:
        run = _Run(stores, request, now, stack)
        run.read(progress)
        _make(folder)
        packages = tuple(run.saved(folder))
        letter = folder / f"forwarded-{request.id}.html" if packages else None
        if letter:
            save_text(forwarded(run.cover, run.told()), letter)
        return HandedOver(request, packages, dict(run.gaps), letter)


@define
class _Run:
    """One reading, and the packages that it fills, by controller."""

    stores: Stores
    request: Request
    now: dt.datetime
    stack: ExitStack
    packages: dict[str, Handover] = field(factory=dict, init=False, repr=False)
    counts: dict[str, Counter[str]] = field(factory=dict, init=False, repr=False)
    named: dict[str, str] = field(factory=dict, init=False, repr=False)
    gaps: Counter[str] = field(factory=Counter, init=False)

    @property
    def cover(self) -> Cover:
        return Cover.of(self.stores.policy, self.request, self.now)

    def read(self, progress: Progress) -> None:
        rules, wish = self.stores.ground(self.now).rules, Wish.of(self.request)
        subject = self.stores.ledger.subject(self.request.id)
        with Spool() as spool:
            reading = Reading(self.stores.connectors, [subject], spool, self.stores.executor)
            for item in reading:
                if isinstance(item, Unread):
                    self._lost(item)
                elif not item.again:
                    self._take(item, wish, rules)
                    progress(item.store, 1)
            for lost in reading.unasked(0):
                self._lost(lost)

    def _lost(self, lost: Unread) -> None:
        """Tell of what may have held somebody else's data."""
        for gap in gaps_of(lost, self.stores.connectors):
            known = self.stores.policy.categories.get(gap.category)
            if known is None or known.role == "processor":
                self.gaps[gap.reason] += 1

    def _take(self, hit: Hit, wish: Wish, rules: Rules) -> None:
        category = self.stores.policy.categories.get(hit.record.category)
        if category is None or category.role != "processor":
            return
        decision = decide(hit, wish, rules)
        if decision.gap is not None:
            self.gaps[decision.gap.reason] += 1
            return
        controller = category.controller_of(hit.record.data)
        package = self.packages.get(controller) or self._package(controller)
        if self.named.get(controller) != controller:
            self.named[controller] = category.controller
        step = Do(hit.store, hit.record.category, hit.record.key, "export")
        package.add(step, masked(hit.record, hit.about, category.clir))
        self.counts[controller][hit.record.category] += 1

    def _package(self, controller: str) -> Handover:
        """Start a package; of the changes asked for it tells those that may concern its data."""
        changes: dict[str, str] = {}
        for name, each in self.stores.policy.categories.items():
            if each.role == "processor" and (
                each.controller_field or each.controller == controller
            ):
                changes |= changes_for(name, self.request.changes)
        subject = self.stores.ledger.subject(self.request.id)
        made = self.stack.enter_context(Handover(self.cover, controller, subject, changes))
        self.packages[controller], self.counts[controller] = made, Counter()
        return made

    def saved(self, folder: Path) -> list[Handed]:
        """Write the packages, each under the name that it always has for its controller."""
        digest = self.stores.ledger.digester()
        found = []
        for controller, package in sorted(self.packages.items()):
            name = f"handover-{self.request.id}-{digest(controller):016x}.zip"
            info = save(package, folder / name)
            counts = self.counts[controller]
            for gap in package.gaps:
                self.gaps[gap.reason] += 1
                counts[gap.category] -= 1
            found.append(Handed(controller, self.named[controller], info, dict(+counts)))
        return found

    def told(self) -> dict[str, list[str]]:
        """Return each controller with the categories that went to it."""
        return {name: sorted(counts) for name, counts in sorted(self.counts.items())}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the folder for the packages cannot be made: {error.strerror}"
        raise DeliveryError(what, "choose another") from None


def record(ledger: Ledger, made: HandedOver, now: dt.datetime) -> None:
    """Note what went to whom in the audit trail: the policy's name, records, the SHA-256."""
    with ledger.transaction():
        ledger.audit(
            _BEGUN, at=now, request=made.request.id, counts={"packages": len(made.packages)}
        )
        for each in made.packages:
            ledger.audit(
                _HANDED,
                at=now,
                request=made.request.id,
                counts=each.records,
                note=f"{each.named}, SHA-256 {each.package.sha256}",
            )


def total(packages: Iterable[Handed]) -> dict[str, int]:
    """Return how many records of each category are in the packages together."""
    found: Counter[str] = Counter()
    for each in packages:
        found.update(each.records)
    return dict(found)


def handed(ledger: Ledger, request: str) -> dict[str, int]:
    """Return how many records of each category went to their controllers, the last time."""
    found: Counter[str] = Counter()
    for entry in ledger.entries(request):
        if entry.event == _BEGUN:
            found.clear()
        elif entry.event == _HANDED:
            found.update(entry.counts)
    return dict(found)


def waiting(policy: Policy, receipt: Receipt, sent: Mapping[str, int]) -> dict[str, int]:
    """Return how many records of each category still have to go to their controllers.

    `sent` is what `handed` returns. Records of which more are kept than went are all counted:
    which of them are new is not known.
    """
    kept: Counter[str] = Counter()
    for categories in receipt.stores.values():
        for name, tally in categories.items():
            known = policy.categories.get(name)
            if known is not None and known.role == "processor":
                kept[name] += sum(n for why, n in tally.keep.items() if _of_others(why))
    return {name: count for name, count in kept.items() if count > sent.get(name, 0)}


def settled(policy: Policy, receipt: Receipt, sent: Mapping[str, int]) -> Receipt:
    """Return the receipt in the state that the part for others leaves the request in.

    It is `incomplete` while that part waits. Afterwards what is kept for controllers counts no
    more, and stays listed. A record of the operator's own that leads to it still does.
    """
    if waiting(policy, receipt, sent):
        return evolve(receipt, state="incomplete") if receipt.state == "done" else receipt
    tallies = [
        (policy.categories.get(name), tally)
        for categories in receipt.stores.values()
        for name, tally in categories.items()
    ]
    open_ = any(tally.gaps for _, tally in tallies)
    if receipt.right in WRITES:
        open_ = open_ or any(_keeps_open(known, tally) for known, tally in tallies)
    if open_ or receipt.state != "incomplete":
        return receipt
    return evolve(receipt, state="done")


def _keeps_open(category: Category | None, tally: Tally) -> bool:
    ours = category is None or category.role != "processor"
    return any(ours or not _of_others(why) for why in tally.keep)


def _of_others(why: tuple[str, str, dt.date | None]) -> bool:
    return why[1] == PROCESSED
