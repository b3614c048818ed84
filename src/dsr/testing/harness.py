"""What the author of a connector writes so that `ConnectorSuite` can judge it."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from dsr.connector import Connector
from dsr.model import Identifier, Kind, Record

__all__ = ["Harness"]


class Harness(ABC):
    """A store that a test may fill and look into, without going through the connector.

    A new harness, with an empty store, is made for every test. `connector` reads that store.
    `subject` is the person looked for; `bystander` is another one whose identifier is of the
    same kind and differs little (the next number, or one digit more), so that a sloppy match
    shows. The connector accepts that kind.

    `seed`, `count` and `others` speak to the store itself (SQL, the file system, a vendor's
    client). If they used the connector, a connector that sees nothing would look perfect.

    `server` says what the store runs on, for reports ("PostgreSQL", "Ceph RGW"); `verbs` which
    methods the connector must have (`erase`, `redact`, `rectify`, `restrict`, `lock`, `split`,
    `check`, `credentials`, `aged`): a law of a verb that a connector lacks is skipped, and a verb
    that it lost would go unseen. `anchor` is the field that `aged` is tried with; empty, each
    record's own time.
    """

    connector: Connector
    server: str = "files"
    verbs: frozenset[str] = frozenset()
    anchor: str = ""
    subject: Identifier
    bystander: Identifier

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

    def strangers(self, number: int) -> Sequence[Identifier]:
        """Return `number` (up to 1,000) identifiers, of the subject's kind, of nobody seeded.

        The default takes fictional North American numbers and reserved names and addresses:
        override it if `seed` writes such.
        """
        return [_stranger(self.subject.kind, each) for each in range(number)]

    def content(self, record: Record) -> bytes | None:
        """Return the raw bytes behind a record with content; None means "not compared"."""
        del record
        return None

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
        """Return how many records the store itself refuses to let go; for `Locks` only."""
        raise NotImplementedError

    def unreachable(self) -> Connector | None:
        """Return the connector set up for a store that is not there; None skips that law."""
        return None


def _stranger(kind: Kind, number: int) -> Identifier:
    match kind:
        case "phone":
            value = f"+1202555{1000 + number}"
        case "sip" | "email":
            value = f"stranger-{number}@nowhere.invalid"
        case "ip":  # RFC 5737 and RFC 2544: documentation and benchmarks
            value = f"198.18.{number // 250}.{1 + number % 250}"
        case _:
            value = f"stranger-{number:08}"
    return Identifier(kind, value)
