"""Plans and receipts as people read them: by store and category, at 80 columns too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dsr.desk import Plan
from dsr.model import WRITES, Receipt, Tally, Verb
from dsr.sweeping import Swept

__all__ = ["plan_tables", "receipt_tables", "swept_tables"]

#: What a receipt says of a verb; a plan says the verb itself.
_DONE: Final[Mapping[Verb, str]] = {
    "export": "exported",
    "erase": "erased",
    "redact": "redacted",
    "rectify": "rectified",
    "annotate": "annotated",
    "restrict": "restricted",
    "unchanged": "unchanged",
}
_READ: Final = ("Read to the end", "Not read to the end")
_RECORDS: Final = 9  # columns for a number
_STEP: Final = 10  # columns for the longest of the words


def plan_tables(out: Console, plan: Plan, stores: Sequence[str]) -> None:
    """Print what would happen, per store and category, with reasons; `stores` are all there are."""
    out.print(f"\n[bold]Plan[/] of request {plan.request.id} ({plan.request.right})")
    _steps(out, plan.stores, past=False)
    _covered(out, *_READ, plan.read, stores)


def receipt_tables(out: Console, receipt: Receipt, stores: Sequence[str]) -> None:
    """Print what was done, kept and not reached; `stores` are all there are."""
    out.print(f"\n[bold]Receipt[/] of request {receipt.request} ({receipt.right}): {receipt.state}")
    _steps(out, receipt.stores, past=True)
    if receipt.right in WRITES:
        _covered(out, "Proved by a reading afterwards", "Not proved", receipt.proved, stores)
    else:
        _covered(out, *_READ, receipt.proved, stores)
    if receipt.package:
        size = f"{receipt.package.size:,} bytes"
        out.print(f"Package: [bold]{escape(receipt.package.path)}[/] ({size})", soft_wrap=True)
        out.print(f"SHA-256: {receipt.package.sha256}", soft_wrap=True)


def swept_tables(out: Console, swept: Swept, *, dry: bool) -> None:
    """Print what routine deletion did (or would do, if `dry`), per store and category."""
    out.print("\n[bold]Routine deletion[/]" + (": what is due; nothing was changed" if dry else ""))
    if any(swept.stores.values()):
        _steps(out, swept.stores, past=not dry)
    else:
        out.print("\nNothing is due.\n")
    for problem in swept.problems:
        out.print(f"[red]problem[/]  {escape(problem)}")


def _covered(
    out: Console,
    yes: str,
    no: str,
    covered: Mapping[str, object] | frozenset[str],
    of: Sequence[str],
) -> None:
    """Print which stores a reading speaks for, and which not."""
    out.print(f"{yes}: {', '.join(each for each in of if each in covered) or 'no store'}")
    rest = [each for each in of if each not in covered]
    if rest:
        out.print(f"[red]{no}[/]: {', '.join(rest)}")


def _steps(out: Console, stores: Mapping[str, Mapping[str, Tally]], *, past: bool) -> None:
    if not any(stores.values()):
        out.print("\nNothing of this person was found.")
    for store, categories in stores.items():
        for category, tally in categories.items():
            out.print(f"\n[bold]{escape(store)}[/]: {escape(category)}")
            table = Table.grid(padding=(0, 2))
            table.add_column(width=_RECORDS, justify="right")
            table.add_column(width=_STEP)
            table.add_column(overflow="fold")
            for row in _rows(tally, past=past):
                table.add_row(*row)
            out.print(table)
    out.print()


def _rows(tally: Tally, *, past: bool) -> Iterator[tuple[str, str, str]]:
    """Yield the number of records, what happens to them, and why."""
    for verb, count in tally.do.items():
        yield f"{count:,}", f"[green]{_DONE[verb] if past else verb}[/]", ""
    for (reason, law), (count, until) in _by_reason(tally).items():
        why = f"{reason} ({law})" if law else reason
        yield f"{count:,}", f"[yellow]{'kept' if past else 'keep'}[/]", escape(f"{why}, {until}")
    for reason, count in tally.gaps.items():
        yield f"{count:,}", "[red]gap[/]", escape(reason)


def _by_reason(tally: Tally) -> dict[tuple[str, str], tuple[int, str]]:
    """Join the many end dates of one reason into a span."""
    counts: dict[tuple[str, str], int] = {}
    dates: dict[tuple[str, str], set[dt.date | None]] = {}
    for (reason, law, until), count in tally.keep.items():
        counts[reason, law] = counts.get((reason, law), 0) + count
        dates.setdefault((reason, law), set()).add(until)
    return {key: (count, _span(dates[key])) for key, count in counts.items()}


def _span(found: set[dt.date | None]) -> str:
    known = sorted(each for each in found if each)
    if not known:
        return "no end date"
    text = f"until {known[0]}"
    if len(known) > 1:
        text = f"each until its day, from {known[0]} to {known[-1]}"
    return f"{text}, or no end date" if None in found else text
