"""What `dsr check` says of log files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from dsr.connectors.listing import Part
from dsr.connectors.logs.packing import FAST_GZIP
from dsr.connectors.logs.reading import Damaged, Rotated, Unsupported, kind_at, pieces
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.logs.years import Years
from dsr.connectors.replacing import INTERRUPTED, leftovers
from dsr.match import FAST
from dsr.model import Finding

__all__ = ["findings"]

_LEFT: Final = (
    "copies that a log shipper, a syslog relay, journald or a backup took from these files are "
    "not reached, nor what a daemon still holds in memory"
)
_SLOW: Final = "Hyperscan is not installed: install dsr with the extra fast to read logs faster"
_SLOW_GZIP: Final = "isal is not installed: install dsr with the extra fast to unpack gzip faster"


def findings(
    store: str, folder: Path, files: Sequence[str], parts: Sequence[Part], clock: Clock
) -> list[Finding]:
    """Return what is wrong with the files, not allowed, left behind or slow."""
    if not parts:
        text = f"no file matches {', '.join(files)}: correct path or files"
        return [Finding("fault", text)]
    found = [each for part in parts for each in _of_file(store, folder, part, clock)]
    found += [Finding("fault", INTERRUPTED) for _ in leftovers(store, folder, files)]
    found.append(Finding("left", _LEFT))
    if not FAST:
        found.append(Finding("advice", _SLOW))
    if not FAST_GZIP and any(part.file.path.endswith(b".gz") for part in parts):
        found.append(Finding("advice", _SLOW_GZIP))
    return found


def _of_file(store: str, folder: Path, part: Part, clock: Clock) -> Iterator[Finding]:
    path = folder / os.fsdecode(part.file.path)
    try:
        kind = kind_at(folder, part.file.path)
        start = bytes(next(pieces(folder, part.file), b""))
    except Unsupported as error:
        compressed, todo = error.args
        text = f"{part} is compressed as {compressed}, which cannot be read: {todo}"
        yield Finding("fault", text)
        return
    except Damaged:
        yield Finding("fault", f"{part} is damaged")
        return
    except (OSError, Rotated):
        yield Finding("right", f"{part} cannot be read")
        return
    if kind and not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        text = f"the folder of {part} is not writable, so it cannot be written anew"
        yield Finding("right", text)
    elif not kind and not os.access(path, os.W_OK):
        yield Finding("right", f"{part} is not writable, so nothing in it can be redacted")
    stamp = clock.read(start, 0, Years.of(part.file.path, part.file.modified))
    if stamp.text and stamp.at is None and clock.zone is None:
        text = f"{part} has time stamps without a zone: set stores.{store}.timezone"
        yield Finding("fault", text)
