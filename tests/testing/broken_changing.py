"""Connectors that correct, mark or lock what they should not, or do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from dsr.model import Lock, Record
from tests.testing.notebook import Notebook, Row

__all__ = ["BROKEN"]


class RectifiesNothing(Notebook):
    """Reports success and does nothing."""

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        pass


class RestrictsEverybody(Notebook):
    """Marks a record of the bystander too."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:
        super().restrict([*keys, "33"], on)


class RectifiesAnything(Notebook):
    """Takes a field that does not exist for one that needs no correction."""

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        rows = list(self.rows())
        for row in rows:
            known = {name: value for name, value in changes.items() if name in row}
            row.update(known if row["id"] == key else {})
        self.write(rows)


class LocksNothing(Notebook):
    """Reports a lock that is not there, as some S3-like servers do."""

    def lock(self, keys: Sequence[str], on: bool) -> None:
        pass


class LockedByItself(Notebook):
    """Takes its own lock for somebody else's, and so never erases again."""

    def record(self, row: Row) -> Record:
        lock = Lock("a hold") if row["locked"] else None
        return attrs.evolve(super().record(row), lock=lock)


class RectifiesAllOfHers(Notebook):
    """Corrects every record of the subject's that speaks of nobody else."""

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        super().rectify(key, changes)
        if key == "2f":
            super().rectify("0a", changes)


class RectifiesMore(Notebook):
    """Writes the whole record anew, from an old copy."""

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        super().rectify(key, {"callee": "", **changes})


class RectifiesNothingWithoutItsDisk(Notebook):
    """Takes a store that is not there for one that is right already."""

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        if self.path.exists():
            super().rectify(key, changes)


class FreesEverybody(Notebook):
    """Lifts all marks when one is to be lifted."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:
        super().restrict(keys if on else [row["id"] for row in self.rows()], on)


class RestrictsAllForAStrangeKey(Notebook):
    """A key that it cannot read becomes a condition that is always true."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:
        known = [key for key in keys if " " not in key]
        super().restrict(known or [row["id"] for row in self.rows()], on)


class RestrictsNothingWithoutItsDisk(Notebook):
    """Says of a store that is not there that its records are restricted."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:
        if self.path.exists():
            super().restrict(keys, on)


class UnlocksEverybody(Notebook):
    """Lifts the locks of all other holds with one of them."""

    def lock(self, keys: Sequence[str], on: bool) -> None:
        super().lock(keys if on else [row["id"] for row in self.rows()], on)


class UnlocksForeignLocks(Notebook):
    """Lifts what somebody else locked."""

    def lock(self, keys: Sequence[str], on: bool) -> None:
        mine = {"locked": "dsr" if on else ""}
        self.write(row | (mine if row["id"] in keys else {}) for row in self.rows())


class LocksAllForAStrangeKey(Notebook):
    """A key that it cannot read becomes a condition that is always true."""

    def lock(self, keys: Sequence[str], on: bool) -> None:
        known = [key for key in keys if " " not in key]
        super().lock(known or [row["id"] for row in self.rows()], on)


class LocksNothingWithoutItsDisk(Notebook):
    """Says of a store that is not there that its records are locked."""

    def lock(self, keys: Sequence[str], on: bool) -> None:
        if self.path.exists():
            super().lock(keys, on)


#: Each with the law that catches it.
BROKEN = [
    (RectifiesNothing, "test_rectify_shows_in_the_next_reading"),
    (RestrictsEverybody, "test_restrict_marks_and_unmarks"),
    (RectifiesAnything, "test_rectify_refuses_what_the_record_does_not_have"),
    (LocksNothing, "test_lock_holds_in_the_store_and_only_for_others"),
    (LockedByItself, "test_lock_holds_in_the_store_and_only_for_others"),
    (RectifiesAllOfHers, "test_rectify_shows_in_the_next_reading"),
    (RectifiesMore, "test_rectify_shows_in_the_next_reading"),
    (RectifiesNothingWithoutItsDisk, "test_rectify_does_not_take_a_missing_store_for_success"),
    (FreesEverybody, "test_restrict_lifts_no_mark_of_others"),
    (RestrictsAllForAStrangeKey, "test_restrict_with_the_key_of_no_record_harms_nothing"),
    (RestrictsNothingWithoutItsDisk, "test_restrict_does_not_take_a_missing_store_for_success"),
    (UnlocksEverybody, "test_lock_lifts_no_lock_of_others"),
    (UnlocksForeignLocks, "test_lock_lifts_no_lock_of_others"),
    (LocksAllForAStrangeKey, "test_lock_with_the_key_of_no_record_harms_nothing"),
    (LocksNothingWithoutItsDisk, "test_lock_does_not_take_a_missing_store_for_success"),
]
