"""Settings from a TOML table to a frozen attrs value, with errors that name the key and the fix.

Every connector and every section of `dsr.toml` declares its settings as an attrs class; this is
the one place that checks them. Nothing is coerced: a number in quotes is an error.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import GenericAlias
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import attrs
import cattrs
from attrs import frozen
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn

from dsr.errors import ConfigurationError

__all__ = ["Context", "database_url", "layered", "settings"]

T = TypeVar("T")

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@frozen
class Context:
    """What every connector is told besides its own table.

    `region` is the operator's home region (ISO 3166-1 alpha-2, or from `dsr.phone.dialling`);
    `folder` the one that relative paths start from (the configuration file's).
    """

    region: str
    folder: Path


class _Wrong(ValueError):
    """A setting has a `fault` (such as "the wrong type"), and what to write instead."""

    def __init__(self, fault: str, fix: str) -> None:
        super().__init__(f"has {fault}: write {fix}")


_NAMES = {str: "a text", int: "a whole number", bool: "true or false", float: "a number"}
_TYPE = "the wrong type"
_VALUE = "a wrong value"


def _strict(kind: type) -> _Hook:
    def structure(value: object, _: object) -> object:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise _Wrong(_TYPE, _NAMES[kind])
        return value

    return structure


def _date(value: object, _: object) -> dt.date:
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise _Wrong(_TYPE, "a date such as 2026-12-31, without quotes")
    return value


def _moment(value: object, _: object) -> dt.datetime:
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise _Wrong(_TYPE, "a time with its zone such as 2026-01-31T00:00:00+01:00, unquoted")
    return value


def _choice(kind: Any) -> _Hook:  # noqa: ANN401  (a Literal)
    allowed = get_args(kind)

    def structure(value: object, _: object) -> object:
        if value not in allowed:
            raise _Wrong(_VALUE, " or ".join(map(json.dumps, allowed)))
        return value

    return structure


def _list(kind: Any) -> _Hook:  # noqa: ANN401  (a tuple or frozenset)
    make = _origin(kind)
    of: Any = GenericAlias(list, get_args(kind)[:1])

    def structure(value: object, _: object) -> object:
        if not isinstance(value, list | tuple | frozenset):
            raise _Wrong(_TYPE, "a list in brackets")  # a text would fall into letters
        return make(_converter.structure(list(value), of))

    return structure


def _map(kind: Any) -> _Hook:  # noqa: ANN401  (a Mapping)
    of: Any = GenericAlias(dict, get_args(kind))

    def structure(value: object, _: object) -> object:
        if not isinstance(value, Mapping):
            raise _Wrong(_TYPE, "a table")
        return _converter.structure(value, of)

    return structure


def _table(cls: type[Any]) -> _Hook:
    build = make_dict_structure_fn(cls, _converter, _cattrs_forbid_extra_keys=True)

    def structure(value: object, _: object) -> object:
        if not isinstance(value, Mapping):
            raise _Wrong(_TYPE, "a table")
        try:
            return build(value, cls)
        except ClassValidationError as error:
            raise _blamed(error, cls, value) from None

    return structure


def _blamed(
    error: ClassValidationError, cls: type[Any], table: Mapping[str, object]
) -> ClassValidationError:
    """Return `error` with the names of the fields whose validators raised it.

    cattrs names the field that it could not convert, but not the one that the class refused.
    """
    refused = []
    for each in attrs.fields(cls):
        if each.validator is None or each.name not in table:
            continue
        try:
            each.validator(None, each, _converter.structure(table[each.name], each.type))
        except (ValueError, TypeError, ConfigurationError) as problem:
            problem.add_note(AttributeValidationNote("", each.name, each.type))
            refused.append(problem)
    by_class = [each for each in error.exceptions if not _is_placed(each)]
    return ClassValidationError("", refused, cls) if refused and by_class else error


def _is_placed(error: Exception) -> bool:
    return bool(_place(error)) or isinstance(error, ForbiddenExtraKeysError)


def _origin(kind: Any) -> Any:  # noqa: ANN401  (any type)
    return get_origin(kind)


_Hook = Callable[[object, object], object]
_converter = cattrs.Converter()
for _kind in _NAMES:
    _converter.register_structure_hook(_kind, _strict(_kind))
_converter.register_structure_hook(dt.date, _date)
_converter.register_structure_hook(dt.datetime, _moment)
_converter.register_structure_hook_func(lambda t: t is object, lambda v, _: v)
_converter.register_structure_hook_factory(attrs.has, _table)
_converter.register_structure_hook_factory(lambda t: _origin(t) is Literal, _choice)
_converter.register_structure_hook_factory(lambda t: _origin(t) in {tuple, frozenset}, _list)
_converter.register_structure_hook_factory(lambda t: _origin(t) is Mapping, _map)


def settings(cls: type[T], table: Mapping[str, object], where: str) -> T:
    """Return `table` as a `cls`; `where` is its dotted place, such as `stores.cdr`, or empty.

    Raises `ConfigurationError` that names each wrong key (unknown, missing, wrong type or
    value) and what to do. It shows no value, as long as the validators of `cls` show none:
    what they raise (`ValueError`, `ConfigurationError`) is part of the message.
    """
    try:
        return _converter.structure(table, cls)
    except Exception as error:  # noqa: BLE001  (cattrs raises what the classes raise)
        problems = _problems(error, where)
    what = "; ".join(dict.fromkeys(problems))
    raise ConfigurationError(what)


def _problems(error: BaseException, where: str) -> list[str]:
    if isinstance(error, ClassValidationError | IterableValidationError):
        return [
            problem
            for each in error.exceptions
            for problem in _problems(each, (where + _place(each)).removeprefix("."))
        ]
    match error:
        case ForbiddenExtraKeysError():
            return [_unknown(name, where, error.cl) for name in sorted(error.extra_fields)]
        case KeyError():
            return [f"{where} is missing: add it"]
        case _Wrong():
            return [f"{where} {error}"]
        case ValueError() | ConfigurationError():
            return [f"{where}: {error}"]
    return [f"{where} has the wrong type: see the reference of the configuration"]


def _place(error: BaseException) -> str:
    """Return the step that cattrs noted on the way to this error: `.key` or `[index]`."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return f".{note.name}"
        if isinstance(note, IterableValidationNote):
            return f"[{note.index}]" if isinstance(note.index, int) else f".{_quoted(note.index)}"
    return ""


def _quoted(key: str) -> str:
    """Return a key as TOML writes it: bare where it may be."""
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _unknown(name: str, where: str, cls: Any) -> str:  # noqa: ANN401  (an attrs class)
    known = [each.name for each in attrs.fields(cls)]
    near = difflib.get_close_matches(name, known, n=1)
    fix = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
    place = f"{where}.{_quoted(name)}".removeprefix(".")
    return f"unknown key {place}: {fix}"


def layered(base: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """Return `base` with what `own` says instead; tables are merged, all else is replaced.

    A plugin lays an operator's settings over the column map that it ships.
    """
    merged = dict(base)
    for key, value in own.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = layered(below, value)
        else:
            merged[key] = value
    return merged


def database_url(source: str, folder: Path) -> str:
    """Return the SQLAlchemy URL that a setting means.

    `env:NAME` reads it from the environment; the path of a SQLite URL (`sqlite:///file.db`) is
    relative to `folder`. Raises `ConfigurationError` when the variable is not set.
    """
    if source.startswith("env:"):
        name = source.removeprefix("env:")
        if name not in os.environ:
            what = f"the environment variable {name} is not set"
            raise ConfigurationError(what, "set it to a database URL")
        source = os.environ[name]
    prefix = "sqlite:///"
    path = source.removeprefix(prefix)
    if source.startswith(prefix) and path and path != ":memory:" and not path.startswith("/"):
        return f"{prefix}{folder.resolve() / path}"
    return source
