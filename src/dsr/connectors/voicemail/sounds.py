"""Sounds without sound: a file of the same format that holds nothing."""

from __future__ import annotations

from typing import Final

__all__ = ["HEADER", "silent"]

#: What the header of a sound takes at most (bytes). A file that is no longer holds no sound.
HEADER: Final = 60
_SIZE: Final = 4  # bytes of a length in RIFF, little-endian


def silent(head: bytes) -> bytes:
    """Return the file that holds no sound, of the format of the file that begins with `head`.

    RIFF (`.wav`, `.WAV`) keeps its description of the format, with no data behind it; formats
    without a header become empty.
    """
    data = head.find(b"data", 12)
    if not head.startswith(b"RIFF") or data < 0 or data + 8 > HEADER:
        return b""
    kept = head[: data + 4] + bytes(_SIZE)
    return kept[:4] + (len(kept) - 8).to_bytes(_SIZE, "little") + kept[8:]
