"""Values of whole columns: what an identifier looks like there, and whom a value means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from dsr.connectors.sql.fields import Field
from dsr.model import Identifier, Kind
from dsr.phone import spellings

__all__ = ["FOLDED", "indexed", "joined", "texts_of", "valued"]

Positions = tuple[int, ...]
Who = Callable[[Sequence[Any]], Positions]

_NOBODY: Final[Positions] = ()
#: Kinds that are compared without regard to case.
FOLDED: Final[frozenset[Kind]] = frozenset({"sip", "email"})


def texts_of(who: Identifier, region: str, *, bare: bool) -> Iterable[str]:
    """Return the texts that a column holds for an identifier; `bare`: without its domain too."""
    if who.kind == "phone":
        return spellings(who.value, region)
    if who.kind not in FOLDED:
        return (who.value,)
    value = who.value.lower()
    if who.kind == "sip" and bare:
        return {value, f"sip:{value}", f"sips:{value}", value.partition("@")[0]}
    return (value,)


def indexed(texts: Mapping[str, Positions], column: Field) -> dict[object, Positions]:
    """Return whom each value of a column means."""
    index: dict[object, Positions] = {}
    for text, places in texts.items():
        value = column.parse(text)
        if value is not None:
            known = index.get(value, _NOBODY)
            index[value] = known + tuple(each for each in places if each not in known)
    return index


def valued(index: Mapping[object, Positions], place: int, *, folded: bool) -> Who:
    """Return who is meant by the value at a place of a row."""
    get = index.get
    if folded:
        return lambda row: get(row[place].lower(), _NOBODY) if row[place] else _NOBODY
    texts = any(isinstance(each, str) for each in index)

    def who(row: Sequence[Any]) -> Positions:
        value = row[place]
        if texts and value.__class__ is int:  # SQLite keeps digits as a number in some columns
            value = str(value)
        return get(value, _NOBODY)

    return who


def joined(index: Mapping[str, Positions], user: int, domain: int) -> Who:
    """Return who is meant by a user and a domain that stand at two places."""

    def who(row: Sequence[Any]) -> Positions:
        return index.get(f"{row[user]}@{row[domain]}".lower(), _NOBODY)

    return who
