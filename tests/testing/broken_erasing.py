"""Connectors that erase too little, too much, or only from sight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsr.errors import Refused
from dsr.model import Found, Identifier, Unread
from tests.testing.notebook import Notebook, Row

__all__ = ["BROKEN"]


class KeysByPosition(Notebook):
    """A key that names another record once one before it is gone."""

    def rows(self) -> Iterator[Row]:
        return ({**row, "id": f"{at:x}"} for at, row in enumerate(super().rows()))


class ErasesFromSight(Notebook):
    """Hides the records, as a delete marker does: absent from find, present in the store."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for each in super().find(who):
            if isinstance(each, Found) and each.record.data["note"] != "hidden":
                yield each

    def erase(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.rectify(key, {"note": "hidden"})


class ErasesOne(Notebook):
    """Does the first of a batch and reports success for all."""

    def erase(self, keys: Sequence[str]) -> None:
        super().erase(keys[:1])


class ErasesOnce(Notebook):
    """Takes a key that is gone for an error."""

    def erase(self, keys: Sequence[str]) -> None:
        if {*keys} - {row["id"] for row in self.rows()}:
            raise KeyError
        super().erase(keys)


class ErasesTooMuch(Notebook):
    """Also removes calls of the bystander."""

    def erase(self, keys: Sequence[str]) -> None:
        super().erase([*keys, "33"])


class ErasesAllForAStrangeKey(Notebook):
    """A key that it cannot read becomes a condition that is always true."""

    def erase(self, keys: Sequence[str]) -> None:
        known = [key for key in keys if " " not in key]
        super().erase(known or [row["id"] for row in self.rows()])


class RepeatsTheKey(Notebook):
    """Says in its error which key it does not know."""

    def erase(self, keys: Sequence[str]) -> None:
        if strange := [key for key in keys if " " in key]:
            raise Refused(self.name, f"no record {strange[0]}")
        super().erase(keys)


class ErasesNothingWithoutItsDisk(Notebook):
    """Takes a disk that is not mounted for records that are gone already."""

    def erase(self, keys: Sequence[str]) -> None:
        if self.path.exists():
            super().erase(keys)


class DeleteMarker(Notebook):
    """Erases the newest version and leaves the one before it, as S3 does without a version id."""

    def erase(self, keys: Sequence[str]) -> None:
        old = list(self.rows())
        super().erase(keys)
        kept = [row | {"caller": "", "callee": "", "note": f"was {row['caller']}"} for row in old]
        self.write([*self.rows(), *(row for row in kept if row["id"] in keys)])


#: Each with the law that catches it.
BROKEN = [
    (KeysByPosition, "test_erase_carries_on_after_a_part"),
    (ErasesFromSight, "test_erase_removes_the_records_and_nothing_else"),
    (ErasesOne, "test_erase_removes_the_records_and_nothing_else"),
    (ErasesOnce, "test_erase_twice_is_success"),
    (ErasesTooMuch, "test_erase_removes_the_records_and_nothing_else"),
    (ErasesAllForAStrangeKey, "test_erase_with_the_key_of_no_record_harms_nothing"),
    (RepeatsTheKey, "test_erase_with_the_key_of_no_record_harms_nothing"),
    (ErasesNothingWithoutItsDisk, "test_erase_does_not_take_a_missing_store_for_success"),
    (DeleteMarker, "test_erase_removes_the_records_and_nothing_else"),
]
