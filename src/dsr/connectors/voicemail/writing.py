"""Erasing and redacting by key: which mailboxes, which folders of them, under which lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attrs import frozen

from dsr.connectors.disk import Blocked, Folder, reason
from dsr.connectors.voicemail import changing
from dsr.connectors.voicemail.lock import Busy, locked
from dsr.connectors.voicemail.messages import Name
from dsr.connectors.voicemail.reading import Placed, of_mailbox, twins
from dsr.connectors.voicemail.spool import greetings

__all__ = ["ERASE", "REDACT", "TWINS", "Act", "change", "greeting_mark"]

#: Why two messages are left alone.
TWINS: Final = "two messages of one second cannot be told apart"

Fields = Mapping[str, frozenset[str]]


@frozen
class Act:
    """What is done to the marked messages of a folder: while it is locked, and afterwards.

    And what is done to one greeting, for which Asterisk has no lock.
    """

    messages: Callable[[int, bytes, Fields], None]
    afterwards: Callable[[int, bytes, Fields], None]
    greeting: Callable[[Name, int, frozenset[str]], None]


def _unlink(file: Name, folder: int, _: frozenset[str]) -> None:
    os.unlink(file.name, dir_fd=folder)


def _empty(file: Name, folder: int, names: frozenset[str]) -> None:
    if "content" in names:
        changing.empty(file, folder)


ERASE: Final = Act(changing.put_aside, changing.remove, _unlink)
REDACT: Final = Act(changing.redact, changing.sync, _empty)


def greeting_mark(name: str) -> str:
    """Return what names a greeting in its mailbox."""
    return "f" + quote_from_bytes(os.fsencode(name), safe="")


def change(folder: Folder, fields: Fields, act: Act, patience: float) -> list[str]:
    """Do it to the records of these keys, and return why some could not be written.

    Raises `StoreUnavailable` if the spool is not there.
    """
    wanted: dict[bytes, dict[str, frozenset[str]]] = {}
    for key, names in fields.items():
        mailbox, _, mark = key.rpartition(":")
        if mailbox:
            wanted.setdefault(unquote_to_bytes(mailbox), {})[mark] = names
    with folder.open(b""):  # a disk that is not mounted is not an empty one
        pass
    return [
        why
        for mailbox, marks in sorted(wanted.items())
        for why in _change_mailbox(folder, mailbox, marks, act, patience)
    ]


def _change_mailbox(
    folder: Folder, mailbox: bytes, marks: Fields, act: Act, patience: float
) -> Iterator[str]:
    found: list[Placed] = []
    for each in of_mailbox(folder, mailbox):
        if isinstance(each, Blocked):
            yield each.reason
        else:
            found.append(each)
    doubtful = twins(found) & marks.keys()
    yield from (TWINS for _ in doubtful)
    own = {mark: names for mark, names in marks.items() if mark not in doubtful}
    paths = dict.fromkeys(path for path, each in found if each.mark in own)
    for path in (*paths, mailbox):
        try:
            with folder.open(path) as here:
                if path == mailbox:
                    _greet(here, own, act)
                else:
                    with locked(here, patience):
                        act.messages(here, path, own)
                    act.afterwards(here, path, own)
        except Busy:
            yield "a folder is held by Asterisk, or its lock was left behind"
        except FileNotFoundError:  # the folder went, or something in it: a reading tells
            continue
        except OSError as error:
            yield f"a folder cannot be written ({reason(error)})"


def _greet(here: int, marks: Fields, act: Act) -> None:
    for each in greetings(here):
        mark = greeting_mark(each.name)
        if mark in marks:
            act.greeting(each, here, marks[mark])
    os.fsync(here)
