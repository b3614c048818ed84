"""What `dsr check` tells of an `asterisk-db` store besides what `sql` finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from dsr.model import Finding
from dsr_asterisk.credentials import has_hashes, table_of
from dsr_asterisk.session import connect
from dsr_asterisk.tables import PARTS

if TYPE_CHECKING:
    from dsr_asterisk.database import AsteriskDb
    from dsr_asterisk.part import Part

__all__ = ["findings"]

#: Tables of Asterisk and FreePBX that hold people's data, and that no part reads.
_OTHERS: Final = frozenset({"sippeers", "iaxfriends", "meetme", "sip", "iax", "fax_details"})
#: app_voicemail.c, AUDIO_ON_DISK_MAGIC: so many bytes say that the sound is a file on disk.
_ON_DISK: Final = 8

_MEMORY: Final = (
    "calls that are going on, queues and registrations are in Asterisk's memory, too: they end"
    " there by themselves, or with a reload (core show channels, queue show, pjsip show contacts)"
)
_ASTDB: Final = (
    "Asterisk's own database may name the person (database show: cidname, blacklist, AMPUSER,"
    " DEVICE, registrar): remove it there with database del"
)
_GENERATED: Final = (
    "FreePBX writes its tables into configuration files and Asterisk's own database: delete the"
    " extension there, or apply the configuration after an erasure"
)
_PLACE: Final = (
    "voicemail_messages: where a message is emptied and not deleted, its dir still names the"
    ' mailbox: set erase = "delete" for its category'
)


def findings(store: AsteriskDb) -> Iterator[Finding]:
    """Yield what an erasure leaves behind, and what could be better; changes nothing.

    Raises `StoreUnavailable`.
    """
    parts = {each.name: each for each in store.parts}
    with connect(store.name, store.url, store.folder) as connection:
        yield from _unlisted(connection, store)
        if "ps_auths" in parts:
            yield from _passwords(connection, parts["ps_auths"])
        if "ps_endpoints" in parts:
            yield from _shared(connection, parts["ps_endpoints"])
        if "voicemail_messages" in parts:
            yield from _messages(connection, parts["voicemail_messages"])
    yield Finding("left", _MEMORY)
    yield Finding("left", _ASTDB)
    if parts.keys() & {"users", "userman_users", "devices"}:
        yield Finding("left", _GENERATED)


def _unlisted(connection: sa.Connection, store: AsteriskDb) -> Iterator[Finding]:
    read = {each.table.rpartition(".")[2] for each in store.parts}
    inspector = sa.inspect(connection)
    there = {*inspector.get_table_names(), *inspector.get_view_names()}
    for name in sorted(there & {*PARTS, *_OTHERS} - read):
        fix = "add it to parts" if name in PARTS else "read it with a store of connector sql"
        yield Finding("left", f"table {name} is in the database and in no part: {fix}")


def _passwords(connection: sa.Connection, part: Part) -> Iterator[Finding]:
    if not has_hashes(connection, part):
        text = (
            "ps_auths has rows with a plain password only: they prove nobody's identity; store"
            " password_digest (or md5_cred) instead"
        )
        yield Finding("advice", text)


def _shared(connection: sa.Connection, part: Part) -> Iterator[Finding]:
    name = part.column("callerid")
    if not name:
        return
    column = table_of(connection, part, ("callerid",)).c[name]
    several = sa.select(column).where(column != "").group_by(column).having(sa.func.count() > 1)
    if connection.execute(several.limit(1)).first() is not None:
        text = (
            "ps_endpoints: several endpoints show one caller ID, so that a request by that number"
            " reaches all of them; if they are not one person's, remove the side of callerid"
        )
        yield Finding("advice", text)


def _messages(connection: sa.Connection, part: Part) -> Iterator[Finding]:
    yield Finding("left", _PLACE)
    name = part.column("recording")
    if not name:
        return
    column = table_of(connection, part, ("recording",)).c[name]
    small = sa.select(sa.literal(1)).select_from(column.table)
    column.type = sa.LargeBinary()
    if connection.execute(small.where(sa.func.length(column) == _ON_DISK).limit(1)).first():
        text = (
            "voicemail_messages keeps sound as files on disk (odbc_audio_on_disk): erase these"
            " with a store asterisk-voicemail"
        )
        yield Finding("left", text)
