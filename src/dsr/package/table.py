"""The records of one category on their way into the package: JSON lines, CSV, and a summary.

The JSON lines are exact. A block of records is transposed to columns for the CSV; what columns
there are is only known at the end, so rows are ended by a byte that UTF-8 never has, and the
cells that an early row lacks are added when it is read back.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from dsr.package.cells import ENCODER, cells, finite, harmless, plain_json
from dsr.package.scratch import BLOCK, Scratch, Stream

__all__ = ["FILE", "STORE", "Column", "Row", "Table"]

STORE: Final = "_store"  # the field that names the store of a record
FILE: Final = "_file"  # the field that names the member that holds its content
_ROWS: Final = 256  # records that are transposed together
_END: Final = b"\xff"
#: Characters that JSON allows and some readers take for the end of a line: escaped.
_LINE_ENDS: Final = {
    each.encode(): f"\\u{ord(each):04x}".encode() for each in ("\x85", "\u2028", "\u2029")
}

Row = Mapping[str, object]


class Column(NamedTuple):
    """A field: its name in the JSON lines, its header in the CSV, the types that it had."""

    name: str
    header: str
    kinds: frozenset[type]


class Table:
    """One category. Add records first, then read `jsonl` and `csv`, which end the adding.

    `count`, `first`, `last` and `months` (year and month in the given zone) summarise it.
    `kinds` maps each field to the types that its values had.
    """

    def __init__(self, scratch: Scratch, zone: ZoneInfo) -> None:
        """Start without records."""
        self.count = 0
        self.first: dt.datetime | None = None
        self.last: dt.datetime | None = None
        self.months: Counter[tuple[int, int]] = Counter()
        self.kinds: dict[str, frozenset[type]] = {}
        self._zone = zone
        self._lines = Stream(scratch)
        self._sheet = Stream(scratch)
        self._widths: list[tuple[int, int]] = []  # from which byte of the sheet: how many cells
        self._store = ""
        self._ending = b""
        self._rows: list[Row] = []
        self._times: list[dt.datetime] = []
        self._start = 0  # where the block that is being filled starts in the pending lines

    def add(self, store: str, data: Row, at: dt.datetime | None, file: str | None = None) -> None:
        """Append a record; `file` is the member that holds its content."""
        pending = self._lines.pending
        if store != self._store or len(self._rows) == _ROWS or len(pending) >= BLOCK:
            self._flush()
            self._store = store
            self._ending = b"," + ENCODER.encode({STORE: store})[1:] + b"\n"
        if STORE in data or FILE in data:
            data = {f"_{name}" if name in {STORE, FILE} else name: data[name] for name in data}
        if file is not None:
            data = {**data, FILE: file}
        start = len(pending)
        try:
            ENCODER.encode_into(data, pending, -1)
        except UnicodeEncodeError:  # half of a surrogate pair: only an escape can spell it
            del pending[start:]
            pending += json.dumps(plain_json(data)).encode()
        pending[-1:] = self._ending if data else self._ending[1:]
        self._rows.append(data)
        if at is not None:
            self._times.append(at)

    def jsonl(self) -> Iterator[bytes]:
        """Yield the JSON lines in pieces."""
        self._flush()
        yield from self._lines.chunks()

    def csv(self) -> Iterator[bytes]:
        """Yield the CSV (RFC 4180, UTF-8) in pieces: a header, and a row for each record."""
        self._flush()
        names = [STORE, *self.kinds]
        yield ",".join(cells(names, frozenset({str}))).encode(errors="replace") + b"\r\n"
        borders = [start for start, _ in self._widths[1:]]
        padding = [b"," * (len(self.kinds) - width) + b"\r\n" for _, width in self._widths]
        position, span = 0, 0
        for chunk in self._sheet.chunks():
            taken = 0
            while taken < len(chunk):
                end = borders[span] - position if span < len(borders) else len(chunk)
                part = chunk[taken : min(end, len(chunk))]
                yield part.replace(_END, padding[span])
                taken += len(part)
                span += taken == end and span < len(borders)
            position += len(chunk)

    def head(self, rows: int) -> list[dict[str, object]]:
        """Return the first records as the JSON lines have them, at most `rows`."""
        self._flush()
        return [msgspec.json.decode(_valid(each)) for each in islice(self._lines.lines(), rows)]

    def columns(self) -> list[Column]:
        """Return the fields of the two files, in the order of the CSV."""
        self._flush()
        kinds = {STORE: frozenset[type]({str}), **self.kinds}
        return [Column(name, harmless(name), each) for name, each in kinds.items()]

    def _flush(self) -> None:
        """Turn the block of records into rows of the sheet, and sum it up."""
        if not self._rows:
            return
        columns = self._transposed()
        texts: list[Sequence[str]] = [
            list(cells([self._store], frozenset({str}))) * len(self._rows)
        ]
        exact = True
        for name, column in zip(self.kinds, columns, strict=True):
            kinds = frozenset(map(type, column))
            self.kinds[name] |= kinds
            exact = exact and finite(column, kinds)
            texts.append(cells(column, kinds))
        if not self._widths or self._widths[-1][1] != len(self.kinds):
            self._widths.append((self._sheet.size, len(self.kinds)))
        rows = [row.encode(errors="replace") for row in map(",".join, zip(*texts, strict=True))]
        self._sheet.write(_END.join(rows) + _END)
        if not exact:
            self._respell()
        for raw, escaped in _LINE_ENDS.items():
            if raw in self._lines.pending:
                self._lines.pending[:] = self._lines.pending.replace(raw, escaped)
        self._lines.spill_if_full()
        self._start = len(self._lines.pending)
        self._summarise()
        self._rows = []

    def _transposed(self) -> list[Sequence[object]]:
        """Return the block's columns, in the order of `kinds`, and add new fields to that."""
        names = list(self.kinds)
        if len(names) > 1 and all(len(row) == len(names) for row in self._rows):
            with suppress(KeyError):  # a row with other fields
                return list(zip(*map(itemgetter(*names), self._rows), strict=True))
        for row in self._rows:
            for name in row:
                self.kinds.setdefault(name, frozenset())
        return [[row.get(name) for row in self._rows] for name in self.kinds]

    def _respell(self) -> None:
        """Write the block's lines again: JSON has no number for infinity and not-a-number."""
        del self._lines.pending[self._start :]
        for row in self._rows:
            self._lines.pending += json.dumps(plain_json(row)).encode()
            self._lines.pending[-1:] = self._ending if row else self._ending[1:]

    def _summarise(self) -> None:
        self.count += len(self._rows)
        if not self._times:
            return
        first, last = min(self._times), max(self._times)
        self.first = first if self.first is None else min(first, self.first)
        self.last = last if self.last is None else max(last, self.last)
        local = (at.astimezone(self._zone) for at in self._times)
        self.months.update((at.year, at.month) for at in local)
        self._times = []


def _valid(line: bytes) -> bytes:
    """Return a JSON line without halves of surrogate pairs, which a page cannot show."""
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ENCODER.encode(_shown(json.loads(line)))
    return line


def _shown(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_shown(name): _shown(each) for name, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value
