"""Acts of a user whom the operating system may refuse something: root is refused nothing."""

from __future__ import annotations

import multiprocessing as mp
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

_NOBODY = 65534


T = TypeVar("T")


@contextmanager
def public_folder() -> Iterator[Path]:
    """Yield a new folder that every user can reach, removed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def unprivileged(folder: Path, act: Callable[[], T]) -> T:
    """Return what `act` returns (picklable) to a user who owns the folder, and is not root."""
    if os.geteuid() != 0:
        return act()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)
    context = mp.get_context("fork")  # the tests' own folders are not nobody's to import from
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_act, args=(act, sending))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the child has not
        child.start()
    sending.close()
    try:
        returned: T = receiving.recv()
    finally:
        child.join()
    return returned


def _act(act: Callable[[], T], sending: Connection) -> None:
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
    sending.send(act())
