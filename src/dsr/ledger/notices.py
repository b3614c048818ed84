"""What recipients are told of acts on data that they received (GDPR Art. 19): sealed until told.

A request has one notice for each recipient and act. Its text waits sealed until it is handed
over, also when the request has closed; that it was, or why there is none, stays.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen
from sqlalchemy import Row, select, update

from dsr.ledger.database import Part
from dsr.ledger.rows import request_row
from dsr.ledger.tables import notices
from dsr.report import canonical

__all__ = ["Notice", "Notices"]


@frozen
class Notice:
    """That `recipient` is told of `act`, since when (`at`), and when it was `handed` over.

    `exempt` is why it is not told; empty where it is.
    """

    number: int
    request: str
    recipient: str
    act: str
    at: dt.datetime
    handed: dt.datetime | None = None
    exempt: str = ""


class Notices(Part):
    """The ledger's notices."""

    def add_notice(
        self, request: str, recipient: str, act: str, document: Mapping[str, Any], at: dt.datetime
    ) -> None:
        """Have `recipient` told of `act`: `document`, as JSON, waits sealed.

        One that waits already is replaced, and one that was handed over waits again, with what
        is new. Raises `RequestNotFound`.
        """
        sealed = self._keys.seal(canonical(document), _place(request, recipient, act))
        row = {"at": at, "document": sealed, "handed": None, "exempt": ""}
        key = {"request": request, "recipient": recipient, "act": act}
        with self._database.writing() as unit:
            request_row(unit.connection, request)
            new = unit.insert(notices).values(key | row)
            again = new.on_conflict_do_update(index_elements=list(key), set_=row)
            unit.connection.execute(again)
            unit.note("notice due", at=at, request=request, note=f"{act}: {recipient}")

    def exempt_notice(
        self, request: str, recipient: str, act: str, reason: str, at: dt.datetime
    ) -> None:
        """Record why `recipient` is not told of `act`. Twice is success.

        Raises `RequestNotFound`.
        """
        key = {"request": request, "recipient": recipient, "act": act}
        with self._database.writing() as unit:
            request_row(unit.connection, request)
            new = unit.insert(notices).values({**key, "at": at, "exempt": reason})
            added = new.on_conflict_do_nothing().returning(notices.c.number)
            if unit.connection.execute(added).scalar() is not None:
                note = f"{act}: {recipient}: {reason}"
                unit.note("notice exempt", at=at, request=request, note=note)

    def notices(self, request: str) -> list[Notice]:
        """Return all notices of a request: waiting, handed over, exempt."""
        query = select(notices).where(notices.c.request == request).order_by(notices.c.number)
        with self._database.reading() as connection:
            return [_notice(row) for row in connection.execute(query)]

    def waiting_notices(self) -> Iterator[Notice]:
        """Yield the notices that nobody has handed over yet, also of closed requests."""
        query = select(notices).where(notices.c.document.is_not(None))
        query = query.order_by(notices.c.number).limit(self.page)
        last = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(notices.c.number > last)).all()
            if not rows:
                return
            last = rows[-1].number
            yield from map(_notice, rows)

    def waiting_notice(self, request: str, recipient: str, act: str) -> dict[str, Any] | None:
        """Return the document of a notice that waits; None if there is none."""
        query = select(notices.c.document).where(
            notices.c.request == request,
            notices.c.recipient == recipient,
            notices.c.act == act,
        )
        with self._database.reading() as connection:
            sealed = connection.execute(query).scalar_one_or_none()
        if sealed is None:
            return None
        document: dict[str, Any] = json.loads(
            self._keys.unseal(sealed, _place(request, recipient, act))
        )
        return document

    def hand_notice(self, notice: Notice, at: dt.datetime) -> None:
        """Note that a notice was handed over, and forget its text. Twice is success.

        One that has more to tell by now goes on waiting.
        """
        change = update(notices).where(
            notices.c.number == notice.number,
            notices.c.at == notice.at,
            notices.c.document.is_not(None),
        )
        with self._database.writing() as unit:
            if unit.connection.execute(change.values(document=None, handed=at)).rowcount:
                note = f"{notice.act}: {notice.recipient}"
                unit.note("notice handed over", at=at, request=notice.request, note=note)


def _notice(row: Row[Any]) -> Notice:
    return Notice(row.number, row.request, row.recipient, row.act, row.at, row.handed, row.exempt)


def _place(request: str, recipient: str, act: str) -> str:
    return f"notice of request {request}: {act}, {recipient}"
