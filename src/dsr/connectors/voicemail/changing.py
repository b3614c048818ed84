"""Erasing and redacting in one folder.

Asterisk takes the numbers of a folder to be without gaps. A message that goes is first put
aside, under Asterisk's lock, under names that Asterisk does not see but a reading of dsr does;
then the others close the gap, in order; only when the disk knows all that and the lock is
given back, the files put aside are removed, the text last. So after a crash at any step the next
reading still finds the message, and the next erasing ends what this one began. Asterisk itself
does the same, without that care (`close_mailbox` in app_voicemail.c).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

from dsr.connectors.voicemail.messages import ASIDE, Message, Name, is_tmp, messages
from dsr.connectors.voicemail.sounds import HEADER, silent

__all__ = ["REWRITING", "empty", "put_aside", "redact", "remove", "sync"]

#: How the new version of a file begins that takes the old one's place when it is whole.
REWRITING = ".dsr-rewriting-"


def put_aside(folder: int, path: bytes, marks: Collection[str]) -> None:
    """Take the marked messages out of a folder that is locked. Raises `OSError`."""
    for each in _settled(folder, path):
        if each.mark in marks:
            _move(each, f"{ASIDE}{each.mark}", folder)
    _settled(folder, path)
    os.fsync(folder)


def remove(folder: int, path: bytes, marks: Collection[str]) -> None:
    """Remove the marked messages that were put aside; needs no lock. Raises `OSError`."""
    for each in messages(folder, tmp=is_tmp(path)):
        if each.number is None and each.mark in marks:
            for gone in (*each.sounds, *each.note_names):
                with suppress(FileNotFoundError):  # another run of dsr was faster
                    os.unlink(gone.name, dir_fd=folder)
    os.fsync(folder)


def redact(folder: int, path: bytes, fields: Mapping[str, frozenset[str]]) -> None:
    """Empty fields of the marked messages of a folder that is locked. Raises `OSError`."""
    for each in _settled(folder, path):
        names = fields.get(each.mark, frozenset())
        for note in each.note_names:
            raw = each.note.without(names).raw
            if raw != each.note.raw:
                _replace(note, raw, folder)
        if "content" in names:
            for sound in each.sounds:
                empty(sound, folder)


def sync(folder: int, _path: bytes, _marks: Collection[str]) -> None:
    """Make sure that the disk knows the names in a folder. Raises `OSError`."""
    os.fsync(folder)


def empty(sound: Name, folder: int) -> None:
    """Leave nothing of a sound but its format. Raises `OSError`."""
    if sound.size > HEADER:
        with os.fdopen(os.open(sound.name, os.O_RDONLY, dir_fd=folder), "rb") as file:
            head = file.read(HEADER)
        _replace(sound, silent(head), folder)


def _settled(folder: int, path: bytes) -> Iterator[Message]:
    """Return the messages, numbered from 0 without a gap, each under one name a file.

    What an interrupted run began is ended, and what it no longer needs is removed.
    """
    for left in os.listdir(folder):
        if left.startswith(REWRITING):
            os.unlink(left, dir_fd=folder)
    found = messages(folder, tmp=is_tmp(path))
    numbered = [each for each in found if each.number is not None]
    for number, each in enumerate(numbered):
        _move(each, f"msg{number:04}", folder)
    for each in found:
        if each.number is None and each.mark and not each.note_names and _is_aside(each):
            for orphan in each.names:  # its message is elsewhere: a second name of its sound
                os.unlink(orphan.name, dir_fd=folder)
    return iter(messages(folder, tmp=is_tmp(path)))


def _is_aside(message: Message) -> bool:
    return message.names[0].name.startswith(ASIDE)


def _move(message: Message, stem: str, folder: int) -> None:
    """Give every file of a message its name with `stem`, and then take the other names away.

    The text gets its new name last and loses the old one first: Asterisk sees a message where
    its text is.
    """
    endings: dict[str, list[Name]] = {}
    for each in (*message.sounds, *message.note_names):
        endings.setdefault(each.ending, []).append(each)
    for ending, names in endings.items():
        if all(each.name != stem + ending for each in names):
            os.link(
                names[0].name, stem + ending, src_dir_fd=folder, dst_dir_fd=folder,
                follow_symlinks=False,
            )  # fmt: skip
    for ending, names in reversed(endings.items()):
        for each in names:
            if each.name != stem + ending:
                os.unlink(each.name, dir_fd=folder)


def _replace(name: Name, raw: bytes, folder: int) -> None:
    """Put new bytes in the place of a file, with its mode, owner and time."""
    beside = f"{REWRITING}{name.name}"
    with suppress(FileNotFoundError):
        os.unlink(beside, dir_fd=folder)
    seen = os.stat(name.name, dir_fd=folder, follow_symlinks=False)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(beside, flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(raw)
        file.flush()
        with suppress(PermissionError):  # only root may give files away
            os.fchown(file.fileno(), seen.st_uid, seen.st_gid)
        os.fchmod(file.fileno(), seen.st_mode & 0o7777)
        os.utime(file.fileno(), ns=(seen.st_atime_ns, seen.st_mtime_ns))
        os.fsync(file.fileno())
    os.rename(beside, name.name, src_dir_fd=folder, dst_dir_fd=folder)
