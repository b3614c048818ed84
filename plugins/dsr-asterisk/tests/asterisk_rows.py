"""Rows of Master.csv, CEL and queue_log files, written as Asterisk writes them."""

from __future__ import annotations

import datetime as dt
from typing import Final

from dsr.model import Identifier

__all__ = ["ALICE", "ALICE_DESK", "BOB", "BOB_DESK", "START", "cdr_row", "quoted"]

ALICE: Final = Identifier("phone", "+4930901820")
#: One digit more than Alice's number: who looks sloppily takes one for the other.
BOB: Final = Identifier("phone", "+49309018200")
ALICE_DESK: Final = Identifier("sip", "1001")
BOB_DESK: Final = Identifier("sip", "10010")
START: Final = dt.datetime(2026, 3, 5, 12, 30, 15)  # noqa: DTZ001  (as Asterisk writes it)


def quoted(*values: object) -> str:
    """Return a row as cdr_csv.c writes it: texts quoted, numbers bare, no time as nothing."""
    cells = []
    for each in values:
        if isinstance(each, int):
            cells.append(str(each))
        elif each is None:
            cells.append("")
        else:
            cells.append('"' + str(each).replace('"', '""') + '"')
    return ",".join(cells)


def cdr_row(
    number: int,
    src: str,
    dst: str,
    *more: object,
    name: str = "",
    channel: str = "",
    dstchannel: str = "",
    lastdata: str = "",
) -> str:
    """Return a row of Master.csv; `more` are the columns that cdr.conf switches on."""
    start = START + dt.timedelta(minutes=number)
    return quoted(
        "",
        src,
        dst,
        "from-internal",
        f'"{name}" <{src}>' if src else "",
        channel or (f"PJSIP/{src}-{number:08x}" if src else ""),
        dstchannel or (f"PJSIP/{dst}-{number + 1:08x}" if dst else ""),
        "Dial",
        lastdata,
        str(start),
        str(start) if number % 2 else None,
        str(start + dt.timedelta(seconds=60)),
        60,
        50,
        "ANSWERED",
        "DOCUMENTATION",
        *more,
    )
