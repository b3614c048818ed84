"""The letter to a receipt: what was done, what is kept and why, what was not reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import frozen

from dsr.model import Receipt, Verb
from dsr.package.cover import Cover
from dsr.package.pages import sheet
from dsr.package.withheld import Withheld, rows
from dsr.policy.model import Category, Recipient

__all__ = ["letter"]

#: The acts that recipients are told of (GDPR Arts. 16, 17(1), 18, 19).
_TOLD: Final[frozenset[Verb]] = frozenset({"erase", "redact", "rectify", "annotate", "restrict"})
_GONE: Final[frozenset[Verb]] = frozenset({"erase", "redact"})


@frozen
class _Done:
    """What was done to a category: `verb` names its text, `grounds` say why it was owed."""

    title: str
    verb: str
    count: int
    grounds: Sequence[str] = ()


def letter(cover: Cover, receipt: Receipt) -> str:
    """Return the letter to a receipt, with the recipients that are told of it (Art. 19).

    Raises `ValueError` when something was kept or not reached without a reason.
    """
    done: Counter[tuple[str, str]] = Counter()
    grounds: dict[str, dict[str, None]] = {}
    kept: Counter[Withheld] = Counter()
    gaps: Counter[Withheld] = Counter()
    for store, categories in receipt.stores.items():
        for name, tally in categories.items():
            for verb, count in tally.do.items():
                kept_only = verb == "restrict" and tally.restricts_kept(receipt.right)
                done[name, "restrict_kept" if kept_only else verb] += count
            grounds.setdefault(name, {}).update(dict.fromkeys(tally.grounds))
            for (reason, law, until), count in tally.keep.items():
                kept[Withheld(name, store, reason, law, until)] += count
            for reason, count in tally.gaps.items():
                gaps[Withheld(name, store, reason)] += count
    changed = dict.fromkeys(name for name, verb in done if verb in _TOLD)
    stays, missed = rows(cover, sorted(kept.items())), rows(cover, sorted(gaps.items()))
    return sheet(
        "receipt.html",
        cover,
        (each.reason for each in (*stays, *missed)),
        receipt=receipt,
        done=[
            _Done(
                cover.title(name),
                verb,
                count,
                [cover.text(f"ground.{each[-2]}") for each in grounds[name] if verb in _GONE],
            )
            for (name, verb), count in done.items()
        ],
        verbs={verb for _, verb in done},
        kept=stays,
        gaps=missed,
        recipients=_recipients(
            cover.categories[name] for name in changed if name in cover.categories
        ),
    )


def _recipients(categories: Iterable[Category]) -> list[Recipient]:
    return list({each.title: each for one in categories for each in one.recipients}.values())
