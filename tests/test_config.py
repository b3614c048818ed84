"""dsr.toml: every setting is checked; an error names the key and the fix, and shows no value."""

from __future__ import annotations

import copy
import datetime as dt
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.config import Configuration, load
from dsr.connector import Connector
from dsr.errors import ConfigurationError
from dsr.identity import FileSender
from dsr.model import Identifier

EXAMPLE: Final = files("dsr.cli").joinpath("example.toml").read_text("utf-8")
#: One setting of every kind that the example leaves out.
MORE: Final = """
[identity.levels]
erasure = "one-time-pin"

[stores.archive]
connector = "s3"
bucket = "archive"
category = "recordings"
keys = ["{phone}"]
prefix = "a/"
timezone = "Europe/Berlin"
endpoint = "http://127.0.0.1:1"
region = "eu-central-1"
profile = "dsr"

[[holds]]
case = "12 O 34/26"
reason = "defence of legal claims"
law = "GDPR Art. 17(3)(e)"
until = 2027-01-01
categories = ["call_records"]
since = 2026-01-01T00:00:00+01:00
before = 2026-02-01T00:00:00+01:00
fields = ["src"]
phone = "030 901820"
sip = "Alice@sip.example.org"
"""
#: Stands for every wrong value: a password in a URL, a number, a name.
SECRET: Final = "zq4930901820"


def _table() -> dict[str, Any]:
    """Return a whole configuration, right in every setting."""
    return tomllib.loads(EXAMPLE + MORE)


def _load(folder: Path, table: Mapping[str, Any]) -> Configuration:
    """Load a table as a file would be; TOML is written for the few types that it has here."""
    path = folder / "dsr.toml"
    path.write_text("\n".join(_lines(table)), "utf-8")
    return load(path)


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{_key(name)} = {_toml(value)}" for name, value in table.items())


def _toml(value: object) -> str:
    match value:
        case bool() | str():
            return json.dumps(value)
        case dt.datetime() | dt.date():
            return value.isoformat()
        case Mapping():
            return "{" + ", ".join(_lines(value)) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value)


def _key(name: str) -> str:
    return json.dumps(name)


def _message(folder: Path, table: Mapping[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        _load(folder, table)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_right_file_becomes_a_configuration(tmp_path: Path) -> None:
    """Each section arrives where it belongs; nothing is opened or reached."""
    found = _load(tmp_path, _table())
    assert found.policy.operator.zone == ZoneInfo("Europe/Berlin")
    assert found.policy.categories["call_records"].keep[0].law == "TDDDG § 10"
    assert [each.name for each in found.connectors] == [
        *("numbers", "cdr", "recordings", "logs", "contacts", "archive")
    ]
    assert found.ledger_url == f"sqlite:///{tmp_path / 'dsr-ledger.db'}"
    assert found.accounts == "numbers"
    assert found.pin.digits == 6
    assert list(tmp_path.iterdir()) == [tmp_path / "dsr.toml"]
    (hold,) = found.holds
    assert hold.subject is not None
    assert hold.subject.identifiers == (
        Identifier("phone", "+4930901820"),
        Identifier("sip", "alice@sip.example.org"),
    )
    assert hold.until == dt.date(2027, 1, 1)
    assert hold.since == dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC)


def test_paths_start_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the same from every working directory."""
    monkeypatch.chdir("/")
    table = _table()
    table["identity"]["one-time-pin"]["sender"] = "file:pins.jsonl"
    assert _load(tmp_path, table).pin.sender == FileSender(tmp_path / "pins.jsonl")


def test_the_environment_holds_what_the_file_should_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`env:NAME` reads a URL with its password from the environment."""
    table = _table()
    table["ledger"]["url"] = "env:DSR_TEST_LEDGER"
    assert "the environment variable DSR_TEST_LEDGER is not set" in _message(tmp_path, table)
    monkeypatch.setenv("DSR_TEST_LEDGER", f"postgresql://dsr:{SECRET}@db/dsr")
    found = _load(tmp_path, table)
    assert found.ledger_url.endswith("@db/dsr")
    assert SECRET not in repr(found)


# --- every key of the file ----------------------------------------------------------------------

Path_ = tuple[str | int, ...]


def _paths(table: object, here: Path_ = ()) -> Iterator[tuple[Path_, object]]:
    """Yield the place of every table, list and value of the file."""
    if here:
        yield here, table
    if isinstance(table, Mapping):
        for name, value in table.items():
            yield from _paths(value, (*here, name))
    elif isinstance(table, list):
        for number, value in enumerate(table):
            yield from _paths(value, (*here, number))


PATHS: Final = dict(_paths(_table()))
TABLES: Final = [place for place, value in PATHS.items() if isinstance(value, dict)]
#: Tables whose keys are the operator's own names.
_FREE: Final = {
    *(("stores",), ("categories",), ("identity", "levels")),
    *(("stores", name, "tables") for name in ("numbers", "cdr")),
}


def _dotted(place: Path_) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in place)[1:]


def _put(table: dict[str, Any], place: Path_, value: object) -> dict[str, Any]:
    changed: Any = copy.deepcopy(table)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return changed  # type: ignore[no-any-return]  # a copy of the table


@pytest.mark.parametrize("place", [(), *TABLES], ids=_dotted)
def test_an_unknown_key_is_named(tmp_path: Path, place: Path_) -> None:
    """A misspelt key is never ignored, in whatever table it stands; its value is not shown."""
    unknown = _dotted((*place, "zzz"))
    message = _message(tmp_path, _put(_table(), (*place, "zzz"), SECRET))
    assert (unknown if place in _FREE else f"unknown key {unknown}") in message
    assert SECRET not in message


def _wrong(value: object) -> object:
    """Return a value of a type that is never right in the place of `value`."""
    return [SECRET] if isinstance(value, Mapping) else {SECRET: SECRET}


@pytest.mark.parametrize("place", PATHS, ids=_dotted)
def test_a_wrong_type_is_named(tmp_path: Path, place: Path_) -> None:
    """A value of another type is named by its key, with what to write; it is not shown."""
    message = _message(tmp_path, _put(_table(), place, _wrong(PATHS[place])))
    shown = message.replace(f"unknown key {_dotted(place)}.{SECRET}", "")
    assert _dotted(place) in message
    assert SECRET not in shown
    assert any(word in message for word in ("write ", "missing", "installed: ", "known here"))


NEEDED: Final = [
    *(("operator",), ("ledger",), ("stores",), ("categories",)),
    *(("operator", each) for each in ("name", "country", "timezone", "authority")),
    *(("ledger", each) for each in ("url", "key")),
    ("identity", "one-time-pin", "sender"),
    *(("stores", "cdr", each) for each in ("connector", "url", "tables")),
    *(("stores", "cdr", "tables", "cdr", each) for each in ("category", "sides")),
    *(("stores", "recordings", each) for each in ("path", "category", "keys", "timezone")),
    *(("stores", "logs", each) for each in ("path", "category")),
    *(("stores", "contacts", each) for each in ("path", "category")),
    *(("stores", "archive", each) for each in ("bucket", "category")),
    *(("categories", "logs", each) for each in ("role", "purposes", "basis", "origin")),
    *(("categories", "call_records", "keep", 0, each) for each in ("period", "law")),
    *(("holds", 0, each) for each in ("case", "reason", "law")),
]


@pytest.mark.parametrize("place", NEEDED, ids=_dotted)
def test_a_missing_key_is_named(tmp_path: Path, place: Path_) -> None:
    """What has no default must be there; the error names it as it would stand in the file."""
    table: Any = _table()
    inner = table
    for step in place[:-1]:
        inner = inner[step]
    del inner[place[-1]]
    message = _message(tmp_path, table)
    assert f"{_dotted(place)} is missing" in message


@pytest.mark.parametrize(
    "place",
    [
        *(("operator", each) for each in ("languages", "address", "contact", "dpo")),
        *(("identity", each) for each in ("accounts", "levels")),
        *(("identity", "one-time-pin", each) for each in ("digits", "minutes")),
        *(("stores", "cdr", "tables", "cdr", each) for each in ("key", "at", "links")),
        *(("stores", "logs", each) for each in ("files", "timezone")),
        *(("stores", "archive", each) for each in ("prefix", "endpoint", "region", "profile")),
        *(("categories", "logs", each) for each in ("title", "retention", "erase")),
        *(("categories", "call_records", each) for each in ("recipients", "keep")),
        *(("holds", 0, each) for each in ("until", "categories", "since", "before", "fields")),
        ("holds",),
    ],
    ids=_dotted,
)
def test_a_key_with_a_default_may_be_left_out(tmp_path: Path, place: Path_) -> None:
    """The reference says which keys are needed; the others really are not."""
    table: Any = _table()
    inner = table
    for step in place[:-1]:
        inner = inner[step]
    del inner[place[-1]]
    _load(tmp_path, table)


#: Texts that messages repeat on purpose, for they are names that must be found again: of
#: categories, connectors' patterns, and the place of the key. None of them is a secret.
_NAMES: Final = frozenset({"category", "keys", "owner", "key", "sides", "links"})


@given(
    place=st.sampled_from([place for place, value in PATHS.items() if isinstance(value, str)]),
    before=st.sampled_from(["", "env:", "file:", "https://u:", "postgresql://u:", "+49 30 "]),
)
def test_no_value_shows_in_an_error(
    tmp_path_factory: pytest.TempPathFactory, place: Path_, before: str
) -> None:
    """Whatever text stands where: if it is refused, the error does not repeat it."""
    if _NAMES & set(place) or before == "env:":
        return
    message = ""
    try:
        _load(tmp_path_factory.mktemp("c"), _put(_table(), place, before + SECRET))
    except ConfigurationError as error:
        message = str(error)
    assert SECRET not in message


@given(
    places=st.lists(
        st.sampled_from([place for place in PATHS if isinstance(PATHS[place], str | dt.date)]),
        min_size=2,
        max_size=4,
        unique=True,
    )
)
def test_all_mistakes_of_the_sections_are_told_at_once(
    tmp_path_factory: pytest.TempPathFactory, places: Sequence[Path_]
) -> None:
    """Several wrong types cost one run: of the sections together, or of the stores together."""
    chosen = [each for each in places if each[0] != "stores" and "one-time-pin" not in each]
    chosen = [each for each in chosen if not isinstance(each[-1], int)]
    table = _table()
    for each in chosen:
        table = _put(table, each, _wrong(PATHS[each]))
    if chosen:
        message = _message(tmp_path_factory.mktemp("c"), table)
        assert [each for each in chosen if _dotted(each) not in message] == []


def test_mistakes_in_several_stores_are_told_at_once(tmp_path: Path) -> None:
    """Stores, PINs, holds and what names something that is not there cost one run together."""
    table = _put(_table(), ("stores", "cdr", "url"), 5)
    table = _put(table, ("stores", "logs", "connector"), "log")
    table = _put(table, ("identity", "one-time-pin", "digits"), 4)
    table = _put(table, ("identity", "accounts"), "nobody")
    table = _put(table, ("holds", 0, "phone"), "030 1")
    table = _put(table, ("holds", 0, "case"), "x")
    message = _message(tmp_path, table)
    for each in ("stores.cdr.url", "stores.logs.connector", "digits", "identity.accounts"):
        assert each in message
    assert "holds[0].phone: this is not a phone number" in message


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("identity", "levels"), {"erase": "one-time-pin"}, "identity.levels.erase is no right"),
        (("identity", "levels"), {"erasure": "trust"}, "erasure is no level: write one of"),
        (("identity", "accounts"), "people", "identity.accounts names no store: stores are numbe"),
        (("stores", "logs", "category"), "syslog", "stores.logs holds category syslog: add [cate"),
        (("holds", 0, "categories"), ["cals"], "holds[0].categories names one that is no categor"),
        (("holds", 0, "since"), dt.datetime(2026, 1, 1), "since has the wrong type: write a time"),  # noqa: DTZ001  (that is wrong)
        (("holds", 0, "since"), dt.date(2026, 1, 1), "holds[0].since has the wrong type: write"),
        (("holds", 0, "phone"), "030 1", "holds[0].phone: this is not a phone number: write it"),
        (("stores", "recordings", "keys"), ["{nobody}"], "stores.recordings.keys: the pattern"),
        (("stores", "contacts", "owner"), "{who}", "stores.contacts.owner: the pattern"),
    ],
)
def test_what_names_something_that_is_not_there(
    tmp_path: Path, place: Path_, value: object, told: str
) -> None:
    """A reference to a store, category, right or kind that does not exist is an error."""
    assert told in _message(tmp_path, _put(_table(), place, value))


def test_a_plugin_that_fails_to_load_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configured connector that cannot be imported ends the command: it is no log line."""

    class Broken:
        name = "logs"

        def load(self) -> Connector:
            raise ImportError(SECRET)

    monkeypatch.setattr("dsr.config.entry_points", lambda group: [Broken()])  # noqa: ARG005  (its name)
    table = _table()
    table["stores"] = {"logs": table["stores"]["logs"]}
    with pytest.raises(ConfigurationError) as caught:
        _load(tmp_path, table)
    assert "stores.logs: connector logs cannot be loaded (ImportError)" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[operator", "is not valid TOML: "),
        (b"\xff\xfe", "cannot be read (UnicodeDecodeError): check its permissions and encoding"),
        (b"", "operator is missing: add it"),
        (b"identity = 5", "identity has the wrong type: write a table"),
        (b"[identity]\none-time-pin = 5", "identity.one-time-pin is not a table"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes, told: str) -> None:
    """What is no TOML, or holds nothing of what is needed, is told."""
    path = tmp_path / "dsr.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    assert told in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there, and a folder in its place, are told apart."""
    for path, told in ((tmp_path / "no.toml", "there is no configuration"), (tmp_path, "cannot")):
        with pytest.raises(ConfigurationError, match=told):
            load(path)


# one file over another


def test_a_file_completes_the_one_that_it_extends(tmp_path: Path) -> None:
    """Tables are merged, all else is replaced; paths start where the completing file is."""
    below = _table()
    holds = below.pop("holds")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "policy.toml").write_text("\n".join(_lines(below)), "utf-8")
    own = {"extends": "base/policy.toml", "operator": {"name": "Other GmbH"}, "holds": holds}
    loaded = _load(tmp_path, own)
    assert loaded.policy.operator.name == "Other GmbH"
    assert loaded.policy.operator.country == "DE"
    assert len(loaded.holds) == 1
    assert loaded.context.folder == tmp_path


@pytest.mark.parametrize("extends", ["dsr.toml", 3])
def test_a_file_that_extends_nothing_sensible(tmp_path: Path, extends: object) -> None:
    """A circle, or no path at all, is told as what it is."""
    assert "extends" in _message(tmp_path, {"extends": extends})


def test_a_missing_base_is_named(tmp_path: Path) -> None:
    """The message says which file is not there."""
    assert "gone.toml" in _message(tmp_path, {"extends": "gone.toml"})
