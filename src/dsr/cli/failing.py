"""How commands end: one message on stderr, one exit code and, with --json, one document."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from rich.console import Console
from rich.markup import escape

from dsr.errors import (
    ConfigurationError,
    DsrError,
    InputError,
    NotConfirmed,
    NotVerified,
    RequestNotFound,
)

__all__ = ["FAILED", "INCOMPLETE", "NOT_VERIFIED", "WRONG_USAGE", "Command", "Group", "err"]

FAILED: Final = 1
WRONG_USAGE: Final = 2
NOT_VERIFIED: Final = 3
INCOMPLETE: Final = 4

_JSON: Final = "dsr.json"  # in click's `meta`: whether the caller wants a document
_HERE: Final = Path(__file__).parent.parent

#: Messages for people. Data goes to stdout.
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Command(click.Command):
    """A command that does not repeat what it was called with: it may be a number or a PIN."""

    allow_extra_args = True  # else click refuses them itself, and quotes them

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (click's own signature)
        """Run the command, unless it got more arguments than it takes."""
        ctx.meta[_JSON] = ctx.params.get("as_json", False)
        if ctx.args:
            what = "there are more arguments than this command takes"
            raise click.UsageError(what, ctx)
        return super().invoke(ctx)


class Group(click.Group):
    """Turns every error of a command into a message and an exit code."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether JSON is wanted: an error may come before the options are read."""
        ctx.meta[_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (click's own signature)
        """Run the command."""
        if ctx.parent is not None:
            return super().invoke(ctx)  # a group in the group: errors are told once
        try:
            return super().invoke(ctx)
        except click.ClickException as error:  # click itself tells people, on stderr
            _document(ctx, type(error).__name__, error.format_message(), "see --help")
            raise
        except DsrError as error:
            _document(ctx, type(error).__name__, error.what, error.fix)
            _fail(str(error), _code(error))
        except (click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001  (its text and its traceback may quote data)
            what = f"unexpected {type(error).__name__} at {_place(error)}"
            fix = "report this line; running the same command again is safe"
            _document(ctx, "Unexpected", what, fix)
            _fail(f"{what}: {fix}", FAILED)


def _document(ctx: click.Context, kind: str, what: str, fix: str) -> None:
    """Print an error as the one JSON document of the command, if JSON is wanted."""
    if ctx.meta[_JSON]:
        document = {"error": {"type": kind, "what": what, "fix": fix}}
        click.echo(json.dumps(document, ensure_ascii=False))


def _fail(message: str, code: int) -> NoReturn:
    err.print(f"[bold red]error:[/] {escape(message)}")
    raise SystemExit(code) from None


def _code(error: DsrError) -> int:
    match error:
        case NotVerified():
            return NOT_VERIFIED
        case ConfigurationError() | InputError() | NotConfirmed() | RequestNotFound():
            return WRONG_USAGE
    return FAILED


def _place(error: Exception) -> str:
    """Return the last line of dsr's own that the error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if _HERE in Path(each.filename).parents]
    return f"{Path(own[-1].filename).relative_to(_HERE)}:{own[-1].lineno}"
