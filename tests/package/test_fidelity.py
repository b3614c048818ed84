"""A faithful copy: what is stored is what is handed over (CJEU C-487/21; law.md rule 9)."""

from __future__ import annotations

import base64
import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr.package import Package
from tests.package.filling import (
    BERLIN,
    cover,
    export,
    lines,
    manifest,
    packed,
    record,
    sheet,
    unzipped,
)

#: The two times of this hour at the end of summer time differ by their offset only.
SUMMER = dt.datetime(2026, 10, 25, 2, 30, 0, 123456, tzinfo=BERLIN)
WINTER = SUMMER.replace(fold=1)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (SUMMER, "2026-10-25T02:30:00.123456+02:00"),
        (WINTER, "2026-10-25T02:30:00.123456+01:00"),
        (SUMMER.astimezone(dt.UTC), "2026-10-25T00:30:00.123456Z"),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "2026-01-01T00:00:00Z"),
    ],
)
def test_times_are_exact(at: dt.datetime, text: str) -> None:
    """Rule 9 (CJEU C-487/21): microseconds and the offset of the stored time survive."""
    archive = packed({"at": at, "n": 1})
    assert lines(archive)[0]["at"] == text
    assert sheet(archive)[0]["at"] == text


def test_every_type_has_its_form_and_its_declaration() -> None:
    """Values of each type are spelled as the manifest's schema says."""
    row: dict[str, Any] = {
        "text": "a",
        "whole": 2**63,
        "ratio": 0.1,
        "money": Decimal("-12.500"),
        "flag": True,
        "blob": b"\xff\x00+",
        "time": SUMMER,
        "day": dt.date(2026, 2, 28),
        "list": [1, "b", None],
        "object": {"a": {"b": Decimal("1.0")}},
        "nothing": None,
        "empty": "",
    }
    archive = packed(row)
    [line] = lines(archive)
    assert line == {
        "text": "a",
        "whole": 9223372036854775808,
        "ratio": 0.1,
        "money": "-12.500",
        "flag": True,
        "blob": base64.b64encode(b"\xff\x00+").decode(),
        "time": "2026-10-25T02:30:00.123456+02:00",
        "day": "2026-02-28",
        "list": [1, "b", None],
        "object": {"a": {"b": "1.0"}},
        "nothing": None,
        "empty": "",
        "_store": "cdr",
    }
    assert sheet(archive)[0] == {
        "_store": "cdr",
        "text": "a",
        "whole": "9223372036854775808",
        "ratio": "0.1",
        "money": "-12.500",  # a number, which a spreadsheet may read as such
        "flag": "true",
        "blob": base64.b64encode(b"\xff\x00+").decode(),
        "time": "2026-10-25T02:30:00.123456+02:00",
        "day": "2026-02-28",
        "list": '[1,"b",null]',
        "object": '{"a":{"b":"1.0"}}',
        "nothing": "",
        "empty": "",
    }
    schema = manifest(archive)["data/call_records.jsonl"]["schema"]["fields"]
    assert {each["name"]: (each["type"], each["format"]) for each in schema} == {
        "_store": ("string", "default"),
        "text": ("string", "default"),
        "whole": ("integer", "default"),
        "ratio": ("number", "default"),
        "money": ("number", "default"),
        "flag": ("boolean", "default"),
        "blob": ("string", "binary"),
        "time": ("datetime", "default"),
        "day": ("date", "default"),
        "list": ("array", "default"),
        "object": ("object", "default"),
        "nothing": ("any", "default"),
        "empty": ("string", "default"),
    }


def test_null_is_not_empty() -> None:
    """NULL, the empty text and a missing field are three things in the JSON lines."""
    assert lines(packed({"a": None}, {"a": ""}, {})) == [
        {"a": None, "_store": "cdr"},
        {"a": "", "_store": "cdr"},
        {"_store": "cdr"},
    ]


def test_not_a_number_is_not_null() -> None:
    """JSON has no number for these: they are spelled out as Table Schema spells them."""
    values = [math.nan, math.inf, -math.inf, 1.5, None]
    archive = packed(*({"mos": each, "n": 0} for each in values))
    assert [each["mos"] for each in lines(archive)] == ["NaN", "INF", "-INF", 1.5, None]
    assert [each["n"] for each in lines(archive)] == [0] * 5


def test_a_record_is_one_line_for_every_reader() -> None:
    """Characters that some programs take for line ends do not tear a record apart."""
    ends = "a\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b"
    assert [each["a"] for each in lines(packed({"a": ends}, {"a": ends}))] == [ends, ends]


def test_half_characters_survive() -> None:
    """Bytes that a log reader could not decode do not stop the package, and are not lost."""
    dirty = b"caf\xe9".decode(errors="surrogateescape")
    archive = packed({"line": dirty}, {"line": "café"}, {"line": dirty, "more": {"x": [dirty]}})
    assert [each["line"] for each in lines(archive)] == [dirty, "café", dirty]
    assert lines(archive)[2]["more"] == {"x": [dirty]}
    assert [each["line"] for each in sheet(archive)] == ["caf?", "café", "caf?"]
    assert "caf?" in archive.read("index.html").decode()


def test_own_fields_are_never_shadowed() -> None:
    """A record that has a field `_store` keeps it, under a name of its own."""
    archive = packed({"_store": "mine", "_file": "x", "a": 1})
    assert lines(archive) == [{"__store": "mine", "__file": "x", "a": 1, "_store": "cdr"}]
    assert b'"_store"' not in archive.read("data/call_records.jsonl").replace(b',"_store":', b"", 1)


def test_different_fields_share_one_table() -> None:
    """Columns are the union of all fields; a record that lacks some has empty cells there."""
    rows = [{"a": 1}] * 300 + [{"a": 2, "b": "x\xff\ny"}] * 300 + [{"c": 3, "b": "z", "d": None}]
    archive = packed(*rows, {}, {"a": 9})
    found = sheet(archive)
    assert found[0] == {"_store": "cdr", "a": "1", "b": "", "c": "", "d": ""}
    assert found[400] == {"_store": "cdr", "a": "2", "b": "x\xff\ny", "c": "", "d": ""}
    assert found[600] == {"_store": "cdr", "a": "", "b": "z", "c": "3", "d": ""}
    assert found[601] == {"_store": "cdr", "a": "", "b": "", "c": "", "d": ""}
    assert found[602] == {"_store": "cdr", "a": "9", "b": "", "c": "", "d": ""}
    assert len(found) == 603


def test_large_records_cross_every_border() -> None:
    """Rows larger than a block, and columns that appear after them, are put together right."""
    rows = [{"n": n, "text": str(n) * (70_000 if n % 7 == 0 else 3)} for n in range(60)]
    rows += [{"n": 60, "late": "x"}]
    archive = packed(*rows)
    assert [each | {"_store": "cdr"} for each in rows] == lines(archive)
    found = sheet(archive)
    assert [each["text"] for each in found] == [str(each.get("text", "")) for each in rows]
    assert [each["late"] for each in found] == [""] * 60 + ["x"]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.text(alphabet="+-=@;,\"'\n\r\t a\0\xff", max_size=8),
    st.lists(st.text(max_size=3), max_size=3),
)


@settings(max_examples=60)
@given(st.lists(st.dictionaries(st.text(min_size=1, max_size=3), VALUES, max_size=4), max_size=12))
def test_what_goes_in_comes_out(rows: list[dict[str, Any]]) -> None:
    """Any records: the JSON lines equal them, and the CSV has a row for each and no fault."""
    with Package(cover()) as package:
        for row in rows:
            package.add(export(), record(row))
        archive = unzipped(package)
    if rows:
        assert [each | {"_store": "cdr"} for each in rows] == lines(archive)
        assert len(sheet(archive)) == len(rows)
        assert all(None not in each and None not in each.values() for each in sheet(archive))
