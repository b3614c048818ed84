"""What goes to others: the part of a request that controllers decide about, and notices."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from attrs import asdict
from rich.markup import escape

from dsr.cli.common import App, app_options, now, progress, reply
from dsr.cli.failing import INCOMPLETE, Command, err
from dsr.desk import Desk
from dsr.errors import InputError
from dsr.handover import Handed, HandedOver
from dsr.ledger import Notice
from dsr.model import Receipt

__all__ = ["COMMANDS", "tell_what_waits"]


def tell_what_waits(desk: Desk, receipt: Receipt) -> None:
    """Say what of a request still has to go to its controllers, and by which command."""
    for name, count in desk.waiting_for_others(receipt).items():
        known = desk.policy.categories[name]
        if known.controller_field:
            whose = f"whoever {known.controller_field} names in each"
        else:
            whose = known.controller
        records = "1 record" if count == 1 else f"{count:,} records"
        err.print(f"{escape(name)}: {records} processed for {escape(whose)}, who decides.")
        err.print(f"Next: dsr handover {receipt.request} --out DIR", soft_wrap=True)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the packages.",
)
@app_options
def handover(app: App, request: str, out: Path) -> None:
    """Hand over the part of a request that others decide about.

    For each controller one package with the request and the data, and a letter that tells the
    person. The same command again writes the same files again, until the request is done.
    """
    desk = app.acting()
    grant = desk.verified(request)
    with progress(app, "reading") as told:
        made = desk.handover(grant, out, now=now(), progress=told)

    def people() -> None:
        for each in made.packages:
            click.echo(f"{each.package.path}  {each.named}")
        if made.letter:
            click.echo(f"{made.letter}  the person")
        for reason, count in made.gaps.items():
            err.print(f"[yellow]not handed over ({count:,}):[/] {escape(reason)}")
        if not made.packages:
            err.print("Nothing of this request goes to anybody now.")
        err.print(f"Request {request} is {made.request.state}.")

    reply(app, _document(made), people)
    if made.gaps:
        raise SystemExit(INCOMPLETE)


def _document(made: HandedOver) -> dict[str, object]:
    return {
        "request": made.request.id,
        "status": made.request.state,
        "packages": [_package(each) for each in made.packages],
        "letter": str(made.letter) if made.letter else None,
        "gaps": [{"count": count, "reason": reason} for reason, count in made.gaps.items()],
    }


def _package(each: Handed) -> dict[str, object]:
    return {"controller": each.named, **asdict(each.package), "records": dict(each.records)}


@click.command(cls=Command)
@click.option("--list", "only_list", is_flag=True, help="Show what waits; write nothing.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="The folder for the notices."
)
@app_options
def notices(app: App, *, only_list: bool, out: Path | None) -> None:
    """Write the notices to recipients of data that was corrected, erased or restricted.

    Each is two files: a page, and the same as JSON. What is written waits no longer: send it.
    """
    if only_list == (out is not None):
        what = "notices are either listed or written"
        raise InputError(what, "give --list, or --out DIR")
    desk = app.acting()
    done = desk.notices(out, now=now()) if out else []
    waits = list(desk.ledger.waiting_notices())
    since = min((each.at for each in waits), default=None)

    def people() -> None:
        for each in done:
            click.echo(f"{each.page}  {each.notice.recipient}")
        for one in waits:
            at = one.at.astimezone(desk.policy.operator.zone)
            click.echo(f"{one.request}  {one.act}  {one.recipient}, since {at:%Y-%m-%d}")
        if done:
            err.print("Send them now: dsr has forgotten what they say.")
        elif not waits:
            err.print("No notice waits.")

    document = {
        "written": [
            _told(each.notice) | {"page": str(each.page), "facts": str(each.facts)} for each in done
        ],
        "waiting": [_told(each) for each in waits],
        "since": since.isoformat() if since else None,
    }
    reply(app, document, people)


def _told(each: Notice) -> dict[str, object]:
    return {
        "request": each.request,
        "recipient": each.recipient,
        "act": each.act,
        "at": each.at.isoformat(),
    }


COMMANDS: Final = (handover, notices)
