"""How the laws look at a connector: small readings that both halves of the suite share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pytest

from dsr.connector import Connector
from dsr.model import Found, Identifier, Record, Unread
from dsr.testing.harness import Harness

#: What the laws compare: which key is about whom, in which fields.
View = dict[tuple[str, Identifier], frozenset[str]]


_TAIL: Final = 7  # the last digits of a number tell people apart in any spelling


def secrets(harness: Harness) -> Iterator[str]:
    """Yield the texts that would name one of the two persons."""
    for who in (harness.subject, harness.bystander):
        yield who.value[-_TAIL:] if who.kind == "phone" else who.value


def shows_nobody(harness: Harness, error: BaseException) -> None:
    """Fail if an exception, or one that a traceback would show with it, names a person."""
    chain: BaseException | None = error
    while chain is not None:
        text = f"{chain} {chain!r}"
        assert not any(each in text for each in secrets(harness)), "an error names a person"
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)


def found(connector: Connector, who: Sequence[Identifier]) -> list[Found]:
    """Return all that `find` yields; a part that it could not read fails the test."""
    all_found = []
    for each in connector.find(who):
        if isinstance(each, Unread):
            pytest.fail(f"a part of the seeded store was not read: {each.reason}")
        all_found.append(each)
    return all_found


def view(founds: Iterable[Found]) -> View:
    """Return what was found in a form that does not depend on order."""
    return {(each.record.key, each.who): each.about for each in founds}


def keys(founds: Iterable[Found]) -> list[str]:
    """Return the keys, each once, in the order of reading."""
    return list(dict.fromkeys(each.record.key for each in founds))


def subjects(harness: Harness) -> list[Found]:
    """Return what is found for the subject, which must be something."""
    founds = found(harness.connector, [harness.subject])
    assert founds, "find yields nothing for the seeded subject"
    return founds


def alone(harness: Harness) -> list[Found]:
    """Return what is found for the subject in records that speak of nobody else."""
    shared = set(keys(found(harness.connector, [harness.bystander])))
    return [
        each
        for each in subjects(harness)
        if each.record.key not in shared and each.record.personal <= each.about
    ]


def bytes_of(record: Record) -> bytes:
    """Return the content behind a record; nothing if it has none."""
    return b"" if record.content is None else b"".join(record.content.chunks())
