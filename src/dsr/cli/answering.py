"""Answers that act on nothing: extend, refuse, doubt."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import click

from dsr.answering import Answered, asked
from dsr.cli.common import App, app_options, now, reply
from dsr.cli.failing import Command, err
from dsr.cli.intake import summary
from dsr.desk import Desk
from dsr.errors import DeliveryError, InputError
from dsr.policy.deadlines import PROMPTLY
from dsr.policy.refusals import CAUSES, CONDITIONS, Cause, Condition, Refusal

__all__ = ["COMMANDS"]

_letter = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the letter goes."
)


def _options(names: tuple[str, ...]) -> click.Choice[str]:
    return click.Choice([each.replace(" ", "-") for each in names])


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option("--reason", required=True, help="Why, in words the person may read.")
@_letter
@app_options
def extend(app: App, request: str, reason: str, out: Path | None) -> None:
    """Extend the deadline by two further months, once, inside the first month.

    The person must be told inside that month, with the reason: --out writes the letter. The
    same command again writes it again.
    """
    desk = app.acting()
    _answer(app, desk, desk.extend(request, reason, now=now()), out)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option("--cause", type=_options(CAUSES), default="not-entitled", show_default=True)
@click.option("--reason", required=True, help="Why, in words the person may read.")
@click.option("--law", default="", help="The provision, such as GDPR Art. 20(1).")
@click.option("--by", required=True, metavar="NAME", help="Who decided it.")
@click.option("--evidence", default="", help="What shows it, and where that is on file.")
@click.option("--confirmed", type=_options(CONDITIONS), multiple=True, help="Repeatable.")
@_letter
@app_options
def refuse(
    app: App,
    request: str,
    *,
    cause: str,
    confirmed: tuple[str, ...],
    out: Path | None,
    **told: str,
) -> None:
    """Refuse a request and close it; whom it was about is forgotten.

    --out writes the letter: the reason, the authority and the judicial remedy. The same command
    again writes it again.
    """
    refusal = Refusal(
        cause=cast("Cause", cause.replace("-", " ")),
        confirmed=frozenset(cast("Condition", each.replace("-", " ")) for each in confirmed),
        **told,
    )
    desk = app.acting()
    _answer(app, desk, desk.refuse(request, refusal, now=now()), out)


def _answer(app: App, desk: Desk, answered: Answered, out: Path | None) -> None:
    if out:
        _write(answered.letter, out)
    found = answered.request
    (stands,) = desk.standing([found], now=now())

    def people() -> None:
        err.print(
            f"Extended: due {found.due}." if found.state != "refused" else "Refused and closed."
        )
        if out:
            err.print("Send the letter to the person now.")
        else:
            err.print("Write the letter with the same command and --out FILE, and send it.")

    document = summary(stands, desk.policy.operator.zone)
    reply(app, document | {"letter": str(out) if out else None}, people)


def _write(letter: str, path: Path) -> None:
    try:
        path.write_text(letter, "utf-8")
    except OSError as error:
        what = f"it is recorded, but its letter cannot be written ({error.strerror})"
        raise DeliveryError(what, "run it again with another --out") from None


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option("--reason", help="Why it is doubtful who asks, in words that name nobody.")
@click.option("--ended", is_flag=True, help="The doubt is over.")
@_letter
@app_options
def doubt(app: App, request: str, reason: str | None, out: Path | None, *, ended: bool) -> None:
    """Record that the person was asked to prove who they are, because of a doubt.

    While it is open a second, later date stands beside the due date, which never moves.
    `dsr verify` ends it. --out writes the letter that asks; the same command on a later day
    writes a reminder.
    """
    if bool(reason) == ended:
        what = "a doubt is either raised or ended"
        raise InputError(what, "give --reason TEXT, or --ended")
    if out and ended:
        what = "the end of a doubt needs no letter"
        raise InputError(what, "leave --out away")
    desk, at = app.acting(), now()
    if ended:
        desk.end_doubt(request, now=at)
        (stands,) = desk.standing([desk.ledger.get(request)], now=at)
    else:
        stands = desk.doubt(request, reason or "", now=at)
    if out:
        _write(asked(desk.policy, desk.ledger, request, at), out)

    def people() -> None:
        if ended:
            err.print(f"Ended. Due {stands.request.due}.")
        elif stands.paused_until:
            err.print(f"Recorded. Due {stands.request.due}; paused: {stands.paused_until}.")
        else:
            err.print(f"Recorded, more than {PROMPTLY.days} days after receipt: nothing is paused.")
            err.print(f"Due {stands.request.due}.")
        if out:
            err.print("Send the letter to the person now.")

    document = summary(stands, desk.policy.operator.zone)
    reply(app, document | {"letter": str(out) if out else None}, people)


COMMANDS: Final = (extend, refuse, doubt)
