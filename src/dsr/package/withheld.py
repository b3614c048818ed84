"""What is not in an answer, counted, and why (GDPR Arts. 12(4), 15(4))."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from attrs import Attribute, evolve, field, frozen

from dsr.model import Gap, Keep
from dsr.package.cover import Cover

__all__ = ["Row", "Tallies", "Withheld", "rows"]


def _reasoned(_: object, _attribute: Attribute[str], value: str) -> None:
    if not value.strip():
        msg = "nothing is withheld without a reason (GDPR Art. 12(4))"
        raise ValueError(msg)


@frozen(order=True)
class Withheld:
    """A reason why records (or `fields` of them) are left out; without `law`, it is a failure.

    `whole` says that a part of a store could not be read: how many records it holds is unknown.
    Raises `ValueError` without a reason.
    """

    category: str
    store: str
    reason: str = field(validator=_reasoned)
    law: str = ""
    until: dt.date | None = field(default=None, order=lambda day: day or dt.date.max)
    fields: tuple[str, ...] = ()
    whole: bool = False

    @classmethod
    def of(cls, step: Keep | Gap) -> Withheld:
        """Return what a step withholds, without saying of which record."""
        fields = tuple(sorted(step.fields))
        if isinstance(step, Keep):
            return cls(step.category, step.store, step.reason, step.law, step.until, fields)
        return cls(step.category, step.store, step.reason, fields=fields, whole=not step.key)


@frozen
class Row:
    """What a page says of one reason: all records together, over all stores and dates.

    `title` is the category's, `count` None where it is unknown; they are kept until `first`
    at the earliest and `last` at the latest, None where no date is known.
    """

    title: str
    reason: str
    law: str
    fields: tuple[str, ...]
    count: int | None
    first: dt.date | None
    last: dt.date | None


def rows(cover: Cover, counted: Iterable[tuple[Withheld, int | None]]) -> list[Row]:
    """Return a row for each reason, in the words of the cover's language.

    What has a date and what has none are told apart, as are known and unknown numbers.
    """
    found: dict[tuple[object, ...], Row] = {}
    for each, count in counted:
        row = Row(
            title=cover.title(each.category) if each.category else each.store,
            reason=cover.text.word(each.reason),
            law=cover.text.word(each.law),
            fields=each.fields,
            count=count,
            first=each.until,
            last=each.until,
        )
        alike = (row.title, row.reason, row.law, row.fields, count is None, each.until is None)
        found[alike] = _both(found[alike], row) if alike in found else row
    return list(found.values())


def _both(one: Row, other: Row) -> Row:
    """Return two rows that are alike but for numbers and dates as one."""
    count, first, last = one.count, one.first, one.last
    if count is not None and other.count is not None:
        count += other.count
    if first is not None and other.first is not None:
        first = min(first, other.first)
    if last is not None and other.last is not None:
        last = max(last, other.last)
    return evolve(one, count=count, first=first, last=last)


class Tallies:
    """Counts of what is withheld, by category and reason."""

    def __init__(self) -> None:
        """Start with nothing withheld."""
        self._counts: Counter[Withheld] = Counter()

    def add(self, step: Keep | Gap) -> None:
        """Count a step. Raises `ValueError` when it has no reason."""
        self._counts[Withheld.of(step)] += 1

    def items(self) -> Sequence[tuple[Withheld, int | None]]:
        """List each reason with its number of records, None where that is unknown."""
        return [
            (each, None if each.whole else count) for each, count in sorted(self._counts.items())
        ]

    def categories(self) -> Iterator[str]:
        """Yield the categories of which something is withheld."""
        return iter({each.category: None for each, _ in self.items()})

    def json(self, cover: Cover) -> bytes:
        """Return `withheld.json`: per category, how many records, why, by which law, until when.

        A `count` of null stands for an unknown number: a part of a store was not readable.
        """
        categories: dict[str, list[dict[str, object]]] = {name: [] for name in self.categories()}
        for each, count in self.items():
            categories[each.category].append(
                {
                    "count": count,
                    "reason": each.reason,
                    "law": each.law or None,
                    "until": each.until,
                    "fields": each.fields,
                    "store": each.store,
                }
            )
        content = {
            "request": cover.request.id,
            "made": cover.made,
            "authority": cover.operator.authority,
            "withheld": [
                {"category": name, "title": cover.title(name), "entries": entries}
                for name, entries in categories.items()
            ],
        }
        return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
