"""What a right needs of proof: factors, joined by "and" and "or".

A level is `one-time-pin`, `one-time-pin and standing-pin`, or `login or (sip and one-time-pin)`.
It is a frozen value, and knows nothing of how a factor is proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Final, Literal, get_args

from attrs import Attribute, field, frozen

__all__ = [
    "FACTORS",
    "AllOf",
    "AnyOf",
    "Factor",
    "Level",
    "One",
    "at_least",
    "factors_of",
    "level",
    "missing",
]

Factor = Literal["one-time-pin", "standing-pin", "sip", "login", "person"]

FACTORS: Final[tuple[Factor, ...]] = get_args(Factor)
#: What never counts by itself: it does not change, and others may know it (law.md rule 40).
_STATIC: Final[frozenset[Factor]] = frozenset({"standing-pin"})
_TOKEN: Final = re.compile(r"\s*([()]|[^\s()]+)")


def _not_empty(_: object, attribute: Attribute[tuple[Level, ...]], value: object) -> None:
    if not value:
        msg = f"{attribute.name} is empty: nothing to prove would prove everything"
        raise ValueError(msg)


@frozen
class One:
    """A single factor."""

    factor: Factor

    def __str__(self) -> str:
        """Return it as the configuration writes it."""
        return self.factor

    def met(self, proved: frozenset[Factor]) -> bool:
        """Return whether what is `proved` is enough."""
        return self.factor in proved


@frozen
class AllOf:
    """Every one of them. Raises `ValueError` when there is none."""

    of: tuple[Level, ...] = field(validator=_not_empty)

    def __str__(self) -> str:
        """Return it as the configuration writes it."""
        return " and ".join(
            f"({each})" if isinstance(each, AnyOf) else str(each) for each in self.of
        )

    def met(self, proved: frozenset[Factor]) -> bool:
        """Return whether what is `proved` is enough."""
        return all(each.met(proved) for each in self.of)


@frozen
class AnyOf:
    """At least one of them. Raises `ValueError` when there is none."""

    of: tuple[Level, ...] = field(validator=_not_empty)

    def __str__(self) -> str:
        """Return it as the configuration writes it."""
        return " or ".join(str(each) for each in self.of)

    def met(self, proved: frozenset[Factor]) -> bool:
        """Return whether what is `proved` is enough."""
        return any(each.met(proved) for each in self.of)


Level = One | AllOf | AnyOf


def level(text: str) -> Level:
    """Return the level that a text such as `sip or (login and one-time-pin)` describes.

    "and" binds closer than "or". Raises `ValueError` for a text that is none, and for a level
    that a standing PIN alone would meet.
    """
    tokens = _TOKEN.findall(text)
    found, rest = _any(tokens)
    if rest:
        msg = "write factors joined by and, or, and brackets"
        raise ValueError(msg)
    if found.met(_STATIC):
        msg = "a standing PIN is never enough: join another factor to it with and"
        raise ValueError(msg)
    return found


def _any(tokens: list[str]) -> tuple[Level, list[str]]:
    parts, rest = _joined(tokens, "or")
    return (parts[0] if len(parts) == 1 else AnyOf(tuple(parts))), rest


def _all(tokens: list[str]) -> tuple[Level, list[str]]:
    parts, rest = _joined(tokens, "and")
    return (parts[0] if len(parts) == 1 else AllOf(tuple(parts))), rest


def _joined(tokens: list[str], word: Literal["and", "or"]) -> tuple[list[Level], list[str]]:
    inner = _all if word == "or" else _one
    part, rest = inner(tokens)
    parts = [part]
    while rest and rest[0] == word:
        part, rest = inner(rest[1:])
        parts.append(part)
    return parts, rest


def _one(tokens: list[str]) -> tuple[Level, list[str]]:
    match tokens:
        case ["(", *rest]:
            found, rest = _any(rest)
            if rest[:1] == [")"]:
                return found, rest[1:]
        case [name, *rest]:
            for factor in FACTORS:
                if name == factor:
                    return One(factor), rest
    msg = f"write one of {', '.join(FACTORS)}, joined by and, or, and brackets"
    raise ValueError(msg)


def factors_of(wanted: Level) -> frozenset[Factor]:
    """Return every factor that a level names."""
    if isinstance(wanted, One):
        return frozenset({wanted.factor})
    return frozenset(factor for each in wanted.of for factor in factors_of(each))


def at_least(one: Level, other: Level) -> bool:
    """Return whether whatever meets `one` meets `other`, too (law.md rule 43)."""
    return all(other.met(proved) for proved in _sets() if one.met(proved))


def missing(wanted: Level, proved: frozenset[Factor]) -> list[frozenset[Factor]]:
    """Return the smallest sets of further factors that would do; empty when it is met."""
    if wanted.met(proved):
        return []
    enough = [each - proved for each in _sets() if proved <= each and wanted.met(each)]
    return [each for each in enough if not any(other < each for other in enough)]


def _sets() -> Iterator[frozenset[Factor]]:
    for size in range(len(FACTORS) + 1):
        yield from map(frozenset, combinations(FACTORS, size))
