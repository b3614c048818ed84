"""What `dsr check` says of a spool."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from dsr.connectors.disk import Blocked, Folder
from dsr.connectors.voicemail.changing import REWRITING
from dsr.connectors.voicemail.lock import LINK, is_dead
from dsr.connectors.voicemail.messages import ASIDE
from dsr.connectors.voicemail.spool import folders, mailboxes
from dsr.model import Finding

__all__ = ["findings"]

_STALE: Final = 60  # seconds; Asterisk holds a folder for milliseconds

_LEFT: Final = (
    "the sound of a message stays when its caller is erased: it is its mailbox's owner's, too",
    "empty folders and PINs (secret.conf) of a mailbox stay, for Asterisk may be writing there",
    "message waiting lamps show the old number of messages until Asterisk counts anew",
)


def findings(folder: Folder) -> list[Finding]:
    """Return what is wrong, not allowed or left behind. Raises `StoreUnavailable`."""
    counted: Counter[tuple[str, str]] = Counter()
    met = False
    for mailbox in mailboxes(folder):
        if isinstance(mailbox, Blocked):
            counted["fault", mailbox.reason] += 1
            continue
        met = True
        counted.update(_of_folder(folder, mailbox))
        for each in folders(folder, mailbox):
            if isinstance(each, Blocked):
                counted["right", each.reason] += 1
            else:
                counted.update(_of_folder(folder, mailbox + each))
    if not met:
        text = "no mailbox lies in its folder: path is to name the one with the contexts"
        return [Finding("fault", text)]
    found = [
        Finding("fault" if kind == "fault" else "right", f"{text} ({count} times)")
        for (kind, text), count in sorted(counted.items())
    ]
    return found + [Finding("left", text) for text in _LEFT]


def _of_folder(folder: Folder, path: bytes) -> Iterator[tuple[str, str]]:
    try:
        with folder.open(path) as here:
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=here):
                yield "right", "a folder is not writable, so nothing in it can be erased"
            names = os.listdir(here)  # noqa: PTH208  (a descriptor)
            if any(name.startswith((ASIDE, REWRITING)) for name in names):
                yield "fault", "erasing in a folder was interrupted: run the request again"
            for name in names:
                if name.startswith("msg") and not _is_readable(name, here):
                    yield "right", "a file cannot be read"
            if LINK in names:
                yield from _of_lock(here)
    except FileNotFoundError:
        return
    except OSError:
        yield "right", "a folder cannot be read"


def _is_readable(name: str, here: int) -> bool:
    return os.access(name, os.R_OK, dir_fd=here)


def _of_lock(here: int) -> Iterator[tuple[str, str]]:
    if is_dead(LINK, here):
        yield "fault", "a killed run left its lock, and no message can be left: run it again"
    elif time.time() - os.stat(LINK, dir_fd=here).st_mtime > _STALE:
        text = "a lock was left in a folder, and no message can be left: remove the file .lock"
        yield "fault", text
