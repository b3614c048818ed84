"""What is wrong with a policy: one sentence about one setting, with its source in law."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

__all__ = ["Problem"]


@frozen
class Problem:
    """A sentence about one setting (`place`, as it stands in the file), and its `source` in law."""

    kind: Literal["error", "warning"]
    place: str
    text: str
    source: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.place}: {self.text} ({self.source})"
