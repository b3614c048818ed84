"""Holds by case, by subject, category, span and fields: add, release, list."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.markup import escape

from dsr.cli.common import App, app_options, day, moment, now, reply
from dsr.cli.failing import INCOMPLETE, Group, err
from dsr.cli.intake import identifiers
from dsr.errors import InputError
from dsr.holding import Locked
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
    """Place a hold and print its id. It counts from now on, also for runs under way.

    Stores that can lock their records (S3 Object Lock) are told; exit code 4 if one was not.
    """
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
        until=day("--until", until),
        subject=Subject(tuple(found)) if found else None,
        categories=frozenset(categories),
        since=moment("--since", since, configuration),
        before=moment("--before", before, configuration),
        fields=frozenset(fields),
    )
    locked = app.acting(configuration).add_hold(placed, now=now())

    def people() -> None:
        click.echo(placed.id)
        err.print(f"To end it: dsr hold release {placed.id}")
        _told(locked, "locked")

    reply(app, {"hold": placed.id, **_stores(locked, "locked")}, people)
    if locked.problems:
        raise SystemExit(INCOMPLETE)


@hold.command()
@click.argument("hold_id", metavar="ID")
@app_options
def release(app: App, hold_id: str) -> None:
    """Release a hold. What it kept is looked at again by the next run of each request.

    Stores that were locked for it are freed, where no other hold covers the record.
    """
    freed = app.acting().release_hold(hold_id, now=now())

    def people() -> None:
        click.echo(f"released {hold_id}")
        _told(freed, "freed")

    reply(app, {"hold": hold_id, "released": True, **_stores(freed, "freed")}, people)
    if freed.problems:
        raise SystemExit(INCOMPLETE)


@hold.command()
@app_options
def lock(app: App) -> None:
    """Lock again in the stores what the holds cover: also what was recorded since.

    For cron. Exit code 4 if a store could not be told.
    """
    locked = app.acting().lock_held(now=now())
    reply(app, _stores(locked, "locked"), lambda: _told(locked, "locked"))
    if locked.problems:
        raise SystemExit(INCOMPLETE)


def _stores(locked: Locked, word: str) -> dict[str, object]:
    return {word: dict(locked.stores), "problems": list(locked.problems)}


def _told(locked: Locked, word: str) -> None:
    for store, count in locked.stores.items():
        err.print(f"{word} {count:,} records in store {escape(store)}")
    for problem in locked.problems:
        err.print(f"[yellow]not {word}:[/] {escape(problem)}")


@hold.command("list")
@app_options
def list_(app: App) -> None:
    """List the holds that stand, of the configuration and of the ledger."""
    configuration = app.configuration()
    standing = [*configuration.holds, *app.desk(configuration).ledger.holds()]
    document = {"holds": [_document(each) for each in standing]}

    def people() -> None:
        if not standing:
            click.echo("No hold stands.")
        for each in standing:
            for line in _lines(each, configuration.policy.operator.zone):
                Console().print(line)

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
        "since": hold.since.isoformat() if hold.since else None,
        "before": hold.before.isoformat() if hold.before else None,
        "fields": sorted(hold.fields),
        "subject": hold.subject is not None,
    }


def _lines(hold: Hold, zone: ZoneInfo) -> Iterator[str]:
    """Say the same to people."""
    until = f"until {hold.until}" if hold.until else "until it is released"
    yield f"\n[bold]{escape(hold.id)}[/]  {escape(hold.case)}, {until}"
    yield f"  {escape(hold.reason)} ({escape(hold.law)})"
    whose = "one person" if hold.subject else "everybody"
    what = ", ".join(sorted(hold.categories)) or "all categories"
    fields = f", only {', '.join(sorted(hold.fields))}" if hold.fields else ""
    yield escape(f"  of {whose}: {what}{fields}{_span(hold, zone)}")


def _span(hold: Hold, zone: ZoneInfo) -> str:
    ends = (("from", hold.since), ("before", hold.before))
    return "".join(f", {word} {at.astimezone(zone):%Y-%m-%d %H:%M %Z}" for word, at in ends if at)


COMMANDS: Final = (hold,)
