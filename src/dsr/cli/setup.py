"""Setting up and looking after: init, check, audit, completion."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

import click
from attrs import frozen
from click.shell_completion import get_completion_class
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dsr.cli.common import FAILED, App, app_options, err, reply
from dsr.connector import Checks, Connector
from dsr.errors import ConfigurationError, StoreError
from dsr.ledger import new_key
from dsr.plan import verbs_of

__all__ = ["COMMANDS"]

_PRIVATE: Final = 0o600


@click.command()
@app_options
def init(app: App) -> None:
    """Write a commented dsr.toml and a new key beside it. Overwrites nothing."""
    key = app.path.parent / "dsr.key"
    for path in (app.path, key):
        if path.exists():
            what = f"{path} exists already"
            raise ConfigurationError(what, "move it away, or name another with --config")
    app.path.write_text(files("dsr.cli").joinpath("example.toml").read_text("utf-8"), "utf-8")
    key.touch(_PRIVATE)
    key.write_text(new_key() + "\n", "utf-8")

    def people() -> None:
        err.print(f"Wrote {app.path} and {key}. Keep the key safe: without it the ledger is lost.")
        err.print("Edit the stores, then: dsr check")

    reply(app, {"config": str(app.path), "key": str(key)}, people)


@frozen
class _Checked:
    """What a store can do, and what is wrong with it."""

    store: str
    verbs: Sequence[str]
    accepts: Sequence[str]
    problems: Sequence[str]
    reached: bool

    @property
    def document(self) -> dict[str, object]:
        """As a JSON object."""
        return {
            "reached": self.reached,
            "verbs": list(self.verbs),
            "accepts": list(self.accepts),
            "problems": list(self.problems),
        }


def _checked(connector: Connector) -> _Checked:
    verbs = sorted(verbs_of(connector) - {"unchanged"})
    accepts = sorted(connector.accepts)
    try:
        problems = tuple(connector.check()) if isinstance(connector, Checks) else ()
    except StoreError as error:
        return _Checked(connector.name, verbs, accepts, (str(error),), reached=False)
    return _Checked(connector.name, verbs, accepts, problems, reached=True)


@click.command()
@app_options
def check(app: App) -> None:
    """Check the configuration, reach every store, and print what each can do."""
    configuration = app.configuration()
    configuration.desk()
    results = [_checked(each) for each in configuration.connectors]

    def people() -> None:
        table = Table("store", "can", "searched by", "", box=box.SIMPLE_HEAD)
        for each in results:
            state = "[green]ok[/]" if not each.problems else escape("\n".join(each.problems))
            state = state if each.reached else f"[red]{state}[/]"
            table.add_row(each.store, ", ".join(each.verbs), ", ".join(each.accepts), state)
        Console().print(table)

    reply(app, {"stores": {each.store: each.document for each in results}}, people)
    if not all(each.reached for each in results):
        raise SystemExit(FAILED)


@click.command()
@app_options
def audit(app: App) -> None:
    """Verify the audit chain and every receipt's signature."""
    ledger = app.desk().ledger
    count = ledger.verify_audit()

    def people() -> None:
        click.echo(f"{count:,} audit entries and every receipt verified")
        err.print(f"Public key of the receipts: {ledger.public_key()}")

    reply(app, {"entries": count, "verified": True, "public_key": ledger.public_key()}, people)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell, for example: dsr completion bash >> ~/.bashrc."""
    found = get_completion_class(shell)
    if found is None:  # pragma: no cover  (click knows all three)
        raise click.UsageError(shell)
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, "dsr", "_DSR_COMPLETE").source())


COMMANDS: Final = (init, check, audit, completion)
