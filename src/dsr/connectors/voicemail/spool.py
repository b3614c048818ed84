"""The folders of a spool: contexts, mailboxes in them, folders of messages in these."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from dsr.connectors.disk import Blocked, Folder, reason
from dsr.connectors.voicemail.messages import Name

__all__ = ["folders", "greetings", "mailboxes"]

_OTHERS: Final = frozenset({"lock", "secret.conf"})  # the PIN of a mailbox is no greeting


def mailboxes(folder: Folder) -> Iterator[bytes | Blocked]:
    """Yield the path of every mailbox, `context/mailbox/`. Raises `StoreUnavailable`."""
    for context in folders(folder, b""):
        if isinstance(context, Blocked):
            yield context
            continue
        for mailbox in folders(folder, context):
            yield mailbox if isinstance(mailbox, Blocked) else context + mailbox


def folders(folder: Folder, path: bytes) -> Iterator[bytes | Blocked]:
    """Yield the name of each folder in `path`, with a slash behind, in order.

    Symbolic links are not followed; one that leads out of the store is `Blocked`, as is a
    folder that cannot be listed.
    """
    try:
        with folder.open(path) as here:
            entries = [
                (os.fsencode(each.name), each.is_symlink(), each.is_dir(follow_symlinks=False))
                for each in os.scandir(here)
            ]
    except FileNotFoundError:
        return
    except OSError as error:
        yield Blocked(f"a folder cannot be listed ({reason(error)})")
        return
    for name, is_link, is_folder in sorted(entries):
        if is_link and folder.leads_out(path + name):
            yield Blocked("a symbolic link leads out of the store and is not followed")
        elif is_folder:
            yield name + b"/"


def greetings(here: int) -> Iterator[Name]:
    """Yield the files of a mailbox itself (its descriptor): `unavail.wav`, `busy.wav`, ….

    Raises `OSError`.
    """
    for name in sorted(os.listdir(here)):
        if name.startswith(".") or name in _OTHERS:
            continue
        try:
            file = Name.of(name, name, here)
        except FileNotFoundError:
            continue
        if file is not None:
            yield file
