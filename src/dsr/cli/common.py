"""What all commands share: options, exit codes, one JSON document, messages to stderr."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click
from attrs import frozen
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from dsr.config import Configuration, default_path, load
from dsr.desk import Desk
from dsr.errors import ConfigurationError, DsrError, InputError, NotConfirmed, NotVerified
from dsr.survey import Progress as Told

__all__ = [
    "FAILED",
    "INCOMPLETE",
    "NOT_VERIFIED",
    "WRONG_USAGE",
    "App",
    "Group",
    "app_options",
    "err",
    "moment",
    "now",
    "progress",
    "reply",
]

FAILED: Final = 1
WRONG_USAGE: Final = 2
NOT_VERIFIED: Final = 3
INCOMPLETE: Final = 4

#: Messages for people. Data goes to stdout.
err = Console(stderr=True, highlight=False, soft_wrap=True)

F = TypeVar("F", bound=Callable[..., object])


def now() -> dt.datetime:
    """Return the time: the one place where the command line looks at the clock."""
    return dt.datetime.now(dt.UTC)


@frozen
class App:
    """What a command was called with."""

    path: Path
    json: bool

    def configuration(self) -> Configuration:
        """Read and check the configuration."""
        return load(self.path)

    def desk(self) -> Desk:
        """Open the desk that the configuration describes."""
        return self.configuration().desk()


def app_options(command: F) -> F:
    """Add `--config` and `--json`, and pass both as the first argument, an `App`."""

    @click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="DSR_CONFIG",
        default=default_path,
        show_default="dsr.toml, or $DSR_CONFIG",
        help="The configuration.",
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    def wrapper(config: Path, as_json: bool, **options: Any) -> object:  # noqa: ANN401, FBT001  (click passes them)
        click.get_current_context().obj = as_json
        return command(App(config, as_json), **options)

    wrapper.__name__ = command.__name__
    wrapper.__doc__ = command.__doc__
    wrapper.__click_params__ = (  # type: ignore[attr-defined]  # where click keeps options
        getattr(command, "__click_params__", []) + getattr(wrapper, "__click_params__", [])
    )
    return wrapper  # type: ignore[return-value]  # same options, called by click only


class Group(click.Group):
    """Turns every `DsrError` into a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (click's own signature)
        """Run the command."""
        try:
            return super().invoke(ctx)
        except DsrError as error:
            _fail(error)


def _fail(error: DsrError) -> NoReturn:
    if "--json" in sys.argv:
        document = {"error": {"type": type(error).__name__, "what": error.what, "fix": error.fix}}
        click.echo(json.dumps(document, ensure_ascii=False))
    err.print(f"[bold red]error:[/] {_plain(str(error))}")
    match error:
        case NotVerified():
            code = NOT_VERIFIED
        case ConfigurationError() | InputError() | NotConfirmed():
            code = WRONG_USAGE
        case _:
            code = FAILED
    sys.exit(code)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


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


def moment(text: str, configuration: Configuration) -> dt.datetime:
    """Return a date or time as a person wrote it, in the operator's zone unless it names one.

    Raises `InputError`.
    """
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        what = "this is not a date"
        raise InputError(what, "write 2026-12-31 or 2026-12-31T23:59:59+01:00") from None
    return at if at.tzinfo else at.replace(tzinfo=configuration.policy.operator.zone)
