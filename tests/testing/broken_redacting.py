"""Connectors that empty other fields than they are asked to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from dsr.model import Found, Identifier, Unread
from tests.testing.notebook import PARTIES, Notebook

__all__ = ["BROKEN"]


class AboutBothParties(Notebook):
    """Says of every call that both sides speak of the subject, so both are redacted."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for each in super().find(who):
            assert isinstance(each, Found)
            yield attrs.evolve(each, about=each.record.personal)


class RedactsBothParties(Notebook):
    """Empties the other party's number too."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        super().redact(dict.fromkeys(fields, frozenset(PARTIES)))


class RedactsByDeleting(Notebook):
    """Removes the other party's half with the record."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        self.erase(list(fields))


class RedactsOne(Notebook):
    """Does the first of a batch and reports success for all."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        super().redact(dict(list(fields.items())[:1]))


class MovesTheNumber(Notebook):
    """Empties the field and keeps its value elsewhere."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        rows = list(self.rows())
        for row in rows:
            for name in fields.get(row["id"], ()):
                other = PARTIES[name == PARTIES[0]]
                row[other] = f"{row[other]} was={row[name]}x"
        self.write(rows)
        super().redact(fields)


class RedactsWhatItLikes(Notebook):
    """Empties every field about the subject, whichever it is asked for."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        to_oneself = {row["id"]: row["caller"] and row["callee"] for row in self.rows()}
        super().redact(
            {key: frozenset(PARTIES) if to_oneself[key] else fields[key] for key in fields}
        )


class RedactsOnce(Notebook):
    """Takes a field that is empty already for an error."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        if any(row[each] is None for row in self.rows() for each in fields.get(row["id"], ())):
            raise KeyError
        super().redact(fields)


class RedactsEveryCopy(Notebook):
    """Empties the same number wherever it stands, though a hold may keep it there."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        rows = list(self.rows())
        named = {row[each] for row in rows for each in fields.get(row["id"], ())} - {None}
        for row in rows:
            row.update({party: None for party in PARTIES if row[party] in named})
        self.write(rows)


class RedactsAllOrNothing(Notebook):
    """Does nothing for a batch in which one record is gone."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        if fields.keys() <= {row["id"] for row in self.rows()}:
            super().redact(fields)


class RedactsAllForAStrangeKey(Notebook):
    """A key that it cannot read becomes a condition that is always true."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        every = {row["id"]: frozenset(PARTIES) for row in self.rows()}
        super().redact(every if any(" " in key for key in fields) else fields)


class RedactsNothingWithoutItsDisk(Notebook):
    """Takes a disk that is not mounted for records that are gone already."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        if self.path.exists():
            super().redact(fields)


#: Each with the law that catches it.
BROKEN = [
    (AboutBothParties, "test_redact_empties_the_fields_and_nothing_else"),
    (RedactsBothParties, "test_redact_empties_the_fields_and_nothing_else"),
    (RedactsByDeleting, "test_redact_empties_the_fields_and_nothing_else"),
    (RedactsOne, "test_redact_empties_the_fields_and_nothing_else"),
    (MovesTheNumber, "test_redact_empties_the_fields_and_nothing_else"),
    (RedactsWhatItLikes, "test_redact_leaves_the_fields_that_are_not_named"),
    (RedactsOnce, "test_redact_twice_is_success"),
    (RedactsEveryCopy, "test_redact_carries_on_after_a_part"),
    (RedactsAllOrNothing, "test_redact_passes_over_erased_records"),
    (RedactsAllForAStrangeKey, "test_redact_with_the_key_of_no_record_harms_nothing"),
    (RedactsNothingWithoutItsDisk, "test_redact_does_not_take_a_missing_store_for_success"),
]
