"""The seam: what a store must be able to do, and what it may.

A connector is a frozen, picklable value that opens its connections inside its methods. It has
one required method, `find`. What else a store can do is what other methods its connector has;
a verb that it lacks shows in the receipt as a gap, never as success.

Every method maps foreign errors to `dsr.errors.StoreError`: `StoreUnavailable` when the store
as a whole cannot be used (down, table missing), `Refused` when it answers but refuses some of
the given records. The messages hold no key, identifier or field value, and the foreign error
is not chained where its text could (`raise ... from None`).

`dsr.testing.ConnectorSuite` is this contract made runnable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from dsr.model import Credential, Finding, Found, Identifier, Kind, Record, Unread

__all__ = [
    "Ages",
    "Checks",
    "Connector",
    "Erases",
    "KeepsPins",
    "Locks",
    "Owns",
    "Rectifies",
    "Redacts",
    "Restricts",
    "Splits",
    "Vouches",
]


class Connector(Protocol):
    """One store: reads it."""

    @property
    def name(self) -> str:
        """The store's name in the policy."""

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds of identifier that `find` can look up; the engine passes no others."""

    @property
    def categories(self) -> frozenset[str]:
        """Every category that its records can have, known without reading the store."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Yield every record that any of `who` matches, in one pass for all of them.

        - One `Found` for each identifier that matches a record; those of one record (one key)
          are adjacent. The key is the same in every reading as long as the record exists.
        - `about` names what speaks of that identifier. Only for a call or an object, which two
          people may share, it may be empty: the record is then part of it, and no more.
        - Matches every spelling, and nothing else: no neighbour whose number merely contains
          the digits.
        - Ignores tenure, holds and policy: the engine applies them.
        - Streams: memory does not grow with the number of records.
        - A part that cannot be read (a broken file) is yielded as `Unread`, and reading goes
          on. A store that cannot be read raises `StoreUnavailable`. Never silently less.
        - Changes nothing.
        """


@runtime_checkable
class Erases(Protocol):
    """The store can remove whole records."""

    def erase(self, keys: Sequence[str]) -> None:
        """Remove the records for good; afterwards `find` yields none of them.

        Twice is success: a key that is gone already is no error. Every trace of the record in
        this store goes with it (versions, caches). All or part may have happened when it
        raises; calling it again with the same keys carries on.
        """


@runtime_checkable
class Redacts(Protocol):
    """The store can empty fields of a record and leave the rest, byte for byte."""

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """For each key, empty the named fields: afterwards they no longer speak of anyone.

        Twice is success, and so is a key that is gone. Field names are those of
        `Found.about`, or of `Record.data`.
        """


@runtime_checkable
class Rectifies(Protocol):
    """The store can correct fields of a record."""

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        """Set the named fields; afterwards `find` shows them. Twice is success."""


@runtime_checkable
class Restricts(Protocol):
    """The store can mark records as restricted (GDPR Art. 18)."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Mark or unmark; afterwards `record.restricted` is `on`. Twice is success."""


@runtime_checkable
class Ages(Protocol):
    """The store can list what has grown old, whoever it is about: for routine deletion."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        """Yield every record of `category` whose `anchor` lies before `before`, once.

        `anchor` is a field of `Record.data`, or empty for the record's own time (`Record.at`).
        A record without it is not yielded: its contract has not ended, its bill was not sent.
        Keys, fields, `personal`, `links` (with tenure), `lock` and `restricted` are those that
        `find` gives; a date counts from its first second in the store's time zone. Streams;
        what cannot be read is `Unread`, as in `find`. Raises `StoreUnavailable`, and
        `ConfigurationError` for an anchor that the category does not have. Changes nothing.
        A store that raises the latter at the call, before anything is listed, has it told by
        `dsr check`.
        """


@runtime_checkable
class Owns(Protocol):
    """The store holds what people note of each other: address books, somebody's contacts."""

    def owners(self, category: str) -> frozenset[Kind]:
        """Return the kinds of identifier that tell whose a record of `category` is.

        A record that `find` gives by other kinds alone is somebody else's, about the person: the
        entry with their number in another's address book. When their contract ends, routine
        deletion leaves it where it is. Empty, as without this method: whoever finds it owns it.
        """


@runtime_checkable
class Locks(Protocol):
    """The store can itself refuse to let records go (an S3 Object Lock legal hold)."""

    def lock(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Place the store's own lock on the records because a hold covers them, or lift it.

        Twice is success, and so is a key that is gone. Lifts only what `lock` placed: what
        somebody else locked stays locked, and is a `Record.lock`. A lock placed here is none:
        the hold behind it decides, which the engine reads at the moment of the write; a verb
        that the engine calls nevertheless takes the lock off first.
        """


@runtime_checkable
class Vouches(Protocol):
    """The store keeps SIP credentials, against which a person's digest can be checked."""

    def credentials(self, who: Identifier) -> Sequence[Credential]:
        """Return those of a SIP address (`who.kind` is `sip`) today; none when it has none.

        Raises `StoreUnavailable`. Reads no password, where the store keeps a hash beside it.
        """


@runtime_checkable
class KeepsPins(Protocol):
    """The store keeps hashes of standing PINs, against which a person's can be checked."""

    def pins(self, keys: Sequence[str]) -> Sequence[str]:
        """Return the hashes (PHC strings, `$argon2id$…`) that stand in the records of `keys`.

        A key that is gone, and a record without one, have none. Does the same work whether or
        not there are keys. Raises `StoreUnavailable`.
        """


@runtime_checkable
class Splits(Protocol):
    """The store can be read in parts that run side by side."""

    def split(self) -> Sequence[Connector]:
        """Return the same store as smaller connectors: each record in exactly one of them.

        Each is picklable and has this connector's name. What one part finds for one batch is
        held in memory by the worker that reads it: keep parts small.
        """


@runtime_checkable
class Checks(Protocol):
    """The store can tell before any request whether its configuration is right."""

    def check(self) -> Sequence[Finding]:
        """Reach the store, and return what is wrong, not allowed, left behind or slow.

        A store in order has no finding of kind `fault` or `right`. Raises `StoreUnavailable`
        when it cannot be reached. Changes nothing.
        """
