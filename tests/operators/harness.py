"""One operator's office: its published policy, its stores, and requests made there.

Every test of an operator works on `docs/operators/NAME/` itself: `policy.toml` and `dsr.toml` are
copied as they stand, stores are filled beside them, and a `Desk` is loaded as an operator would.

    office = Office.open(template, tmp_path / "office")          # a copy for one test
    answer = office.fulfil("erasure", ANNA, AFTER)               # open, PIN, plan, apply
    assert cells(answer.receipt, LABELS)["invoices"] == "erase 1"

What is expected stands in a table that is written by hand: see `tests.operators.matrix`.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from attrs import field, frozen

from dsr import identify
from dsr.cli.setup import write_key
from dsr.config import Configuration, load
from dsr.desk import Desk
from dsr.identity import Verified
from dsr.model import WRITES, Hold, Identifier, Kind, Receipt, Right, Tally
from dsr.package import Cover, letter
from dsr.sweeping import Swept

__all__ = [
    "OPERATORS",
    "ROOT",
    "Answer",
    "Labels",
    "Office",
    "Person",
    "Point",
    "cells",
    "copied",
    "tally_cells",
]

ROOT: Final = Path(__file__).parent.parent.parent
OPERATORS: Final = ROOT / "docs" / "operators"
_FILES: Final = ("policy.toml", "dsr.toml")


@frozen
class Person:
    """Somebody who asks: by which identifiers, as they write them to the operator.

    `changes` are what they want corrected.
    """

    name: str
    who: Mapping[Kind, str] = field(repr=False)
    changes: Mapping[str, str] = field(factory=dict, repr=False)

    def identifiers(self, region: str) -> list[Identifier]:
        """Return what they wrote, normalised."""
        return [identify(kind, text, region) for kind, text in self.who.items()]


@frozen
class Point:
    """A point in time at which people ask, and the holds that stand then."""

    name: str
    now: dt.datetime
    holds: tuple[Hold, ...] = ()


@frozen
class Labels:
    """Short names for what receipts say at length: laws, and reasons of gaps (a part of each)."""

    laws: Mapping[str, str]
    gaps: Mapping[str, str]

    def law(self, law: str, reason: str) -> str:
        """Return the short names of all laws by which something is kept, such as `claim+tax`.

        Of several reasons the longest is named first, the others with it, each with its law.
        """
        found = [each for each, text in self.laws.items() if text == law or f"({text})" in reason]
        return "+".join(sorted(found)) or law

    def gap(self, text: str) -> str:
        """Return the short name of a gap's reason; the text itself if it has none."""
        return next((label for label, part in self.gaps.items() if part in text), text)


@frozen
class Answer:
    """What came of a request: its receipt and, for access and portability, the package."""

    request: str
    receipt: Receipt
    package: Path | None = None

    def member(self, name: str) -> str:
        """Return the text of a member of the package."""
        assert self.package is not None
        with zipfile.ZipFile(self.package) as archive:
            return archive.read(name).decode("utf-8")

    def records(self, category: str) -> list[dict[str, object]]:
        """Return the records of a category as the person gets them."""
        lines = self.member(f"data/{category}.jsonl").splitlines()
        return [json.loads(line) for line in lines]


def copied(name: str, folder: Path) -> Path:
    """Copy the operator's two files to `folder`, with a new key beside them; return dsr.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in _FILES:
        shutil.copyfile(OPERATORS / name / each, folder / each)
    write_key(folder / "dsr.key")
    return folder / "dsr.toml"


@frozen
class Office:
    """A folder with an operator's configuration and stores, and its desk."""

    folder: Path = field(repr=False)
    configuration: Configuration
    desk: Desk

    @classmethod
    def open(cls, template: Path, folder: Path) -> Office:
        """Copy a filled office, so that a test may change its stores, and open it."""
        shutil.copytree(template, folder)
        return cls.at(folder / "dsr.toml")

    @classmethod
    def at(cls, config: Path) -> Office:
        """Open the office that this configuration describes."""
        configuration = load(config)
        return cls(config.parent, configuration, configuration.desk())

    def changed(self, old: str, new: str) -> Office:
        """Return the same office with `new` for `old` in its dsr.toml, which holds that once."""
        text = (self.folder / "dsr.toml").read_text("utf-8")
        assert text.count(old) == 1, old
        other = self.folder / "changed.toml"
        other.write_text(text.replace(old, new), "utf-8")
        return Office.at(other)

    def close(self) -> None:
        """Close the ledger."""
        self.desk.ledger.dispose()

    def hold(self, point: Point) -> None:
        """Place the holds of a point in time."""
        for each in point.holds:
            self.desk.add_hold(each, now=point.now)

    def verified(
        self,
        right: Right,
        person: Person,
        now: dt.datetime,
        changes: Mapping[str, str] | None = None,
    ) -> Verified:
        """Open a request, read the PIN that was sent to the number on file, and pass it."""
        wanted = changes if changes is not None else person.changes
        request = self.desk.open(
            right,
            person.identifiers(self.configuration.context.region),
            now=now,
            changes=wanted if right == "rectification" else None,
        )
        self.desk.challenge(request.id, now=now)
        return self.desk.verify(request.id, self.pin(), now=now)

    def pin(self) -> str:
        """Return the PIN that was sent last."""
        sent = (self.folder / "pins.jsonl").read_text("utf-8").splitlines()
        return str(json.loads(sent[-1])["pin"])

    def fulfil(self, right: Right, person: Person, point: Point) -> Answer:
        """Place the point's holds, and see one request through."""
        self.hold(point)
        return self.answer(self.verified(right, person, point.now), point.now)

    def swept(self, now: dt.datetime) -> Swept:
        """Run routine deletion, as cron does."""
        return self.desk.sweep(now=now)

    def letter(self, answer: Answer) -> str:
        """Return the letter that the person gets: of the package, or with the receipt."""
        if answer.package is not None:
            return answer.member("letter.html")
        request = self.desk.ledger.get(answer.request)
        cover = Cover.of(self.configuration.policy, request, answer.receipt.at)
        return letter(cover, answer.receipt)

    def answer(self, grant: Verified, now: dt.datetime) -> Answer:
        """Export, or plan and apply, a verified request."""
        request = grant.request.id
        if grant.request.right in WRITES:
            plan = self.desk.plan(grant, now=now)
            return Answer(request, self.desk.apply(grant, plan.token, now=now))
        path = self.folder / f"{request}.zip"
        return Answer(request, self.desk.export(grant, path, now=now), path)


def cells(receipt: Receipt, labels: Labels) -> dict[str, str]:
    """Return what a receipt says of each category, as one line: `erase 1, keep 2 tax 2035-01-01`.

    Stores of one category are counted together. The parts are the verbs with their counts, what
    is kept by its law and last date (`open` where none is known), and the gaps by their reason.
    """
    return tally_cells(receipt.stores, labels)


def tally_cells(stores: Mapping[str, Mapping[str, Tally]], labels: Labels) -> dict[str, str]:
    """Return the cells of tallies: store -> category -> tally."""
    counts: dict[tuple[str, int, str], int] = {}
    for tallies in stores.values():
        for category, tally in tallies.items():
            for (order, text), count in _counted(tally, labels).items():
                counts[category, order, text] = counts.get((category, order, text), 0) + count
    found: dict[str, list[str]] = {}
    for (category, _, text), count in sorted(counts.items()):
        verb, blank, rest = text.partition(" ")
        found.setdefault(category, []).append(f"{verb} {count}{blank}{rest}")
    return {category: ", ".join(texts) for category, texts in found.items()}


def _counted(tally: Tally, labels: Labels) -> dict[tuple[int, str], int]:
    """Return the parts of a cell without their counts, numbered in their order, and these."""
    parts = [(0, str(verb), count) for verb, count in tally.do.items()]
    for (reason, law, until), count in tally.keep.items():
        parts.append((1, f"keep {labels.law(law, reason)} {until or 'open'}", count))
    parts += [(2, f"gap {labels.gap(reason)}", count) for reason, count in tally.gaps.items()]
    return {(order, text): count for order, text, count in _summed(parts)}


def _summed(parts: Iterable[tuple[int, str, int]]) -> Iterator[tuple[int, str, int]]:
    """Add up parts that read alike: two reasons of gaps may have one short name."""
    for (order, text), same in groupby(sorted(parts), key=lambda part: part[:2]):
        yield order, text, sum(count for *_, count in same)
