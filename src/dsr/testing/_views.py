"""How the laws look at a connector: small readings that all parts of the suite share."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import pytest

from dsr.connector import Connector
from dsr.errors import Refused, StoreError, StoreUnavailable
from dsr.model import Found, Identifier, Record, Unread
from dsr.testing.harness import Harness

#: What the laws compare: which key is about whom, in which fields.
View = dict[tuple[str, Identifier], frozenset[str]]

#: What a connector may have besides `find`.
VERBS: Final = frozenset(
    {"erase", "redact", "rectify", "restrict", "lock", "split", "check", "credentials", "aged"}
)
STRANGE: Final = "a key that no record has"

_TAIL: Final = 7  # the last digits of a number tell people apart in any spelling
_FEW, _MANY = 1_200, 2_400  # more than a portion of a reading, and twice as many again
_BYTES_EACH: Final = 300  # a key that is remembered is less, a record is more


def has(connector: object, verb: str) -> bool:
    """Return whether a connector has a method."""
    return callable(getattr(connector, verb, None))


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


def missing(harness: Harness) -> Connector:
    """Return the connector of a store that is not there; none skips the law."""
    connector = harness.unreachable()
    if connector is None:
        pytest.skip("the harness has no unreachable store")
    lost = sorted(each for each in VERBS if has(harness.connector, each) > has(connector, each))
    assert not lost, f"Harness.unreachable returns a connector without {lost}"
    return connector


def is_unavailable(harness: Harness, what: Callable[[], object]) -> None:
    """Fail unless a store that is not there says so, and names nobody."""
    try:
        what()
    except StoreUnavailable as error:
        shows_nobody(harness, error)
    else:
        pytest.fail("a store that is not there passed for one in which all is done")


def tried(harness: Harness, verb: Callable[[], None]) -> None:
    """Call a verb that may refuse, but not fail in another way or repeat the key."""
    try:
        verb()
    except StoreError as error:
        shows_nobody(harness, error)
        if STRANGE in str(error):
            pytest.fail("an error shows a record's key")


def refused(harness: Harness, what: Callable[[], None]) -> None:
    """Fail unless the store refuses, and names nobody."""
    with pytest.raises(Refused) as raised:
        what()
    shows_nobody(harness, raised.value)


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


def theirs(harness: Harness) -> list[str]:
    """Return the keys of the bystander's records that are not the subject's, too."""
    own = set(keys(subjects(harness)))
    their = [key for key in keys(found(harness.connector, [harness.bystander])) if key not in own]
    assert their, "seed a record of the bystander alone"
    return their


def fields(founds: Iterable[Found]) -> Mapping[str, frozenset[str]]:
    """Return by key which fields speak of the subject."""
    return {each.record.key: each.about for each in founds}


def bytes_of(record: Record) -> bytes:
    """Return the content behind a record; nothing if it has none."""
    return b"" if record.content is None else b"".join(record.content.chunks())


def streams(harness: Harness, read: Callable[[], Iterable[object]]) -> None:
    """Fail if reading thousands of records more takes memory for each of them."""
    if not harness.more(_FEW):
        pytest.skip("the harness has no way to write many records")
    few, least = _peak(read)
    harness.more(_MANY)
    many, most = _peak(read)
    assert many - few >= _MANY, "Harness.more wrote fewer records than it was asked for"
    each = (most - least) / _MANY
    assert each < _BYTES_EACH, f"reading holds {each:.0f} bytes for each record: yield as you read"


def _peak(read: Callable[[], Iterable[object]]) -> tuple[int, int]:
    """Return how many a reading yields, and the most bytes of memory that it takes on the way."""
    for _ in read():
        break  # what is loaded once is no part of the reading
    gc.collect()
    tracemalloc.start()
    try:
        number = sum(1 for _ in read())
        return number, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
