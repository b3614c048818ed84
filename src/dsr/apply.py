"""Carry out confirmed plans: leaves first, holds read again at every write, then prove it.

Nothing is journalled record by record: applying converges. It does what a fresh reading still
finds to do and the confirmed plan allows; the receipt counts what a second reading no longer
finds. A crash anywhere, and the same call again, ends in the same state.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Final, cast

from attrs import define, field, frozen

from dsr.confirm import Permit
from dsr.connector import Connector, Erases, Rectifies, Redacts, Restricts
from dsr.decision import nobody_claims
from dsr.errors import RequestError, StoreError, StoreUnavailable
from dsr.ledger import Ledger
from dsr.model import Do, Found, Gap, Hold, Receipt, Request, Right, Subject, Verb
from dsr.plan import Wish, changes_for
from dsr.policy.model import Policy
from dsr.prove import receipt
from dsr.spool import Spot
from dsr.steps import Row, Steps, Turn
from dsr.survey import Ground, Progress, quiet, survey

__all__ = ["Case", "Stores", "apply"]

logger = logging.getLogger(__name__)

_BATCH: Final = 5_000  # records a call of a verb; holds are read again before each
_PROVED_AT_ONCE: Final = 10_000  # leaves looked up together before the way to them goes
_TRIES: Final = 5  # how often holds may change under a run before it gives up
_WRITES: Final[tuple[Verb, ...]] = ("erase", "redact", "rectify", "annotate", "restrict")
_RESTRICTED: Final = "restricted at the request of the person concerned"
#: What a request restricts that is not for everything: an objection, a dispute.
_OBJECTABLE: Final = frozenset({"legitimate interests", "public task"})


@frozen
class Case:
    """One verified request with its confirmed plan."""

    request: Request
    subject: Subject
    permit: Permit

    @property
    def wish(self) -> Wish:
        """What it asks for."""
        return Wish.of(self.request)


@frozen
class Stores:
    """Where a run reads and writes, and by which rules."""

    connectors: Sequence[Connector]
    policy: Policy
    ledger: Ledger
    holds: Sequence[Hold] = ()  # of the configuration; those of the ledger are read as we go
    executor: Executor | None = None

    def ground(self, now: dt.datetime) -> Ground:
        """Return what a reading stands on, with the holds as they are now."""
        holds = [*self.holds, *self.ledger.holds(), *self.restrictions()]
        claimed = self._claimed if self.ledger.has_notes() else nobody_claims
        return Ground(self.connectors, self.policy, holds, now, self.executor, claimed)

    def restrictions(self) -> list[Hold]:
        """Return the restrictions that stand, each as a hold on its person's data (Art. 18(2))."""
        return [
            Hold(
                id=f"restriction-{request.id}",
                case=request.id,
                reason=_RESTRICTED,
                law="GDPR Art. 18(2)",
                subject=subject,
                categories=self._restricted(request.right),
                request=request.id,
            )
            for request, subject in self.ledger.restricting()
        ]

    def _restricted(self, right: Right) -> frozenset[str]:
        """Return the categories that a request of this right restricts; empty: all of them."""
        categories = self.policy.categories.items()
        if right == "objection":
            names = [name for name, each in categories if each.basis in _OBJECTABLE]
        elif right == "rectification":
            names = [name for name, each in categories if each.origin == "observed"]
        else:
            return frozenset()
        return frozenset(names or ["none is concerned"])

    def _claimed(self, store: str, key: str) -> Mapping[str, str]:
        claims: dict[str, str] = {}
        for note in self.ledger.notes(store, key):
            claims.update(note.claimed)
        return claims


class _HoldsChanged(Exception):
    """A hold was placed or released while a run was writing: what it decided is stale."""


def apply(
    stores: Stores,
    cases: Sequence[Case],
    now: dt.datetime,
    progress: Progress = quiet,
) -> list[Receipt]:
    """Carry out the confirmed plans of a batch and return a receipt for each, unsigned.

    `progress` is told of records found and of records written. Raises
    `RequestError` if holds keep changing meanwhile; what a store refuses is a gap, no error.
    """
    subjects = [each.subject for each in cases]
    wishes = [each.wish for each in cases]
    run = _Run(stores, cases, now, progress)
    for _ in range(_TRIES):
        version = stores.ledger.holds_version()
        with survey(stores.ground(now), subjects, wishes, progress) as found:
            _only_confirmed(found.steps, cases)
            try:
                run.carry_out(found.steps, version)
            except _HoldsChanged:
                continue
            break
    else:
        what = "holds kept changing while the requests were carried out"
        raise RequestError(what, "run it again: what is done stays done")
    with survey(stores.ground(now), subjects, wishes) as proof:
        _only_confirmed(proof.steps, cases)
        return [
            receipt(case.request, case.permit, number, proof, run.failures, now)
            for number, case in enumerate(cases)
        ]


def _only_confirmed(steps: Steps, cases: Sequence[Case]) -> None:
    for row in steps.rows():
        allowed = cases[row.subject].permit.allowed(row)
        if allowed != row.decision:
            steps.change(row, allowed)


@define
class _Run:
    """The writing half of a run."""

    stores: Stores
    cases: Sequence[Case]
    now: dt.datetime
    progress: Progress
    failures: dict[Spot, str] = field(factory=dict, init=False, repr=False)

    def carry_out(self, steps: Steps, version: int) -> None:
        """Do what is to be done, the records at the end of the longest link first (law 3)."""
        for turn in steps.turns():
            for connector in self.stores.connectors:
                for verb in _WRITES:
                    self._step(steps, turn, connector, verb, version)
                if turn.depth:
                    self._look_again(steps, turn, connector)

    def _step(
        self, steps: Steps, turn: Turn, connector: Connector, verb: Verb, version: int
    ) -> None:
        counts: dict[tuple[int, str], int] = {}
        after = ("", 0)
        down = ""
        try:
            while rows := steps.batch(turn, connector.name, verb, after, _BATCH):
                after = (rows[-1].key, rows[-1].id)
                if self.stores.ledger.holds_version() != version:
                    raise _HoldsChanged
                if not down:
                    down = self._batch(steps, connector, verb, rows)
                for row in rows:
                    reason = self.failures.get(_spot(row)) or down
                    if reason:
                        self.failures[_spot(row)] = reason
                        gap = Gap(row.store, row.category, row.key, reason)
                        steps.change(row, row.decision._replace(do=None, gap=gap))
                    else:
                        key = (row.subject, row.category)
                        counts[key] = counts.get(key, 0) + 1
                self.progress(connector.name, len(rows))
        finally:
            self._note(connector.name, verb, counts)

    def _note(self, store: str, verb: Verb, counts: Mapping[tuple[int, str], int]) -> None:
        """Write the audit entries of one step of a store, also when it broke off."""
        if not counts:
            return
        with self.stores.ledger.transaction():
            for (subject, category), count in counts.items():
                request = self.cases[subject].request.id
                self.stores.ledger.step_done(request, store, category, verb, count, self.now)

    def _look_again(self, steps: Steps, turn: Turn, connector: Connector) -> None:
        """Prove the leaves before the way to them goes: afterwards nothing could find them."""
        last = 0
        while rows := steps.written(turn, connector.name, last, _PROVED_AT_ONCE):
            last = rows[-1].id
            who = list(dict.fromkeys(each for row in rows for each in row.via))
            still: dict[str, frozenset[str]] = {}
            lost = ""
            try:
                for item in connector.find(who):
                    if isinstance(item, Found):
                        key = item.record.key
                        still[key] = still.get(key, frozenset()) | item.about
                    else:  # what could not be read may hold any of them
                        lost = item.reason
            except Exception as error:  # noqa: BLE001  (a connector's bug must not end the run)
                lost = str(error) if isinstance(error, StoreError) else type(error).__name__
            for row in rows:
                do = row.decision.do
                about = still.get(row.key)
                if do is None or not (lost or _remains(do, about)):
                    continue
                reason = lost or f"still found after the run was to {do.verb} it: run again"
                self.failures[_spot(row)] = reason
                gap = Gap(row.store, row.category, row.key, reason)
                steps.change(row, row.decision._replace(do=None, gap=gap))

    def _batch(self, steps: Steps, connector: Connector, verb: Verb, rows: Sequence[Row]) -> str:
        """Write one batch; remember refused records, and return why the store is down if it is.

        A refusal is narrowed down by halves: calling a verb twice is success.
        """
        try:
            self._write(steps, connector, verb, rows)
        except StoreUnavailable as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  (a connector's bug must not end the run)
            if isinstance(error, StoreError):
                reason = str(error)
            else:  # the text of a foreign error may quote data: only its type is told
                name = type(error).__name__
                reason = f"store {connector.name}: {verb} ended with an unexpected {name}"
                logger.warning("store %s: %s raised %s", connector.name, verb, name)
            if len({row.key for row in rows}) == 1:
                self.failures.update((_spot(row), reason) for row in rows)
                return ""
            middle = len(rows) // 2
            for half in (rows[:middle], rows[middle:]):
                if half and (down := self._batch(steps, connector, verb, half)):
                    return down
        return ""

    def _write(self, steps: Steps, connector: Connector, verb: Verb, rows: Sequence[Row]) -> None:
        keys = list(dict.fromkeys(row.key for row in rows))
        if verb == "erase":
            cast("Erases", connector).erase(keys)
            self._forget_notes(connector, keys)
        elif verb == "annotate":
            self._annotate(connector, rows)
        elif verb == "redact":
            fields: dict[str, frozenset[str]] = dict.fromkeys(keys, frozenset())
            for row in rows:
                fields[row.key] |= _fields(row) | steps.rest(row)
            cast("Redacts", connector).redact(fields)
            self._forget_notes(connector, keys)
        elif verb == "restrict":
            cast("Restricts", connector).restrict(keys, True)  # noqa: FBT003  (the seam's shape)
        else:
            for row in rows:
                changes = changes_for(row.category, self.cases[row.subject].request.changes)
                asked = {name: changes[name] for name in _fields(row)}
                cast("Rectifies", connector).rectify(row.key, asked)

    def _annotate(self, connector: Connector, rows: Sequence[Row]) -> None:
        """Keep what the person says beside the record, and restrict it while it is disputed."""
        with self.stores.ledger.transaction():
            for row in rows:
                request = self.cases[row.subject].request
                changes = changes_for(row.category, request.changes)
                claimed = {name: changes[name] for name in _fields(row)}
                self.stores.ledger.annotate(row.store, row.key, request.id, claimed, self.now)
        if isinstance(connector, Restricts):
            connector.restrict(list(dict.fromkeys(row.key for row in rows)), True)  # noqa: FBT003  (the seam's shape)

    def _forget_notes(self, connector: Connector, keys: Sequence[str]) -> None:
        """Forget what people claimed of records that are gone."""
        if self.stores.ledger.has_notes():
            self.stores.ledger.forget_notes(connector.name, keys)


def _remains(do: Do, about: frozenset[str] | None) -> bool:
    """Return whether a record that was found again, with `about`, was not written."""
    return about is not None and (do.verb == "erase" or bool(do.fields & about))


def _fields(row: Row) -> frozenset[str]:
    return row.decision.do.fields if row.decision.do else frozenset()


def _spot(row: Row) -> Spot:
    return Spot(row.store, row.digest)
