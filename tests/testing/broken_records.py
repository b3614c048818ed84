"""Connectors whose records are not what they say."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import attrs
from attrs import field, frozen

from dsr.model import Found, Identifier, Record, Unread
from tests.testing.notebook import PARTIES, Notebook, Row, Voice

__all__ = ["BROKEN"]


class AboutEmptyFields(Notebook):
    """Names both parties even where the call has one."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for each in super().find(who):
            assert isinstance(each, Found)
            yield attrs.evolve(each, about=frozenset(PARTIES))


@frozen
class Talkative(Notebook):
    """Shows in its repr whom it was last asked for."""

    seen: list[str] = field(factory=list)

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        self.seen.extend(each.value for each in who)
        yield from super().find(who)


@frozen
class HoldsAHandle(Notebook):
    """Opens what it needs when it is made, and so cannot travel to a worker."""

    mutex: object = field(factory=threading.Lock, repr=False)


class NaiveTimes(Notebook):
    """Leaves the time zone to the reader."""

    def rows(self) -> Iterator[Row]:
        return ({**row, "at": row["at"].removesuffix("+00:00")} for row in super().rows())


class LinksRawNumbers(Notebook):
    """Passes a number on as it is spelled in the record."""

    def record(self, row: Row) -> Record:
        link = Identifier("phone", row["caller"] or row["callee"])
        return attrs.evolve(super().record(row), links=(link,))


class DropsContent(Notebook):
    """Has no recordings."""

    def record(self, row: Row) -> Record:
        return attrs.evolve(super().record(row), content=None)


class CutsContent(Notebook):
    """Ends a recording early, and says nothing."""

    def record(self, row: Row) -> Record:
        record = super().record(row)
        content = record.content and CutVoice(self, row["id"])
        return attrs.evolve(record, content=content)


@frozen
class CutVoice(Voice):
    """The beginning of a recording."""

    def chunks(self) -> Iterator[bytes]:
        for chunk in super().chunks():
            yield chunk[:2]


#: Each with the law that catches it.
BROKEN = [
    (AboutEmptyFields, "test_about_names_fields_that_hold_something"),
    (Talkative, "test_reprs_show_nobody"),
    (HoldsAHandle, "test_connector_and_records_can_be_pickled"),
    (NaiveTimes, "test_values_are_of_the_documented_types"),
    (LinksRawNumbers, "test_links_can_be_looked_up"),
    (DropsContent, "test_content_is_whole_and_repeatable"),
    (CutsContent, "test_content_is_whole_and_repeatable"),
]
