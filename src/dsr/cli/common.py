"""What all commands share: options, the JSON document, progress, dates."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import frozen
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from dsr.cli.failing import err
from dsr.config import Configuration, default_path, load
from dsr.desk import Desk
from dsr.errors import InputError
from dsr.survey import Progress as Told

__all__ = ["App", "app_options", "day", "moment", "now", "progress", "reply"]

F = TypeVar("F", bound=Callable[..., object])


def now() -> dt.datetime:
    """Return the time: the one place where the command line looks at the clock."""
    return dt.datetime.now(dt.UTC)


@frozen
class App:
    """What a command was called with."""

    path: Path
    json: bool
    actor: str = ""

    def configuration(self) -> Configuration:
        """Read and check the configuration."""
        return load(self.path)

    def desk(self, configuration: Configuration | None = None) -> Desk:
        """Open the desk that the configuration describes, until the command ends, to look at.

        Whoever acts is named in the audit trail. Raises `NotAllowed` if nobody has this name.
        """
        desk = (configuration or self.configuration()).desk()
        click.get_current_context().call_on_close(desk.ledger.dispose)
        return desk.acting(self.actor) if self.actor else desk

    def acting(self, configuration: Configuration | None = None) -> Desk:
        """Open the desk for a command that acts: where `[staff]` names people, it is one of them.

        Raises `InputError` if nobody is named.
        """
        desk = self.desk(configuration)
        if desk.assurance.staff and not self.actor:
            what = "[staff] lists who works here, and nobody is named"
            raise InputError(what, "say who acts: --as NAME, or $DSR_ACTOR")
        return desk


def app_options(command: F) -> F:
    """Add `--config`, `--as` and `--json`, and pass them as the first argument, an `App`."""

    @click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="DSR_CONFIG",
        default=default_path,
        show_default="dsr.toml, or $DSR_CONFIG",
        help="The configuration.",
    )
    @click.option("--as", "actor", envvar="DSR_ACTOR", default="", help="Who of the staff acts.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    def wrapper(config: Path, actor: str, as_json: bool, **options: Any) -> object:  # noqa: ANN401, FBT001  (click passes them)
        return command(App(config, as_json, actor), **options)

    wrapper.__name__ = command.__name__
    wrapper.__doc__ = command.__doc__
    wrapper.__click_params__ = (  # type: ignore[attr-defined]  # where click keeps options
        getattr(command, "__click_params__", []) + getattr(wrapper, "__click_params__", [])
    )
    return wrapper  # type: ignore[return-value]  # same options, called by click only


def reply(app: App, document: Mapping[str, object], people: Callable[[], None]) -> None:
    """Print the JSON document, or what people read."""
    if app.json:
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        people()


@contextmanager
def progress(app: App, doing: str) -> Iterator[Told]:
    """Show, on a terminal, how many records each store has yielded so far."""
    if app.json or not err.is_terminal:
        yield lambda _store, _count: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} records"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def told(store: str, count: int) -> None:
            if store not in tasks:
                tasks[store] = bar.add_task(f"{doing} {store}", total=None)
            bar.advance(tasks[store], count)

        yield told


def moment(option: str, text: str | None, configuration: Configuration) -> dt.datetime | None:
    """Return a date or time as a person wrote it, in the operator's zone unless it names one.

    None stays None. Raises `InputError` that names the option.
    """
    if text is None:
        return None
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        what = f"{option} is not a date"
        raise InputError(what, "write 2026-12-31 or 2026-12-31T23:59:59+01:00") from None
    return at if at.tzinfo else at.replace(tzinfo=configuration.policy.operator.zone)


def day(option: str, text: str | None) -> dt.date | None:
    """Return a date as a person wrote it; None stays None.

    Raises `InputError` that names the option.
    """
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        what = f"{option} is not a date"
        raise InputError(what, "write it as 2026-12-31") from None
