"""Address books as folders of vCard files: one record a card, whatever file it is in.

A card speaks of whom its numbers and addresses name and, where the path of a file names an
account, of the owner of the book. Cards are removed and corrected; all other bytes stay.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from dsr.connectors.keys import reads
from dsr.connectors.lookup import Keys
from dsr.connectors.vcards.connector import VCards
from dsr.errors import ConfigurationError
from dsr.settings import Context, settings

__all__ = ["Settings", "VCards", "from_config"]


@frozen
class Settings:
    """The table of a `vcards` store in dsr.toml."""

    path: str  # the folder; relative to the configuration file
    category: str  # the category of all its cards
    files: tuple[str, ...] = ("**/*.vcf",)  # which files of it
    owner: str = ""  # the pattern of paths that name the book's owner, such as "{account}/{any}"


def from_config(name: str, table: Mapping[str, object], context: Context) -> VCards:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, table, where)
    return VCards(
        name=name,
        folder=context.folder / chosen.path,
        category=chosen.category,
        region=context.region,
        files=chosen.files,
        owner=_owner(chosen.owner, context, f"{where}.owner") if chosen.owner else None,
    )


def _owner(pattern: str, context: Context, where: str) -> Keys:
    try:
        reads([pattern])
    except ConfigurationError as error:
        what = f"{where}: {error.what}"
        raise ConfigurationError(what, error.fix) from None
    return Keys((pattern,), "", context.region)
