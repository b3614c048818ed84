"""Write what was decided: leaves first, in batches, holds read again before each.

Nothing is journalled record by record: writing converges. A crash anywhere, and the same call
again, ends in the same state.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, cast

from attrs import define, field

from dsr.connector import Connector, Erases, Rectifies, Redacts, Restricts
from dsr.decision import KEPT, YES
from dsr.errors import StoreError, StoreUnavailable
from dsr.ledger import Note
from dsr.model import Do, Found, Gap, Request, Verb
from dsr.plan import changes_for
from dsr.spool import Spot
from dsr.steps import Row, Steps, Turn
from dsr.stores import Stores
from dsr.survey import Progress

__all__ = ["HoldsChanged", "Writer"]

logger = logging.getLogger(__name__)

_BATCH: Final = 5_000  # records a call of a verb; holds are read again before each
_PROVED_AT_ONCE: Final = 10_000  # leaves looked up together before the way to them goes
_KEPT: Final = frozenset({KEPT})
_WRITES: Final[tuple[Verb, ...]] = ("erase", "redact", "rectify", "annotate", "restrict")


class HoldsChanged(Exception):
    """A hold was placed or released while a run was writing: what it decided is stale."""


@define
class Writer:
    """Carries out steps, and remembers what the stores refused (`failures`).

    `requests` are those that the subjects of the steps (their index) made; empty where nobody
    made one, but the policy's own periods are over.
    """

    stores: Stores
    requests: Sequence[Request]
    now: dt.datetime
    progress: Progress
    failures: dict[Spot, str] = field(factory=dict, init=False, repr=False)

    def carry_out(self, steps: Steps, version: int) -> None:
        """Do what is to be done, the records at the end of the longest link first (law 3).

        `version` is that of the holds by which it was decided. Raises `HoldsChanged`.
        """
        for turn in steps.turns():
            for connector in self.stores.connectors:
                for verb in _WRITES:
                    self._step(steps, turn, connector, verb, version)
                self._mark_kept(steps, turn, connector, version)
                if turn.depth:
                    self._look_again(steps, turn, connector)

    def _step(
        self, steps: Steps, turn: Turn, connector: Connector, verb: Verb, version: int
    ) -> None:
        counts: dict[tuple[str, str], int] = {}
        after = ("", 0)
        down = ""
        try:
            while rows := steps.batch(turn, connector.name, verb, after, _BATCH):
                after = (rows[-1].key, rows[-1].id)
                if self.stores.ledger.holds_version() != version:
                    raise HoldsChanged
                if not down:
                    write = partial(self._write, steps, connector, verb)
                    down = self._halved(connector, verb, rows, write)
                for row in rows:
                    reason = self.failures.get(_spot(row)) or down
                    if reason:
                        self.failures[_spot(row)] = reason
                        gap = Gap(row.store, row.category, row.key, reason)
                        steps.change(row, row.decision._replace(do=None, gap=gap))
                    else:
                        key = (self._request(row), row.category)
                        counts[key] = counts.get(key, 0) + 1
                self.progress(connector.name, len(rows))
        finally:
            self._note(connector.name, verb, counts)

    def _mark_kept(self, steps: Steps, turn: Turn, connector: Connector, version: int) -> None:
        """Restrict what is kept to being kept, where the store can (law.md rule 16).

        After what is not kept of these records has gone: it may lead to nothing any more.
        """
        if not isinstance(connector, Restricts):
            return
        counts: dict[tuple[str, str], int] = {}
        after = ("", 0)
        try:
            while rows := steps.to_mark(turn, connector.name, after, _BATCH):
                after = (rows[-1].key, rows[-1].id)
                if self.stores.ledger.holds_version() != version:
                    raise HoldsChanged
                down = self._halved(connector, "restrict", rows, partial(self._mark, connector))
                for row in rows:
                    reason = self.failures.get(_spot(row)) or down
                    if reason:
                        self.failures[_spot(row)] = reason
                    else:
                        key = (self._request(row), row.category)
                        counts[key] = counts.get(key, 0) + 1
                if down:
                    return
        finally:
            self._note(connector.name, "restrict", counts)

    def _mark(self, connector: Restricts, rows: Sequence[Row]) -> None:
        """Restrict what is kept; remember first that nobody asked for it (Art. 18)."""
        with self.stores.ledger.transaction():
            for row in rows:
                request = self._request(row)
                self.stores.ledger.annotate(row.store, row.key, request, {KEPT: YES}, self.now)
        connector.restrict(list(dict.fromkeys(row.key for row in rows)), True)  # noqa: FBT003  (the seam's shape)

    def _request(self, row: Row) -> str:
        """Return the id of the request that a row is of; empty if of none."""
        return self.requests[row.subject].id if self.requests else ""

    def _note(self, store: str, verb: Verb, counts: Mapping[tuple[str, str], int]) -> None:
        """Write the audit entries of one step of a store, also when it broke off."""
        if not counts:
            return
        with self.stores.ledger.transaction():
            for (request, category), count in counts.items():
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

    def _halved(
        self,
        connector: Connector,
        verb: Verb,
        rows: Sequence[Row],
        write: Callable[[Sequence[Row]], None],
    ) -> str:
        """Write one batch; remember refused records, and return why the store is down if it is.

        A refusal is narrowed down by halves: calling a verb twice is success.
        """
        try:
            write(rows)
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
                if half and (down := self._halved(connector, verb, half, write)):
                    return down
        return ""

    def _write(self, steps: Steps, connector: Connector, verb: Verb, rows: Sequence[Row]) -> None:
        keys = list(dict.fromkeys(row.key for row in rows))
        if verb == "erase":
            self._unmark(connector, [row.key for row in rows if self._is_kept_only(row)])
            with self._without_notes(connector, dict.fromkeys(keys, frozenset())):
                cast("Erases", connector).erase(keys)
        elif verb == "annotate":
            self._annotate(connector, rows)
        elif verb == "redact":
            fields: dict[str, frozenset[str]] = dict.fromkeys(keys, frozenset())
            for row in rows:
                fields[row.key] |= _fields(row) | steps.rest(row)
            self._free(connector, rows)
            with self._without_notes(connector, fields):
                cast("Redacts", connector).redact(fields)
        elif verb == "restrict":
            cast("Restricts", connector).restrict(keys, True)  # noqa: FBT003  (the seam's shape)
        else:
            for row in rows:
                changes = changes_for(row.category, self.requests[row.subject].changes)
                asked = {name: changes[name] for name in _fields(row)}
                cast("Rectifies", connector).rectify(row.key, asked)

    def _annotate(self, connector: Connector, rows: Sequence[Row]) -> None:
        """Keep what the person says beside the record, and restrict it while it is disputed."""
        with self.stores.ledger.transaction():
            for row in rows:
                request = self.requests[row.subject]
                changes = changes_for(row.category, request.changes)
                claimed = {name: changes[name] for name in _fields(row)}
                self.stores.ledger.annotate(row.store, row.key, request.id, claimed, self.now)
        if isinstance(connector, Restricts):
            connector.restrict(list(dict.fromkeys(row.key for row in rows)), True)  # noqa: FBT003  (the seam's shape)

    def _free(self, connector: Connector, rows: Sequence[Row]) -> None:
        """Lift what marked records of which nothing of the person's is left.

        That is their own restriction, or that the record was kept for a time. Nobody could do so
        later: what remains of it is not found for them any more.
        """
        whole = [row for row in rows if row.decision.keep is None and row.decision.gap is None]
        keys = [row.key for row in whole if row.restricted and not self._keeps_another(row)]
        self._unmark(connector, keys)
        if keys and self.stores.ledger.has_notes():
            self.stores.ledger.forget_notes(connector.name, dict.fromkeys(keys, _KEPT))

    def _unmark(self, connector: Connector, keys: Sequence[str]) -> None:
        """Lift marks before the notes of why they are there go: a mark alone stands for ever."""
        if keys and isinstance(connector, Restricts):
            connector.restrict(list(dict.fromkeys(keys)), False)  # noqa: FBT003  (the seam's shape)

    def _is_kept_only(self, row: Row) -> bool:
        """Return whether a record is restricted because an erasure kept it."""
        return row.restricted and any(KEPT in each.claimed for each in self._notes(row))

    def _keeps_another(self, row: Row) -> bool:
        """Return whether another request keeps a record, which stays restricted for it."""
        mine = self._request(row)
        return bool(mine) and any(
            KEPT in each.claimed and each.request != mine for each in self._notes(row)
        )

    def _notes(self, row: Row) -> Sequence[Note]:
        ledger = self.stores.ledger
        return ledger.notes(row.store, row.key) if row.restricted and ledger.has_notes() else ()

    @contextmanager
    def _without_notes(
        self, connector: Connector, gone: Mapping[str, frozenset[str]]
    ) -> Iterator[None]:
        """Forget what people claim of what a verb takes, first: a crash must not leave it behind.

        Where the store refuses, the record stays, and what is claimed of it is put back.
        """
        ledger = self.stores.ledger
        forgotten = ledger.forget_notes(connector.name, gone) if ledger.has_notes() else []
        try:
            yield
        except Exception:
            ledger.restore_notes(forgotten)
            raise


def _remains(do: Do, about: frozenset[str] | None) -> bool:
    """Return whether a record that was found again, with `about`, was not written."""
    return about is not None and (do.verb == "erase" or bool(do.fields & about))


def _fields(row: Row) -> frozenset[str]:
    return row.decision.do.fields if row.decision.do else frozenset()


def _spot(row: Row) -> Spot:
    return Spot(row.store, row.digest)
