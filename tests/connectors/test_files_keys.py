"""The pattern language of paths and object keys."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.connectors.keys import extensions, parse
from dsr.connectors.lookup import Keys, Lookup
from dsr.errors import ConfigurationError
from dsr.model import Identifier
from dsr.settings import Context

PHONE = Identifier("phone", "+4930901820")
CALL = Identifier("call", "1709287123.45")
UUID = Identifier("call", "3f0a-11-be")


def day(hour: int, minute: int) -> dt.datetime:
    return dt.datetime(2026, 3, 1, hour, minute)  # noqa: DTZ001  (keys hold local times)


def people(pattern: str, key: str, *who: Identifier) -> set[Identifier]:
    keys = Keys.of([pattern], "UTC", Context("DE", Path()), "stores.s")
    hit = Lookup(keys, who).match(key)
    return set(hit.who) if hit else set()


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("{any}/{phone}-{any}", "rec/2026/030901820-in.wav"),
        ("{any}/{phone}-{any}", "+4930901820-.wav"),
        ("{any}/{phone}-{any}", "rec/%2B4930901820-in.wav"),
        ("{any}/{phone}-{any}", "rec/06915-030901820.wav"),
        ("{any}-{phone}-{any}", "out-06915-004930901820-20260301.wav"),
        ("x{phone}y", "x4930901820y.wav"),
        ("{any}", "a/b/+49 30 90 18 20.ogg"),
        ("{any}", "+49-30-901820.ogg"),
        ("{phone}/{any}", "030901820/msg0001.txt"),
        ("{phone}.wav", "030901820.json"),
    ],
)
def test_a_number_is_found_in_every_reading(pattern: str, key: str) -> None:
    """A key that can be read in several ways hides nobody."""
    assert people(pattern, key, PHONE) == {PHONE}


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("{any}", "0309018201.wav"),
        ("{any}", "10309018205.wav"),
        ("{any}", "x030901820x.wav"),
        ("{date:%Y/%m/%d}/{any}", "2026/11/03/0901820.wav"),
        ("{date:%Y/%m/%d}/{any}", "2026/11/03/0/901820.wav"),
        ("{date:%Y-%m-%d}-{any}", "2026-11-03-0901820.wav"),
        ("{any}/{object}", "rec/030901820-11ee-b962-0242ac120002.wav"),
        ("{phone}/{any}", "x030901820/y.wav"),
        ("{call}", "030901820.wav"),
    ],
)
def test_nobody_else_is_found(pattern: str, key: str) -> None:
    """Digits of a date, of a random id, or of a longer number are not this number."""
    assert people(pattern, key, PHONE) == set()


@pytest.mark.parametrize(
    ("pattern", "key", "who"),
    [
        ("{any}-{call}", "out-030-20260301-1709287123.45.wav", CALL),
        ("{any}-{call}", "out-030-3f0a-11-be.wav", UUID),
        ("{call}-{any}", "3f0a-11-be-out-030.wav", UUID),
        ("{any}-{call}-{any}", "a-b-3f0a-11-be-c-d.wav", UUID),
        ("{account}/{call}", "100/3f0a-11-be.wav", UUID),
        ("{any}/{account}/{any}", "voicemail/default/100/msg1.wav", Identifier("account", "100")),
        ("{any}/{sip}", "vm/Alice@Example.org.wav", Identifier("sip", "alice@example.org")),
        ("{any}/{sip}/{any}", "vm/alice@example.org/1.wav", Identifier("sip", "alice@example.org")),
        ("{call}", "a@host.example.wav", Identifier("call", "a@host.example")),
        ("{object}-in", "abc-in.wav", Identifier("object", "abc")),
        ("{object}-in", "abc-in.wav", Identifier("object", "abc-in.wav")),
        ("{any}/{object}", "a/b.wav", Identifier("object", "s3://bucket/prefix/a/b.wav")),
    ],
)
def test_identifiers_are_found(pattern: str, key: str, who: Identifier) -> None:
    """Ids that hold the pattern's own separators are found all the same."""
    assert people(pattern, key, who) == {who}


@pytest.mark.parametrize(
    ("pattern", "key", "who"),
    [
        ("{any}-{call}", "out-1709287123.456.wav", CALL),
        ("{account}/{call}", "1000/3f0a.wav", Identifier("account", "100")),
        ("{any}/{object}", "a/b.wav", Identifier("object", "/other/x/b.wav")),
        ("{any}/{object}", "a/b.wav", Identifier("object", "b.in.wav")),
        ("{any}/{sip}", "vm/balice@example.org.wav", Identifier("sip", "alice@example.org")),
        ("{call}", "ABC.wav", Identifier("call", "abc")),
    ],
)
def test_similar_identifiers_are_not(pattern: str, key: str, who: Identifier) -> None:
    """An id is found as a whole, and case counts where the protocol says so (RFC 3261)."""
    assert people(pattern, key, who) == set()


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("{date:%Y/%b/%d}/{any}", "2026/Mar/01/x.wav", day(0, 0)),
        (
            "{date:%Y/%m/%d}/{any}-{date:%H%M%S}",
            "2026/03/01/x-101500.wav",
            day(10, 15),
        ),
        ("{date:%y%j}-{any}", "26060-x.wav", day(0, 0)),
        ("{any}-{date:%s}", "x-1772359200.wav", dt.datetime(2026, 3, 1, 10, 0, tzinfo=dt.UTC)),
        ("{date:%Y/%m/%d}/{any}", "2026/02/30/x.wav", None),
        ("{date:%Y}/{any}", "2026/x.wav", None),
    ],
)
def test_dates_are_read(pattern: str, key: str, expected: dt.datetime | None) -> None:
    """Dates are the calendar's; one that does not exist is none, and hides no record."""
    reading = parse(pattern).read(key)
    assert reading is not None
    assert reading.at == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "x",
        "{date:%Y}",
        "{phone",
        "{phone}}",
        "{name}",
        "{date}",
        "{phone:x}",
        "{date:%Q}/{any}",
        "{any}{phone}",
        "{any}-{any}-{any}-{any}",
        "{date:%Y%Y}{any}",
        "{date:x}{any}",
    ],
)
def test_patterns_that_cannot_work_are_refused(pattern: str) -> None:
    """A pattern that finds nobody, or says nothing clear, is an error at the start."""
    with pytest.raises(ConfigurationError):
        parse(pattern)


@given(st.lists(st.sampled_from(["3f", "a", "030901820", "-", "--", "x"]), max_size=12))
def test_every_reading_is_tried(pieces: list[str]) -> None:
    """Wherever an id stands between two separators of the pattern, it is found there."""
    key = "-".join([*pieces, "3f-a", *pieces])
    who = Identifier("call", "3f-a")
    assert people("{any}-{call}-{any}", f"q-{key}-q", who) == {who}


def test_extensions_are_split_off() -> None:
    """At most two extensions, none of digits alone, and never a whole name."""
    assert extensions("a/b.wav.json") == ["a/b", ".wav", ".wav.json"]
    assert extensions("a/1709.45") == ["a/1709.45"]
    assert extensions("a/.hidden") == ["a/.hidden"]
    assert extensions("a.b/c") == ["a.b/c"]
    assert extensions("x.3gp") == ["x", ".3gp"]
