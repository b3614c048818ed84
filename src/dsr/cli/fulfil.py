"""Fulfilling requests: plan and run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.console import Console

from dsr.cli.common import INCOMPLETE, App, app_options, err, now, progress, reply
from dsr.cli.tables import plan_tables, receipt_tables
from dsr.desk import Desk, Plan
from dsr.errors import InputError, NotConfirmed
from dsr.identity import Verified
from dsr.model import WRITES, Receipt
from dsr.package import Cover, letter
from dsr.report import receipt_document, tallies_document

__all__ = ["COMMANDS", "plan_document"]


def plan_document(plan: Plan) -> dict[str, object]:
    """Return a plan as the JSON document of `dsr plan --json` (docs/reference/run.schema.json)."""
    return {
        "request": plan.request.id,
        "right": plan.request.right,
        "status": "planned",
        "at": plan.at.isoformat(),
        "token": plan.token,
        "stores": tallies_document(plan.stores),
        "proved": {store: plan.at.isoformat() for store in sorted(plan.read)},
    }


@click.command()
@click.argument("request", metavar="ID")
@app_options
def plan(app: App, request: str) -> None:
    """Show what would happen, per store and category, with reasons. Changes nothing.

    Prints the token that `dsr run --confirm` asks for.
    """
    desk = app.desk()
    grant = desk.verified(request)
    with progress(app, "reading") as told:
        made = desk.plan(grant, now=now(), progress=told)

    def people() -> None:
        plan_tables(Console(), made)
        if made.request.right in WRITES:
            click.echo(f"Token: {made.token}")
            err.print(f"Next: dsr run {request} --confirm {made.token}")
        else:
            err.print(f"Next: dsr run {request} --out PATH.zip")

    reply(app, plan_document(made), people)
    if not made.complete:
        raise SystemExit(INCOMPLETE)


@click.command()
@click.argument("request", metavar="ID")
@click.option("--confirm", metavar="TOKEN", help="The token of the plan; for rights that write.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where the package goes (default: dsr-ID.zip), or the letter of a right that writes.",
)
@app_options
def run(app: App, request: str, confirm: str | None, out: Path | None) -> None:
    """Do it: write the package, or carry out the confirmed plan and prove it.

    The same command again carries on after a crash, and does nothing once all is done.
    """
    desk = app.desk()
    grant = desk.verified(request)
    if str(out or "").startswith("s3:"):
        what = "packages cannot be written to S3 yet"
        raise InputError(what, "give a local path")
    with progress(app, "working on") as told:
        if grant.request.right in WRITES:
            if not confirm and grant.request.state != "done":
                what = f"request {request} changes data and is not confirmed"
                raise NotConfirmed(what, f"look at `dsr plan {request}`, then pass --confirm TOKEN")
            receipt = desk.apply(grant, confirm or "", now=now(), progress=told)
            if out:
                _write_letter(desk, grant, receipt, out)
        else:
            path = out or Path(f"dsr-{request}.zip")
            receipt = desk.export(grant, path, now=now(), progress=told)
    reply(app, receipt_document(receipt), lambda: receipt_tables(Console(), receipt))
    if any(t.keep or t.gaps for each in receipt.stores.values() for t in each.values()):
        raise SystemExit(INCOMPLETE)


def _write_letter(desk: Desk, grant: Verified, receipt: Receipt, path: Path) -> None:
    cover = Cover(
        request=grant.request,
        operator=desk.policy.operator,
        categories=desk.policy.categories,
        made=receipt.at,
    )
    path.write_text(letter(cover, receipt), "utf-8")
    err.print(f"Letter: {path}")


COMMANDS: Final = (plan, run)
