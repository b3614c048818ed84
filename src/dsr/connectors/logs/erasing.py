"""Where the entries to redact are now: by the names that their logs have got since."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from dsr.connectors.disk import reason
from dsr.connectors.listing import Listed
from dsr.connectors.logs.keys import EntryKey
from dsr.connectors.logs.reading import Damaged, Rotated, Unsupported, kind_at
from dsr.connectors.logs.rotation import base_of, plain_twin
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.logs.whole import start_of
from dsr.connectors.logs.writing import Edit, Made, redact_packed, redact_plain
from dsr.errors import Refused

__all__ = ["redact"]

_PART: Final = re.compile(r"line(?:\[(\d+):(\d+)\])?")
_MOVED: Final = "the log was rotated since it was read"
_AGAIN: Final = "plan again"


def redact(
    store: str,
    folder: Path,
    files: Sequence[Listed],
    clock: Clock,
    fields: Mapping[str, frozenset[str]],
) -> None:
    """Cover the named parts of the entries with these keys; raises as `Logs.redact` does.

    Plain files are looked into first; compressed ones, which are costly, for what did not change
    there, and where they begin as the file that changed does: a copy of a log has its entries
    under the same keys, and all copies are covered.
    """
    problems: dict[str, None] = {}
    edits = [edit for key, names in fields.items() if (edit := _edit(key, names))]
    if len(edits) < len(fields):
        problems["what is not a part of an entry cannot be redacted"] = None
    missed = {edit.key for edit in edits}
    changed: dict[EntryKey, set[bytes]] = {}  # how the files begin in which an entry changed
    for file in sorted(files, key=lambda each: _is_packed(folder, each)):
        inside = [edit for edit in edits if _may_be_in(edit.key, file)]
        if not inside or file.error:
            continue
        start = start_of(folder, file, clock)
        wanted = [edit for edit in inside if start in changed.get(edit.key, {start})]
        if not wanted:
            continue
        try:
            made = _redact_file(folder, file, files, wanted, clock)
        except (OSError, Rotated, Damaged, Unsupported) as error:
            problems[_told(error)] = None
        else:
            missed -= made.found
            for key in made.changed:
                changed.setdefault(key, set()).add(start)
    if missed and not problems:
        problems[_MOVED] = None
    if problems:
        raise Refused(store, "; ".join(problems), _AGAIN)


def _told(error: Exception) -> str:
    """Return why a file could not be written, without its name."""
    match error:
        case Rotated() | FileNotFoundError():
            return _MOVED
        case Damaged():
            return "a compressed file is damaged, or not yet complete"
        case Unsupported(args=(kind, todo)):
            return f"a file is compressed as {kind}, which cannot be written: {todo}"
        case OSError():
            return f"a file cannot be written ({reason(error)})"
    raise error


def _redact_file(
    folder: Path, file: Listed, files: Iterable[Listed], edits: Sequence[Edit], clock: Clock
) -> Made:
    if not kind_at(folder, file.path):
        return redact_plain(folder / os.fsdecode(file.path), edits, clock)
    sizes = {each.path: each.size for each in files}
    twin = plain_twin(file.path, sizes)
    return redact_packed(folder, file, edits, clock, sizes.get(twin))


def _is_packed(folder: Path, file: Listed) -> bool:
    try:
        return bool(kind_at(folder, file.path))
    except OSError:
        return False


def _may_be_in(key: EntryKey, file: Listed) -> bool:
    return key.path == (file.path if key.exact else base_of(file.path))


def _edit(key: str, names: frozenset[str]) -> Edit | None:
    """Return what to cover; None if the key is none of ours, or a name no part of an entry."""
    try:
        entry = EntryKey.parse(key)
    except ValueError:
        return None
    spans: list[tuple[int, int | None]] = []
    for name in names:
        told = _PART.fullmatch(name)
        if told is None:
            return None
        spans.append((int(told[1]), int(told[2])) if told[1] else (0, None))
    return Edit(entry, tuple(spans))
