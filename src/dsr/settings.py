"""Settings from a TOML table to a frozen attrs value, with errors that name the key and the fix.

Every connector and every section of `dsr.toml` declares its settings as an attrs class; this is
the one place that checks them. Nothing is coerced: a number in quotes is an error.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

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

from dsr.errors import ConfigurationError

__all__ = ["Context", "settings"]

T = TypeVar("T")


@frozen
class Context:
    """What every connector is told besides its own table.

    `region` is the operator's home region (ISO 3166-1 alpha-2); `folder` the one that relative
    paths start from (the configuration file's).
    """

    region: str
    folder: Path


class _WrongType(ValueError):
    """A value is not of the type that its setting has."""


_NAMES = {str: "a text", int: "a whole number", bool: "true or false", float: "a number"}


def _strict(kind: type) -> Any:  # noqa: ANN401  (cattrs' hooks are untyped)
    def structure(value: object, _: object) -> object:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise _WrongType(_NAMES[kind])
        return value

    return structure


def _date(value: object, _: object) -> dt.date:
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        msg = "a date such as 2026-12-31, without quotes"
        raise _WrongType(msg)
    return value


_converter = cattrs.Converter(forbid_extra_keys=True)
for _kind in _NAMES:
    _converter.register_structure_hook(_kind, _strict(_kind))
_converter.register_structure_hook(dt.date, _date)
_converter.register_structure_hook_func(lambda t: t is object, lambda v, _: v)


def settings(cls: type[T], table: Mapping[str, object], where: str) -> T:
    """Return `table` as a `cls`; `where` is its dotted place, such as `stores.cdr`.

    Raises `ConfigurationError` that names each wrong key (unknown, missing, wrong type or
    value) and what to do; it shows no value.
    """
    try:
        return _converter.structure(dict(table), cls)
    except Exception as error:  # noqa: BLE001  (cattrs raises what the classes raise)
        problems = _problems(error, where)
    what = "; ".join(dict.fromkeys(problems))
    raise ConfigurationError(what)


def _problems(error: BaseException, where: str) -> list[str]:
    if isinstance(error, ClassValidationError | IterableValidationError):
        return [
            problem
            for each in error.exceptions
            for problem in _problems(each, where + _place(each))
        ]
    match error:
        case ForbiddenExtraKeysError():
            return [_unknown(name, where, error.cl) for name in sorted(error.extra_fields)]
        case KeyError():
            return [f"{where} is missing: add it"]
        case _WrongType():
            return [f"{where} has the wrong type: write {error}"]
        case ValueError() | ConfigurationError():
            return [f"{where}: {error}"]
    return [f"{where} has the wrong type: see the reference of the configuration"]


def _place(error: BaseException) -> str:
    """Return the step that cattrs noted on the way to this error: `.key` or `[index]`."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return f".{note.name}"
        if isinstance(note, IterableValidationNote):
            return f"[{note.index}]"
    return ""


def _unknown(name: str, where: str, cls: Any) -> str:  # noqa: ANN401  (an attrs class)
    known = [each.name for each in attrs.fields(cls)]
    near = difflib.get_close_matches(name, known, n=1)
    fix = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
    return f"unknown key {where}.{name}: {fix}"
