"""Taking requests in: open, show, list."""

from __future__ import annotations

import datetime as dt
from typing import Final, cast
from zoneinfo import ZoneInfo

import click
from rich import box
from rich.console import Console
from rich.table import Table

from dsr.answering import Standing
from dsr.cli.common import App, app_options, moment, now, reply
from dsr.cli.failing import INCOMPLETE, Command, err
from dsr.cli.tables import receipt_tables
from dsr.config import Configuration
from dsr.errors import InputError
from dsr.identify import identify
from dsr.model import STATES, WRITES, Identifier, Kind, Request, Right, State
from dsr.policy.deadlines import due as due_end
from dsr.report import receipt_document

__all__ = ["COMMANDS", "identifiers", "next_step", "summary"]


def identifiers(region: str, **given: str | None) -> list[Identifier]:
    """Return the identifiers of command options, keyed by kind."""
    return [identify(cast("Kind", kind), text, region) for kind, text in given.items() if text]


def summary(stands: Standing, zone: ZoneInfo) -> dict[str, object]:
    """Say where a request is; times are in the operator's zone, as its deadlines are."""
    request, paused = stands.request, stands.paused_until
    return {
        "request": request.id,
        "right": request.right,
        "status": request.state,
        "ground": request.ground,
        "received": request.received.astimezone(zone).isoformat(),
        "due": request.due.isoformat(),
        "extended": request.extended,
        "paused_until": paused.isoformat() if paused else None,
        "days_left": stands.days_left,
        "overdue": stands.overdue,
        "language": request.language,
    }


@click.command("open", cls=Command)
@click.argument("right")
@click.option("--phone", metavar="N", help="Phone number, in any spelling.")
@click.option("--sip", metavar="ADDRESS", help="SIP address.")
@click.option("--email", metavar="ADDRESS", help="E-mail address.")
@click.option("--account", metavar="ID", help="Account or customer id.")
@click.option("--usage", metavar="ID", help="Pseudonymous usage id.")
@click.option("--ip", metavar="ADDRESS", help="IP address; with --since and --before.")
@click.option("--since", metavar="TIME", help="When the IP address began to be theirs.")
@click.option("--before", metavar="TIME", help="When it no longer was.")
@click.option("--ground", default="", metavar="POINT", help="Why, such as 17(1)(b).")
@click.option("--received", metavar="DATE", help="When it reached you; default: now.")
@click.option("--language", help="Language of the answer.")
@click.option(
    "--set", "changes", metavar="FIELD=VALUE", multiple=True, help="Field to correct; repeatable."
)
@app_options
def open_(
    app: App,
    right: str,
    *,
    ip: str | None,
    since: str | None,
    before: str | None,
    ground: str,
    received: str | None,
    language: str | None,
    changes: tuple[str, ...],
    **who: str | None,
) -> None:
    """Register a request and print its id, its due date and the rule that this follows.

    RIGHT is one of access, portability, rectification, erasure, restriction, objection and
    withdrawal (of consent).
    """
    configuration = app.configuration()
    policy, desk = configuration.policy, app.acting(configuration)
    span = (
        moment("--since", since, configuration),
        moment("--before", before, configuration),
    )
    request = desk.open(
        cast("Right", right),
        [*identifiers(configuration.context.region, **who), *_address(ip, configuration, *span)],
        now=now(),
        received=moment("--received", received, configuration),
        language=language or "",
        changes=_changes(changes),
        ground=ground,
    )
    zone = policy.operator.zone
    rule = due_end(request.received, zone, policy.deadlines).rule
    (stands,) = desk.standing([request], now=now())

    def people() -> None:
        click.echo(request.id)
        err.print(f"{request.right}, due {request.due}: {rule}.")
        err.print(f"Next: dsr challenge {request.id}")

    reply(app, summary(stands, zone) | {"rule": rule}, people)


def _address(
    ip: str | None,
    configuration: Configuration,
    since: dt.datetime | None,
    before: dt.datetime | None,
) -> list[Identifier]:
    """Return the IP address: a person's only for a time, and useless without it."""
    times = [each for each in (since, before) if each]
    if len(times) != (2 if ip else 0):
        what = "an IP address, and only that, needs the time in which it was the person's"
        raise InputError(what, "give --ip with --since and --before, or none of them")
    return [identify("ip", ip, configuration.context.region, since, before)] if ip else []


def _changes(given: tuple[str, ...]) -> dict[str, str]:
    changes = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            what = "--set needs FIELD=VALUE"
            raise InputError(what, 'for example --set "address_book.fn=Anna Schmidt"')
        changes[name] = value
    return changes


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@app_options
def show(app: App, request: str) -> None:
    """Show a request: state, due date, receipt."""
    desk = app.desk()
    found = desk.ledger.get(request)
    receipt = desk.ledger.receipt(request)
    (stands,) = desk.standing([found], now=now())
    told = summary(stands, desk.policy.operator.zone) | {"unverified": desk.unverified(request)}
    document = told | {"receipt": receipt_document(receipt) if receipt else None}

    def people() -> None:
        out = Console()
        for name, value in told.items():
            if value not in {None, "", False}:
                out.print(f"{name:>12}  {'yes' if value is True else value}")
        if receipt:
            receipt_tables(out, receipt, [each.name for each in desk.stores])
        err.print(next_step(found))

    reply(app, document, people)


def next_step(request: Request) -> str:
    """Return what to do with a request in its state."""
    match request.state:
        case "open":
            return f"Next: dsr challenge {request.id}, then dsr verify {request.id}"
        case "verified" | "confirmed" if request.right in WRITES:
            return f"Next: dsr plan {request.id}"
        case "verified":
            return f"Next: dsr plan {request.id}, or at once: dsr run {request.id} --out PATH.zip"
        case "confirmed" | "incomplete":
            return "Next: the same `dsr run` again, when what stands in the way is gone"
    return "Nothing is left to do."


@click.command("list", cls=Command)
@click.option("--state", type=click.Choice(STATES), multiple=True, help="Only these; repeatable.")
@click.option("--due", "alarming", is_flag=True, help="Only what is due soon, or overdue.")
@app_options
def list_(app: App, state: tuple[State, ...], *, alarming: bool) -> None:
    """List requests, the one due first at the top.

    With --due only those that end within the alarm of [deadlines] or are over, and exit code 4
    if there is any.
    """
    configuration = app.configuration()
    desk, zone = app.desk(configuration), configuration.policy.operator.zone
    if alarming:
        found = [e for e in desk.alarms(now=now()) if not state or e.request.state in state]
    else:
        standing = desk.standing(desk.ledger.requests(states=state), now=now())
        found = sorted(standing, key=lambda each: each.request.due)

    def people() -> None:
        table = Table("request", "right", "status", "received", "due", box=box.SIMPLE_HEAD)
        for each in found:
            request = each.request
            received = str(request.received.astimezone(zone).date())
            table.add_row(request.id, request.right, request.state, received, _due(each, alarming))
        if found:
            Console().print(table)
        else:
            click.echo("No request is due soon." if alarming else "No request.")

    reply(app, {"requests": [summary(each, zone) for each in found]}, people)
    if alarming and found:
        raise SystemExit(INCOMPLETE)


def _due(stands: Standing, alarming: bool) -> str:  # noqa: FBT001  (passed on as it is)
    """Return the strict date, how many days are left, and the paused date if there is one."""
    text = str(stands.request.due)
    if stands.overdue:
        text = f"[red]{text}, overdue[/]"
    elif alarming:
        text += f", in {stands.days_left} days" if stands.days_left else ", today"
    return f"{text} (paused: {stands.paused_until})" if stands.paused_until else text


COMMANDS: Final = (open_, show, list_)
