"""The command line as support calls it: a process of its own for every command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

__all__ = ["Cli", "Done"]

_PATIENCE = 300  # seconds for one command on a busy machine


@frozen
class Done:
    """What one command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@define
class Cli:
    """Runs `dsr` with one configuration; `said` is all that it ever printed."""

    config: Path
    environment: Mapping[str, str]
    said: list[str] = field(factory=list, init=False)

    def __call__(self, *words: str, stdin: str = "") -> Done:
        """Run one command with `--json`."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "dsr", *words, "--config", self.config, "--json"],
            input=stdin,
            env=self.environment,
            cwd=self.config.parent,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        self.said += [done.stdout, done.stderr]
        return Done(done.returncode, done.stdout, done.stderr)

    def opened(self, right: str, *who: str) -> str:
        """Open a request and send its PIN; return its id."""
        request = str(self("open", right, *who).document["request"])
        assert self("challenge", request).code == 0
        return request

    def verify(self, request: str) -> Done:
        """Verify a request with the PIN that was sent last."""
        return self("verify", request, stdin=self.pin() + "\n")

    def pin(self) -> str:
        """Return the PIN that was sent last."""
        sent = (self.config.parent / "pins.jsonl").read_text("utf-8").splitlines()
        return str(json.loads(sent[-1])["pin"])
