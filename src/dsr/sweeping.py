"""Routine deletion: what the policy's stages say of every record, without a request.

A record goes when a stage of its category is due (GDPR Art. 5(1)(e)), unless a hold, a duty to
keep, a restriction or the store's own lock stands against it. The way to a record never goes
before it: what is only reached by links is swept first, then what is counted from another
category's record (the end of a contract), then what is counted from the record itself. Nothing
is journalled: sweeping again continues.

Of a category that must not exist (`present = "no"`) every record is an alarm, and nothing goes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from dsr.errors import RequestError
from dsr.held import HeldRecords
from dsr.model import Receipt, Tally
from dsr.policy.model import Stage
from dsr.stage import Job, Run, is_only_reached
from dsr.steps import Counter
from dsr.stores import Stores
from dsr.survey import Progress, quiet
from dsr.writing import HoldsChanged

__all__ = ["Swept", "sweep"]

_TRIES: Final = 5  # how often holds may change under a stage before it gives up
_STAGE_DONE: Final = "stage carried out"
_ANY_TIME: Final = Stage("0 days")


@frozen
class Swept:
    """What routine deletion did at a point in time: store -> category -> `Tally`.

    A tally's `keep` is what is due and stays for a reason, its `gaps` what is due and could not
    be done, or must not be there at all. `problems` are sentences: what could not be listed, and
    why. `resumed` are the receipts of requests that were waiting for their time.
    """

    at: dt.datetime
    stores: Mapping[str, Mapping[str, Tally]] = field(factory=dict)
    problems: tuple[str, ...] = ()
    resumed: tuple[Receipt, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing was out of reach, nor an alarm; what is kept for a reason is neither."""
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
    counter, problems = Counter(), dict.fromkeys(_unpoliced(stores))
    for job in _jobs(stores):
        for _ in range(_TRIES):
            version = stores.ledger.holds_version()
            ground = stores.ground(now)
            try:
                with HeldRecords(ground) as held:
                    run = Run(stores, ground, held, job, progress, version)
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
        if run.wrote and not dry:
            _note(stores, run, now)
        for store, categories in run.counter.done().items():
            for category, tally in categories.items():
                counter.merge(store, category, tally)
    return Swept(now, counter.done(), tuple(problems))


def _unpoliced(stores: Stores) -> Iterator[str]:
    """Yield what no stage ever looks at, because the policy does not know of it (law 4)."""
    for connector in stores.connectors:
        for name in sorted(connector.categories - stores.policy.categories.keys()):
            yield (
                f"store {connector.name}: no policy names category {name}, so that nothing there"
                f" ever ends: add [categories.{name}]"
            )


def _note(stores: Stores, run: Run, now: dt.datetime) -> None:
    """Write into the audit trail what a stage did, per store, and whether it was proved."""
    stage = run.job.stage
    told = f"{run.job.place}: {stage.act} {stage.period} after {stage.anchor or 'the record'}"
    if stage.whole_years:
        told += ", from the end of the year"
    with stores.ledger.transaction():
        for store, categories in run.counter.done().items():
            for category, tally in categories.items():
                if tally.do:
                    proved = not (tally.gaps or run.problems)
                    stores.ledger.audit(
                        _STAGE_DONE,
                        at=now,
                        store=store,
                        category=category,
                        counts={
                            **{str(verb): count for verb, count in tally.do.items()},
                            "keep": sum(tally.keep.values()),
                            "gaps": sum(tally.gaps.values()),
                        },
                        note=f"{told}; {f'proved {now.isoformat()}' if proved else 'not proved'}",
                    )


def _jobs(stores: Stores) -> list[Job]:
    """Return every stage, in an order in which no way to a record goes before the record."""
    found = []
    for name, category in stores.policy.categories.items():
        place = f"categories.{name}"
        if category.present == "no":
            found.append(Job(name, category, _ANY_TIME, f"{place}.present"))
            continue
        for number, stage in enumerate(category.stages):
            found.append(Job(name, category, stage, f"{place}.stages[{number}]"))

    def order(job: Job) -> tuple[bool, bool, bool]:
        holders = [each for each in stores.connectors if job.name in each.categories]
        reached = all(is_only_reached(each) for each in holders)
        return not reached, job.stage.of_person is None, job.stage.act != "delete"

    return sorted(found, key=order)
