"""Restricted files, marked with an extended attribute of the file system (xattr(7))."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import unquote_to_bytes

from attrs import field, frozen

from dsr.connectors.disk import parent, reason
from dsr.connectors.files.connector import Files
from dsr.errors import Refused
from dsr.model import Finding

__all__ = ["MarkingFiles"]

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@frozen
class MarkingFiles(Files):
    """Files of which `mark`, an extended attribute, says that they are restricted.

    The mark keeps nobody out by itself: whatever plays or serves recordings has to ask for it.
    It goes with the file when that is renamed, and stays behind when it is copied.
    """

    mark: str = field(default="", kw_only=True)

    def restrict(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Mark or unmark the files.

        Raises `Refused` if any could not be marked, after all others were.
        """
        problems: Counter[str] = Counter()
        with self.folder.open(b""):  # a disk that is not mounted is no empty one
            pass
        for path in map(unquote_to_bytes, keys):
            try:
                with self._opened(path) as file:
                    if on:
                        os.setxattr(file, self.mark, b"1")
                    elif self._is_marked(file):
                        os.removexattr(file, self.mark)
                    os.fsync(file)
            except FileNotFoundError:
                continue
            except OSError as error:
                problems[reason(error)] += 1
        if problems:
            reasons = ", ".join(f"{count} times {why}" for why, count in sorted(problems.items()))
            what = f"files could not be marked ({reasons})"
            raise Refused(self.name, what, "correct the permissions and run the request again")

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the folder, and whether it can hold the mark."""
        findings = list(super().check())
        with self.folder.open(b"") as root:
            try:
                self._is_marked(root)
            except OSError as error:
                text = f"its file system takes no marks of restriction ({reason(error)})"
                findings.append(Finding("fault", text))
        return findings

    def _is_restricted(self, path: bytes) -> bool:
        try:
            with self._opened(path) as file:
                return self._is_marked(file)
        except OSError:  # gone, or not readable: then its content says so
            return False

    @contextmanager
    def _opened(self, path: bytes) -> Iterator[int]:
        with self.folder.open(path) as here:
            file = os.open(path[len(parent(path)) :] or b".", _READ, dir_fd=here)
            try:
                yield file
            finally:
                os.close(file)

    def _is_marked(self, file: int) -> bool:
        try:
            return bool(os.getxattr(file, self.mark))
        except OSError as error:
            if error.errno == errno.ENODATA:
                return False
            raise
