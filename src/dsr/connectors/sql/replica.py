"""Reading from a replica, without being fooled by its lag.

Before each reading the primary is asked how far it has written; the replica is read only once it
has replayed that much. So whatever was visible on the primary when the reading began is visible
in it, and a proof never calls clean what the primary still has. A replica that lags for longer
than `PATIENCE`, cannot be reached, or is none of this primary's is left aside: the primary is
read, which is slower for it, and right.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from dsr.connectors.sql.database import connect
from dsr.connectors.sql.errors import code_of
from dsr.connectors.sql.mariadb import DIALECTS
from dsr.errors import StoreUnavailable

__all__ = ["PATIENCE", "connect_to_read", "obstacle"]

logger = logging.getLogger(__name__)

#: Seconds that a replica gets to catch up, and the pause between two looks.
PATIENCE: Final = 10
_PAUSE: Final = 0.05


class _Position(NamedTuple):
    """How far a server has written, and which data it is (empty where it cannot tell)."""

    written: str
    system: str


@contextmanager
def connect_to_read(
    store: str, url: str, replica: str | None, folder: Path
) -> Iterator[sa.Connection]:
    """Open a connection to read through: to the replica if it has all that the primary has.

    Raises `StoreUnavailable` when the primary cannot be reached.
    """
    with ExitStack() as stack:
        connection = None
        if replica is not None:
            reason, connection = _caught_up(stack, store, url, replica, folder)
            if reason:
                logger.warning("store %s: the primary is read: %s", store, reason)
        yield connection or stack.enter_context(connect(store, url, folder))


def obstacle(store: str, url: str, replica: str, folder: Path) -> str:
    """Return why the replica could not be read now; empty if it could."""
    with ExitStack() as stack:
        reason, _ = _caught_up(stack, store, url, replica, folder)
    return reason


def _caught_up(
    stack: ExitStack, store: str, url: str, replica: str, folder: Path
) -> tuple[str, sa.Connection | None]:
    """Open the replica if it has all that the primary has; else say why not."""
    with connect(store, url, folder) as primary:
        try:
            position = _position(primary)
        except SQLAlchemyError as error:
            return f"it does not tell how far it has written ({code_of(error)})", None
    if position is None:
        return "it is none, or keeps no log that a replica could follow", None
    try:
        connection = stack.enter_context(connect(store, replica, folder))
    except StoreUnavailable:
        return "the replica cannot be reached", None
    try:
        reason = _lag(connection, position)
        connection.rollback()
    except SQLAlchemyError as error:
        reason = f"the replica does not tell how far it has come ({code_of(error)})"
    return reason, None if reason else connection


def _position(primary: sa.Connection) -> _Position | None:
    """Return how far the primary has written; None if it cannot have a replica."""
    if primary.dialect.name == "postgresql":
        # the end of all that is written, flushed or not: more than any snapshot shows
        if primary.execute(sa.text("SELECT pg_is_in_recovery()")).scalar_one():
            return None
        sql = "SELECT CAST(pg_current_wal_insert_lsn() AS text)"
        written = primary.execute(sa.text(sql)).scalar_one()
        return _Position(written, _system(primary))
    if primary.dialect.name in DIALECTS:
        written = primary.execute(sa.text("SELECT @@gtid_binlog_pos")).scalar_one()
        return _Position(written, "") if written else None
    return None


def _system(connection: sa.Connection) -> str:
    """Return the number that a PostgreSQL server shares with its replicas alone."""
    sql = "SELECT CAST(system_identifier AS text) FROM pg_control_system()"
    return str(connection.execute(sa.text(sql)).scalar_one())


def _lag(replica: sa.Connection, position: _Position) -> str:
    """Wait for the replica; return why it is not up to the position, empty if it is."""
    late = f"the replica was more than {PATIENCE} s behind"
    if replica.dialect.name in DIALECTS:
        wait = sa.text("SELECT MASTER_GTID_WAIT(:position, :seconds)")
        values = {"position": position.written, "seconds": PATIENCE}
        return "" if replica.execute(wait, values).scalar_one() == 0 else late
    if replica.dialect.name != "postgresql" or _system(replica) != position.system:
        return "the replica is one of another server"
    end = time.monotonic() + PATIENCE
    sql = sa.text(
        "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= CAST(:written AS pg_lsn)"
    )
    while True:
        follows, has_all = replica.execute(sql, {"written": position.written}).one()
        if not follows:
            return "the replica follows no primary any more"
        if has_all:
            return ""
        if time.monotonic() > end:
            return late
        time.sleep(_PAUSE)
