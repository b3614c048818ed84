"""What the author of a connector writes so that `ConnectorSuite` can judge it."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import attrs

from dsr.connector import Connector
from dsr.model import Credential, Identifier, Record
from dsr.testing._alike import near, stranger

__all__ = ["Harness"]


class Harness(ABC):
    """A store that a test may fill and look into, without going through the connector.

    A new harness, with an empty store, is made for every test. `connector` reads that store.
    `subject` is the person looked for; `bystander` is another one whose identifier is of the
    same kind and differs little (the next number, or one digit more), so that a sloppy match
    shows. The connector accepts that kind.

    `seed`, `count` and `others` speak to the store itself (SQL, the file system, a vendor's
    client). If they used the connector, a connector that sees nothing would look perfect.

    `verbs` names all methods that the connector has besides `find`: `erase`, `redact`,
    `rectify`, `restrict`, `lock`, `split`, `check`, `credentials`, `aged`. It has no default,
    though an empty set will do: a law of a verb that a connector lacks is skipped, and a verb
    that it lost would go unseen. `anchor` is the field that `aged` is tried with; empty, each
    record's own time. `derived` names fields that any correction changes with it, as the text
    of a whole card.

    For reports: `server` says what the store runs on ("PostgreSQL", "Ceph RGW"), and `entry`
    what `dsr.toml` calls the connector, which is the name of its entry point.
    """

    connector: Connector
    entry: str = ""
    server: str = "files"
    verbs: frozenset[str]
    anchor: str = ""
    derived: frozenset[str] = frozenset()
    subject: Identifier
    bystander: Identifier

    # What every harness has

    @abstractmethod
    def seed(self) -> int:
        """Write the records and return how many of them speak of the subject. Called once.

        Write at least two records of the subject alone, one of the bystander alone and, where
        a record of this store can have two parties, at least one that the two share. Use
        several spellings. Every record must be one that the store lets go (no lock).
        """

    @abstractmethod
    def count(self) -> int:
        """Return how many raw records still speak of the subject, in any form.

        Look everywhere the store keeps bytes: old versions, caches, files beside files.
        """

    @abstractmethod
    def others(self) -> bytes:
        """Return all that is not about the subject, in a form that shows every changed byte.

        The bystander's records, and the bystander's half of the shared ones; not the subject's
        own records, and not the subject's fields. Recognise records by what `seed` knows of
        them (a row's id), not by the subject's value: after a redaction that is gone.
        """

    # What most need

    def unreachable(self) -> Connector | None:
        """Return the connector, with the same verbs, set up for a store that is not there.

        None skips what is judged by it.
        """
        return None

    def content(self, record: Record) -> bytes | None:
        """Return the raw bytes that lie behind a record (a recording); None where there are none.

        Needed if any record has content. Read them from the store itself: `record` tells which.
        """
        del record
        return None

    def more(self, number: int) -> bool:
        """Write `number` further records of the subject, dated, like those of `seed`.

        Called after `seed`, with some thousands, to see that memory does not grow with them.
        Return False if the store takes too long for so many: that skips the law.
        """
        del number
        return False

    # What some verbs need

    def changes(self, record: Record) -> Mapping[str, object]:
        """Return a correction to try on a record; needed if the connector rectifies.

        At least one of the seeded records must have one. It keeps the record the subject's.
        """
        del record
        return {}

    def anchored(self, record: Record) -> dt.datetime | None:
        """Return the time that `anchor` names; None where `aged` must not list the record.

        The default is the record's own time. Override it with `anchor`; at least one of the
        seeded records must have such a time.
        """
        return record.at

    def locked(self) -> int:
        """Return how many records the store itself refuses to let go; needed for `Locks`."""
        msg = "Harness.locked counts the store's locks: write it for a connector that locks"
        raise NotImplementedError(msg)

    def lock_as_another(self, key: str) -> None:
        """Lock a record as somebody else would, without dsr's mark; needed for `Locks`."""
        msg = "Harness.lock_as_another sets a foreign lock: write it for a connector that locks"
        raise NotImplementedError(msg)

    def vouched(self) -> Mapping[Identifier, Sequence[Credential]]:
        """Return two or more SIP addresses that `seed` wrote hashes for; needed for `Vouches`.

        An empty mapping says that the store of this harness keeps none.
        """
        msg = "Harness.vouched names the seeded hashes: write it for a connector with credentials"
        raise NotImplementedError(msg)

    # What fits as it is, mostly

    def strangers(self, number: int) -> Sequence[Identifier]:
        """Return `number` (up to 1,000) identifiers, of the subject's kind, of nobody seeded.

        The default takes fictional North American numbers and reserved names and addresses:
        override it if `seed` writes such.
        """
        return [stranger(self.subject.kind, each) for each in range(number)]

    def neighbours(self) -> Sequence[Identifier]:
        """Return identifiers that a sloppy match takes for the subject's.

        The default has the same number in another country, and one digit more or fewer at
        either end; of other kinds, one character more or fewer. No record of the subject alone
        may speak of one of them.
        """
        return [attrs.evolve(self.subject, value=each) for each in near(self.subject)]
