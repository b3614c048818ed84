"""Holds by case, by subject, category, span and fields: add, release, list."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.table import Table

from dsr.cli.common import App, Group, app_options, moment, now, reply
from dsr.cli.intake import identifiers
from dsr.errors import InputError
from dsr.model import Hold, Subject

__all__ = ["COMMANDS"]


@click.group(cls=Group)
def hold() -> None:
    """Keep some records or fields untouched for a while."""


@hold.command()
@click.option("--case", required=True, help="The case, as your files name it.")
@click.option("--reason", required=True, help="Why, in words the person may read.")
@click.option("--law", required=True, help='The law, such as "GDPR Art. 17(3)(e)".')
@click.option("--until", metavar="DATE", help="First day it no longer holds; default: released.")
@click.option("--phone", metavar="N", help="Only data found by this number.")
@click.option("--sip", metavar="ADDRESS", help="Only data found by this SIP address.")
@click.option("--email", metavar="ADDRESS", help="Only data found by this e-mail address.")
@click.option("--account", metavar="ID", help="Only data of this account.")
@click.option("--call", metavar="ID", help="Only data of this call.")
@click.option("--category", "categories", multiple=True, help="Only this category; repeatable.")
@click.option("--since", metavar="TIME", help="Only records from this time on.")
@click.option("--before", metavar="TIME", help="Only records before this time.")
@click.option("--field", "fields", multiple=True, help="Only this field; repeatable.")
@app_options
def add(
    app: App,
    *,
    case: str,
    reason: str,
    law: str,
    until: str | None,
    categories: tuple[str, ...],
    since: str | None,
    before: str | None,
    fields: tuple[str, ...],
    **who: str | None,
) -> None:
    """Place a hold and print its id. It counts from now on, also for runs under way."""
    configuration = app.configuration()
    for name in categories:
        if name not in configuration.policy.categories:
            what = f"there is no category {name}"
            raise InputError(what, f"use one of {', '.join(configuration.policy.categories)}")
    found = identifiers(configuration.context.region, **who)
    placed = Hold(
        id=secrets.token_hex(4),
        case=case,
        reason=reason,
        law=law,
        until=_day(until),
        subject=Subject(tuple(found)) if found else None,
        categories=frozenset(categories),
        since=moment(since, configuration) if since else None,
        before=moment(before, configuration) if before else None,
        fields=frozenset(fields),
    )
    configuration.desk().ledger.add_hold(placed, now())
    reply(app, {"hold": placed.id}, lambda: click.echo(placed.id))


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        what = "--until is not a date"
        raise InputError(what, "write it as 2026-12-31") from None


@hold.command()
@click.argument("hold_id", metavar="ID")
@app_options
def release(app: App, hold_id: str) -> None:
    """Release a hold. What it kept is looked at again by the next run of each request."""
    app.desk().ledger.release_hold(hold_id, now())
    reply(app, {"hold": hold_id, "released": True}, lambda: click.echo(f"released {hold_id}"))


@hold.command("list")
@app_options
def list_(app: App) -> None:
    """List the holds that stand, of the configuration and of the ledger."""
    configuration = app.configuration()
    standing = [*configuration.holds, *configuration.desk().ledger.holds()]
    document = {"holds": [_document(each) for each in standing]}

    def people() -> None:
        names = ("hold", "case", "reason", "law", "until", "categories", "fields", "of a person")
        table = Table(*names, box=box.SIMPLE_HEAD)
        for each in document["holds"]:
            table.add_row(*(_cell(value) for value in each.values()))
        Console().print(table)

    reply(app, document, people)


def _document(hold: Hold) -> dict[str, object]:
    """Say all of a hold but whose data it holds."""
    return {
        "hold": hold.id,
        "case": hold.case,
        "reason": hold.reason,
        "law": hold.law,
        "until": hold.until.isoformat() if hold.until else None,
        "categories": sorted(hold.categories),
        "fields": sorted(hold.fields),
        "subject": hold.subject is not None,
    }


def _cell(value: object) -> str:
    match value:
        case None:
            return "open"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(value) or "all"
    return str(value)


COMMANDS: Final = (hold,)
