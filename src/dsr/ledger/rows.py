"""The row of a request, as the parts of the ledger need it."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from dsr.errors import RequestError, RequestNotFound
from dsr.ledger.tables import ledger, requests

__all__ = ["open_row", "raise_version", "refuse_closed", "request_row"]


def raise_version(connection: Connection) -> None:
    """Tell runs under way that holds, or restrictions that stand like holds, have changed."""
    raised = ledger.c.holds_version + 1
    connection.execute(update(ledger).where(ledger.c.id == 1).values(holds_version=raised))


def request_row(connection: Connection, id: str, *, lock: bool = False) -> Row[Any]:
    """Return the row of a request, locked until the transaction ends if `lock`.

    Raises `RequestNotFound`.
    """
    query = select(requests).where(requests.c.id == id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        what = "the ledger has no request of this id"
        raise RequestNotFound(what, "`dsr list` shows those that it has")
    return row


def open_row(connection: Connection, id: str) -> Row[Any]:
    """Return the row of a request, locked; raises `RequestError` when it is closed."""
    row = request_row(connection, id, lock=True)
    refuse_closed(row)
    return row


def refuse_closed(row: Row[Any]) -> None:
    """Raise `RequestError` if the request of `row` is closed."""
    if row.closed is not None:
        what = f"request {row.id} is closed"
        raise RequestError(what, "open a new request")
