"""The messages that `FileSender` wrote, as the person who receives them sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import frozen


@frozen
class Post:
    """The file that messages arrive in."""

    path: Path

    def messages(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]

    def pin(self) -> str:
        """Return the PIN that arrived last."""
        return str(self.messages()[-1]["pin"])

    def wrong(self) -> str:
        """Return a PIN that is not the last."""
        pin = self.pin()
        return f"{(int(pin) + 1) % 10 ** len(pin):0{len(pin)}}"
