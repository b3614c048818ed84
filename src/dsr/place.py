"""The seam of delivery: where a package lies, be it a file or an object in a bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from dsr.model import PackageInfo

__all__ = ["Counted", "Place"]


class Place(Protocol):
    """Where one package lies. All methods raise `DeliveryError`, which names no place."""

    @property
    def name(self) -> str:
        """The place as a receipt has it: a path, or `s3://bucket/key`."""

    def write(self, pieces: Iterable[bytes]) -> PackageInfo:
        """Write `pieces`, instead of what is there; return place, size and SHA-256.

        Whole or not at all: whatever is raised, by `pieces` too, nothing new can be read there.
        """

    def size(self) -> int | None:
        """Return the bytes that lie there; None if nothing does."""

    def open(self) -> str | Iterator[bytes]:
        """Return the content: a URL that is good for a minute, or its bytes in pieces."""

    def remove(self) -> None:
        """Remove what lies there, with every older version. Twice is success."""


class Counted:
    """Pieces that are counted and hashed as they pass."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Count nothing yet."""
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self._size = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces; once."""
        for piece in self._pieces:
            self._digest.update(piece)
            self._size += len(piece)
            yield piece

    def info(self, path: str) -> PackageInfo:
        """Return what has passed, as it lies at `path`."""
        return PackageInfo(path=path, size=self._size, sha256=self._digest.hexdigest())
