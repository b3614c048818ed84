"""The answers that a person reads: on access, after an act, on refusal, on delay.

Each names what the law wants named: Art. 15(1)(a) to (h) and 15(2) for every category that
holds something of the person, the reasons for what is withheld or kept, and the remedies.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from dsr.model import Receipt, Verb
from dsr.package.cover import Cover
from dsr.package.pages import page, page_chunks
from dsr.package.withheld import Withheld
from dsr.policy.model import Category, Recipient

__all__ = ["Held", "answer", "extension", "letter", "refusal"]

_CHANGES: Final[frozenset[Verb]] = frozenset({"erase", "redact", "rectify", "restrict"})


@frozen
class Held:
    """How many records of a category the package holds, and the names of their fields."""

    count: int
    fields: Sequence[str] = ()


@frozen
class _Done:
    title: str
    verb: Verb
    count: int


def answer(
    cover: Cover,
    held: Mapping[str, Held],
    withheld: Sequence[tuple[Withheld, int | None]],
) -> Iterator[bytes]:
    """Yield the letter to a package: what it holds by category, and what is withheld."""
    names = dict.fromkeys([*held, *(each.category for each, _ in withheld if each.category)])
    sections = [
        (cover.title(name), cover.categories[name], held.get(name, Held(0)))
        for name in names
        if name in cover.categories and not _only_unread(name, held, withheld)
    ]
    return page_chunks(
        "letter.html",
        cover,
        sections=sections,
        found=sum(each.count for each in held.values()),
        withheld=withheld,
        consent=any(category.basis == "consent" for _, category, _ in sections),
    )


def _only_unread(
    name: str, held: Mapping[str, Held], withheld: Sequence[tuple[Withheld, int | None]]
) -> bool:
    """Return whether nothing of a category is known to be the person's: it was not readable."""
    return name not in held and all(each.whole for each, _ in withheld if each.category == name)


def letter(cover: Cover, receipt: Receipt) -> str:
    """Return the letter to a receipt: what was done, what is kept and why, what was not reached.

    Raises `ValueError` when something was kept or not reached without a reason.
    """
    done: Counter[tuple[str, Verb]] = Counter()
    kept: Counter[Withheld] = Counter()
    gaps: Counter[Withheld] = Counter()
    for store, categories in receipt.stores.items():
        for name, tally in categories.items():
            for verb, count in tally.do.items():
                done[name, verb] += count
            for (reason, law, until), count in tally.keep.items():
                kept[Withheld(name, store, reason, law, until)] += count
            for reason, count in tally.gaps.items():
                gaps[Withheld(name, store, reason)] += count
    changed = dict.fromkeys(name for name, verb in done if verb in _CHANGES)
    return page(
        "receipt.html",
        cover,
        receipt=receipt,
        done=[_Done(cover.title(name), verb, count) for (name, verb), count in done.items()],
        kept=sorted(kept.items()),
        gaps=sorted(gaps.items()),
        recipients=_recipients(cover.categories[name] for name in changed),
        restricted=any(verb == "restrict" for _, verb in done),
    )


def _recipients(categories: Iterator[Category]) -> list[Recipient]:
    return list({each.title: each for one in categories for each in one.recipients}.values())


def refusal(cover: Cover, reason: str) -> str:
    """Return the letter that refuses a request (GDPR Art. 12(4)).

    Raises `ValueError` without a reason.
    """
    return _notice(cover, "refusal", reason, None)


def extension(cover: Cover, reason: str, due: dt.date) -> str:
    """Return the letter that extends the deadline to `due` (GDPR Art. 12(3)).

    Raises `ValueError` without a reason.
    """
    return _notice(cover, "extension", reason, due)


def _notice(cover: Cover, kind: str, reason: str, due: dt.date | None) -> str:
    if not reason.strip():
        msg = f"a {kind} needs a reason (GDPR Art. 12(3), 12(4))"
        raise ValueError(msg)
    return page("notice.html", cover, kind=kind, reason=reason, due=due)
