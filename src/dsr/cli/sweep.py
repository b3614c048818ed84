"""What runs without a request: routine deletion, and erasing again after a restored backup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from dsr.cli.common import App, app_options, moment, now, progress, reply
from dsr.cli.failing import INCOMPLETE, Command, err
from dsr.cli.tables import swept_tables
from dsr.model import Receipt
from dsr.report import tallies_document
from dsr.sweeping import Swept

__all__ = ["COMMANDS"]


def _document(swept: Swept) -> dict[str, object]:
    return {
        "at": swept.at.isoformat(),
        "stores": tallies_document(swept.stores),
        "problems": list(swept.problems),
        "resumed": _states(swept.resumed),
    }


def _states(receipts: Sequence[Receipt]) -> list[dict[str, str]]:
    return [{"request": each.request, "status": each.state} for each in receipts]


@click.command(cls=Command)
@click.option("--dry-run", is_flag=True, help="Only show what routine deletion would do.")
@app_options
def sweep(app: App, *, dry_run: bool) -> None:
    """Finish what was waiting for its time, then delete what is due by the policy's stages.

    For cron, once a day. Holds, duties to keep and restrictions win over stages. Exit code 4 if
    something could not be reached, or must not be there; what is kept for a reason is neither.
    """
    desk = app.acting()
    with progress(app, "sweeping") as told:
        swept = desk.sweep(now=now(), progress=told, dry=dry_run)

    def people() -> None:
        swept_tables(Console(), swept, dry=dry_run)
        _requests(Console(), swept.resumed)

    reply(app, _document(swept), people)
    if not swept.complete:
        raise SystemExit(INCOMPLETE)


@click.command(cls=Command)
@click.option(
    "--since",
    metavar="TIME",
    help="When the backup was made, or earlier (default: all that is remembered).",
)
@app_options
def replay(app: App, since: str | None) -> None:
    """After a backup was restored: do again what requests did since it was made.

    Requests that are not finished carry on with `dsr sweep`. Exit code 4 if something is kept
    or could not be reached.
    """
    configuration = app.configuration()
    desk = app.acting(configuration)
    start = moment("--since", since, configuration)
    with progress(app, "erasing again in") as told:
        receipts = desk.replay(now=now(), since=start, progress=told)

    def people() -> None:
        _requests(Console(), receipts)
        err.print("Next: `dsr sweep`, for requests that were not finished and for what is due.")

    reply(app, {"replayed": _states(receipts)}, people)
    if any(each.state == "incomplete" for each in receipts):
        raise SystemExit(INCOMPLETE)


def _requests(out: Console, receipts: Sequence[Receipt]) -> None:
    if not receipts:
        out.print("No request was carried on.")
        return
    table = Table("request", "right", "state", box=None, pad_edge=False, padding=(0, 2))
    for each in receipts:
        table.add_row(each.request, each.right, each.state)
    out.print(table)


COMMANDS: Final = (sweep, replay)
