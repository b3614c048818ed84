"""The audit trail: who reads it can tell what was done, to which request, never to whom."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import frozen
from sqlalchemy import Connection, Row, func, select

from dsr.errors import AuditBroken
from dsr.ledger import chain
from dsr.ledger.database import Part
from dsr.ledger.receipts import RECEIPT, verify_receipts
from dsr.ledger.tables import audit, audit_head, receipts
from dsr.model import Verb

__all__ = ["Audit", "AuditEntry"]

_FIX: Final = "compare the ledger with its last backup"


@frozen
class AuditEntry:
    """One line of the audit trail; it holds no personal data.

    `seq` counts from 1. `at` is when it happened, `event` what. `request`, `store`, `category`
    and `note` are empty where there is none; `counts` maps what was counted to how many. `by` is
    the one of the staff who acted; empty where a backend did.
    """

    seq: int
    at: dt.datetime
    event: str
    request: str
    store: str
    category: str
    counts: Mapping[str, int]
    note: str
    by: str = ""


class Audit(Part):
    """The ledger's audit trail."""

    def audit(
        self,
        event: str,
        *,
        at: dt.datetime,
        request: str = "",
        store: str = "",
        category: str = "",
        counts: Mapping[str, int] | None = None,
        note: str = "",
    ) -> None:
        """Append an entry. None of the texts may say anything about a person.

        The ledger itself notes: state, closed, hold added, hold released, step done,
        receipt signed; the last is its own alone (`ValueError`).
        """
        if event == RECEIPT:
            msg = f"only save_receipt writes {RECEIPT!r}"
            raise ValueError(msg)
        with self._database.writing() as unit:
            unit.note(
                event,
                at=at,
                request=request,
                store=store,
                category=category,
                counts=counts,
                note=note,
            )

    def step_done(  # noqa: PLR0917  (the columns of a step, in their order)
        self,
        id: str,
        store: str,
        category: str,
        verb: Verb,
        count: int,
        at: dt.datetime,
    ) -> None:
        """Note that `verb` was done to `count` records of a category of a store."""
        counts: dict[str, int] = {verb: count}
        self.audit("step done", at=at, request=id, store=store, category=category, counts=counts)

    def entries(self, request: str | None = None) -> Iterator[AuditEntry]:
        """Yield the entries (of one request) in order, unverified."""
        query = select(audit.c.seq, audit.c.document).order_by(audit.c.seq).limit(self.page)
        if request is not None:
            query = query.where(audit.c.request == request)
        last = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(audit.c.seq > last)).all()
            if not rows:
                return
            last = rows[-1].seq
            for row in rows:
                document = json.loads(row.document)
                document["at"] = dt.datetime.fromisoformat(document["at"])
                yield AuditEntry(**document)

    def verify_audit(self) -> int:
        """Check the whole chain and every receipt, and return the number of entries.

        Raises `AuditBroken` that names the first entry that is missing or was changed.
        """
        with self._database.reading() as connection:
            head = chain.read_head(connection, self._keys)
            signed = connection.execute(select(func.count()).select_from(receipts)).scalar_one()
        last, previous, proved = 0, chain.START, 0
        query = select(audit).order_by(audit.c.seq).limit(self.page)
        while last < head.entries:
            upto = audit.c.seq <= head.entries
            try:
                with self._database.reading() as connection:
                    rows = connection.execute(query.where(audit.c.seq > last, upto)).all()
                    previous, documents = self._follow(rows, last, previous)
                    proved += verify_receipts(connection, self._keys, documents)
            except (AttributeError, KeyError, TypeError, ValueError):
                what = f"an audit entry after {last} is not readable"
                raise AuditBroken(what, _FIX) from None
            if not rows:
                break
            last += len(rows)
        if last != head.entries or previous != head.hash:
            raise _broken(last + 1, "is missing")
        if proved < signed:
            what = "a receipt is not in the audit trail: it was added by others"
            raise AuditBroken(what, _FIX)
        with self._database.reading() as connection:
            _nothing_else(connection)
        return last

    def _follow(
        self, rows: Sequence[Row[Any]], last: int, previous: bytes
    ) -> tuple[bytes, list[dict[str, Any]]]:
        """Check that rows follow entry `last` with hash `previous`; return their last hash."""
        documents = []
        for expected, row in enumerate(rows, last + 1):
            if row.seq != expected:
                raise _broken(expected, "is missing")
            link = self._keys.link(previous, row.document.encode())
            document = json.loads(row.document) if link == row.hash else {}
            if document.get("seq") != expected or document["request"] != row.request:
                raise _broken(expected, "was changed by others")
            previous = link
            documents.append(document)
        return previous, documents


def _nothing_else(connection: Connection) -> None:
    """Raise `AuditBroken` if there are entries that the head does not count."""
    query = select(
        func.count(audit.c.seq),
        select(audit_head.c.entries).where(audit_head.c.id == 1).scalar_subquery(),
    )
    found, counted = connection.execute(query).one()
    if found != counted:
        raise _broken(counted + 1, "was added by others")


def _broken(seq: int, why: str) -> AuditBroken:
    what = f"audit entry {seq} {why}"
    return AuditBroken(what, _FIX)
