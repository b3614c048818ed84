"""Settings: each error names the key and the fix, and shows no value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from attrs import Attribute, field, frozen

from dsr.errors import ConfigurationError
from dsr.settings import layered, settings

#: Stands for every wrong value: a password in a URL, a number in a path.
SECRET = "zq-4930901820"


def _short(_: object, __: Attribute[str], value: str) -> None:
    if len(value) > 3:
        msg = "write at most three letters"
        raise ValueError(msg)


@frozen
class Side:
    """A nested table."""

    phone: str
    about: tuple[str, ...] = ()


@frozen
class Store:
    """One setting of every type that settings may have."""

    url: str
    port: int = 0
    ratio: float = 0.0
    live: bool = False
    since: dt.date | None = None
    erase: Literal["delete", "redact"] = "delete"
    short: str = field(default="", validator=_short)
    sides: tuple[Side, ...] = ()
    fields: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(factory=dict)
    tables: Mapping[str, Side] = field(factory=dict)
    anything: Mapping[str, object] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse what only several settings together can tell."""
        if self.live and self.port:
            msg = "set either live or port"
            raise ValueError(msg)


def _message(table: Mapping[str, object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings(Store, table, "stores.cdr")
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None  # a traceback would show cattrs' own words, and the value
    return str(error)


def test_right_settings_become_the_value() -> None:
    """A table of the right types arrives unchanged; tables inside become values too."""
    table: dict[str, object] = {
        "url": "sqlite://",
        "port": 5432,
        "ratio": 1,  # TOML's 1 is a whole number, and means 1.0 here
        "live": False,
        "since": dt.date(2026, 1, 1),
        "erase": "redact",
        "short": "abc",
        "sides": [{"phone": "src", "about": ["src", "clid"]}],
        "fields": ["src", "dst"],
        "links": {"call": "uniqueid"},
        "tables": {"cdr": {"phone": "src"}},
        "anything": {"a": [1, {"b": None}]},
    }
    assert settings(Store, table, "stores.cdr") == Store(
        url="sqlite://",
        port=5432,
        ratio=1.0,
        live=False,
        since=dt.date(2026, 1, 1),
        erase="redact",
        short="abc",
        sides=(Side(phone="src", about=("src", "clid")),),
        fields=frozenset({"src", "dst"}),
        links={"call": "uniqueid"},
        tables={"cdr": Side(phone="src")},
        anything={"a": [1, {"b": None}]},
    )


@pytest.mark.parametrize(
    ("setting", "value", "where", "fix"),
    [
        ("url", 4930901820, "stores.cdr.url", "write a text"),
        ("port", SECRET, "stores.cdr.port", "write a whole number"),
        ("port", True, "stores.cdr.port", "write a whole number"),
        ("port", 5432.0, "stores.cdr.port", "write a whole number"),
        ("ratio", SECRET, "stores.cdr.ratio", "write a number"),
        ("live", SECRET, "stores.cdr.live", "write true or false"),
        ("live", 1, "stores.cdr.live", "write true or false"),
        ("since", SECRET, "stores.cdr.since", "write a date such as"),
        ("since", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "stores.cdr.since", "write a date"),
        ("erase", SECRET, "stores.cdr.erase", 'write "delete" or "redact"'),
        ("short", SECRET, "stores.cdr.short", "write at most three letters"),
        ("sides", SECRET, "stores.cdr.sides", "write a list in brackets"),
        ("sides", {"phone": SECRET}, "stores.cdr.sides", "write a list in brackets"),
        ("sides", [SECRET], "stores.cdr.sides[0]", "write a table"),
        ("sides", [{"phone": "a", "about": SECRET}], "stores.cdr.sides[0].about", "write a list"),
        ("sides", [{"phone": "a"}, {"phone": 1}], "stores.cdr.sides[1].phone", "write a text"),
        ("sides", [{}], "stores.cdr.sides[0].phone", "is missing: add it"),
        ("fields", SECRET, "stores.cdr.fields", "write a list in brackets"),
        ("links", SECRET, "stores.cdr.links", "write a table"),
        ("links", [SECRET], "stores.cdr.links", "write a table"),
        ("links", {"call": 4930901820}, "stores.cdr.links.call", "write a text"),
        ("links", {"my call": 1}, 'stores.cdr.links."my call"', "write a text"),
        ("tables", {"cdr": SECRET}, "stores.cdr.tables.cdr", "write a table"),
        ("tables", {"cdr": {"phone": 4930901820}}, "stores.cdr.tables.cdr.phone", "write a text"),
        ("anything", SECRET, "stores.cdr.anything", "write a table"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(
    setting: str, value: object, where: str, fix: str
) -> None:
    """A wrong type or value names its key as TOML spells it and what to write; not the value."""
    message = _message({"url": "sqlite://"} | {setting: value})
    assert message.startswith(where)
    assert fix in message
    assert SECRET not in message
    assert "4930901820" not in message


def test_all_errors_are_told_at_once() -> None:
    """Three wrong settings cost one run, not three."""
    message = _message({"port": SECRET, "live": SECRET, "sides": [{}]})
    assert message.split("; ") == [
        "stores.cdr.url is missing: add it",
        "stores.cdr.port has the wrong type: write a whole number",
        "stores.cdr.live has the wrong type: write true or false",
        "stores.cdr.sides[0].phone is missing: add it",
    ]


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("prot", 'unknown key stores.cdr.prot: did you mean "port"?'),
        ("zzzzzz", "unknown key stores.cdr.zzzzzz: known here: url, port,"),
        ("my port", 'unknown key stores.cdr."my port": did you mean "port"?'),
    ],
)
def test_an_unknown_key_is_refused(key: str, fix: str) -> None:
    """A misspelt setting is never silently ignored; the nearest known one is offered."""
    assert _message({"url": "sqlite://", key: SECRET}).startswith(fix)


def test_what_a_class_refuses_names_the_table() -> None:
    """What only several settings together make wrong is told of the table they are in."""
    assert _message({"url": "x", "live": True, "port": 1}) == "stores.cdr: set either live or port"


@pytest.mark.parametrize("value", [SECRET, [SECRET], 3])
def test_a_value_instead_of_a_table(value: Any) -> None:
    """`cdr = "…"` under `[stores]` is told as such."""
    assert _message(value) == "stores.cdr has the wrong type: write a table"


def test_layers_merge_tables_and_replace_the_rest() -> None:
    """An operator changes one setting of a plugin's map without copying the others."""
    base = {"tables": {"cdr": {"category": "calls", "key": ["a", "b"]}}, "zone": "UTC"}
    own = {"tables": {"cdr": {"key": ["c"]}, "cel": {"category": "events"}}}
    assert layered(base, own) == {
        "tables": {"cdr": {"category": "calls", "key": ["c"]}, "cel": {"category": "events"}},
        "zone": "UTC",
    }
    assert base["tables"] == {"cdr": {"category": "calls", "key": ["a", "b"]}}
