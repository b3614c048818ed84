"""A tape of what a connector asks of the disk, and what on it a power cut could undo.

The calls go through to the system. A name that was made, moved or removed is safe once its folder
was synced after it; bytes written in place are, once their file was; and a file that takes
another's place must be synced before it does: otherwise a crash may leave it empty. Who holds a
lock on a folder makes its names safe before others may come.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from attrs import define, field

__all__ = ["Tape", "recording"]


@define
class Tape:
    """What is not safe yet, and what went wrong; `calls` counts all that changed the disk."""

    calls: int = 0
    folders: set[str] = field(factory=set)
    files: set[str] = field(factory=set)
    faults: list[str] = field(factory=list)
    _synced: set[tuple[int, int]] = field(factory=set)
    _renumbered: set[str] = field(factory=set)

    @property
    def unsafe(self) -> list[str]:
        """What a power cut now, or at its time, could undo."""
        return [
            *self.faults,
            *(f"names in {each}" for each in sorted(self.folders)),
            *(f"bytes of {each}" for each in sorted(self.files)),
        ]

    def named(self, path: str, *, renumbers: bool = True) -> None:
        """Note that a name was made or removed, or a file took its place in one step."""
        if not os.path.basename(path).lstrip(".").startswith("lock"):  # noqa: PTH119  (a text)
            self.calls += 1
            self.folders.add(os.path.dirname(path))  # noqa: PTH120
            if renumbers:
                self._renumbered.add(os.path.dirname(path))  # noqa: PTH120

    def moved(self, path: str, status: os.stat_result) -> None:
        """Note that a file took its place; it must have been synced."""
        if (status.st_dev, status.st_ino) not in self._synced:
            self.faults.append(f"{path} was in its place before its bytes were safe")
        self.named(path, renumbers=False)

    def written(self, file: int) -> None:
        """Note that bytes of an open file changed."""
        self.calls += 1
        self.files.add(_path(file))

    def synced(self, file: int) -> None:
        """Note that a file or folder was synced."""
        status = os.fstat(file)
        self._synced.add((status.st_dev, status.st_ino))
        self.folders.discard(_path(file))
        self._renumbered.discard(_path(file))
        self.files.discard(_path(file))

    def move(self, _: Any, target: Any, *, dst_dir_fd: int | None = None, **__: Any) -> None:
        self.moved(_named(target, dst_dir_fd), os.stat(target, dir_fd=dst_dir_fd))

    def link(self, _: Any, target: Any, *, dst_dir_fd: int | None = None, **__: Any) -> None:
        self.named(_named(target, dst_dir_fd))

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        where = _named(path, dir_fd)
        if where.endswith("/.lock") and os.path.dirname(where) in self._renumbered:  # noqa: PTH120
            self.faults.append(f"{where} was given back before the names beside it were safe")
        self.named(where)

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self.named(_named(path, dir_fd))
        self.folders.discard(_named(path, dir_fd))

    def change(self, file: int, *_: Any, **__: Any) -> None:
        self.written(file)


def _path(file: int) -> str:
    return str(Path(f"/proc/self/fd/{file}").readlink())


def _named(path: Any, folder: int | None) -> str:
    name = os.fsdecode(path)
    return os.path.join(_path(folder), name) if folder is not None else name  # noqa: PTH118


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch, *, deaf: bool = False) -> Iterator[Tape]:
    """Record. A `deaf` tape hears of no sync: as if nobody had called it."""
    tape = Tape()
    notes: list[tuple[ModuleType, str, Callable[..., None]]] = [
        *((os, name, tape.move) for name in ("replace", "rename")),
        *((os, name, tape.change) for name in ("ftruncate", "setxattr", "removexattr", "pwrite")),
        (mmap, "mmap", tape.change),  # how a live log is overwritten
        (os, "link", tape.link),
        (os, "unlink", tape.unlink),
        (os, "rmdir", tape.rmdir),
    ]
    if not deaf:
        notes.append((os, "fsync", tape.synced))
    with monkeypatch.context() as patch:
        for module, name, note in notes:
            patch.setattr(module, name, _through(getattr(module, name), note))
        yield tape


def _through(real: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        result = real(*args, **named)
        note(*args, **named)
        return result

    return call
