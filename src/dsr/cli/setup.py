"""Setting up and looking after: init, check, audit, completion."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

import click
from attrs import frozen
from click.shell_completion import get_completion_class
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dsr.cli.common import App, app_options, now, reply
from dsr.cli.failing import FAILED, INCOMPLETE, WRONG_USAGE, Command, err
from dsr.cli.lint import warnings
from dsr.config import Configuration
from dsr.connector import Checks, Connector
from dsr.desk import Desk
from dsr.errors import ConfigurationError, StoreError
from dsr.ledger import new_key
from dsr.model import Finding
from dsr.plan import verbs_of
from dsr.policy.lint import lint

__all__ = ["COMMANDS", "write_key"]

_PRIVATE: Final = 0o600
_READABLE: Final = 0o644

#: Kinds of finding that keep a store from being in order.
_PROBLEMS: Final = frozenset({"fault", "right"})
_TOLD: Final = {
    "fault": "[red]wrong[/]",
    "right": "[red]not allowed[/]",
    "left": "[yellow]left behind[/]",
    "advice": "[cyan]advice[/]",
}

_POLICY: Final = {
    "errors": "[red]against the law[/]",
    "unresolved": "[yellow]undecided[/]",
    "warnings": "[yellow]warning[/]",
}


@click.command(cls=Command)
@app_options
def init(app: App) -> None:
    """Write a commented dsr.toml and a new key beside it. Overwrites nothing."""
    key = app.path.parent / "dsr.key"
    for path in (app.path, key):
        if path.exists():
            what = f"{path} exists already"
            raise ConfigurationError(what, "move it away, or name another with --config")
    example = files("dsr.cli").joinpath("example.toml").read_text("utf-8")
    _write_new(app.path, example, _READABLE)
    write_key(key)

    def people() -> None:
        err.print(f"Wrote {app.path} and {key}. Keep the key safe: without it the ledger is lost.")
        err.print("Next: describe your stores and your policy in it, then: dsr check")

    reply(app, {"config": str(app.path), "key": str(key)}, people)


def write_key(path: Path) -> None:
    """Write a new key that only its owner can read. Raises `ConfigurationError`."""
    _write_new(path, new_key() + "\n", _PRIVATE)


def _write_new(path: Path, text: str, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        what = f"{path} cannot be written ({error.strerror})"
        raise ConfigurationError(what, "choose a folder that exists with --config") from None


@frozen
class _Checked:
    """What a store can do, and what its check found."""

    store: str
    verbs: Sequence[str]
    accepts: Sequence[str]
    findings: Sequence[Finding]
    reached: bool

    @property
    def sound(self) -> bool:
        """Whether it is reached, rightly configured and lets dsr do its work."""
        return self.reached and not any(each.kind in _PROBLEMS for each in self.findings)

    @property
    def document(self) -> dict[str, object]:
        """As a JSON object."""
        return {
            "reached": self.reached,
            "verbs": list(self.verbs),
            "accepts": list(self.accepts),
            "findings": [{"kind": each.kind, "text": each.text} for each in self.findings],
        }


def _checked(connector: Connector) -> _Checked:
    verbs = sorted(verbs_of(connector) - {"unchanged", "annotate"})
    accepts = sorted(connector.accepts)
    try:
        findings = tuple(connector.check()) if isinstance(connector, Checks) else ()
    except StoreError as error:
        fault = Finding("fault", str(error))
        return _Checked(connector.name, verbs, accepts, (fault,), reached=False)
    return _Checked(connector.name, verbs, accepts, findings, reached=True)


@click.command(cls=Command)
@app_options
def check(app: App) -> None:
    """Check the configuration, and tell what each store can do.

    Tells of each store what is wrong with it, what dsr is not allowed there, what an erasure
    would leave behind, and what would be slow; and of the policy what the law forbids, what
    nobody has decided yet, and what counsel should see. Exit code 2 if the policy is against
    the law, 1 if a store cannot be reached, 4 if a store is wrong or not allowed, or a point is
    open. Warnings do not count.
    """
    configuration = app.configuration()
    desk = app.desk(configuration)
    results = [_checked(each) for each in configuration.connectors]
    told = _of_policy(configuration, desk)
    document = {"stores": {each.store: each.document for each in results}, **told}
    reply(app, document, lambda: _show(Console(), results, told))
    if told["errors"]:
        raise SystemExit(WRONG_USAGE)
    if not all(each.reached for each in results):
        raise SystemExit(FAILED)
    if told["unresolved"] or not all(each.sound for each in results):
        raise SystemExit(INCOMPLETE)


def _of_policy(configuration: Configuration, desk: Desk) -> Mapping[str, list[str]]:
    """Return the errors, the open points and the warnings of the policy, as sentences."""
    policy = configuration.policy
    today = now().astimezone(policy.operator.zone).date()
    found = list(lint(policy, [*configuration.holds, *desk.ledger.holds()], today))
    return {
        "errors": [str(each) for each in found if each.kind == "error"],
        "unresolved": [
            f"unresolved.{name}: {each.question}"
            + (f" (recommended: {each.recommendation})" if each.recommendation else "")
            for name, each in policy.unresolved.items()
            if each.is_open
        ],
        "warnings": [
            *(str(each) for each in found if each.kind == "warning"),
            *warnings(configuration),
        ],
    }


def _show(out: Console, results: Sequence[_Checked], told: Mapping[str, Sequence[str]]) -> None:
    table = Table("store", "can", "searched by", "", box=None, pad_edge=False, padding=(0, 2))
    for each in results:
        state = "[green]ok[/]" if each.sound else "[yellow]problems[/]"
        state = state if each.reached else "[red]not reached[/]"
        table.add_row(each.store, ", ".join(each.verbs), ", ".join(each.accepts), state)
    out.print(table)
    for each in results:
        for finding in each.findings:
            prefix = f"store {each.store}: "
            text = prefix + finding.text.removeprefix(prefix)
            _point(out, _TOLD[finding.kind], text)
    for kind, word in _POLICY.items():
        for sentence in told[kind]:
            _point(out, word, sentence)


def _point(out: Console, kind: str, text: str) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_row(kind, escape(text))
    out.print()
    out.print(grid)


@click.command(cls=Command)
@app_options
def audit(app: App) -> None:
    """Verify the audit chain and every receipt's signature."""
    desk = app.acting()
    count, ledger = desk.audit(), desk.ledger

    def people() -> None:
        click.echo(f"{count:,} audit entries and every receipt verified")
        err.print(f"Public key of the receipts: {ledger.public_key()}")

    reply(app, {"entries": count, "verified": True, "public_key": ledger.public_key()}, people)


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For example: dsr completion bash >> ~/.bashrc
    """
    found = get_completion_class(shell)
    if found is None:  # pragma: no cover  (click knows all three)
        raise click.UsageError(shell)
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, "dsr", "_DSR_COMPLETE").source())


COMMANDS: Final = (init, check, audit, completion)
