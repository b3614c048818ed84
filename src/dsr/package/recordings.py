"""Contents of records (recordings, transcripts, faxes): opened ahead, named without anybody.

Opening an object in a remote store mostly waits; the next ones are opened meanwhile. What
cannot be opened is known before a byte of it is written. What breaks off in the middle raises:
a package never holds a truncated recording.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from dsr.errors import StoreError
from dsr.model import Content, Do, Record
from dsr.package.scratch import Scratch

__all__ = [
    "MEDIATYPES",
    "Backlog",
    "Opened",
    "Recording",
    "Unopened",
    "extension",
    "mediatype",
    "opened",
]

_BATCH: Final = 64  # recordings that are written to the working space together
_AHEAD: Final = 16  # contents whose first piece (at most 256 KiB) waits in memory

#: The file name endings that a member may take over from a store, and what they stand for.
#: Anything else in a file name may be somebody's.
MEDIATYPES: Final = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "amr": "audio/amr",
    "gsm": "audio/gsm",
    "au": "audio/basic",
    "ulaw": "audio/basic",
    "alaw": "audio/x-alaw-basic",
    "sln": "audio/l16",
    "g722": "audio/g722",
    "g729": "audio/g729",
    "webm": "video/webm",
    "mp4": "video/mp4",
    "txt": "text/plain",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
    "pdf": "application/pdf",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "jpg": "image/jpeg",
    "png": "image/png",
    "eml": "message/rfc822",
    "vcf": "text/vcard",
}
_UNKNOWN: Final = "application/octet-stream"
_ENDINGS: Final = {mediatype: ending for ending, mediatype in reversed(MEDIATYPES.items())} | {
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/mp3": "mp3",
    "audio/x-mp3": "mp3",
}


class Recording(NamedTuple):
    """A record with content, and the step that puts it into the package."""

    step: Do
    record: Record


class Backlog:
    """Recordings to come, on disk: a few at a time are in memory. Iterate it as often as needed."""

    def __init__(self, scratch: Scratch) -> None:
        """Start without recordings."""
        self._scratch = scratch
        self._batches: list[tuple[int, int]] = []
        self._pending: list[Recording] = []

    def append(self, recording: Recording) -> None:
        """Add one at the end."""
        self._pending.append(recording)
        if len(self._pending) >= _BATCH:
            batch = pickle.dumps(self._pending, pickle.HIGHEST_PROTOCOL)
            start = self._scratch.append(batch)
            self._batches.append((start, start + len(batch)))
            self._pending = []

    def __iter__(self) -> Iterator[Recording]:
        """Yield them in the order in which they were added."""
        for start, end in self._batches:
            batch: list[Recording] = pickle.loads(  # noqa: S301  (our own unlinked file)
                b"".join(self._scratch.read(start, end))
            )
            yield from batch
        yield from self._pending


class Opened(NamedTuple):
    """A content whose first piece has been read: `pieces` yields it and the rest."""

    recording: Recording
    content: Content
    pieces: Iterator[bytes]


class Unopened(NamedTuple):
    """A content whose first piece could not be read."""

    recording: Recording


def extension(content: Content) -> str:
    """Return the file name ending for a content: from its name or type, `bin` if unknown."""
    ending = PurePosixPath(content.name).suffix[1:].lower()
    if ending in MEDIATYPES:
        return ending
    return _ENDINGS.get(content.mediatype.partition(";")[0].strip().lower(), "bin")


def mediatype(content: Content) -> str:
    """Return the content's media type, told by its name where the store does not know it."""
    if content.mediatype and content.mediatype != _UNKNOWN:
        return content.mediatype
    return MEDIATYPES.get(extension(content), _UNKNOWN)


def opened(recordings: Iterable[Recording]) -> Generator[Opened | Unopened, None, None]:
    """Yield every content in order, opened or not."""
    todo = iter(recordings)
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="dsr-open") as pool:
        waiting: deque[tuple[Recording, Future[Opened]]] = deque()

        def fill() -> None:
            for each in islice(todo, _AHEAD - len(waiting)):
                waiting.append((each, pool.submit(_open, each)))

        try:
            fill()
            while waiting:
                recording, future = waiting.popleft()
                try:
                    result: Opened | Unopened = future.result()
                except StoreError:
                    result = Unopened(recording)
                fill()
                yield result
        finally:
            for _, future in waiting:
                future.cancel()


def _open(recording: Recording) -> Opened:
    content = recording.record.content
    assert content is not None  # noqa: S101  (only records with content get here)
    pieces = content.chunks()
    first = next(pieces, b"")
    return Opened(recording, content, _checked(recording.step, content, first, pieces))


def _checked(step: Do, content: Content, first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Yield `first` and the rest; raise if it is less than the store announced."""
    size = len(first)
    yield first
    for piece in rest:
        size += len(piece)
        yield piece
    if content.size is not None and size < content.size:
        what = "a recording ended before its announced size"
        raise StoreError(step.store, what, "run the request again")
