"""Bringing the package to the person: whether an address may be used, the link, the download."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from dsr.cli.common import App, app_options, now, reply
from dsr.cli.failing import Command, err
from dsr.delivering import Delivery, fetch
from dsr.delivering import contact as look_up
from dsr.errors import ConfigurationError, InputError
from dsr.package import Encrypted, File, save_text
from dsr.place import Place

__all__ = ["COMMANDS", "destination"]

_TOKENS: Final = 1024  # characters of a token that anybody may type


def destination(delivery: Delivery, request: str, out: str, passphrase: Path | None) -> Place:
    """Return the place that `--out` names, encrypted if the configuration says so.

    Raises `InputError` for a `--passphrase` that nothing would be written to.
    """
    place = delivery.place(out)
    if not delivery.encrypt:
        if passphrase:
            what = "there is no passphrase: packages are not encrypted"
            raise InputError(what, "leave --passphrase out, or set delivery.encrypt")
        return place
    file = passphrase or Path(f"dsr-{request}.passphrase")

    def hand(text: str) -> None:
        save_text(f"{text}\n", file)
        err.print(f"Passphrase: {file} (bring it to the person by another way than the package)")

    return Encrypted(place, hand, now())


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@app_options
def contact(app: App, request: str) -> None:
    """Tell whether the package may go to the e-mail address on file. Never shows it.

    Ask before `dsr run`: once the request is done, it is forgotten whom it was about.
    """
    configuration = app.configuration()
    desk = app.acting(configuration)
    asked = desk.verified(request).request
    subject = desk.ledger.subject(request)
    for each in desk.stores:
        if each.name == desk.accounts:
            look_up(each, subject, asked, configuration.delivery, now())
            break
    else:
        what = "there is no store that knows the e-mail address on file"
        raise ConfigurationError(what, "set identity.accounts, delivery.contact and its changed")

    def people() -> None:
        click.echo("The package may be sent to the e-mail address on file.")

    reply(app, {"request": request, "deliverable": True}, people)


@click.command("link", cls=Command)
@click.argument("request", metavar="ID")
@click.option("--package", metavar="PLACE", help="Where the package was moved to.")
@app_options
def make(app: App, request: str, package: str | None) -> None:
    """Print a link to the package, which works once. Earlier links of the request end."""
    configuration = app.configuration()
    delivery, desk = configuration.delivery, app.acting(configuration)
    desk.verified(request)
    receipt = desk.ledger.receipt(request)
    place = package or (receipt.package.path if receipt and receipt.package else "")
    at = now()
    expires = delivery.expires(at)
    address = delivery.address(desk.link(request, delivery.place(place), now=at))

    def people() -> None:
        click.echo(address)
        err.print(f"It works once, until {expires:%Y-%m-%d %H:%M} UTC. Nobody can show it again.")

    reply(app, {"request": request, "link": address, "expires": expires.isoformat()}, people)


@click.command("fetch", cls=Command)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Where a file is copied to."
)
@app_options
def take(app: App, out: Path) -> None:
    """Use a link up: read its token from standard input, print where the package is then.

    That is the file at --out or, of a package in S3, a URL that is good for a minute.
    """
    if not out.parent.is_dir():
        what = "the folder of --out does not exist, and the link would be used up for nothing"
        raise InputError(what, "choose a folder that exists and has room")
    token = sys.stdin.readline(_TOKENS).strip()
    configuration = app.configuration()
    desk = app.acting(configuration)
    found = fetch(desk.ledger, token, now(), configuration.delivery.place)
    in_s3 = isinstance(found.content, str)
    where = found.content if isinstance(found.content, str) else File(out).write(found.content).path
    document = {
        "request": found.request,
        "sha256": found.sha256,
        "url": where if in_s3 else None,
        "path": None if in_s3 else where,
    }
    reply(app, document, lambda: click.echo(where))


COMMANDS: Final = (contact, make, take)
