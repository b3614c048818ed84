"""Overwriting bytes of a file that others write, too: never its size, never beyond its end.

`pwrite` behind the end of a file that was truncated a moment ago would make a hole in it, behind
which its daemon goes on. A shared mapping cannot grow a file; and where the *system* writes into
it (`readv`), a page that is gone is an error (EFAULT), not a signal.
"""

from __future__ import annotations

import errno
import mmap
import os
from typing import Final

from dsr.connectors.logs.reading import Rotated

__all__ = ["overwrite"]

_PIPE: Final = 4096  # bytes that a pipe takes without a reader (POSIX: PIPE_BUF, on Linux)


def overwrite(file: int, offset: int, data: bytes) -> None:
    """Write `data` at `offset` of a file that is open for reading and writing.

    Raises `Rotated` if the file ends before, `OSError` if it cannot be written.
    """
    for start in range(0, len(data), _PIPE):
        _overwrite(file, offset + start, data[start : start + _PIPE])


def _overwrite(file: int, offset: int, data: bytes) -> None:
    page = offset - offset % mmap.ALLOCATIONGRANULARITY
    first = offset - page
    if os.fstat(file).st_size < offset + len(data):
        raise Rotated
    try:
        shared = mmap.mmap(file, first + len(data), offset=page)
    except ValueError:  # it became shorter since
        raise Rotated from None
    source, sink = os.pipe()
    try:
        os.write(sink, data)
        with memoryview(shared) as view, view[first:] as place:
            written = os.readv(source, [place])
    except OSError as error:
        if error.errno == errno.EFAULT:
            raise Rotated from None
        raise
    finally:
        os.close(source)
        os.close(sink)
        shared.close()
    if written != len(data):
        raise Rotated
