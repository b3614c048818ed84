"""Numbers that a caller withheld stay withheld in whatever is handed over.

Calling line identification restriction (CLIR): the network knows the number, the called party
was not shown it, and an answer to the called party does not show it either (Directive
2002/58/EC Art. 8). What speaks of the person who asks is their own, and is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve

from dsr.model import Record
from dsr.policy.model import Clir

__all__ = ["WITHHELD", "masked"]

#: What stands in the place of a withheld number.
WITHHELD: Final = "withheld"

_ESCAPED: Final = re.compile(r"\\x[89a-f][0-9a-f]")  # no UTF-8: the offsets count other bytes
_PART: Final = re.compile(r"(.*)\[(\d+):(\d+)\]", re.DOTALL)


def masked(record: Record, about: frozenset[str], rules: Sequence[Clir]) -> Record:
    """Return the record without the numbers that its caller withheld.

    `about` are the fields that speak of the person who asks: those stay. Of a field of which
    parts speak of somebody (`line[48:61]`, counted in bytes of UTF-8) only these parts go.
    """
    hidden = {name for rule in rules if _says(record, rule) for name in rule.mask}
    hidden -= about
    if not hidden:
        return record
    data = dict(record.data)
    for name in sorted(hidden):
        value = data.get(name)
        if value in (None, ""):
            continue
        parts = sorted(_parts(record.personal - about, name))
        own = any(True for _ in _parts(about, name))
        if isinstance(value, str) and (parts or own) and not _ESCAPED.search(value):
            data[name] = _without(value, parts)
        else:
            data[name] = WITHHELD
    return evolve(record, data=data)


def _says(record: Record, rule: Clir) -> bool:
    value = record.data.get(rule.field)
    return value is not None and any(each.casefold() in str(value).casefold() for each in rule.says)


def _parts(fields: frozenset[str], name: str) -> Iterator[tuple[int, int]]:
    """Yield where in the field `name` somebody is spoken of."""
    for each in fields:
        part = _PART.fullmatch(each)
        if part and part[1] == name:
            yield int(part[2]), int(part[3])


def _without(value: str, parts: Sequence[tuple[int, int]]) -> str:
    raw = value.encode()
    left = len(raw)
    for start, end in sorted(parts, reverse=True):
        raw = raw[:start] + WITHHELD.encode() + raw[max(min(end, left), start) :]
        left = start
    return raw.decode()
