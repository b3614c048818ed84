"""Connectors that find whom they should not, or not whom they should."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence

import attrs
from attrs import field, frozen

from dsr.errors import StoreUnavailable
from dsr.model import Found, Identifier, Record, Unread
from tests.testing.notebook import PARTIES, Notebook, Row

__all__ = ["BROKEN"]


class SeesNothing(Notebook):
    """An empty find, which looks like a person without data."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        del who
        yield from ()


class SeesTheWholeBatch(Notebook):
    """An empty batch becomes "everybody", as with a WHERE clause without conditions."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        anyone = Identifier("phone", "+4930901820")
        yield from super().find(who or [anyone])


class MissesSpellings(Notebook):
    """Compares with one spelling only."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for row in self.rows():
            for each in who:
                about = frozenset(party for party in PARTIES if row[party] == each.value)
                if about:
                    yield Found(each, self.record(row), about)


class SeesNeighbours(Notebook):
    """Ignores the last digit."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        near = [attrs.evolve(each, value=each.value[:-1] + digit) for each in who for digit in "01"]
        for each in super().find(near):
            if isinstance(each, Found):
                yield attrs.evolve(each, who=who[0])


class KeysByChance(Notebook):
    """New keys at every reading."""

    def record(self, row: Row) -> Record:
        return attrs.evolve(super().record(row), key=secrets.token_hex())


class FirstOfBatch(Notebook):
    """Assigns a record of two persons of the batch to one of them."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        seen = set()
        for each in super().find(who):
            assert isinstance(each, Found)
            if each.record.key not in seen:
                seen.add(each.record.key)
                yield each


class PersonByPerson(Notebook):
    """Reads the store once a person: the Founds of a shared record are apart."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for each in who:
            yield from super().find([each])


class AppliesTenure(Notebook):
    """Does the engine's work, and so hides records from it."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for each in super().find(who):
            assert isinstance(each, Found)
            if each.record.at is None or each.who.covers(each.record.at):
                yield each


class MarksWhatItReads(Notebook):
    """Writes while it reads."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        self.write([{**row, "note": "read"} for row in self.rows()])
        yield from super().find(who)


class EmptyWhenMissing(Notebook):
    """Takes a store that is not there for an empty one."""

    def rows(self) -> Iterator[Row]:
        if self.path.exists():
            yield from super().rows()


class TellsTheForeignError(Notebook):
    """Chains the error of its driver, which quotes what was asked for."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        try:
            self.path.stat()
        except OSError:
            quoting = ValueError(f"no row for {who[0].value}")
            raise StoreUnavailable(self.name, "the query failed") from quoting
        yield from super().find(who)


@frozen
class SharesItsCursor(Notebook):
    """Keeps one cursor for all readings."""

    cursor: list[Iterator[Found | Unread]] = field(factory=list, repr=False)

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        self.cursor[:] = [super().find(who)]
        while (each := next(self.cursor[0], None)) is not None:
            yield each


@frozen
class LeavesItsLock(Notebook):
    """Locks the store while it reads, and frees it only at the end."""

    busy: list[bool] = field(factory=list, repr=False)

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        if self.busy:
            raise StoreUnavailable(self.name, "it is locked")
        self.busy.append(True)
        yield from super().find(who)
        self.busy.clear()


class LosesAVerb(Notebook):
    """Wraps another connector and forgets to pass a verb on."""

    redact = None  # type: ignore[assignment]


class SeesOnlyTheFirst(Notebook):
    """Knows one customer; everybody else has no data, and so no data to protect."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        yield from super().find([each for each in who if each.value.endswith("0")])


@frozen
class NamesOtherCategories(Notebook):
    """Announces a category that no record has: the policy of the real one goes unread."""

    categories: frozenset[str] = frozenset({"contacts"})


class TakesAnyForeigner(Notebook):
    """Cannot read a foreign number, and so compares nothing with nothing."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        yield from super().find(who)
        abroad = [each for each in who if each.value.startswith("+1")]
        for row in self.rows():
            if abroad and not row["callee"]:
                yield Found(abroad[0], self.record(row), frozenset({"caller"}))


class TheLastEightDigits(Notebook):
    """Compares what telephones show: the last eight digits, in whatever country."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for row in self.rows_of_this_part():
            ends = {party: re.sub(r"\D", "", row[party] or "")[-8:] for party in PARTIES}
            for each in who:
                about = frozenset(party for party in PARTIES if ends[party] == each.value[-8:])
                if about:
                    yield Found(each, self.record(row), about)


class ComparesTheBeginning(Notebook):
    """Finds numbers that begin with the one asked for, as `LIKE '…%'` does."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for each in who:
            longer = [attrs.evolve(each, value=f"{each.value}{digit}") for digit in range(10)]
            for one in super().find([each, *longer]):
                assert isinstance(one, Found)
                yield attrs.evolve(one, who=each)


class ReadsAllFirst(Notebook):
    """Has the whole answer in memory before it gives the first record."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        yield from list(super().find(who))


#: Each with the law that catches it.
BROKEN = [
    (SeesNothing, "test_the_seed_is_visible"),
    (SeesTheWholeBatch, "test_an_empty_batch_finds_nothing"),
    (MissesSpellings, "test_the_seed_is_visible"),
    (SeesNeighbours, "test_the_seed_is_visible"),
    (KeysByChance, "test_keys_are_stable"),
    (FirstOfBatch, "test_a_batch_finds_as_single_ones"),
    (PersonByPerson, "test_one_found_for_each_record_and_identifier"),
    (AppliesTenure, "test_tenure_is_ignored"),
    (MarksWhatItReads, "test_find_changes_nothing"),
    (EmptyWhenMissing, "test_a_store_that_is_not_there_is_an_error"),
    (TellsTheForeignError, "test_a_store_that_is_not_there_is_an_error"),
    (SharesItsCursor, "test_two_readings_at_once_are_two"),
    (LeavesItsLock, "test_a_reading_may_be_broken_off"),
    (LosesAVerb, "test_no_verb_is_lost"),
    (SeesOnlyTheFirst, "test_the_bystander_is_visible"),
    (NamesOtherCategories, "test_the_connector_describes_itself"),
    (TakesAnyForeigner, "test_a_stranger_is_not_found"),
    (TheLastEightDigits, "test_a_neighbour_is_not_found"),
    (ComparesTheBeginning, "test_a_neighbour_is_not_found"),
    (ReadsAllFirst, "test_find_streams"),
]
