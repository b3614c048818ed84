"""One stage of one category, carried out: what is due is listed, decided, done and proved.

What others say of a person is not theirs: when their contract ends it stays where it is, and
keeps nothing (law 7). What leads to a record that stays is left with it (law 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define, field, frozen

from dsr.connector import Ages, Connector, Owns
from dsr.decision import Decision, Wish, able_to, reasons_for, restrained
from dsr.errors import ConfigurationError, StoreError
from dsr.find import PERSON, THINGS, Hit, Reading
from dsr.held import HeldRecords
from dsr.model import Do, Identifier, Kind, Subject, Unread, Verb
from dsr.old import Old, Olds
from dsr.plan import ALARM, gaps_of
from dsr.policy.model import Category, Stage
from dsr.policy.stages import border, is_due
from dsr.rights import do, kept, left
from dsr.spool import Link, Spool
from dsr.steps import Counter, Steps
from dsr.stores import Stores
from dsr.survey import Ground, Progress
from dsr.writing import Writer

__all__ = ["Job", "Run", "is_only_reached"]

_BATCH: Final = 5_000  # records that have grown old, looked at together
_END: Final = "GDPR Art. 5(1)(e)"
_WISH: Final = Wish("erasure", {})
_STAYS: Final = "its own period is not over, or something keeps it"
_ENDLESS: Final = "no stage of its category says when it goes"
_NAMELESS: Final = "no policy names its category, and so nothing says when it goes"
_ABOUT: Final = "is somebody else's, about this person: it goes with its owner's"
_OWNERLESS: Final = "may be somebody else's, about this person: nothing names this person as owner"
_UNDATED: Final = "bears no time, and the number had another holder before or after"
_LATE: Final = "still found after the sweep was to {} it: sweep again"


@frozen
class Job:
    """One stage of one category; of one that must not exist, all that is there."""

    name: str
    category: Category
    stage: Stage
    place: str

    @property
    def source(self) -> tuple[str, str]:
        """The category and the field that it is counted from."""
        return self.stage.of_person or (self.name, self.stage.anchor)


def is_only_reached(connector: Connector) -> bool:
    """Return whether no identifier of a person, but only links of other records, lead there."""
    return connector.accepts <= THINGS


@define
class Run:
    """One stage, carried out."""

    stores: Stores
    ground: Ground
    held: HeldRecords
    job: Job
    progress: Progress
    version: int
    counter: Counter = field(factory=Counter, init=False)
    problems: list[str] = field(factory=list, init=False)
    wrote: bool = field(default=False, init=False)
    refused: dict[tuple[str, Verb], int] = field(factory=dict, init=False)
    _owning: dict[tuple[str, str], frozenset[Kind]] = field(factory=dict, init=False)

    def go(self, *, dry: bool) -> None:
        """Do what is due, and count it."""
        with Olds() as olds:
            self._list(olds)
            for batch in olds.batches(_BATCH):
                self._batch(batch, olds, dry=dry)

    def prove(self) -> None:
        """Read again; what is still to be done is a gap."""
        again = Run(self.stores, self.ground, self.held, self.job, self.progress, self.version)
        again.go(dry=True)
        for store, categories in again.counter.done().items():
            for category, tally in categories.items():
                mine = self.counter.at(store, category)
                for verb, found in tally.do.items():
                    count = found - self.refused.get((store, verb), 0)  # gaps already
                    if count > 0:
                        mine.do[verb] = max(0, mine.do.get(verb, 0) - count)
                        mine.gaps[_LATE.format(verb)] = count
                for gap, count in tally.gaps.items():
                    mine.gaps.setdefault(gap, count)
        self.problems += again.problems

    def _list(self, olds: Olds) -> None:
        """Remember every record that the stage is counted from and whose time is over."""
        category, anchor = self.job.source
        day, zone = self.ground.today, self.ground.policy.operator.zone
        before = border(self.job.stage, day, zone)
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
                    elif is_due(self.job.stage, item, day, zone):
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
            meant = steps.tallies()
            if not dry:
                writer = Writer(self.stores, (), self.ground.now, self.progress)
                writer.carry_out(steps, self.version)
            for store, categories in steps.tallies().items():
                tally = categories.get(self.job.name)
                if tally is not None:
                    self.counter.merge(store, self.job.name, tally)
                    self.wrote |= bool(tally.do)
                    for verb, count in meant[store][self.job.name].do.items():
                        lost = count - tally.do.get(verb, 0)
                        self.refused[store, verb] = self.refused.get((store, verb), 0) + lost

    def _of_records(self, steps: Steps, spool: Spool, batch: Sequence[Old]) -> list[Unread]:
        """Decide about the old records themselves; they stay while they lead to what stays.

        Anonymised ones do so while they lead to what is held: without the number, the hold of a
        person would not be found to cover it any more (law 5).
        """
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
        deletes = self.job.stage.act == "delete"
        counted = {
            name
            for name, category in self.ground.policy.categories.items()
            for stage in category.stages
            if deletes and stage.of_person and stage.of_person[0] == self.job.name
        }
        leaves = [each for each in self.ground.connectors if is_only_reached(each)]
        unread = []
        for item in self._linked(spool, roots, None if counted else leaves):
            if isinstance(item, Unread):
                unread.append(item)
            elif self._is_leaf(item):
                if deletes or any(self.held.on(item.spot, item.record)):
                    steps.add(item, self._stays(item))
            elif item.record.category in counted and self._whose(item, batch) != _ABOUT:
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
            elif (decision := self._of_person(item, batch)) is not None:
                steps.add(item, decision)
        return unread

    def _of_person(self, hit: Hit, batch: Sequence[Old]) -> Decision | None:
        """Return what becomes of a record that was found for the person of an old one."""
        if hit.record.category != self.job.name:
            return self._stays(hit) if self._is_leaf(hit) else None
        whose = self._whose(hit, batch)
        if whose == _ABOUT:
            return kept(hit, _ABOUT, _END)
        return left(hit, whose) if whose else self._decided(hit)

    def _whose(self, hit: Hit, batch: Sequence[Old]) -> str:
        """Return why a record is not the person's, who is that of an old record; empty if it is.

        What somebody else's record says of them is found as well, and is none of theirs (law 7).
        """
        owners = self._owners(hit.store, hit.record.category)
        if not owners or any(who.kind in owners for who in hit.via):
            return ""
        known = any(each.kind in owners for each in batch[hit.subject].record.links)
        return _ABOUT if known else _OWNERLESS

    def _owners(self, store: str, category: str) -> frozenset[Kind]:
        """Return the kinds of identifier that tell whose a record is, asked for once."""
        if (store, category) not in self._owning:
            for each in self.ground.connectors:
                if each.name == store:
                    found = each.owners(category) if isinstance(each, Owns) else frozenset[Kind]()
                    self._owning[store, category] = found
        return self._owning[store, category]

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
            each.name == hit.store and is_only_reached(each) for each in self.ground.connectors
        )

    def _stays(self, hit: Hit) -> Decision:
        """Return why what is not due yet keeps the way to it."""
        category = self.ground.policy.categories.get(hit.record.category)
        if category is None:
            return left(hit, _NAMELESS)
        if category.present == "no":
            return left(hit, ALARM)
        if hit.undecidable:
            return left(hit, _UNDATED)
        return kept(hit, _STAYS if category.stages else _ENDLESS, _END)

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
            return left(hit, _UNDATED)
        if self.job.category.present == "no":
            return left(hit, ALARM)
        able = self.ground.rules.verbs[hit.store]
        wanted = self._wanted(hit, able)
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

    def _wanted(self, hit: Hit, able: frozenset[Verb]) -> Do | None:
        """Return what the stage does; where a store can but redact, it does that instead."""
        stage = self.job.stage
        erase = "erase" in able or "redact" not in able
        if stage.act == "delete" and erase and not hit.others:
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
