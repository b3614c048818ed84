"""Connectors that list what is old in a wrong way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import attrs

from dsr.model import Record, Unread
from tests.testing.notebook import Notebook

__all__ = ["BROKEN"]


class KeepsNoBorder(Notebook):
    """Lists everything, as a query whose condition got lost."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        del before
        return super().aged(category, anchor, dt.datetime.max.replace(tzinfo=dt.UTC))


class CountsTheMomentIn(Notebook):
    """Takes a record for old at the very moment at which its period ends."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        return super().aged(category, anchor, before + dt.timedelta(microseconds=1))


class ListsTheUndated(Notebook):
    """Takes a time that is not known for a long time ago."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        yield from super().aged(category, anchor, before)
        yield from (self.record(row) for row in self.rows() if not row["at"])


class ListsNothing(Notebook):
    """Says that nothing has grown old."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        del before
        return super().aged(category, anchor, dt.datetime.min.replace(tzinfo=dt.UTC))


class ListsTwice(Notebook):
    """Lists a call once for each of its parties."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        for each in super().aged(category, anchor, before):
            yield from [each, each]


class ListsOtherKeys(Notebook):
    """Writes keys in another way than `find`: what it lists would be erased in no store."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        for each in super().aged(category, anchor, before):
            assert isinstance(each, Record)
            yield attrs.evolve(each, key=f"calls/{each.key}")


class ListsBareRecords(Notebook):
    """Leaves out whom the records speak of: the other party's half would go too."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        for each in super().aged(category, anchor, before):
            assert isinstance(each, Record)
            yield attrs.evolve(each, personal=frozenset())


class ListsTheRestricted(Notebook):
    """Forgets that a record is restricted, so that routine deletion would take it."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        for each in super().aged(category, anchor, before):
            assert isinstance(each, Record)
            yield attrs.evolve(each, restricted=False)


class MarksWhatItLists(Notebook):
    """Notes on each old call that it was looked at."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        self.write([{**row, "note": "old"} for row in self.rows()])
        return super().aged(category, anchor, before)


class ListsAll(Notebook):
    """Holds everything that is old in memory."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        return list(super().aged(category, anchor, before))  # type: ignore[return-value]


class CountsFromAnything(Notebook):
    """Takes an anchor that it does not know for the time of the record."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        del anchor
        return super().aged(category, "", before)


class YoungWhenMissing(Notebook):
    """Takes a store that is not there for one without old records."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        if self.path.exists():
            yield from super().aged(category, anchor, before)


class ListsTheErased(Notebook):
    """Remembers what it listed, whatever became of it."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        memory = self.path.with_suffix(".aged")
        if not memory.exists():
            memory.write_text(self.path.read_text())
        return attrs.evolve(self, path=memory).remembered(category, anchor, before)

    def remembered(
        self, category: str, anchor: str, before: dt.datetime
    ) -> Iterator[Record | Unread]:
        """List what the file says."""
        return super().aged(category, anchor, before)


class HoldsTheOldInMemory(Notebook):
    """Collects all that is old before it lists the first."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        yield from list(super().aged(category, anchor, before))


#: Each with the law that catches it.
BROKEN = [
    (KeepsNoBorder, "test_aged_lists_what_lies_before_the_border"),
    (CountsTheMomentIn, "test_aged_lists_what_lies_before_the_border"),
    (ListsTheUndated, "test_aged_lists_what_lies_before_the_border"),
    (ListsNothing, "test_aged_lists_what_lies_before_the_border"),
    (ListsTwice, "test_aged_lists_what_lies_before_the_border"),
    (ListsOtherKeys, "test_aged_lists_what_lies_before_the_border"),
    (ListsBareRecords, "test_aged_lists_records_as_find_shows_them"),
    (ListsTheRestricted, "test_aged_shows_what_is_restricted"),
    (MarksWhatItLists, "test_aged_changes_nothing"),
    (ListsAll, "test_aged_changes_nothing"),
    (CountsFromAnything, "test_aged_refuses_an_unknown_anchor"),
    (YoungWhenMissing, "test_aged_does_not_take_a_missing_store_for_a_young_one"),
    (ListsTheErased, "test_erase_removes_all_that_aged_lists"),
    (HoldsTheOldInMemory, "test_aged_streams"),
]
