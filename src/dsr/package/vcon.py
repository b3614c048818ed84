"""A vCon (IETF draft-ietf-vcon-vcon-core) beside a recording: who spoke, when, in which file."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from dsr.model import Record

__all__ = ["vcon"]

_PHONE: Final = re.compile(r"(?:tel:)?(\+[1-9][0-9]{4,14})")
_SIP: Final = re.compile(r"sips?:[^\s<>\"]+@[^\s<>\"]+")
_DURATIONS: Final = ("duration", "billsec")


def vcon(record: Record, *, file: str, mediatype: str, sha512: bytes, made: dt.datetime) -> bytes:
    """Return the vCon of a recording that began at `record.at`, which must be known.

    `file` is the name of the file beside it; `sha512` its digest. The same recording gives the
    same vCon: its UUID (version 8) is drawn from the digest and the record's key.
    """
    if record.at is None:
        msg = "a vCon needs the time at which the conversation began"
        raise ValueError(msg)
    parties = list(_parties(record))
    dialog: dict[str, object] = {
        "type": "recording",
        "start": record.at,
        "parties": list(range(len(parties))),
        "mediatype": mediatype,
        "filename": file,
        "content_hash": "sha512-" + base64.urlsafe_b64encode(sha512).rstrip(b"=").decode(),
    }
    duration = next((record.data[each] for each in _DURATIONS if each in record.data), None)
    if isinstance(duration, int | float | Decimal) and duration >= 0:
        dialog["duration"] = duration if isinstance(duration, int) else float(duration)
    content = {
        "uuid": str(_uuid(sha512 + record.key.encode(errors="surrogateescape"))),
        "created_at": made,
        "parties": parties,
        "dialog": [dialog],
        "analysis": [],
        "attachments": [],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _parties(record: Record) -> Iterator[dict[str, str]]:
    """Yield each phone number and SIP address that the record's fields hold, once."""
    seen = set[str]()
    linked = [each.value for each in record.links if each.kind in {"phone", "sip"}]
    for value in [*record.data.values(), *linked]:
        if not isinstance(value, str) or value in seen:
            continue
        seen.add(value)
        if phone := _PHONE.fullmatch(value):
            yield {"tel": f"tel:{phone[1]}"}
        elif _SIP.fullmatch(value):
            yield {"sip": value}


def _uuid(source: bytes) -> uuid.UUID:
    """Return a version 8 UUID (RFC 9562) drawn from `source`."""
    bits = int.from_bytes(hashlib.sha256(source).digest()[:16])
    bits = bits & ~(0xF << 76) | 0x8 << 76  # the version
    bits = bits & ~(0x3 << 62) | 0x2 << 62  # the variant
    return uuid.UUID(int=bits)
