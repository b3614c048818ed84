"""The connector: what `dsr.connector` asks of a store, over any database of SQLAlchemy."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from attrs import evolve, field, frozen

from dsr.connectors.sql.aging import anchor_of, is_older, may_be_older
from dsr.connectors.sql.bound import bind
from dsr.connectors.sql.checking import findings
from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.content import Blobs
from dsr.connectors.sql.database import connect
from dsr.connectors.sql.errors import mapped
from dsr.connectors.sql.indexes import are_indexed
from dsr.connectors.sql.keys import Key, decode
from dsr.connectors.sql.parts import Part, parts_of, within
from dsr.connectors.sql.reading import PORTION, Reading, statement
from dsr.connectors.sql.replica import connect_to_read, obstacle
from dsr.connectors.sql.search import Search, Wanted
from dsr.connectors.sql.session import begin_reading, begin_writing, finish_writing
from dsr.connectors.sql.sides import insight, looks_inside
from dsr.connectors.sql.tables import TableMap
from dsr.connectors.sql.traces import traces_of_database
from dsr.connectors.sql.writing import Writer
from dsr.errors import Refused, StoreUnavailable
from dsr.model import Finding, Found, Identifier, Kind, Record

__all__ = ["RestrictableSql", "Sql"]


@frozen
class Sql:
    """Tables of one database, read by a column map.

    name      the store's name in the policy
    url       an SQLAlchemy URL, or `env:NAME` to read it from the environment when it is needed
    region    the home region of numbers without country code (ISO 3166-1 alpha-2)
    tables    what is where
    timezone  the IANA zone of timestamps that bear none; without it such a timestamp is an error
    folder    where relative SQLite paths start
    replica   the URL of a replica to read from, as long as it has all that `url` has
    part      what of it to read: all, or the part that `split` made
    """

    name: str
    url: str = field(repr=False)
    region: str
    tables: tuple[TableMap, ...]
    timezone: str | None = None
    folder: Path = Path()
    replica: str | None = field(default=None, repr=False)
    part: Part | None = None

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds of identifier that any table can be searched by."""
        return frozenset(side.kind for table in self.tables for side in table.sides)

    @property
    def categories(self) -> frozenset[str]:
        """The categories of the tables."""
        return frozenset(each.category for each in self.tables)

    def owners(self, category: str) -> frozenset[Kind]:
        """Return `account` if a table of the category names one: the row is that account's."""
        tables = (each for each in self.tables if each.category == category)
        kinds = {side.kind for table in tables for side in table.sides}
        return frozenset({"account"} if "account" in kinds else ())

    def find(self, who: Sequence[Identifier]) -> Iterator[Found]:
        """Yield every row that speaks of any of `who`: one statement for each table.

        All tables are read as they were at one moment, not before the call. Raises
        `StoreUnavailable` when the database, a table or a column is not there, a timestamp has no
        zone, or a configured key does not name one row.
        """
        if not who:
            return
        kinds = {each.kind for each in who}
        with self._readable() as connection:
            wanted = Wanted(who, self.region, connection.dialect.name)
            with mapped(self.name, self.tables[0].name):
                begin_reading(connection, self._zone)
            for table in self.tables:
                if self.part is not None and self.part.table != table.name:
                    continue
                with mapped(self.name, table.name):
                    bound = bind(connection, table, self._clock)
                    search = wanted.search(bound)
                    if search is None:
                        continue
                    blobs = Blobs(self.name, self.url, self.folder, self._clock, self._zone, table)
                    reading = Reading(
                        self.name, self.region, bound, search, self._clock, who, blobs
                    )
                    sides = [each for each in table.sides if each.kind in kinds]
                    apart = len(sides) > 1 and are_indexed(connection, bound, sides)
                    inside = within(bound, self.part) if self.part else sa.true()
                    select = statement(bound, search, inside, apart=apart)
                    portions = {"yield_per": PORTION}
                    with connection.execute(select, execution_options=portions) as rows:
                        yield from reading.founds(rows)

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record]:
        """Yield every row of the category whose `anchor` (a column; empty: `at`) lies before.

        Raises `StoreUnavailable`, and `ConfigurationError` for a column that is not there, both
        at the call. Read it to its end before writing to the same SQLite file.
        """
        with self._readable() as connection:
            for table in self.tables:
                if table.category == category:
                    with mapped(self.name, table.name):
                        anchor_of(bind(connection, table, self._clock), anchor, self.name)
        return self._aged(category, anchor, before)

    def _aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record]:
        with self._readable() as connection:
            with mapped(self.name, self.tables[0].name):
                begin_reading(connection, self._zone)
            for table in self.tables:
                if table.category != category:
                    continue
                with mapped(self.name, table.name):
                    bound = bind(connection, table, self._clock)
                    name = anchor_of(bound, anchor, self.name)
                    condition = may_be_older(bound, name, before, self._clock)
                    inside = insight(bound, ()) if looks_inside(bound) else None
                    search = Search((condition,), (), inside)
                    blobs = Blobs(self.name, self.url, self.folder, self._clock, self._zone, table)
                    reading = Reading(self.name, self.region, bound, search, self._clock, (), blobs)
                    select = statement(bound, search, sa.true(), apart=False)
                    portions = {"yield_per": PORTION}
                    with connection.execute(select, execution_options=portions) as rows:
                        for record in reading.records(rows):
                            if is_older(record, name, before, self._clock):
                                yield record

    def split(self) -> Sequence[Sql]:
        """Return the store in parts: ranges of keys of its large tables that have no index to use.

        A store without such a table is one part. Raises `StoreUnavailable`.
        """
        parts: list[Part] = []
        with self._readable() as connection:
            for table in self.tables:
                with mapped(self.name, table.name):
                    parts += parts_of(connection, bind(connection, table, self._clock))
        if len(parts) == len(self.tables):
            return [self]
        return [evolve(self, part=each) for each in parts]

    def erase(self, keys: Sequence[str]) -> None:
        """Delete the rows, at most 5,000 in a statement. Equal rows without a key all go."""
        with self._connection() as connection:
            for table, decoded in self._by_table(keys):
                with self._writer(connection, table) as writer:
                    writer.erase(decoded.values())

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Empty columns: NULL, or the empty value of the type where NULL is not allowed.

        Raises `Refused` that names the column when one cannot be emptied; then nothing of its
        table was changed.
        """
        with self._connection() as connection:
            for table, decoded in self._by_table(fields):
                asked: dict[Key, frozenset[str]] = defaultdict(frozenset)
                for text, key in decoded.items():
                    asked[key] |= fields[text]
                with self._writer(connection, table) as writer:
                    for names in sorted(set(asked.values()), key=sorted):
                        writer.blanks(names)  # before the first batch: all or nothing
                    writer.redact(asked)

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set columns of one row. A text is read as the column's type (ISO 8601 for times).

        Raises `Refused` that names a column which is unknown, part of the key, or cannot hold
        the value.
        """
        with self._connection() as connection:
            for table, decoded in self._by_table([key]):
                with self._writer(connection, table) as writer:
                    writer.rectify(list(decoded.values()), changes)

    def pins(self, keys: Sequence[str]) -> Sequence[str]:
        """Return the hashes of standing PINs in the rows of these keys; the primary is asked.

        Raises `StoreUnavailable`.
        """
        named = {table.name: [*decoded.values()] for table, decoded in self._by_table(keys)}
        found: list[str] = []
        with connect(self.name, self.url, self.folder) as connection:
            for table in self.tables:
                if table.standing_pin is None:
                    continue
                with mapped(self.name, table.name):
                    bound = bind(connection, table, self._clock)
                    # a row that is not there: nobody's look-up costs what somebody's does
                    nobody = [Key(table.name, tuple(None for _ in bound.key))]
                    writer = Writer(self.name, bound, connection, self._zone)
                    column = self._secret(bound.table, table.standing_pin)
                    for condition in writer.batches(named.get(table.name) or nobody):
                        found += connection.execute(sa.select(column).where(condition)).scalars()
        return [each for each in found if each]

    def _secret(self, table: sa.Table, name: str) -> sa.Column[str]:
        if name not in table.c:
            what = f"table {table.name} has no column for standing PINs that dsr may read"
            raise StoreUnavailable(self.name, what, "correct standing_pin, or grant SELECT on it")
        return table.c[name]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the map or slow about it, a sentence each.

        Raises `StoreUnavailable` when the database cannot be reached.
        """
        with connect(self.name, self.url, self.folder) as connection:
            found: list[Finding] = []
            for table in self.tables:
                with mapped(self.name, table.name):
                    found += findings(connection, table, self._clock)
            with mapped(self.name, self.tables[0].name):
                found += traces_of_database(connection)
        if self.replica is not None:
            reason = obstacle(self.name, self.url, self.replica, self.folder)
            if reason:
                found.append(Finding("fault", f"replica: the primary is read: {reason}"))
        return found

    def _readable(self) -> AbstractContextManager[sa.Connection]:
        return connect_to_read(self.name, self.url, self.replica, self.folder)

    @property
    def _zone(self) -> str:
        return self.timezone or "UTC"

    @property
    def _clock(self) -> Clock:
        return Clock(self.name, ZoneInfo(self.timezone) if self.timezone else None)

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        """Open a connection to write through."""
        with connect(self.name, self.url, self.folder) as connection:
            with mapped(self.name, self.tables[0].name, writing=True):
                begin_writing(connection)
            yield connection
            finish_writing(connection)

    @contextmanager
    def _writer(self, connection: sa.Connection, table: TableMap) -> Iterator[Writer]:
        """Look the table up, and map the errors of what is done to it."""
        with mapped(self.name, table.name, writing=True):
            bound = bind(connection, table, self._clock)
            connection.rollback()  # each batch is a transaction of its own
            yield Writer(self.name, bound, connection, self._zone)

    def _by_table(self, keys: Iterable[str]) -> Iterator[tuple[TableMap, dict[str, Key]]]:
        """Decode keys and group them by table, in a stable order.

        Raises `Refused` for one that is no key of this store.
        """
        found: dict[str, dict[str, Key]] = {each.name: {} for each in self.tables}
        for text in sorted(keys):
            key = decode(text)
            if key is None or key.table not in found:
                what = "a record key is not one of this store"
                raise Refused(self.name, what, "plan again: its tables may have been renamed")
            found[key.table][text] = key
        return ((each, found[each.name]) for each in self.tables if found[each.name])


@frozen
class RestrictableSql(Sql):
    """The same where a table has a column that marks restricted rows."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Mark or unmark rows. Raises `Refused` for rows of a table without such a column.

        Where the whole row is the key, marking changes the key: read again before unmarking.
        """
        with self._connection() as connection:
            for table, decoded in self._by_table(keys):
                if table.restricted is None:
                    what = f"table {table.name} has no column that marks restricted rows"
                    fix = f"name one in stores.{self.name}.tables.{table.name}.restricted"
                    raise Refused(self.name, what, fix)
                with self._writer(connection, table) as writer:
                    writer.update(decoded.values(), writer.changes({table.restricted: on}))
