"""Fulfilling requests: plan and run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.console import Console

from dsr.cli.common import App, app_options, now, progress, reply
from dsr.cli.delivery import destination
from dsr.cli.failing import INCOMPLETE, Command, err
from dsr.cli.handing import tell_what_waits
from dsr.cli.tables import plan_tables, receipt_tables
from dsr.desk import Desk, Plan
from dsr.errors import DeliveryError, InputError, NotConfirmed
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


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@app_options
def plan(app: App, request: str) -> None:
    """Show what would happen, per store and category, with reasons. Changes nothing.

    Prints the token that `dsr run --confirm` asks for.
    """
    desk = app.acting()
    grant = desk.verified(request)
    with progress(app, "reading") as told:
        made = desk.plan(grant, now=now(), progress=told)

    def people() -> None:
        plan_tables(Console(), made, [each.name for each in desk.stores])
        click.echo("Nothing was changed.")
        if made.request.right in WRITES:
            click.echo(f"Token: {made.token}")
            err.print(f"Next, if you agree: dsr run {request} --confirm {made.token}")
        else:
            err.print(f"Next: dsr run {request} --out PATH.zip")

    reply(app, plan_document(made), people)
    if not made.complete:
        raise SystemExit(INCOMPLETE)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option("--confirm", metavar="TOKEN", help="The token of the plan; for rights that write.")
@click.option(
    "--out",
    metavar="PLACE",
    help="Where the package goes (default: dsr-ID.zip), or the letter of a right that writes.",
)
@click.option(
    "--passphrase",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the passphrase of an encrypted package goes (default: dsr-ID.passphrase).",
)
@app_options
def run(
    app: App, request: str, confirm: str | None, out: str | None, passphrase: Path | None
) -> None:
    """Write the package, or carry out the confirmed plan.

    The same command again carries on after a crash, and does nothing once all is done.
    """
    configuration = app.configuration()
    delivery, desk = configuration.delivery, app.acting(configuration)
    grant = desk.verified(request)
    answered = grant.request.state == "done"
    with progress(app, "working on") as told:
        if grant.request.right in WRITES:
            if not confirm and not answered:
                what = f"request {request} changes data and is not confirmed"
                raise NotConfirmed(what, f"look at `dsr plan {request}`, then pass --confirm TOKEN")
            if out and out.startswith("s3:"):
                what = "a letter is written to a file"
                raise InputError(what, "give a local path")
            receipt = desk.apply(grant, confirm or "", now=now(), progress=told)
            if out:
                _write_letter(desk, grant, receipt, Path(out))
        else:
            place = destination(delivery, request, out or f"dsr-{request}.zip", passphrase)
            receipt = desk.export(grant, place, now=now(), progress=told)
    complete = not any(t.keep or t.gaps for each in receipt.stores.values() for t in each.values())

    def people() -> None:
        receipt_tables(Console(), receipt, [each.name for each in desk.stores])
        if answered:
            err.print("This request was answered before: nothing was done now.")
        elif receipt.state == "incomplete":
            err.print("Something is kept or was not reached. Run the same command again when its")
            err.print("reason is gone: it carries on, and does nothing twice.")
            tell_what_waits(desk, receipt)

    reply(app, receipt_document(receipt), people)
    if not complete:
        raise SystemExit(INCOMPLETE)


def _write_letter(desk: Desk, grant: Verified, receipt: Receipt, path: Path) -> None:
    cover = Cover.of(desk.policy, grant.request, receipt.at)
    try:
        path.write_text(letter(cover, receipt), "utf-8")
    except OSError as error:
        what = f"the request is carried out, but its letter cannot be written ({error.strerror})"
        raise DeliveryError(what, "run it again with another --out") from None
    err.print(f"Letter: {path}")


COMMANDS: Final = (plan, run)
