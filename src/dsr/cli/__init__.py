"""The command line: `dsr COMMAND`. One file a group of commands."""

from __future__ import annotations

import click

from dsr.cli import (
    answering,
    deciding,
    delivery,
    demo,
    fulfil,
    handing,
    holds,
    identity,
    intake,
    setup,
    sweep,
)
from dsr.cli.failing import Group

__all__ = ["main"]


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dsr")
def main() -> None:
    """Fulfil the data-protection requests of telephony customers.

    \b
    Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 not verified;
    4 done but incomplete (something is kept or could not be reached: see the output).
    """  # noqa: D301  (click's mark for lines to keep is a real backspace)


for _module in (
    setup,
    intake,
    identity,
    answering,
    fulfil,
    delivery,
    handing,
    deciding,
    holds,
    sweep,
    demo,
):
    for _command in _module.COMMANDS:
        main.add_command(_command)
