"""Messages on their way to people: put by whoever answers, sent by whoever has time for it.

A challenge puts one whether or not there is anybody to send to: both take the same work, and
look the same at rest. Sending, which takes long and tells the two apart, comes after the answer.
"""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import secrets
from typing import Final

from attrs import field, frozen
from sqlalchemy import delete, insert, select, update

from dsr.ledger.database import Part, Unit
from dsr.ledger.rows import open_row
from dsr.ledger.tables import outbox, requests

__all__ = ["Message", "Outbox"]

_SIZE: Final = 512  # bytes of every message, before it is sealed
_TRIES: Final = 3
_NOBODY: Final = b"\0"  # the first byte of a message to nobody,
_SOMEBODY: Final = b"\1"  # and of any other
_END: Final = b"\x80"  # the last byte before what fills it up
_NUMBERS: Final = 62  # bits


@frozen
class Message:
    """A message of a request, to send before it `expires`; without a document, to nobody."""

    number: int
    request: str
    document: bytes | None = field(repr=False)
    expires: dt.datetime


class Outbox(Part):
    """The ledger's messages, at most one a request.

    While a message is being sent, its tries are counted below zero. A process that dies then
    leaves it so: it may be on its way, and is not sent again.
    """

    def put(self, id: str, document: bytes | None, expires: dt.datetime, at: dt.datetime) -> None:
        """Have a message of a request wait, instead of an earlier one; None goes to nobody.

        It waits sealed. Raises `ValueError` for a document of more than 510 bytes,
        `RequestNotFound`, or `RequestError` when the request is closed.
        """
        sealed = self._keys.seal(_padded(document), _place(id))
        row = {
            # random: a number that was sent, and is gone, never means another message
            "number": secrets.randbits(_NUMBERS),
            "request": id,
            "document": sealed,
            "expires": expires,
            "tries": 0,
        }
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            _expire(unit, at)
            unit.connection.execute(delete(outbox).where(outbox.c.request == id))
            unit.connection.execute(insert(outbox).values(row))

    def claim(self, at: dt.datetime, most: int = 100) -> list[Message]:
        """Return messages that wait, at most so many, to send now: nobody else gets them.

        Call `sent` or `failed` for each. Messages of closed requests are nobody's to send.
        """
        is_open = select(requests.c.id).where(requests.c.closed.is_(None))
        waiting = (
            select(outbox)
            .where(outbox.c.tries >= 0, outbox.c.expires > at, outbox.c.request.in_(is_open))
            .order_by(outbox.c.expires, outbox.c.number)
            .limit(most)
            .with_for_update(of=outbox, skip_locked=True)
        )
        with self._database.writing() as unit:
            rows = unit.connection.execute(waiting).all()
            numbers = [row.number for row in rows]
            taken = update(outbox).where(outbox.c.number.in_(numbers))
            unit.connection.execute(taken.values(tries=-1 - outbox.c.tries))
        return [
            Message(
                row.number,
                row.request,
                _unpadded(self._keys.unseal(row.document, _place(row.request))),
                row.expires,
            )
            for row in rows
        ]

    def sent(self, number: int) -> None:
        """Forget a message that was sent, or went to nobody. Twice is success."""
        with self._database.writing() as unit:
            unit.connection.execute(delete(outbox).where(outbox.c.number == number))

    def failed(self, number: int, at: dt.datetime) -> bool:
        """Have a message that could not be sent wait again, and return True.

        After three tries, or once it is expired, it is forgotten: then False, and for one that
        is gone.
        """
        query = select(outbox).where(outbox.c.number == number).with_for_update()
        with self._database.writing() as unit:
            row = unit.connection.execute(query).one_or_none()
            if row is None:
                return False
            tries = abs(row.tries)
            if tries >= _TRIES or at >= row.expires:
                unit.connection.execute(delete(outbox).where(outbox.c.number == number))
                return False
            change = update(outbox).where(outbox.c.number == number)
            unit.connection.execute(change.values(tries=tries))
        return True

    def expire(self, at: dt.datetime) -> int:
        """Forget the messages that were not sent in time, and return how many."""
        with self._database.writing() as unit:
            return _expire(unit, at)


def _expire(unit: Unit, at: dt.datetime) -> int:
    over = (
        select(outbox.c.number, outbox.c.request)
        .where(outbox.c.expires <= at)
        .order_by(outbox.c.number)
        .with_for_update(skip_locked=True)
    )
    rows = unit.connection.execute(over).all()
    for row in rows:
        unit.connection.execute(delete(outbox).where(outbox.c.number == row.number))
        unit.note("message expired", at=at, request=row.request)
    return len(rows)


def _place(id: str) -> str:
    return f"message of request {id}"


def _padded(document: bytes | None) -> bytes:
    """Return a document in the one size that all have: its length, too, would tell of it."""
    text = (_NOBODY if document is None else _SOMEBODY + document) + _END
    if len(text) > _SIZE:
        msg = f"a message is at most {_SIZE - 2} bytes"
        raise ValueError(msg)
    return text.ljust(_SIZE, b"\0")


def _unpadded(text: bytes) -> bytes | None:
    text = text.rstrip(b"\0").removesuffix(_END)
    return None if text == _NOBODY else text.removeprefix(_SOMEBODY)
