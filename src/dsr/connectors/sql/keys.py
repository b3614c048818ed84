"""Record keys: the table's name and the values that name a row, as stable text.

A key is a JSON list `[table, [values…]]`; where the whole row is the key and equal rows exist,
their number follows. Values that JSON does not have are tagged with their type: decoding gives
back what was encoded, equal in value and type. A moment in time is written in UTC, so that the
key does not depend on the session's time zone.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

__all__ = ["Key", "decode", "encode"]

_PLAIN: Final = frozenset({str, int, bool, type(None)})
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[Any]).decode


class Key(NamedTuple):
    """The row (or, of a table without a key, all rows) whose key columns have these values."""

    table: str
    values: tuple[Any, ...]


def encode(table: str, values: Sequence[Any], ordinal: int = 0) -> str:
    """Return the key of a row. `ordinal` counts equal rows of a table without a key."""
    plain = [each if each.__class__ in _PLAIN else _tagged(each) for each in values]
    parts = [table, plain, ordinal] if ordinal else [table, plain]
    return _encode(parts).decode()


def decode(key: str) -> Key | None:
    """Return what `encode` was given, without the ordinal; None if this is no such key."""
    try:
        table, plain, *_ = _decode(key.encode())
        return Key(
            table, tuple([_value(each) if each.__class__ is dict else each for each in plain])
        )
    except (msgspec.DecodeError, ValueError, TypeError, LookupError, ArithmeticError):
        return None


def _moment(value: dt.datetime) -> str:
    return (value.astimezone(dt.UTC) if value.tzinfo else value).isoformat()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


_WRITE: Final[dict[type, tuple[str, Callable[[Any], str]]]] = {
    float: ("float", repr),
    Decimal: ("decimal", str),
    dt.datetime: ("datetime", _moment),
    dt.date: ("date", dt.date.isoformat),
    bytes: ("bytes", _base64),
    uuid.UUID: ("uuid", str),
}
_READ: Final[dict[str, Callable[[str], object]]] = {
    "float": float,
    "decimal": Decimal,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "bytes": base64.b64decode,
    "uuid": uuid.UUID,
}


def _tagged(value: object) -> object:
    if isinstance(value, float) and math.isfinite(value):
        return value
    tag, text = _WRITE[type(value)]
    return {tag: text(value)}


def _value(tagged: dict[str, str]) -> object:
    ((tag, text),) = tagged.items()
    return _READ[tag](text)
