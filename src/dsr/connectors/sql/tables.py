"""The column map: which table holds what, and which of its columns speak about whom.

In place of a column, sides, `about`, `at` and links take a path into a JSON document
(`json->variables.sip_from_user`): see `dsr.connectors.sql.paths`.
"""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen

from dsr.connectors.sql.paths import Path, column_of, is_path, parse
from dsr.model import Kind

__all__ = ["CONTENT", "Link", "Side", "TableMap"]

#: Kinds that name a thing two people share; all others name a person.
_THINGS: Final[frozenset[Kind]] = frozenset({"call", "object"})

#: What the column of a record's content is called in `Found.about`.
CONTENT: Final = "content"


def _is_wild(name: str) -> bool:
    path = parse(name)
    return isinstance(path, Path) and not path.is_concrete


@frozen
class Side:
    """One party of a row: where its identifier is, and which columns speak about it.

    kind    what the column holds: `phone`, `sip`, `email`, `account`, ...
    column  the column that is searched
    about   the columns that speak about this party, besides `column`; None, for tables of one
            party only: all but the key, `at` and `restricted`. A side of kind `call` or
            `object` is no party: where there are parties it speaks only of what it names
    match   `equal` compares whole values and can use an index. A phone number is compared with
            all its spellings as bare digits and plusses; `sip` and `email` without regard to
            case (an index on `lower(column)` serves them). `contains` reads the value as text:
            name-addr (`"Name" <030…>`), `sip:` and `tel:` URIs, channels (`PJSIP/+4930…@trunk`),
            dial strings, digits with separators. It cannot use an index.
    domain  for `sip`: the column that holds the part behind the `@`, where `column` holds only
            the user. Without it a bare user matches whatever its domain: name it in every
            store that several domains share.
    country for `phone`: the column that holds the country code (`49`, `+49`, `0049`), where
            `column` holds the national number, with or without its trunk prefix. Where it is
            empty, the number stands alone, in the home region
    part    with `contains`: of `column`, only the piece that matches speaks of this party, as
            `lastdata[7:20]` in characters. For texts that name several parties. A redaction
            covers the piece with `*`
    """

    kind: Kind
    column: str
    about: tuple[str, ...] | None = None
    match: Literal["equal", "contains"] = "equal"
    domain: str | None = None
    country: str | None = None
    part: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse settings where they mean nothing, and paths that are malformed."""
        if self.domain is not None and (self.kind != "sip" or self.match != "equal"):
            msg = "`domain` belongs to a `sip` side that is matched as a whole"
            raise ValueError(msg)
        if self.country is not None and self.kind != "phone":
            msg = "`country` belongs to a `phone` side"
            raise ValueError(msg)
        if self.country is not None and (is_path(self.column) or is_path(self.country)):
            msg = "`country` and its number are columns, not paths"
            raise ValueError(msg)
        if self.part and (self.match != "contains" or self.country is not None):
            msg = '`part` belongs to a side with match = "contains", and without `country`'
            raise ValueError(msg)
        for name in (self.domain, self.country):
            if name is not None and _is_wild(name):
                msg = f'"{name}" must name one member: it belongs to another one'
                raise ValueError(msg)
        for column in self.columns:
            parse(column)

    @property
    def is_party(self) -> bool:
        """Whether it names a person, and not a call or an object that two may share."""
        return self.kind not in _THINGS

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the side names."""
        named = (self.column, self.domain, self.country, *(self.about or ()))
        return tuple(each for each in named if each is not None)


@frozen
class Link:
    """A column whose value is a further identifier, of `kind`, to look up.

    `since` and `until` are columns with the identifier's tenure `[since, until)`; `folder` is one
    with the folder that the file named in `column` lies in.
    """

    kind: Kind
    column: str
    since: str | None = None
    until: str | None = None
    folder: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse paths that are malformed, or leave open which member is meant."""
        for column in self.columns:
            parse(column)
        for name in (self.since, self.until, self.folder):
            if name is not None and _is_wild(name):
                msg = f'"{name}" must name one member: it belongs to the identifier'
                raise ValueError(msg)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the link names."""
        named = (self.column, self.since, self.until, self.folder)
        return tuple(each for each in named if each is not None)


@frozen
class TableMap:
    """One table (or view) of the store.

    name        how the configuration and messages call it; part of every record key
    category    the category of its rows, as the policy names it
    sides       the parties of a row; at least one
    table       its name in the database, `schema.table` for another schema; None: `name`
    key         the columns that name a row. None: the primary key; where the table has none,
                the whole row is its key, and equal rows are told apart by their number only:
                they are exported one by one, and erased or redacted together
    at          the column that says when the row happened: a timestamp, a date, ISO 8601 text,
                or Unix time in seconds, milliseconds, microseconds or nanoseconds
    links       further identifiers that a row leads to
    restricted  a boolean (or integer) column that marks restricted rows
    content     a column of bytes (a recording) that is the record's content, named `content` in
                `about`, and not among its data
    mediatype   the media type of the content
    secret      columns that are never read, nor written (passwords): they are no answer to the
                person, and the database user needs no right to see them. One that is not there
                is no error, as a user without that right does not see it on MariaDB
    standing_pin  the secret column with the hash of the customer's standing PIN ($argon2id$…),
                read only to check one
    """

    name: str
    category: str
    sides: tuple[Side, ...]
    table: str | None = None
    key: tuple[str, ...] | None = None
    at: str | None = None
    links: tuple[Link, ...] = ()
    restricted: str | None = None
    content: str | None = None
    mediatype: str = "application/octet-stream"
    secret: tuple[str, ...] = ()
    standing_pin: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a map that could find nothing, or means nothing."""
        if not self.sides:
            msg = "a table needs at least one side: which column names whom?"
            raise ValueError(msg)
        if self.key is not None and not self.key:
            msg = "`key` names no column: leave it out to use the primary key"
            raise ValueError(msg)
        if self.at is not None and _is_wild(self.at):
            msg = f'`at` = "{self.at}" must name one member: a row has one time'
            raise ValueError(msg)
        for name in (*(self.key or ()), self.restricted, self.content):
            if name is not None and is_path(name):
                msg = f'"{name}": `key`, `restricted` and `content` are columns, not paths'
                raise ValueError(msg)
        if read := sorted({*self.secret}.intersection(self.columns)):
            msg = f"{', '.join(read)}: a secret column is not read, and cannot be named elsewhere"
            raise ValueError(msg)
        if self.standing_pin is not None and self.standing_pin not in self.secret:
            msg = "`standing_pin` is a secret column: name it under `secret`, too"
            raise ValueError(msg)
        if "/" not in self.mediatype:
            msg = '`mediatype` is a media type such as "audio/wav"'
            raise ValueError(msg)
        self._check_parties()

    def _check_parties(self) -> None:
        """Refuse what would take one party's data for the other's."""
        parties = [side for side in self.sides if side.is_party]
        whole = [side for side in parties if not side.part]
        personal = {name for side in parties for name in side.columns}
        for side in self.sides:
            taken = sorted(personal.intersection(side.about or ()))
            if parties and not side.is_party and taken:
                msg = f"the {side.kind} side is about {', '.join(taken)}, which a party has"
                raise ValueError(msg)
        if len({side.about is None for side in whole}) > 1:
            msg = "one side names what it is `about` and another does not: name it for each"
            raise ValueError(msg)
        several = {side.about and frozenset(side.columns) for side in whole}
        if len(several) > 1 or len(parties) > len(whole):
            for link in self.links:
                if link.kind not in _THINGS:
                    msg = (
                        f"links.{link.kind}: in a table of two parties it cannot be told whose"
                        " it is; make it a side, or link from a table of one party"
                    )
                    raise ValueError(msg)

    @property
    def has_parties(self) -> bool:
        """Whether a side names a person."""
        return any(side.is_party for side in self.sides)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the map names, each once."""
        named = [
            *(self.key or ()),
            *(each for each in (self.restricted, self.content) if each is not None),
            *(column_of(name) for name in self.names),
        ]
        if self.content not in {None, CONTENT}:  # CONTENT is not a column then
            named = [each for each in named if each != CONTENT]
        return tuple(dict.fromkeys(named))

    @property
    def names(self) -> tuple[str, ...]:
        """Every column and every path that sides, `at` and links name, each once."""
        named = [
            *((self.at,) if self.at is not None else ()),
            *(name for side in self.sides for name in side.columns),
            *(name for link in self.links for name in link.columns),
        ]
        return tuple(dict.fromkeys(named))

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every path that the map names."""
        means = [parse(name) for name in self.names]
        return tuple(each for each in means if isinstance(each, Path))

    @property
    def place(self) -> tuple[str | None, str]:
        """The schema (None: the default one) and the name of the table in the database."""
        schema, _, name = (self.table or self.name).rpartition(".")
        return schema or None, name
