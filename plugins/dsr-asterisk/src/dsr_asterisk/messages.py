"""Voicemail in a database, kept in the order that Asterisk counts on.

Asterisk numbers the messages of a folder from 0 and finds them by number; a message that is
gone leaves a gap, which it closes itself the next time the mailbox is opened
(app_voicemail.c, resequence_mailbox). Greetings have the number -1. A `callerid` that is NULL
makes a message unreadable over ODBC (odbc_retrieve_message); an empty one does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from dsr_asterisk.credentials import table_of
from dsr_asterisk.session import connect

if TYPE_CHECKING:
    from dsr_asterisk.database import AsteriskDb
    from dsr_asterisk.part import Part

__all__ = ["mend"]


def mend(store: AsteriskDb, part: Part) -> None:
    """Put a table of messages in the order that Asterisk needs; other parts need none.

    Every folder with a gap is renumbered, as Asterisk does: a run that broke off before leaves
    one. Twice is success. Raises `StoreError`.
    """
    if part.name != "voicemail_messages":
        return
    with connect(store.name, store.url, store.folder) as connection:
        table = table_of(connection, part, ("dir", "msgnum", "callerid"))
        _fill(connection, table, part)
        _renumber(connection, table, part)


def _fill(connection: sa.Connection, table: sa.Table, part: Part) -> None:
    name = part.column("callerid")
    if name:
        callerid = table.c[name]
        connection.execute(sa.update(table).where(callerid.is_(None)).values({callerid: ""}))


def _renumber(connection: sa.Connection, table: sa.Table, part: Part) -> None:
    folder, number = table.c[part.column("dir")], table.c[part.column("msgnum")]
    number.type = sa.Integer()
    counted = sa.func.count(), sa.func.max(number)
    gaps = (
        sa.select(folder)
        .where(number >= 0)
        .group_by(folder)
        .having(counted[0] != counted[1] + 1)
        .order_by(folder)
    )
    move = (
        sa.update(table)
        .where(folder == sa.bindparam("where"), number == sa.bindparam("old"))
        .values({number: sa.bindparam("new")})
    )
    for (place,) in connection.execute(gaps).all():
        numbers = sa.select(number).where(folder == place, number >= 0).order_by(number)
        moves: list[dict[str, Any]] = [
            {"where": place, "old": old, "new": new}
            for new, (old,) in enumerate(connection.execute(numbers).all())
            if old != new
        ]
        if moves:  # upwards: the place that a message moves to is free by then
            connection.execute(move, moves)
