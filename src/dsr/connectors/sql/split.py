"""Numbers that are kept in two columns: the country code, and the national number.

The code is written `49`, `+49` or `0049`, the number with or without its trunk prefix. Where the
code is empty the number stands alone; where the number says its own country code (`+`, `00`), it
is believed over the other column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from dsr.model import Identifier
from dsr.phone import compact, nationals, spellings

__all__ = ["Split"]

Positions = tuple[int, ...]
Who = Callable[[Sequence[Any]], Positions]
_NOBODY: Final[Positions] = ()


@frozen
class Split:
    """Numbers by what stands in the two columns.

    alone      of numbers without a country code beside them, in any spelling
    national   of numbers beside their country code: (code, number)
    explicit   of numbers that say their country code, whatever stands beside them
    """

    alone: Mapping[str, Positions] = field(repr=False)
    national: Mapping[tuple[str, str], Positions] = field(repr=False)
    explicit: Mapping[str, Positions] = field(repr=False)

    @classmethod
    def of(cls, who: Iterable[Identifier], region: str) -> Split:
        """Spell the numbers of `who`, by their positions; `region` is the home region."""
        alone: dict[str, Positions] = {}
        national: dict[tuple[str, str], Positions] = {}
        explicit: dict[str, Positions] = {}
        for place, each in enumerate(who):
            if each.kind != "phone" or not each.value:
                continue
            code, numbers = nationals(each.value)
            whole = code + min(numbers, key=len)
            for text in spellings(each.value, region):
                alone[text] = (*alone.get(text, _NOBODY), place)
                if text.startswith("+") or (text.endswith(whole) and text != whole):
                    explicit[text] = (*explicit.get(text, _NOBODY), place)
            for text in {whole, *numbers}:
                key = code, text
                national[key] = (*national.get(key, _NOBODY), place)
        return cls(alone, national, explicit)

    @property
    def numbers(self) -> frozenset[str]:
        """Every text that the column of the number may hold."""
        return frozenset(self.alone) | {number for _, number in self.national}

    def who(self, number: int, country: int) -> Who:
        """Return who is meant by a row with the number and the country code at these places."""

        def who(row: Sequence[Any]) -> Positions:
            if row[number] is None:
                return _NOBODY
            text = compact(str(row[number]))
            code = _code(row[country])
            if not code:
                return self.alone.get(text, _NOBODY)
            return self.explicit.get(text) or self.national.get((code, text), _NOBODY)

        return who


def _code(value: object) -> str:
    """Return the digits of a country code: `49` for `+49`, `0049` and 49."""
    return "" if value is None else compact(str(value)).lstrip("+0")
