"""The audit trail as a chain: each entry's hash covers the one before it.

The hashes are keyed (HMAC-SHA-256), so whoever can write to the database, but has not the
ledger's key, cannot change, insert, reorder or remove entries unseen. The head, itself sealed,
says how many entries there are and what the last one's hash is, so that the end cannot be cut
off. (Restoring an old head together with an old end cannot be told from a restored backup: note
the number of entries elsewhere if that matters.)
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from dsr.errors import AuditBroken
from dsr.ledger.keys import Keys
from dsr.ledger.tables import audit, audit_head
from dsr.report import canonical

__all__ = ["START", "append", "read_head", "start"]

#: What the first entry follows.
START: Final = b""
_FIX: Final = "compare the ledger with its last backup"


def start(connection: Connection, keys: Keys) -> None:
    """Write the head of an empty chain."""
    row = {"id": 1, "entries": 0, "hash": START, "seal": keys.head(0, START)}
    connection.execute(insert(audit_head).values(row))


def read_head(connection: Connection, keys: Keys, *, lock: bool = False) -> Row[Any]:
    """Return the head's row (`entries`, `hash`), if `lock` against other writers.

    Raises `AuditBroken` if it is missing or was changed by others.
    """
    query = select(audit_head).where(audit_head.c.id == 1)
    try:
        head = connection.execute(query.with_for_update() if lock else query).one_or_none()
        sound = head and hmac.compare_digest(head.seal, keys.head(head.entries, head.hash))
    except (AttributeError, TypeError):  # SQLite lets others store a text in place of a number
        head, sound = None, False
    if head is None or not sound:
        what = "the head of the audit chain is missing or was changed by others"
        raise AuditBroken(what, _FIX)
    return head


def append(connection: Connection, keys: Keys, documents: Sequence[Mapping[str, Any]]) -> None:
    """Add entries, in order. The head is locked until the transaction ends: do this last."""
    if not documents:
        return
    head = read_head(connection, keys, lock=True)
    count, last = head.entries, head.hash
    rows = []
    for each in documents:
        count += 1
        text = canonical({"seq": count, **each})
        last = keys.link(last, text)
        row = {"seq": count, "request": each["request"], "document": text.decode(), "hash": last}
        rows.append(row)
    connection.execute(insert(audit), rows)
    new = {"entries": count, "hash": last, "seal": keys.head(count, last)}
    connection.execute(update(audit_head).where(audit_head.c.id == 1).values(new))
