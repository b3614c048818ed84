"""Columns of values as CSV cells that no spreadsheet takes for formulas.

Spreadsheets run a cell that starts with `=`, `+`, `-`, `@`, a tab or a return. Such texts get a
leading apostrophe (OWASP, CSV injection). A spreadsheet that splits at semicolons, as German
and French ones do, would start a new cell inside a text: that place is guarded as well. Numbers
and dates are not texts and stay as they are. Whole columns are handled at once: it is several
times faster than cell by cell.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import NoneType
from typing import Any, Final

import msgspec

__all__ = ["ENCODER", "cells", "finite", "harmless", "plain_json"]


def _other(value: Any) -> object:  # noqa: ANN401  (msgspec's hook takes anything)
    """Return what stands in JSON for a value that msgspec does not know."""
    return dict(value) if isinstance(value, Mapping) else str(value)


#: Aware datetimes as ISO 8601 with offset and microseconds, Decimal as text, bytes as base64.
ENCODER: Final = msgspec.json.Encoder(enc_hook=_other, decimal_format="string")

_FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # also the full-width ones
_BREAKS: Final = (";", "\t", "\r", "\n")  # where some spreadsheet may begin a new cell
_QUOTED: Final = ('"', ",", *_BREAKS)
_STARTS: Final = re.compile("\0[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")  # of cells joined by NUL
_RESTART: Final = re.compile('([;\t\r\n][ "]*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])')
_PLAIN: Final = frozenset({int, float, bool, Decimal, dt.datetime, dt.date, NoneType})
_TEXT: Final = frozenset({str, NoneType})


def harmless(text: str) -> str:
    """Return `text` so that a spreadsheet shows it and does not run it."""
    guarded = _RESTART.sub(r"\1'", text)
    return "'" + guarded if guarded[:1] in _FORMULA else guarded


def cells(column: Sequence[object], kinds: frozenset[type]) -> Sequence[str]:
    """Return the cells of a column, ready to be joined by commas.

    `kinds` are the types of its values. None and the empty text both become an empty cell.
    """
    if kinds <= _TEXT:
        return _texts([each or "" for each in column])  # type: ignore[misc]  # all are texts
    if kinds <= _PLAIN and finite(column, kinds):
        return _plains(column)
    return _texts([_text(each) for each in column])


def finite(column: Iterable[object], kinds: frozenset[type]) -> bool:
    """Return whether no number of the column is infinite or not a number."""
    return float not in kinds or all(math.isfinite(v) for v in column if type(v) is float)


def plain_json(value: object) -> object:
    """Return `value` as what the `json` module can write, not-a-numbers as texts.

    For the rare record that msgspec cannot write faithfully.
    """
    built: object = msgspec.to_builtins(value, enc_hook=_other, str_keys=True)
    if isinstance(built, dict):
        return {name: _spelled(each) for name, each in built.items()}
    return built


def _spelled(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"
    return value


def _texts(column: list[str]) -> list[str]:
    joined = "\0" + "\0".join(column)
    if any(each in joined for each in _BREAKS):
        column = [harmless(each) for each in column]
    elif _STARTS.search(joined):
        column = ["'" + each if each[:1] in _FORMULA else each for each in column]
    if any(each in joined for each in _QUOTED):
        return ['"' + each.replace('"', '""') + '"' if each else "" for each in column]
    return column


def _plains(column: Sequence[object]) -> list[str]:
    """Spell numbers and dates exactly as the JSON lines do; none holds a comma or a quote."""
    text = ENCODER.encode(column)[1:-1].decode()
    return text.replace('"', "").replace("null", "").split(",")


def _text(value: object) -> str:
    built: object = msgspec.to_builtins(value, enc_hook=_other, str_keys=True)
    if built is None:
        return ""
    if isinstance(built, str):
        return built
    spelled = _spelled(built)
    return spelled if isinstance(spelled, str) else json.dumps(built, separators=(",", ":"))
