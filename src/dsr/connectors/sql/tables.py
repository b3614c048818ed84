"""The column map: which table holds what, and which of its columns speak about whom."""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen

from dsr.model import Kind

__all__ = ["Link", "Side", "TableMap"]

#: Kinds that name a thing two people share; all others name a person.
_THINGS: Final[frozenset[Kind]] = frozenset({"call", "object"})


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
            digits with separators. It cannot use an index.
    domain  for `sip`: the column that holds the part behind the `@`, where `column` holds only
            the user. Without it a bare user matches whatever its domain: name it in every
            store that several domains share.
    """

    kind: Kind
    column: str
    about: tuple[str, ...] | None = None
    match: Literal["equal", "contains"] = "equal"
    domain: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a domain where it means nothing."""
        if self.domain is not None and (self.kind != "sip" or self.match != "equal"):
            msg = "`domain` belongs to a `sip` side that is matched as a whole"
            raise ValueError(msg)

    @property
    def is_party(self) -> bool:
        """Whether it names a person, and not a call or an object that two may share."""
        return self.kind not in _THINGS

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the side names."""
        named = (self.column, self.domain, *(self.about or ()))
        return tuple(each for each in named if each is not None)


@frozen
class Link:
    """A column whose value is a further identifier, of `kind`, to look up.

    `since` and `until` are columns with the identifier's tenure `[since, until)`.
    """

    kind: Kind
    column: str
    since: str | None = None
    until: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the link names."""
        named = (self.column, self.since, self.until)
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
    at          the column that says when the row happened: a timestamp, a date, ISO 8601 text
                or a number of Unix seconds
    links       further identifiers that a row leads to
    restricted  a boolean (or integer) column that marks restricted rows
    """

    name: str
    category: str
    sides: tuple[Side, ...]
    table: str | None = None
    key: tuple[str, ...] | None = None
    at: str | None = None
    links: tuple[Link, ...] = ()
    restricted: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a map that could find nothing."""
        if not self.sides:
            msg = "a table needs at least one side: which column names whom?"
            raise ValueError(msg)
        if self.key is not None and not self.key:
            msg = "`key` names no column: leave it out to use the primary key"
            raise ValueError(msg)
        self._check_parties()

    def _check_parties(self) -> None:
        """Refuse what would take one party's data for the other's."""
        parties = [side for side in self.sides if side.is_party]
        personal = {name for side in parties for name in side.columns}
        for side in self.sides:
            taken = sorted(personal.intersection(side.about or ()))
            if parties and not side.is_party and taken:
                msg = f"the {side.kind} side is about {', '.join(taken)}, which a party has"
                raise ValueError(msg)
        if len({side.about is None for side in parties}) > 1:
            msg = "one side names what it is `about` and another does not: name it for each"
            raise ValueError(msg)
        if len({side.about and frozenset(side.columns) for side in parties}) > 1:
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
            *(each for each in (self.at, self.restricted) if each is not None),
            *(name for side in self.sides for name in side.columns),
            *(name for link in self.links for name in link.columns),
        ]
        return tuple(dict.fromkeys(named))

    @property
    def place(self) -> tuple[str | None, str]:
        """The schema (None: the default one) and the name of the table in the database."""
        schema, _, name = (self.table or self.name).rpartition(".")
        return schema or None, name
