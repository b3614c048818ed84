"""Taking requests in: open, challenge, verify, show, list."""

from __future__ import annotations

import sys
from typing import Final, cast
from zoneinfo import ZoneInfo

import click
from rich import box
from rich.console import Console
from rich.table import Table

from dsr.cli.common import App, app_options, moment, now, reply
from dsr.cli.failing import Command, err
from dsr.cli.tables import receipt_tables
from dsr.errors import InputError
from dsr.identify import identify
from dsr.model import STATES, WRITES, Identifier, Kind, Request, Right, State
from dsr.report import receipt_document

__all__ = ["COMMANDS", "identifiers"]

_CLOSED: Final = frozenset({"done", "refused"})


def identifiers(region: str, **given: str | None) -> list[Identifier]:
    """Return the identifiers of command options, keyed by kind."""
    return [identify(cast("Kind", kind), text, region) for kind, text in given.items() if text]


def _summary(request: Request, zone: ZoneInfo) -> dict[str, object]:
    """Say where a request is; times are in the operator's zone, as its deadlines are."""
    return {
        "request": request.id,
        "right": request.right,
        "status": request.state,
        "received": request.received.astimezone(zone).isoformat(),
        "due": request.due.isoformat(),
        "language": request.language,
    }


@click.command("open", cls=Command)
@click.argument("right")
@click.option("--phone", metavar="N", help="Phone number, in any spelling.")
@click.option("--sip", metavar="ADDRESS", help="SIP address.")
@click.option("--email", metavar="ADDRESS", help="E-mail address.")
@click.option("--account", metavar="ID", help="Account or customer id.")
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
    received: str | None,
    language: str | None,
    changes: tuple[str, ...],
    **who: str | None,
) -> None:
    """Register a request and print its id and due date.

    RIGHT is one of access, portability, rectification, erasure, restriction, objection and
    withdrawal (of consent).
    """
    configuration = app.configuration()
    request = app.desk(configuration).open(
        cast("Right", right),
        identifiers(configuration.context.region, **who),
        now=now(),
        received=moment("--received", received, configuration),
        language=language or "",
        changes=_changes(changes),
    )

    def people() -> None:
        click.echo(request.id)
        err.print(f"{request.right}, due {request.due}. Next: dsr challenge {request.id}")

    reply(app, _summary(request, configuration.policy.operator.zone), people)


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
def challenge(app: App, request: str) -> None:
    """Send a one-time PIN to the number on file.

    The answer is the same whether or not a number is on file.
    """
    app.desk().challenge(request, now=now())

    def people() -> None:
        err.print("If the number is on file, a PIN is on its way to it.")
        err.print(f"Next: dsr verify {request}")

    reply(app, {"request": request, "challenged": True}, people)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@app_options
def verify(app: App, request: str) -> None:
    """Check the PIN, read from standard input or a prompt.

    Never from the command line: there it would show in the list of processes.
    """
    grant = app.desk().verify(request, _pin(), now=now())

    def people() -> None:
        err.print(f"Verified. {_next(grant.request)}")

    document = {"request": request, "status": "verified", "method": grant.method}
    reply(app, document, people)


def _pin() -> str:
    """Return what stands on standard input, or is typed at a prompt."""
    fix = "type the PIN at the prompt, or write it to standard input: dsr verify ID < FILE"
    try:
        terminal = sys.stdin.isatty()
        pin = click.prompt("PIN", hide_input=True, err=True) if terminal else sys.stdin.readline()
    except UnicodeDecodeError:
        what = "standard input is not text"
        raise InputError(what, fix) from None
    if not pin.strip():  # not counted as an attempt: nobody guessed
        what = "there is no PIN on standard input"
        raise InputError(what, fix)
    return str(pin).strip()


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@app_options
def show(app: App, request: str) -> None:
    """Show a request: state, due date, receipt."""
    desk = app.desk()
    found = desk.ledger.get(request)
    receipt = desk.ledger.receipt(request)
    summary = _summary(found, desk.policy.operator.zone)
    document = summary | {"receipt": receipt_document(receipt) if receipt else None}

    def people() -> None:
        out = Console()
        for name, value in summary.items():
            out.print(f"{name:>10}  {value}")
        if receipt:
            receipt_tables(out, receipt, [each.name for each in desk.stores])
        err.print(_next(found))

    reply(app, document, people)


def _next(request: Request) -> str:
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
@app_options
def list_(app: App, state: tuple[State, ...]) -> None:
    """List requests, the one due first at the top."""
    configuration = app.configuration()
    found = app.desk(configuration).ledger.requests(states=state)
    requests = sorted(found, key=lambda each: each.due)
    zone = configuration.policy.operator.zone
    today = now().astimezone(zone).date()

    def people() -> None:
        table = Table("request", "right", "status", "received", "due", box=box.SIMPLE_HEAD)
        for each in requests:
            late = each.due < today and each.state not in _CLOSED
            due = f"[red]{each.due}, overdue[/]" if late else str(each.due)
            received = str(each.received.astimezone(zone).date())
            table.add_row(each.id, each.right, each.state, received, due)
        if requests:
            Console().print(table)
        else:
            click.echo("No request.")

    reply(app, {"requests": [_summary(each, zone) for each in requests]}, people)


COMMANDS: Final = (open_, challenge, verify, show, list_)
