"""The sound of a message, found again when its number changes while it waits to be read."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator

from attrs import field, frozen

from dsr.connectors.disk import Folder, reason
from dsr.connectors.voicemail.messages import Name
from dsr.errors import Refused

__all__ = ["Sound"]

_CHUNK = 256 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@frozen
class Sound:
    """One file in the folder `path` of the spool. Numbers shift; the file (inode) does not."""

    folder: Folder
    path: bytes = field(repr=False)
    file: Name = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name when it was found."""
        return (
            self.file.name.lstrip(".")
            .encode("utf-8", "surrogateescape")
            .decode("utf-8", "backslashreplace")
        )

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self.file.size

    @property
    def mediatype(self) -> str:
        """The media type that goes with its extension (`.WAV` is GSM in a RIFF file)."""
        return mimetypes.guess_type(self.file.name.lower())[0] or "application/octet-stream"

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; raises `Refused` if they are not there any more or cannot be read."""
        store = self.folder.store
        read = 0
        try:
            with (
                self.folder.open(self.path) as here,
                os.fdopen(self._opened(here), "rb", buffering=0) as file,
            ):
                while chunk := file.read(_CHUNK):
                    read += len(chunk)
                    yield chunk
        except OSError as error:
            what = f"a sound cannot be read ({reason(error)})"
            raise Refused(store, what, "run the request again") from None
        if read < self.size:
            what = "a sound became shorter while it was read"
            raise Refused(store, what, "run the request again")

    def _opened(self, here: int) -> int:
        """Return a descriptor of the file, under the name that it has now."""
        for name in (self.file.name, *os.listdir(here)):
            try:
                seen = os.stat(name, dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if (seen.st_ino, seen.st_size) == (self.file.inode, self.file.size):
                return os.open(name, _READ, dir_fd=here)
        raise FileNotFoundError(0, "it was moved or deleted")
