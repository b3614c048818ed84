"""`[stores.NAME]` with `connector = "sabredav-db"`: the address books of a sabre/dav database.

::

    [stores.contacts]
    connector = "sabredav-db"
    url = "mysql+pymysql://dsr@db/nextcloud"   # or "env:NAME", or "sqlite:///db.sqlite"
    category = "address_book"
    prefix = "oc_"                             # Nextcloud's; left out: none
    owner = "principals/users/{account}"       # the principals that name their account
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from attrs import Attribute, evolve, field, frozen
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from dsr.connectors.lookup import Keys
from dsr.connectors.sql.database import connect
from dsr.connectors.sql.errors import mapped
from dsr.connectors.sql.session import begin_reading, begin_writing, finish_writing
from dsr.connectors.vcards.cards import Card
from dsr.errors import Refused
from dsr.model import Finding, Found, Identifier, Kind, Unread
from dsr.settings import Context, settings
from dsr_carddav.cards import found_in, only_card, rectified, to_erase, to_redact
from dsr_carddav.changes import Changer, as_bytes, as_text, key_of
from dsr_carddav.config import owner_of
from dsr_carddav.people import Batch, accepted, owning
from dsr_carddav.rights import findings
from dsr_carddav.tables import Tables

__all__ = ["SabreDav", "from_config"]

_URL: Final = 'write a database URL such as "sqlite:///db.sqlite", or "env:NAME" to read one'
_PREFIX: Final = 'write what the names of the tables begin with, such as "oc_"'
_PORTION: Final = 1_000  # cards of one statement
_FETCHED: Final = 20  # cards that are held at a time: each may have a picture
_RANGE: Final = 20_000  # rows of a part


def _check_url(_: object, _attribute: Attribute[str], value: str) -> None:
    if value.startswith("env:"):
        return
    try:
        make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(_URL) from None


def _check_prefix(_: object, _attribute: Attribute[str], value: str) -> None:
    if value and not value.replace("_", "a").isalnum():
        raise ValueError(_PREFIX)


@frozen
class _Store:
    url: str = field(validator=_check_url)
    category: str
    prefix: str = field(default="", validator=_check_prefix)
    owner: str = ""


def from_config(name: str, table: Mapping[str, object], context: Context) -> SabreDav:
    """Return the connector that `[stores.<name>]` describes; nothing is opened or reached.

    Raises `ConfigurationError` that names the wrong key and the fix.
    """
    where = f"stores.{name}"
    chosen = settings(_Store, table, where)
    return SabreDav(
        name=name,
        url=chosen.url,
        category=chosen.category,
        region=context.region,
        prefix=chosen.prefix,
        owner=owner_of(chosen.owner, context, f"{where}.owner"),
        folder=context.folder,
    )


@frozen
class SabreDav:
    """All address books in the tables of sabre/dav.

    A record is a card. Its key is the number of its row with a digest of its URI; neither key
    nor data tells whose book it is. `data` is that of the `carddav` connector. `rows` is the
    part to read: from the first number up to, but without, the second.
    """

    name: str
    url: str = field(repr=False)
    category: str
    region: str
    prefix: str = ""
    owner: Keys | None = None
    folder: Path = Path()
    rows: tuple[int, int] | None = None

    @property
    def accepts(self) -> frozenset[Kind]:
        """What cards hold and, where principals name it, the owner."""
        return accepted(self.owner)

    @property
    def categories(self) -> frozenset[str]:
        """The one category of these books."""
        return frozenset({self.category})

    def owners(self, category: str) -> frozenset[Kind]:
        """Return what tells whose a card is: one found by a number alone may be anybody's."""
        return owning(self.owner) if category == self.category else frozenset()

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Read every card once, as it was at one moment, and yield those that speak of `who`.

        The database cannot sift them: numbers in cards have separators, line breaks and
        encodings. Raises `StoreUnavailable`.
        """
        if not who:
            return
        batch = Batch.of(who, self.region, self.owner)
        with self._open() as connection, mapped(self.name, f"{self.prefix}cards"):
            begin_reading(connection, "UTC")
            tables = Tables.of(connection, self.name, self.prefix)
            for number, uri, data, principal in self._cards(connection, tables):
                card = only_card(as_bytes(data))
                if card is None:
                    yield Unread("a card is not one whole card", self.category)
                    continue
                owners = batch.owners(as_text(principal)) if principal else ()
                key = key_of(number, as_text(uri))
                yield from found_in(card, key, self.category, batch.people, owners)

    def erase(self, keys: Sequence[str]) -> None:
        """Delete the cards, and cover mentions, so that clients follow.

        Raises `Refused` if a mention cannot be covered, after all others were.
        """
        orders = to_erase(keys)
        whole = {key for key, order in orders.items() if order.whole}
        with self._changer() as changer:
            changer.delete(whole)
            edits = {key: order.edit for key, order in orders.items() if key not in whole}
            _, problems = changer.change(edits)
        self._refuse(problems)

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Empty properties; all other lines of a card stay as they are.

        Raises `Refused` if a card stays as it was, after all others were written.
        """
        with self._changer() as changer:
            edits = {key: order.edit for key, order in to_redact(fields).items()}
            _, problems = changer.change(edits)
        self._refuse(problems)

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set properties of a card: a text, or a list of texts for one that stands several times.

        Raises `Refused` if the card is gone, or cannot hold the value.
        """
        if "/" in key:
            raise Refused(self.name, "a mention is no card", "correct the card that it is in")
        edit: Callable[[Card], Card] = partial(rectified, changes=changes)
        with self._changer() as changer:
            gone, problems = changer.change({key: edit})
        if gone:
            raise Refused(self.name, "the card is not there any more", "plan again")
        self._refuse(problems)

    def split(self) -> Sequence[SabreDav]:
        """Return connectors of up to 20,000 rows each. Raises `StoreUnavailable`."""
        with self._open() as connection, mapped(self.name, f"{self.prefix}cards"):
            tables = Tables.of(connection, self.name, self.prefix)
            number = tables.cards.c.id
            ends = connection.execute(sa.select(sa.func.min(number), sa.func.max(number))).one()
        first, last = ends if ends[0] is not None else (0, 0)
        starts = range(first, last + 1, _RANGE)
        return [evolve(self, rows=(start, start + _RANGE)) for start in starts]

    def check(self) -> Sequence[Finding]:
        """Return what is missing, not allowed, or left behind. Raises `StoreUnavailable`."""
        with self._open() as connection, mapped(self.name, f"{self.prefix}cards"):
            tables = Tables.of(connection, self.name, self.prefix)
            return list(findings(connection, tables, self.prefix))

    def _cards(self, connection: sa.Connection, tables: Tables) -> Iterator[Sequence[Any]]:
        """Yield number, URI, data and the owner's principal of every card, in order."""
        cards, books = tables.cards.c, tables.books.c
        wanted = (
            sa.select(cards.id, cards.uri, cards.carddata, books.principaluri)
            .select_from(tables.cards.outerjoin(tables.books, books.id == cards.addressbookid))
            .where(cards.carddata.is_not(None))
            .order_by(cards.id)
            .limit(_PORTION)
        )
        start = None
        if self.rows:
            wanted = wanted.where(cards.id < self.rows[1])
            start = self.rows[0] - 1
        count = _PORTION
        while count == _PORTION:
            after = wanted if start is None else wanted.where(cards.id > start)
            count = 0
            options = {"yield_per": _FETCHED}
            with connection.execute(after, execution_options=options) as rows:
                for row in rows:
                    count += 1
                    start = row[0]
                    yield row

    @contextmanager
    def _open(self) -> Iterator[sa.Connection]:
        with connect(self.name, self.url, self.folder) as connection:
            yield connection

    @contextmanager
    def _changer(self) -> Iterator[Changer]:
        with self._open() as connection, mapped(self.name, f"{self.prefix}cards", writing=True):
            begin_writing(connection)
            tables = Tables.of(connection, self.name, self.prefix)
            connection.rollback()  # each batch is a transaction of its own
            yield Changer(connection, tables)
            finish_writing(connection)

    def _refuse(self, problems: Sequence[str]) -> None:
        if problems:
            raise Refused(self.name, "; ".join(dict.fromkeys(problems)), "run the request again")
