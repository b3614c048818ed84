"""Recordings on disk, and what lies beside them: one record a file.

The path of a file says whom it is about (`dsr.connectors.keys`). Its date is the one in the
path or, without one, the time of its last writing: a recording is written during its call.

A file with several names (hard links) is one record, erased under all of them. Not reached, and
so no part of what a receipt claims: what lies behind symbolic links (one that leads out of the
folder makes the reading incomplete).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from dsr.connectors.disk import Folder
from dsr.connectors.files.connector import Files
from dsr.connectors.files.restricting import MarkingFiles
from dsr.connectors.lookup import Keys
from dsr.errors import ConfigurationError
from dsr.settings import Context, settings

__all__ = ["Files", "MarkingFiles", "Settings", "from_config"]


@frozen
class Settings:
    """The table of a `files` store in dsr.toml."""

    path: str  # the root folder; relative to the configuration file
    category: str  # the category of all its files
    keys: tuple[str, ...]  # patterns of the paths in it: dsr.connectors.keys
    timezone: str = ""  # of dates in the paths, such as "Europe/Berlin"
    writing: int = 0  # seconds since its last change during which a file is still being written
    restricted: str = ""  # the extended attribute that marks restricted files


def from_config(name: str, table: Mapping[str, object], context: Context) -> Files:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, table, where)
    keys = Keys.of(chosen.keys, chosen.timezone, context, where)
    folder = Folder(name, context.folder / chosen.path)
    if chosen.writing < 0:
        what = f"{where}.writing is less than nothing"
        raise ConfigurationError(what, "write a number of seconds such as 60, or leave it out")
    if not chosen.restricted:
        return Files(name, folder, chosen.category, keys, chosen.writing)
    if not chosen.restricted.startswith("user."):
        what = f"{where}.restricted is no attribute that users may set"
        raise ConfigurationError(what, 'write a name such as "user.dsr.restricted"')
    return MarkingFiles(name, folder, chosen.category, keys, chosen.writing, mark=chosen.restricted)
