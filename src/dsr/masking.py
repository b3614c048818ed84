"""What is left out of a record that is handed over, because it would harm others.

Calling line identification restriction (CLIR): the network knows the number, the called party
was not shown it, and an answer to the called party does not show it either (Directive
2002/58/EC Art. 8). What the policy names beside that is left out field by field (GDPR Arts.
15(4), 20(4)). What speaks of the person who asks is their own, and is shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from attrs import evolve

from dsr.model import Record, Right
from dsr.policy.model import Clir, ThirdParty

__all__ = ["WITHHELD", "masked", "without_others"]

#: What stands in the place of a withheld number.
WITHHELD: Final = "withheld"

_ESCAPED: Final = re.compile(r"\\x[89a-f][0-9a-f]")  # no UTF-8: the offsets count other bytes
_CONTENT: Final = "content"
_VCARD: Final = "vcard"  # the field of a record that holds a whole vCard
_PROPERTY: Final = re.compile(rb"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)[;:]")
_SOFT: Final = re.compile(rb"(?i)[^:]*;(?:ENCODING=)?QUOTED-PRINTABLE")
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


def without_others(
    record: Record, about: frozenset[str], rules: Sequence[ThirdParty], right: Right
) -> tuple[Record, list[tuple[ThirdParty, frozenset[str]]]]:
    """Return the record without what would harm others, and which fields each rule took.

    `about` are the fields that speak of the person who asks. A vCard loses the lines of the
    properties that are taken, and goes whole where that leaves any of their values in it.
    """
    data, content = dict(record.data), record.content
    taken = []
    for rule in rules:
        if right == "access" and not rule.access:
            continue
        gone = set[str]()
        for name in rule.withhold:
            if name == _CONTENT and content is not None:
                content = None  # several people speak in it, whomever it was found for
                gone.add(name)
            elif data.get(name) not in (None, "") and (rule.own or name not in about):
                data[name] = _others_left_out(record, about, name)
                gone.add(name)
        if gone and _VCARD in data and _VCARD not in gone:
            data[_VCARD] = _without_properties(data[_VCARD], gone)
            if _tells(data[_VCARD], [record.data[name] for name in gone - {_CONTENT}]):
                data[_VCARD] = None
                gone.add(_VCARD)
        if gone:
            taken.append((rule, frozenset(gone)))
    if not taken:
        return record, []
    withheld = frozenset[str]().union(*(gone for _, gone in taken))
    left = {n: each for n, each in data.items() if n not in withheld or each is not None}
    return evolve(record, data=left, content=content, links=()), taken


def _others_left_out(record: Record, about: frozenset[str], name: str) -> str | None:
    """Return what stays of a field: of a text that speaks of the person too, all but the rest."""
    value = record.data[name]
    own = any(True for _ in _parts(about, name))
    if own and isinstance(value, str) and not _ESCAPED.search(value):
        return _without(value, sorted(_parts(record.personal - about, name)))
    return None


def _without_properties(card: object, names: Collection[str]) -> object:
    """Return a vCard without the content lines of some properties (RFC 6350, 3.2: folded)."""
    raw = card if isinstance(card, bytes) else str(card).encode(errors="surrogatepass")
    kept, drops, soft = [], False, False
    for line in raw.splitlines(keepends=True):
        if not (soft or line[:1] in (b" ", b"\t")):
            match = _PROPERTY.match(line)
            drops = match is not None and match[1].decode().lower() in names
            soft = _SOFT.match(line) is not None
        soft = soft and line.rstrip(b"\r\n").endswith(b"=")
        if not drops:
            kept.append(line)
    rest = b"".join(kept)
    return rest if isinstance(card, bytes) else rest.decode(errors="surrogatepass")


def _tells(card: object, values: Sequence[object]) -> bool:
    """Return whether a vCard still holds one of these values."""
    text = card.decode(errors="replace") if isinstance(card, bytes) else str(card)
    each = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return any(str(one) in text for one in each if str(one).strip())
