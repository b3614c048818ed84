"""Asterisk's lock on a folder of messages, in both of its ways (`main/app.c`).

With `lockmode = lockfile` (the default) whoever makes the hard link `.lock` holds the folder;
with `lockmode = flock` it is whoever has locked the file `lock`. Both are taken, so that it
does not matter how the PBX is set up.

Asterisk cannot tell a lock that was left behind. Ours says whose it is, and stays locked by
`flock` as long as its process lives: the next run clears away what a killed one left.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final

__all__ = ["LINK", "Busy", "is_dead", "locked"]

LINK: Final = ".lock"
_FLOCK: Final = "lock"
_OURS: Final = b"dsr\n"
_PAUSE: Final = 0.02  # seconds between two tries
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_MAKE: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Busy(Exception):
    """Somebody else holds the folder."""


@contextmanager
def locked(folder: int, patience: float) -> Generator[None]:
    """Hold the folder (its descriptor) as Asterisk does.

    Raises `Busy` when somebody else still holds it after `patience` seconds, or `OSError`.
    """
    until = time.monotonic() + patience
    own = f"{LINK}-{secrets.token_hex(4)}"
    file = os.open(own, _MAKE | os.O_EXCL, 0o600, dir_fd=folder)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.write(file, _OURS)
        try:
            _link(own, folder, until)
        finally:
            os.unlink(own, dir_fd=folder)
        try:
            other = _flock(folder, until)
            try:
                _sweep(folder)
                yield
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(_FLOCK, dir_fd=folder)
                os.close(other)
        finally:
            os.unlink(LINK, dir_fd=folder)
    finally:
        os.close(file)


def is_dead(name: str, folder: int) -> bool:
    """Return whether this lock is one that a killed run of dsr left behind."""
    return _with_dead(name, folder, remove=False)


def _link(own: str, folder: int, until: float) -> None:
    while True:
        try:
            os.link(own, LINK, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            if _with_dead(LINK, folder, remove=True):
                continue
            _wait(until)
        else:
            return


def _flock(folder: int, until: float) -> int:
    """Return a descriptor of the locked file `lock`, which the holder removes at the end."""
    while True:
        file = os.open(_FLOCK, _MAKE, 0o600, dir_fd=folder)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_named(file, _FLOCK, folder):
                return file
        except BlockingIOError:
            pass
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        _wait(until)


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise Busy
    time.sleep(_PAUSE)


def _sweep(folder: int) -> None:
    """Remove what killed runs left on their way to the lock."""
    for name in os.listdir(folder):
        if name.startswith(f"{LINK}-"):
            _with_dead(name, folder, remove=True)


def _with_dead(name: str, folder: int, *, remove: bool) -> bool:
    """Return whether the lock is ours and of a dead process; remove it if asked to.

    Only who holds the `flock` of the dead one removes it, so that two runs never remove a lock
    that a third has just taken.
    """
    try:
        file = os.open(name, _READ, dir_fd=folder)
    except OSError:  # gone, or none of ours
        return False
    try:
        if os.read(file, len(_OURS) + 1) != _OURS:
            return False
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_named(file, name, folder):
            return False
        if remove:
            os.unlink(name, dir_fd=folder)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(file)


def _is_named(file: int, name: str, folder: int) -> bool:
    """Return whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return False
