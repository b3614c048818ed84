"""What `dsr check` tells of a `fusionpbx-db` store besides what `sql` finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from dsr.model import Finding
from dsr_fusionpbx.session import connect
from dsr_fusionpbx.tables import PARTS, shipped

if TYPE_CHECKING:
    from dsr_fusionpbx.database import FusionPbxDb
    from dsr_fusionpbx.part import Part

__all__ = ["findings"]

#: Columns that hold people's data, wherever they are.
_PERSONAL: Final = ("number", "email", "username", "caller_id", "transcri", "mail_to")

_MEMORY: Final = (
    "FreeSWITCH keeps registrations and calls in memory and in its own SQLite files: end a person's"
    " registration with sofia profile NAME flush_inbound_reg USER@DOMAIN"
)
_CACHE: Final = (
    "FusionPBX keeps extensions and contacts in its cache of files: clear it after an erasure"
    " (Status, SIP Status, Flush Cache)"
)
_BACKUP: Final = (
    "FusionPBX's backup script writes the whole database and the recordings to"
    " /var/backups/fusionpbx: a copy leaves with the backup, or after dsr replay"
)
_SOUND: Final = (
    "voicemail_messages: where message_base64 is empty, the sound is a file below"
    " storage/voicemail: remove it with the message"
)


def findings(store: FusionPbxDb) -> Iterator[Finding]:
    """Yield what an erasure leaves behind, and what could be better; changes nothing.

    Raises `StoreUnavailable`.
    """
    parts = {each.name: each for each in store.parts}
    with connect(store.name, store.url, store.folder) as connection:
        yield from _unlisted(connection, store)
        if "extensions" in parts:
            yield from _shared(connection, parts["extensions"])
    yield Finding("left", _MEMORY)
    yield Finding("left", _CACHE)
    yield Finding("left", _BACKUP)
    if "voicemail_messages" in parts:
        yield Finding("left", _SOUND)


def _unlisted(connection: sa.Connection, store: FusionPbxDb) -> Iterator[Finding]:
    """Yield FusionPBX's tables with people in them that no part reads."""
    read = {each.table.rpartition(".")[2] for each in store.parts}
    mapped = {str(shipped(each)["table"]): each for each in PARTS}
    inspector = sa.inspect(connection)
    for name in sorted(inspector.get_table_names()):
        if name in read or not name.startswith("v_"):
            continue
        if name in mapped:
            fix = f"add {mapped[name]} to parts"
        elif any(_is_personal(each["name"]) for each in inspector.get_columns(name)):
            fix = "read it with a store of connector sql, if people are in it"
        else:
            continue
        yield Finding("left", f"table {name} is in the database and in no part: {fix}")


def _is_personal(column: str) -> bool:
    return any(each in column for each in _PERSONAL)


def _shared(connection: sa.Connection, part: Part) -> Iterator[Finding]:
    schema, _, name = part.table.rpartition(".")
    column = sa.column("outbound_caller_id_number", sa.Text())
    table = sa.table(name, column, schema=schema or None)
    several = sa.select(column).select_from(table).where(column != "").group_by(column)
    if connection.execute(several.having(sa.func.count() > 1).limit(1)).first() is not None:
        text = (
            "extensions: several show one caller ID, so that a request by that number reaches all"
            " of them; if they are not one person's, write tables.extensions.parties.owner.inside"
        )
        yield Finding("advice", f"{text} without outbound_caller_id_number")
