"""The value that a search in text yields."""

from __future__ import annotations

from typing import NamedTuple

from dsr.model import Identifier

__all__ = ["Match"]


class Match(NamedTuple):
    """Bytes `start` to `end` of the text speak of `who`."""

    start: int
    end: int
    who: Identifier
