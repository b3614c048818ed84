"""`[stores.NAME]` with `connector = "carddav"`, as a connector.

::

    [stores.contacts]
    connector = "carddav"
    url = "https://dav.example.org/"
    user = "dsr"                         # or where it stands: "env:NAME", "file:PATH"
    password = "env:DAV_PASSWORD"        # or "file:PATH"
    category = "address_book"
    books = ["/"]                        # where to look; left out: what is the user's own
    owner = "{account}/{any}"            # the paths of books that name their owner
    authority = "ca.pem"                 # a private certificate authority
    radicale_folder = "/var/lib/radicale/collections"
    radicale_cache_folder = "/var/cache/radicale"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

from dsr.connectors.keys import reads
from dsr.connectors.lookup import Keys
from dsr.errors import ConfigurationError
from dsr.settings import Context, settings
from dsr_carddav.connector import CardDav
from dsr_carddav.radicale import Radicale
from dsr_carddav.session import Server, is_protected, origin

__all__ = ["from_config", "owner_of"]

_URL: Final = "write an address with https:// (http:// only for this machine), without a login"
_ELSEWHERE: Final = 'write where it stands: "env:NAME" or "file:PATH"'


def _check_url(_: object, _attribute: Attribute[str], value: str) -> None:
    try:
        origin(value)  # a port that is none
        is_good = is_protected(value) and "@" not in urlsplit(value).netloc
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError(_URL)


def _check_secret(_: object, _attribute: Attribute[str], value: str) -> None:
    if value and not value.startswith(("env:", "file:")):
        raise ValueError(_ELSEWHERE)


@frozen
class _Store:
    url: str = field(validator=_check_url)
    category: str
    user: str = ""
    password: str = field(default="", validator=_check_secret)
    books: tuple[str, ...] = ()
    owner: str = ""
    authority: str = ""
    radicale_folder: str = ""
    radicale_cache_folder: str = ""


def from_config(name: str, table: Mapping[str, object], context: Context) -> CardDav:
    """Return the connector that `[stores.<name>]` describes; nothing is opened or reached.

    Raises `ConfigurationError` that names the wrong key and the fix.
    """
    where = f"stores.{name}"
    chosen = settings(_Store, table, where)
    folder = context.folder
    server = Server(name, chosen.url, chosen.user, chosen.password, chosen.authority, folder)
    starts = [server.local(each) for each in chosen.books]
    if None in starts:
        what = f"{where}.books[{starts.index(None)}] is on another server than {where}.url"
        raise ConfigurationError(what, "make it a store of its own")
    if chosen.radicale_cache_folder and not chosen.radicale_folder:
        what = f"{where}.radicale_cache_folder needs {where}.radicale_folder"
        raise ConfigurationError(what, "write Radicale's filesystem_folder there")
    radicale = None
    if chosen.radicale_folder:
        cache = folder / chosen.radicale_cache_folder if chosen.radicale_cache_folder else None
        radicale = Radicale(name, folder / chosen.radicale_folder, cache, server.path)
    return CardDav(
        name=name,
        server=server,
        category=chosen.category,
        region=context.region,
        books=tuple(each for each in starts if each is not None),
        owner=owner_of(chosen.owner, context, f"{where}.owner"),
        radicale=radicale,
    )


def owner_of(pattern: str, context: Context, where: str) -> Keys | None:
    """Return the pattern of paths that name an owner; None for none.

    Raises `ConfigurationError` that names `where`.
    """
    if not pattern:
        return None
    try:
        reads([pattern])
    except ConfigurationError as error:
        what = f"{where}: {error.what}"
        raise ConfigurationError(what, error.fix) from None
    return Keys((pattern,), "", context.region)
