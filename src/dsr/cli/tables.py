"""Plans and receipts as tables that a person reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dsr.desk import Plan
from dsr.model import Receipt, Tally

__all__ = ["plan_tables", "receipt_tables"]

_FEW_DATES: Final = 1


def plan_tables(out: Console, plan: Plan) -> None:
    """Print what would happen, per store and category, with reasons."""
    out.print(f"\n[bold]Plan[/] of request {plan.request.id} ({plan.request.right})")
    out.print(_steps(plan.stores, "would"))
    out.print(f"Read completely: {', '.join(sorted(plan.read)) or 'no store'}")


def receipt_tables(out: Console, receipt: Receipt) -> None:
    """Print what was done, kept and not reached."""
    title = f"[bold]Receipt[/] of request {receipt.request} ({receipt.right}): {receipt.state}"
    out.print(f"\n{title}")
    out.print(_steps(receipt.stores, "done"))
    out.print(f"Proved by a fresh reading: {', '.join(sorted(receipt.proved)) or 'no store'}")
    if receipt.package:
        size = f"{receipt.package.size:,} bytes"
        out.print(f"Package: [bold]{escape(receipt.package.path)}[/] ({size})")
        out.print(f"SHA-256: {receipt.package.sha256}")


def _steps(stores: Mapping[str, Mapping[str, Tally]], heading: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("store", "category", heading):
        table.add_column(name, no_wrap=name != heading)
    table.add_column("records", justify="right")
    table.add_column("why", overflow="fold")
    table.add_column("until")
    for store, categories in stores.items():
        for category, tally in categories.items():
            for verb, count in tally.do.items():
                table.add_row(store, category, f"[green]{verb}[/]", f"{count:,}", "", "")
            for (reason, law), (count, until) in _by_reason(tally).items():
                why = escape(f"{reason} ({law})" if law else reason)
                table.add_row(store, category, "[yellow]keep[/]", f"{count:,}", why, until)
            for reason, count in tally.gaps.items():
                row = ("[red]gap[/]", f"{count:,}", escape(reason), "")
                table.add_row(store, category, *row)
    return table


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
        return "open"
    text = str(known[0]) if len(known) == _FEW_DATES else f"{known[0]} to {known[-1]}"
    return f"{text}, or open" if None in found else text
