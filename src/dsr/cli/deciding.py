"""What a person decides: lift, decide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import click
from rich.markup import escape

from dsr.cli.common import App, app_options, day, now, reply
from dsr.cli.failing import INCOMPLETE, Command, err
from dsr.deciding import Decided, waits
from dsr.desk import Desk
from dsr.errors import DeliveryError, RequestError
from dsr.model import Outcome, Request
from dsr.package import Cover
from dsr.package.letters import decided, lifting

__all__ = ["COMMANDS"]

_by = click.option("--by", required=True, metavar="NAME", help="Who decided it.")
_reason = click.option("--reason", required=True, help="Why, in words the person may read.")
_told = click.option(
    "--told", metavar="DATE", help="When the person was told; without it, only the letter."
)
_out = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the letter goes."
)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@_by
@_reason
@_told
@_out
@app_options
def lift(
    app: App, request: str, *, by: str, reason: str, told: str | None, out: Path | None
) -> None:
    """Lift a restriction, once the person has been told (GDPR Art. 18(3)).

    Without --told it lifts nothing: --out writes the letter that tells them. Send it, then give
    the day with --told.
    """
    desk = app.acting()
    when = day("--told", told)
    found = desk.ledger.get(request)
    if waits(found, "restriction"):
        _write(desk, found, out, lambda cover: lifting(cover, reason, when or _today(desk)))
        if when is None:
            raise _untold(request, out)
    _tell(app, desk.lift(request, told=when, by=by, now=now()))


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.argument("outcome", type=click.Choice(["upheld", "rejected"]))
@_by
@_reason
@_told
@_out
@app_options
def decide(
    app: App,
    request: str,
    outcome: str,
    *,
    by: str,
    reason: str,
    told: str | None,
    out: Path | None,
) -> None:
    """Decide an objection, or a dispute about facts.

    An objection that is upheld is planned again, and then erases. Everything else ends the
    restriction, of which the person is told before: as for dsr lift.
    """
    desk = app.acting()
    when = day("--told", told)
    found, what = desk.ledger.get(request), cast("Outcome", outcome)
    erases = found.right == "objection" and what == "upheld"
    if waits(found, "objection", "rectification"):
        ends = None if erases else when or _today(desk)
        _write(desk, found, out, lambda cover: decided(cover, what, reason, ends))
        if when is None and not erases:
            raise _untold(request, out)
    _tell(app, desk.decide(request, what, told=when, by=by, now=now()))


def _today(desk: Desk) -> dt.date:
    return now().astimezone(desk.policy.operator.zone).date()


def _untold(request: str, out: Path | None) -> RequestError:
    what = f"request {request} stays as it is: the person is told before a restriction ends"
    letter = f"send {out}" if out else "write the letter with --out, and send it"
    return RequestError(what, f"{letter}; then give the day with --told")


def _write(desk: Desk, request: Request, out: Path | None, text: Callable[[Cover], str]) -> None:
    if out is None:
        return
    cover = Cover.of(desk.policy, request, now())
    try:
        out.write_text(text(cover), "utf-8")
    except OSError as error:
        what = f"the letter cannot be written ({error.strerror}): nothing was decided"
        raise DeliveryError(what, "run it again with another --out") from None
    err.print(f"Letter: {escape(str(out))}")


def _tell(app: App, found: Decided) -> None:
    document = {
        "request": found.request.id,
        "status": found.request.state,
        "outcome": found.request.outcome,
        "lifted": dict(found.lifted.stores),
        "problems": list(found.lifted.problems),
    }

    def people() -> None:
        click.echo(f"{found.request.id} is {found.request.state}")
        for store, count in found.lifted.stores.items():
            err.print(f"lifted for {count:,} records in store {escape(store)}")
        for problem in found.lifted.problems:
            err.print(f"[yellow]not lifted:[/] {escape(problem)}")
        if found.request.outcome == "upheld" and found.request.state == "verified":
            err.print(f"Next: dsr plan {found.request.id}")

    reply(app, document, people)
    if found.lifted.problems:
        raise SystemExit(INCOMPLETE)


COMMANDS: Final = (lift, decide)
