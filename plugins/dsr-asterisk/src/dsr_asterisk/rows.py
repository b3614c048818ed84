"""Rows of comma-separated files as Asterisk writes them: fields, and where they stand.

A field is quoted, with quotes in it doubled, or bare (numbers, and times that never came). A row
that breaks off inside a quoted field ends there. Columns are those of cdr_csv.c (with the
optional ones of cdr.conf) or of the sample of cel_custom.conf. The log of queues has bars
between its fields, and no quotes.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from attrs import frozen

__all__ = ["CEL", "Cell", "Kind", "Row", "columns_of", "is_filler", "parse"]

Kind = Literal["cdr", "cel", "queue_log"]

#: cdr_csv.c, build_csv_record.
_CDR: Final = (
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
)
_NEW: Final = ("peeraccount", "linkedid", "sequence")  # newcdrcolumns
#: cel_custom.conf, the sample's Master.csv.
CEL: Final = (
    "eventtype",
    "eventtime",
    "cid_name",
    "cid_num",
    "cid_ani",
    "cid_rdnis",
    "cid_dnid",
    "exten",
    "context",
    "channame",
    "appname",
    "appdata",
    "amaflags",
    "accountcode",
    "uniqueid",
    "linkedid",
    "peer",
    "userfield",
    "userdeftype",
    "extra",
)
#: The log of queues; what follows belongs to the event (logger.c, ast_queue_log).
_QUEUE: Final = ("time", "callid", "queuename", "agent", "event")
_CELL: Final = re.compile(rb'"((?:[^"]|"")*)"?|([^,]*)')
_UNIQUE: Final = re.compile(r"(?:[\w.-]+-)?\d{9,}\.\d+")
_WHOLE: Final = frozenset({"duration", "billsec", "sequence"})
_TIMES: Final = frozenset({"start", "answer", "end", "eventtime", "time"})


class Cell(NamedTuple):
    """A field: what it says, and the bytes of the line between its quotes."""

    text: str
    start: int
    end: int


@frozen
class Row:
    """The fields of one line, by column."""

    cells: Mapping[str, Cell]

    def data(self, zone: zoneinfo.ZoneInfo) -> dict[str, object]:
        """Return the values as a record holds them: text, whole numbers, aware times."""
        return {name: _value(name, cell.text, zone) for name, cell in self.cells.items()}


def parse(line: bytes, kind: Kind, columns: Sequence[str]) -> Row | None:
    """Return the row that a line is; None if it has other columns than it should.

    `columns` are the file's; when empty, they are known by `kind` and how many there are.
    """
    cells = _barred(line) if kind == "queue_log" else _cells(line)
    names = columns or columns_of(kind, [each.text for each in cells])
    if not names or len(names) != len(cells):
        return None
    return Row(dict(zip(names, cells, strict=True)))


def columns_of(kind: Kind, texts: Sequence[str]) -> Sequence[str]:
    """Return the columns of a row with these fields; empty if no setting writes such a row."""
    if kind == "cel":
        return CEL if len(texts) == len(CEL) else ()
    if kind == "queue_log":
        data = [f"data{number}" for number in range(1, len(texts) - len(_QUEUE) + 1)]
        return (*_QUEUE, *data) if len(texts) >= len(_QUEUE) else ()
    more = len(texts) - len(_CDR)
    new = _NEW if more >= len(_NEW) else ()
    match more - len(new):
        case 0:
            return (*_CDR, *new)
        case 1:  # loguniqueid or loguserfield: only a uniqueid looks like one
            name = "uniqueid" if _UNIQUE.fullmatch(texts[len(_CDR)]) else "userfield"
            return (*_CDR, name, *new)
        case 2:
            return (*_CDR, "uniqueid", "userfield", *new)
    return ()


def is_filler(text: str) -> bool:
    """Return whether nothing is left to redact: only `x`, spaces and punctuation."""
    return not any(each != "x" and (each.isalnum() or not each.isascii()) for each in text)


def _cells(line: bytes) -> list[Cell]:
    cells = []
    at = 0
    while True:
        found = _CELL.match(line, at)
        assert found is not None  # noqa: S101  (the second alternative matches anything)
        group = 1 if found[1] is not None else 2
        text = found[group].decode("utf-8", "surrogateescape").replace('""', '"')
        cells.append(Cell(text, *found.span(group)))
        at = line.find(b",", found.end())
        if at < 0:
            return cells
        at += 1


def _barred(line: bytes) -> list[Cell]:
    cells, start = [], 0
    for piece in line.split(b"|"):
        cells.append(Cell(piece.decode("utf-8", "surrogateescape"), start, start + len(piece)))
        start += len(piece) + 1
    return cells


def _value(name: str, text: str, zone: zoneinfo.ZoneInfo) -> object:
    if name in _TIMES:
        return _time(text, zone) or _clean(text)
    if name in _WHOLE and text.isascii() and text.isdigit():
        return int(text)
    return _clean(text)


def _clean(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _time(text: str, zone: zoneinfo.ZoneInfo) -> dt.datetime | None:
    try:
        if re.fullmatch(r"\d{9,10}(?:\.\d{1,6})?", text):
            whole, _, fraction = text.partition(".")
            seconds = dt.datetime.fromtimestamp(int(whole), dt.UTC)
            return seconds.replace(microsecond=int(fraction.ljust(6, "0")))
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
