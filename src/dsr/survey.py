"""A reading with its decisions: what `plan` proposes, `apply` starts from, and the proof shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager

from attrs import frozen

from dsr.connector import Connector
from dsr.decision import Claimed, nobody_claims
from dsr.find import THINGS, Reading
from dsr.model import Hold, Identifier, Kind, Subject, Unread
from dsr.plan import Rules, Wish, decide, gaps_of, verbs_of
from dsr.policy.model import Policy
from dsr.policy.reasons import active, hold_covers, of_hold
from dsr.spool import Spool
from dsr.steps import Steps

__all__ = ["Ground", "Progress", "Survey", "holds_by_link", "plain", "quiet", "survey"]


@frozen
class Ground:
    """What every reading stands on: the stores, the policy, the holds, the day."""

    connectors: Sequence[Connector]
    policy: Policy
    holds: Sequence[Hold]
    now: dt.datetime
    executor: Executor | None = None
    claimed: Claimed = nobody_claims

    @property
    def today(self) -> dt.date:
        """The day in the operator's time zone."""
        return self.now.astimezone(self.policy.operator.zone).date()

    @property
    def standing(self) -> Sequence[Hold]:
        """The holds that hold today."""
        return [each for each in self.holds if active(each, self.today)]

    def own(self, subject: Subject) -> frozenset[str]:
        """Return the requests of this person because of which data is restricted."""
        names = {plain(who) for who in subject.identifiers}
        return frozenset(
            hold.request
            for hold in self.standing
            if hold.request
            and hold.subject is not None
            and not names.isdisjoint(map(plain, hold.subject.identifiers))
        )

    @property
    def rules(self) -> Rules:
        """What decisions depend on; holds with a subject are matched by reading (see `survey`)."""
        general = [each for each in self.standing if each.subject is None]
        verbs = {each.name: verbs_of(each) for each in self.connectors}
        return Rules(self.policy, general, verbs, self.today, self.claimed)


@frozen
class Survey:
    """The settled steps of one reading, and for each subject the stores it can speak for."""

    steps: Steps
    read: Sequence[frozenset[str]]


#: Told of work as it goes on: the store, and how many records more.
Progress = Callable[[str, int], None]


def quiet(_store: str, _count: int) -> None:
    """Tell nobody of progress."""


@contextmanager
def survey(
    ground: Ground,
    subjects: Sequence[Subject],
    wishes: Sequence[Wish],
    progress: Progress = quiet,
) -> Iterator[Survey]:
    """Read every store once for the whole batch and decide each record; forget it at the end.

    Subjects of holds are read along with the batch, so that a hold on one person also covers
    the calls they share with the person who asks. A hold on a call also covers the records that
    lead to it: its own may be searched by numbers only.
    """
    rules = ground.rules
    own = [ground.own(each) for each in subjects]
    asked = [w._replace(own=w.own or bool(o)) for w, o in zip(wishes, own, strict=True)]
    held = [each for each in ground.standing if each.subject is not None]
    everyone = [*subjects, *(h.subject for h in held if h.subject is not None)]
    by_link = holds_by_link(held)
    unread: list[Unread] = []
    with Spool() as spool:
        steps = Steps(spool, rules.verbs, own)
        reading = Reading(ground.connectors, everyone, spool, ground.executor)
        for item in reading:
            if isinstance(item, Unread):
                unread.append(item)
                continue
            progress(item.store, 1)
            if item.subject < len(subjects):
                steps.add(item, decide(item, asked[item.subject], rules))
                on = [hold for link in item.record.links for hold in by_link.get(plain(link), ())]
            else:
                on = [held[item.subject - len(subjects)]]
            for hold in on:
                if hold_covers(hold, item.record):
                    steps.add_held(item, of_hold(hold), hold.request)
        for number in range(len(subjects)):
            for lost in (*unread, *reading.unasked(number)):
                for gap in gaps_of(lost, ground.connectors):
                    steps.add_gap(number, gap)
        steps.settle(unread, ground.connectors)
        yield Survey(steps, [reading.read(number) for number in range(len(subjects))])


def holds_by_link(held: Sequence[Hold]) -> Mapping[tuple[Kind, str], list[Hold]]:
    """Map the calls and objects that are under a hold to their holds."""
    found: dict[tuple[Kind, str], list[Hold]] = {}
    for hold in held:
        for who in hold.subject.identifiers if hold.subject else ():
            if who.kind in THINGS:
                found.setdefault(plain(who), []).append(hold)
    return found


def plain(who: Identifier) -> tuple[Kind, str]:
    """Return an identifier without its tenure."""
    return who.kind, who.value
