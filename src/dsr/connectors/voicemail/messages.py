"""The messages of one folder: which of its files belong together.

A message is every file `msgNNNN` with any extension. Moving one makes its new names first (hard
links) and removes the old ones then, so that a crash in between never parts a sound from its
text: names of one file (inode) are one message, wherever they are.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from attrs import define, field, frozen

from dsr.connectors.voicemail.note import CALLER, Note

__all__ = ["ASIDE", "TMP", "Message", "Name", "is_tmp", "messages"]

#: How the files of a message begin that is being erased. Behind it stands the message's mark.
ASIDE: Final = ".dsr-erasing-"
#: The folder of messages that callers are just leaving.
TMP: Final = "tmp"

_NUMBERED: Final = re.compile(r"msg([0-9]{4,9})([^0-9].*)", re.DOTALL)
_ASIDE: Final = re.compile(re.escape(ASIDE) + r"([a-z][0-9a-f]{32})(.*)", re.DOTALL)
_LOCKS: Final = (".", "lock")  # what else Asterisk and dsr put into folders
_PREFERRED: Final = (".wav", ".WAV", ".wav49")
_CHUNK: Final = 256 * 1024
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@frozen
class Name:
    """One name of a file in the folder; `ending` is what tells it from others of its message."""

    name: str = field(repr=False)
    ending: str = field(repr=False)
    inode: int
    size: int
    modified: float
    links: int  # names that the file has anywhere

    @classmethod
    def of(cls, name: str, ending: str, folder: int) -> Name | None:
        """Look at a file in a folder (its descriptor); None for what is none. Raises `OSError`."""
        seen = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(seen.st_mode):
            return None
        return cls(name, ending, seen.st_ino, seen.st_size, seen.st_mtime, seen.st_nlink)


@define
class Message:
    """The files of one message. `number` is None where Asterisk does not see it.

    `mark` names the message in its mailbox, whatever its number and folder.
    """

    number: int | None
    names: list[Name] = field(repr=False)
    mark: str = field(default="", repr=False)
    note: Note = field(factory=lambda: Note(b""), repr=False)

    @property
    def note_names(self) -> list[Name]:
        """The names of its text; one, but for a moment."""
        return [each for each in self.names if each.ending in {".txt", ""}]

    @property
    def sounds(self) -> list[Name]:
        """Its sounds, each format of the same, the one to play first."""
        sounds = [each for each in self.names if each.ending not in {".txt", ""}]
        order = {ending: place for place, ending in enumerate(_PREFERRED)}
        return sorted(sounds, key=lambda each: (order.get(each.ending, len(order)), each.ending))

    @property
    def is_linked_elsewhere(self) -> bool:
        """Whether a file of it has a name that is not one of these."""
        inodes = [each.inode for each in self.names]
        return any(each.links > inodes.count(each.inode) for each in self.names)

    @property
    def modified(self) -> float:
        """When any of its files was last written (Unix time)."""
        return max(each.modified for each in self.names)


def is_tmp(path: bytes) -> bool:
    """Return whether a folder holds messages that callers are just leaving."""
    return path.rstrip(b"/").endswith(b"/" + TMP.encode())


def messages(folder: int, *, tmp: bool = False) -> list[Message]:
    """Return the messages of a folder (its descriptor), by number, with marks and texts.

    `tmp` says that it is the folder of unfinished messages, which have no numbers. Raises
    `FileNotFoundError` if a file went while it was looked at, or another `OSError`.
    """
    found = _grouped(folder, tmp=tmp)
    for each in found:
        if each.note_names:
            each.note = Note(_bytes(each.note_names[0].name, folder))
        each.mark = each.mark or _mark(each, folder)
    return found


def _grouped(folder: int, *, tmp: bool) -> list[Message]:
    groups: dict[tuple[bool, int, str], list[Name]] = {}
    for name in os.listdir(folder):
        place = _place(name, tmp=tmp)
        if place is None:
            continue
        number, word, ending = place
        own = Name.of(name, ending, folder)
        if own is not None:
            groups.setdefault((number is None, number or 0, word), []).append(own)
    return list(_merged(groups))


def _place(name: str, *, tmp: bool) -> tuple[int | None, str, str] | None:
    """Return number (or None), mark (or word) and ending of a name; None if it is no message's."""
    if aside := _ASIDE.fullmatch(name):
        return None, aside[1], aside[2]
    if numbered := _NUMBERED.fullmatch(name):
        return int(numbered[1]), "", numbered[2]
    if tmp and not name.startswith(_LOCKS):
        word, dot, ending = name.partition(".")
        return None, f"/{word}", dot + ending
    return None


def _merged(groups: Mapping[tuple[bool, int, str], list[Name]]) -> Iterator[Message]:
    """Yield the messages in order; groups that share a file are one, which was being moved.

    Two messages with one sound that a tool has linked to save space stay two: they have a text
    each.
    """
    by_inode: dict[int, Message] = {}
    for (unnumbered, number, word), names in sorted(groups.items()):
        known = next((by_inode[each.inode] for each in names if each.inode in by_inode), None)
        if known is not None and _differ(known.names, names):
            known = None
        message = known or Message(None if unnumbered else number, [])
        message.names += sorted(names, key=lambda each: each.ending)
        if word and not word.startswith("/"):
            message.mark = word
        by_inode |= {each.inode: message for each in names}
        if known is None:
            yield message


def _differ(some: Sequence[Name], others: Sequence[Name]) -> bool:
    """Return whether two groups have different files for one purpose."""
    inodes = {each.ending: each.inode for each in some}
    return any(inodes.get(each.ending, each.inode) != each.inode for each in others)


def _mark(message: Message, folder: int) -> str:
    """Return what names a message for good: nothing that moving or redacting it changes."""
    own = message.note.values.get("msg_id")
    if own:
        return "m" + _digest(own.encode())
    if message.note.raw:  # Asterisk before 11
        return "n" + _digest(message.note.without(CALLER | {"rdnis", "exten"}).raw)
    digest = blake2b(digest_size=16)
    for name in message.sounds[:1]:
        for chunk in _chunks(name.name, folder):
            digest.update(chunk)
    return "s" + digest.hexdigest()


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _bytes(name: str, folder: int) -> bytes:
    return b"".join(_chunks(name, folder))


def _chunks(name: str, folder: int) -> Iterator[bytes]:
    with os.fdopen(os.open(name, _READ, dir_fd=folder), "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
