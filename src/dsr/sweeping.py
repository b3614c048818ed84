"""Routine deletion: what the policy's stages say of every record, without a request.

A record goes when a stage of its category is due (GDPR Art. 5(1)(e)), unless a hold, a duty to
keep, a restriction or the store's own lock stands against it. The way to a record never goes
before it: what is only reached by links is swept first, then what is counted from another
category's record (the end of a contract), then what is counted from the record itself. Nothing
is journalled: sweeping again continues.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import define, field, frozen

from dsr.connector import Ages, Connector
from dsr.decision import Decision, Wish, able_to, reasons_for, restrained
from dsr.errors import ConfigurationError, RequestError, StoreError
from dsr.find import PERSON, THINGS, Hit, Reading
from dsr.held import HeldRecords
from dsr.model import Do, Identifier, Receipt, Subject, Tally, Unread
from dsr.old import Old, Olds
from dsr.plan import ALARM, gaps_of
from dsr.policy.model import Category, Stage
from dsr.policy.stages import border
from dsr.rights import do, kept, left
from dsr.spool import Link, Spool
from dsr.steps import Counter, Steps
from dsr.stores import Stores
from dsr.survey import Ground, Progress, quiet
from dsr.writing import HoldsChanged, Writer

__all__ = ["Swept", "sweep"]

_BATCH: Final = 5_000  # records that have grown old, looked at together
_TRIES: Final = 5  # how often holds may change under a stage before it gives up
_WISH: Final = Wish("erasure", {})
_STAYS: Final = "its own period is not over, or something keeps it"
_ENDLESS: Final = "no stage of its category says when it goes"
_LATE: Final = "still found after the sweep was to {} it: sweep again"


@frozen
class Swept:
    """What routine deletion did at a point in time: store -> category -> `Tally`.

    `problems` are sentences: what could not be listed, and why. `resumed` are the receipts of
    requests that were waiting for their time.
    """

    at: dt.datetime
    stores: Mapping[str, Mapping[str, Tally]] = field(factory=dict)
    problems: tuple[str, ...] = ()
    resumed: tuple[Receipt, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing was out of reach; what is kept for a reason does not count."""
        tallies = [tally for each in self.stores.values() for tally in each.values()]
        return not self.problems and not any(tally.gaps for tally in tallies)


def sweep(
    stores: Stores, now: dt.datetime, progress: Progress = quiet, *, dry: bool = False
) -> Swept:
    """Delete or anonymise what is due by the policy's stages, prove it, and return what was done.

    With `dry` nothing is changed: what it returns is what would be done. `progress` is told of
    records written. What a store refuses is a gap; a store that cannot list what has grown old
    is a problem; neither ends the sweep. Raises `RequestError` if holds keep changing meanwhile.
    """
    counter, problems = Counter(), dict[str, None]()
    for job in _jobs(stores):
        for _ in range(_TRIES):
            version = stores.ledger.holds_version()
            ground = stores.ground(now)
            try:
                with HeldRecords(ground) as held:
                    run = _Run(stores, ground, held, job, progress, version)
                    run.go(dry=dry)
                    if not dry and run.wrote:
                        run.prove()
            except HoldsChanged:
                continue
            break
        else:
            what = "holds kept changing while routine deletion ran"
            raise RequestError(what, "run it again: what is done stays done")
        problems.update(dict.fromkeys(run.problems))
        for store, categories in run.counter.done().items():
            for category, tally in categories.items():
                counter.merge(store, category, tally)
    return Swept(now, counter.done(), tuple(problems))


@frozen
class _Job:
    """One stage of one category."""

    name: str
    category: Category
    stage: Stage
    place: str

    @property
    def source(self) -> tuple[str, str]:
        """The category and the field that it is counted from."""
        return self.stage.of_person or (self.name, self.stage.anchor)


def _jobs(stores: Stores) -> list[_Job]:
    """Return every stage, in an order in which no way to a record goes before the record."""
    found = [
        _Job(name, category, stage, f"categories.{name}.stages[{number}]")
        for name, category in stores.policy.categories.items()
        for number, stage in enumerate(category.stages)
    ]

    def order(job: _Job) -> tuple[bool, bool, bool]:
        holders = [each for each in stores.connectors if job.name in each.categories]
        reached = all(_is_only_reached(each) for each in holders)
        return not reached, job.stage.of_person is None, job.stage.act != "delete"

    return sorted(found, key=order)


def _is_only_reached(connector: Connector) -> bool:
    """Return whether no identifier of a person, but only links of other records, lead there."""
    return connector.accepts <= THINGS


@define
class _Run:
    """One stage, carried out."""

    stores: Stores
    ground: Ground
    held: HeldRecords
    job: _Job
    progress: Progress
    version: int
    counter: Counter = field(factory=Counter, init=False)
    problems: list[str] = field(factory=list, init=False)
    wrote: bool = field(default=False, init=False)

    def go(self, *, dry: bool) -> None:
        """Do what is due, and count it."""
        with Olds() as olds:
            self._list(olds)
            for batch in olds.batches(_BATCH):
                self._batch(batch, olds, dry=dry)

    def prove(self) -> None:
        """Read again; what is still to be done is a gap."""
        again = _Run(self.stores, self.ground, self.held, self.job, self.progress, self.version)
        again.go(dry=True)
        for store, categories in again.counter.done().items():
            for category, tally in categories.items():
                mine = self.counter.at(store, category)
                for verb, count in tally.do.items():
                    mine.do[verb] = max(0, mine.do.get(verb, 0) - count)
                    mine.gaps[_LATE.format(verb)] = count
                for gap, count in tally.gaps.items():
                    mine.gaps.setdefault(gap, count)
        self.problems += again.problems

    def _list(self, olds: Olds) -> None:
        """Remember every record that the stage is counted from and whose time is over."""
        category, anchor = self.job.source
        before = border(self.job.stage, self.ground.today, self.ground.policy.operator.zone)
        for connector in self.ground.connectors:
            if category not in connector.categories:
                continue
            if not isinstance(connector, Ages):
                self.problems.append(
                    f"store {connector.name}: cannot list what has grown old, so that"
                    f" {self.job.place} does not run there"
                )
                continue
            try:
                for item in connector.aged(category, anchor, before):
                    if isinstance(item, Unread):
                        self.problems.append(f"store {connector.name}: {item.reason}")
                    else:
                        olds.add(Old(connector.name, item))
            except (StoreError, ConfigurationError) as error:
                self.problems.append(str(error))
            except Exception as error:  # noqa: BLE001  (a connector's bug must not end the sweep)
                name = type(error).__name__
                self.problems.append(
                    f"store {connector.name}: listing ended with an unexpected {name}"
                )

    def _batch(self, batch: Sequence[Old], olds: Olds, *, dry: bool) -> None:
        with Spool() as spool:
            steps = Steps(spool, self.ground.rules.verbs)
            if self.job.stage.of_person:
                unread = self._of_people(steps, spool, self._gone(batch, olds))
            else:
                unread = self._of_records(steps, spool, batch)
            steps.settle(unread, self.ground.connectors)
            if not dry:
                writer = Writer(self.stores, (), self.ground.now, self.progress)
                writer.carry_out(steps, self.version)
            for store, categories in steps.tallies().items():
                tally = categories.get(self.job.name)
                if tally is not None:
                    self.counter.merge(store, self.job.name, tally)
                    self.wrote |= bool(tally.do)

    def _of_records(self, steps: Steps, spool: Spool, batch: Sequence[Old]) -> list[Unread]:
        """Decide about the old records themselves; they stay while they lead to what stays."""
        roots = []
        for number, (store, record) in enumerate(batch):
            about = record.personal
            hit = Hit(number, store, record, about, 0, (), again=False, undecidable=False)
            decision = self._decided(hit)
            if decision is None:
                continue
            steps.add(hit, decision)
            spool.remember(number, *hit.spot, about)
            roots += [Link(each, number, hit.spot) for each in record.links]
        if self.job.stage.act != "delete":
            return []
        counted = {
            name
            for name, category in self.ground.policy.categories.items()
            for stage in category.stages
            if stage.of_person and stage.of_person[0] == self.job.name
        }
        leaves = [each for each in self.ground.connectors if _is_only_reached(each)]
        unread = []
        for item in self._linked(spool, roots, None if counted else leaves):
            if isinstance(item, Unread):
                unread.append(item)
            elif item.record.category in counted or self._is_leaf(item):
                steps.add(item, self._stays(item))
        return unread

    def _of_people(self, steps: Steps, spool: Spool, batch: Sequence[Old]) -> list[Unread]:
        """Decide about what is found for the people of the old records."""
        roots = []
        for number, old in enumerate(batch):
            spool.remember(number, *old.spot, old.record.personal)
            roots += [Link(each, number, old.spot) for each in old.record.links]
        unread = []
        for item in self._linked(spool, roots):
            if isinstance(item, Unread):
                unread.append(item)
                for gap in gaps_of(item, self.ground.connectors):
                    if gap.category == self.job.name:
                        steps.add_gap(0, gap)
            elif item.record.category != self.job.name:
                if self._is_leaf(item):
                    steps.add(item, self._stays(item))
            elif (decision := self._decided(item)) is not None:
                steps.add(item, decision)
        return unread

    def _linked(
        self, spool: Spool, roots: Sequence[Link], connectors: Sequence[Connector] | None = None
    ) -> Reading | tuple[()]:
        """Return a reading of what the records lead to."""
        connectors = self.ground.connectors if connectors is None else connectors
        if not roots or not connectors:
            return ()
        return Reading(connectors, (), spool, self.ground.executor, roots)

    def _is_leaf(self, hit: Hit) -> bool:
        """Return whether nothing but links lead to a record."""
        return any(
            each.name == hit.store and _is_only_reached(each) for each in self.ground.connectors
        )

    def _stays(self, hit: Hit) -> Decision:
        category = self.ground.policy.categories.get(hit.record.category)
        ends = category is not None and category.stages
        return kept(hit, _STAYS if ends else _ENDLESS, "GDPR Art. 5(1)(e)")

    def _gone(self, batch: Sequence[Old], olds: Olds) -> list[Old]:
        """Return the records whose person has no other that is not due: another contract, say."""
        category = self.job.source[0]
        sources = [each for each in self.ground.connectors if category in each.categories]
        named = [old for old in batch if any(each.kind in PERSON for each in old.record.links)]
        people = [
            Subject(tuple(each for each in old.record.links if each.kind in PERSON))
            for old in named
        ]
        here = set[int]()
        with Spool() as spool:
            for item in Reading(sources, people, spool, self.ground.executor):
                if isinstance(item, Unread):
                    self.problems.append(item.reason)
                    return []
                if item.record.category == category and not olds.has(item.spot) and _meets(item):
                    here.add(item.subject)
        return [old for number, old in enumerate(named) if number not in here]

    def _decided(self, hit: Hit) -> Decision | None:
        """Return what becomes of a record; None where there is nothing to do."""
        if not self.held.knows(hit.store):
            return left(hit, "whether a hold covers it is not known: a store could not be read")
        if hit.undecidable:
            return left(hit, "bears no time, and the number had another holder before or after")
        if self.job.category.present == "no":
            return left(hit, ALARM)
        able = self.ground.rules.verbs[hit.store]
        wanted = self._wanted(hit, erasable="erase" in able)
        if wanted is None:
            return None
        reasons = [
            *reasons_for(hit, _WISH, self.job.category, self.ground.rules),
            *self.held.on(hit.spot, hit.record),
        ]
        decision = Decision(wanted, fields=hit.about)
        if not reasons:
            return able_to(decision._replace(do=wanted), able)
        return restrained(decision, reasons, able)

    def _wanted(self, hit: Hit, *, erasable: bool) -> Do | None:
        stage = self.job.stage
        if stage.act == "delete" and erasable and not hit.others:
            return do(hit, "erase")
        fields = hit.about
        if stage.act == "anonymise" and stage.fields:
            data = hit.record.data
            named = frozenset(name for name in stage.fields if data.get(name) not in (None, ""))
            fields = named if stage.of_person is None else named & hit.about
        return do(hit, "redact", fields) if fields else None


def _meets(hit: Hit) -> bool:
    """Return whether a record is of somebody who had the identifier at the same time."""
    for mine in hit.via:
        same = [each for each in hit.record.links if _names(each) == _names(mine)]
        if not same or any(_overlap(mine, each) for each in same):
            return True
    return False


def _names(who: Identifier) -> tuple[str, str]:
    return who.kind, who.value


def _overlap(one: Identifier, other: Identifier) -> bool:
    begins = one.until is None or other.since is None or other.since < one.until
    ends = other.until is None or one.since is None or one.since < other.until
    return begins and ends
