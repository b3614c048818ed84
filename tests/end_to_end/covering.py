"""What a line of Kamailio's log must look like once the caller in it is covered.

Written by hand from the log's format, without the settings that dsr is given: the caller's
words, and what the caller's telephone said with them, are covered with as many bytes; all else
stays.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final

__all__ = ["covered"]

_FROM: Final = (
    rb'call from sip:(([^@]+)@\S+) \(PAI=tel:([^,]+), name="([^"]*)"\)'
    rb".* src=([\d.]+):\d+ ua=(.*)"
)
#: What to look for, the groups that say who it is, and the groups that are then covered.
_SAID: Final = (
    (_FROM, (2, 3), (1, 3, 4, 5, 6)),
    (rb"\) to sip:([^@a-z]+)@", (1,), (1,)),
    (rb"\) to sip:(([a-z]+)@[\d.]+)", (2,), (1,)),  # a name means somebody only with its host
    (rb"src_user=([^;]*);src_domain=([^;]*);src_ip=([^;]*)", (1,), (1, 2, 3)),
    (rb"dst_ouser=([^;]*);dst_user=([^;]*)", (1,), (1, 2)),
    (rb"(?:src|dst)_user=([^;]+); ", (1,), (1,)),
    (rb"(\d+-\d+@[\d.]+\d)", (1,), (1,)),  # a call
)


def covered(line: bytes, theirs: AbstractSet[bytes]) -> bytes:
    """Return the line without the caller; `theirs` is each way to write them, and their calls."""
    text = bytearray(line)
    for pattern, who, said in _SAID:
        for told in re.finditer(pattern, line):
            if not theirs.isdisjoint(told[group] for group in who):
                for group in said:
                    start, end = told.span(group)
                    text[start:end] = re.sub(rb"[0-9A-Za-z\x80-\xff]", b"x", line[start:end])
    return bytes(text)
