"""Log files: plain, gzip, zstd, xz or bzip2, rotated or still written; one record an entry.

An entry is a person's because one of their identifiers stands in it. Which other parts of it
speak of them (a name, an address) the settings can say: `sides`. With `rotated_files` a rotated
file is a record, too, for routine deletion: entries are redacted, files grow old and go.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from typing import cast

from attrs import field, frozen, validators

from dsr.connectors.logs.connector import Logs
from dsr.connectors.logs.lines import Side, Sides
from dsr.connectors.logs.rotated import RotatedLogs
from dsr.connectors.logs.stamps import FORMATS, Clock
from dsr.errors import ConfigurationError
from dsr.model import KINDS, Kind
from dsr.settings import Context, settings

__all__ = ["Logs", "RotatedLogs", "Settings", "from_config"]


@frozen
class Settings:
    """The table of a `logs` store in dsr.toml."""

    path: str  # the folder; relative to the configuration file
    category: str  # the category of all its lines
    files: tuple[str, ...] = ("*.log", "*.log.*")  # which files of it
    timezone: str = ""  # of time stamps that name none, such as "Europe/Berlin"
    format: str = field(default="auto", validator=validators.in_(sorted(FORMATS)))
    sides: tuple[str, ...] = ()  # expressions whose groups speak of one person
    links: Mapping[str, str] = field(factory=dict)  # kind -> expression of further identifiers
    rotated_files: bool = False  # rotated files are records, too, which routine deletion removes


def from_config(name: str, table: Mapping[str, object], context: Context) -> Logs:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, table, where)
    sides = [Side.of(each, f"{where}.sides[{n}]") for n, each in enumerate(chosen.sides)]
    kind = RotatedLogs if chosen.rotated_files else Logs
    return kind(
        name=name,
        folder=context.folder / chosen.path,
        category=chosen.category,
        region=context.region,
        files=chosen.files,
        clock=Clock(chosen.format, _zone(chosen.timezone, where)),
        sides=Sides(tuple(sides)),
        links={
            cast("Kind", kind): _link(kind, text, f"{where}.links.{kind}")
            for kind, text in chosen.links.items()
        },
    )


def _zone(name: str, where: str) -> zoneinfo.ZoneInfo | None:
    if not name:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        what = f"{where}.timezone names no time zone"
        raise ConfigurationError(what, 'write one such as "Europe/Berlin"') from None


def _link(kind: str, text: str, where: str) -> re.Pattern[bytes]:
    if kind not in KINDS:
        what = f"{where} is no kind of identifier"
        raise ConfigurationError(what, f"known are {', '.join(KINDS)}")
    try:
        return re.compile(text.encode())
    except re.error as error:
        what = f"{where} is no regular expression"
        raise ConfigurationError(what, str(error)) from None
