"""All messages of a mailbox, as they are at one moment of each folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dsr.connectors.disk import Blocked, Folder, reason
from dsr.connectors.voicemail.lock import LINK, is_dead
from dsr.connectors.voicemail.messages import Message, is_tmp, messages
from dsr.connectors.voicemail.spool import folders

__all__ = ["Placed", "is_deadlocked", "of_mailbox", "twins"]

#: The path of a folder, and a message in it.
Placed = tuple[bytes, Message]

_TRIES: Final = 5  # looks at a folder whose files move meanwhile


def of_mailbox(folder: Folder, mailbox: bytes) -> Iterator[Placed | Blocked]:
    """Yield the messages of every folder of a mailbox, and what cannot be read.

    Nothing is locked: that would write. A folder that changes while it is read is read again.
    """
    for each in folders(folder, mailbox):
        if isinstance(each, Blocked):
            yield each
            continue
        try:
            with folder.open(mailbox + each) as here:
                found = _calm(here, tmp=is_tmp(mailbox + each))
        except FileNotFoundError:  # the whole folder went
            continue
        except OSError as error:
            yield Blocked(f"a folder of messages cannot be read ({reason(error)})")
            continue
        for message in found:
            yield mailbox + each, message


def is_deadlocked(folder: Folder, path: bytes) -> bool:
    """Return whether a killed run left its lock in a folder, which keeps callers out of it."""
    try:
        with folder.open(path) as here:
            return is_dead(LINK, here)
    except OSError:
        return False


def twins(found: Sequence[Placed]) -> frozenset[str]:
    """Return the marks that two messages share although their texts differ.

    Only without `msg_id` (Asterisk before 11), when two callers leave messages that begin in the
    same second and last as long.
    """
    texts: dict[str, bytes] = {}
    return frozenset(
        each.mark
        for _, each in found
        if each.mark.startswith("n") and texts.setdefault(each.mark, each.note.raw) != each.note.raw
    )


def _calm(here: int, *, tmp: bool) -> list[Message]:
    for _ in range(_TRIES - 1):
        try:
            return messages(here, tmp=tmp)
        except FileNotFoundError:  # moved between two looks
            continue
    try:
        return messages(here, tmp=tmp)
    except FileNotFoundError:
        raise BlockingIOError(0, "it changes all the time") from None
