"""The letter to a package: confirmation, and what Art. 15(1)(a) to (h) and 15(2) ask for.

It is tailored: only categories that hold something of the person are told of (law.md rule 7).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from attrs import frozen

from dsr.package.cover import Cover
from dsr.package.pages import sheet
from dsr.package.retention import sentences
from dsr.package.withheld import Withheld, rows
from dsr.policy.model import Category, Recipient

__all__ = ["Held", "answer"]


@frozen
class Held:
    """How many records of a category the package holds, and the names of their fields."""

    count: int
    fields: Sequence[str] = ()


@frozen
class _Section:
    """What the letter tells of one category."""

    title: str
    category: Category
    held: Held
    retention: Sequence[str]
    transfers: Sequence[str]


def answer(
    cover: Cover,
    held: Mapping[str, Held],
    withheld: Sequence[tuple[Withheld, int | None]],
) -> str:
    """Return the letter: what the package holds by category, and what is withheld and why."""
    names = dict.fromkeys([*held, *(each.category for each, _ in withheld if each.category)])
    sections = [
        _section(cover, name, held.get(name, Held(0)))
        for name in names
        if name in cover.categories and not _only_unread(name, held, withheld)
    ]
    shown = rows(cover, withheld)
    return sheet(
        "answer.html",
        cover,
        (each.reason for each in shown),
        sections=sections,
        found=sum(each.count for each in held.values()),
        withheld=shown,
        consent=any(each.category.basis == "consent" for each in sections),
    )


def _section(cover: Cover, name: str, held: Held) -> _Section:
    category = cover.categories[name]
    return _Section(
        title=cover.title(name),
        category=category,
        held=held,
        retention=list(sentences(cover.text, name, category)),
        transfers=[_transfer(cover, each) for each in category.recipients if each.safeguard],
    )


def _transfer(cover: Cover, recipient: Recipient) -> str:
    """Return what protects data at a recipient, and until which day it does (Art. 15(2))."""
    text, until = cover.text, recipient.safeguard_until
    country = f", {text.country(recipient.country)}" if recipient.country else ""
    values = {
        "recipient": text.word(recipient.title) + country,
        "safeguard": text.word(recipient.safeguard),
    }
    if until is None:
        return text("letter.safeguard", **values)
    if until <= cover.made.astimezone(cover.operator.zone).date():
        return text("letter.safeguard_expired", date=text.date(until), **values)
    last = until - dt.timedelta(days=1)
    return text("letter.safeguard_valid", date=text.date(last), **values)


def _only_unread(
    name: str, held: Mapping[str, Held], withheld: Sequence[tuple[Withheld, int | None]]
) -> bool:
    """Return whether nothing of a category is known to be the person's: it was not readable."""
    return name not in held and all(each.whole for each, _ in withheld if each.category == name)
