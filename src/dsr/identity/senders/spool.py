"""Senders that send nothing: for trying things out, for development and for tests."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
from attrs import field, frozen

from dsr.errors import DeliveryError
from dsr.identity.messages import fitting, message
from dsr.identity.senders.sender import PinMessage

__all__ = ["ConsoleSender", "FileSender"]


@frozen
class ConsoleSender:
    """Writes the message to standard error: for trying things out, never for a service."""

    texts: Mapping[str, str] = field(factory=dict, validator=fitting)

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:  # noqa: ARG002  (nobody else reads along)
        """Write the message, without the number."""
        print(message(pin, language, minutes, self.texts), file=sys.stderr)  # noqa: T201  (that is its job)


@frozen
class FileSender:
    """Appends a JSON line to a file that only its owner can read: for development and tests."""

    path: Path
    texts: Mapping[str, str] = field(factory=dict, validator=fitting)

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Append `{"number", "pin", "language", "minutes", "text"}`."""
        document = attrs.asdict(PinMessage.of(number, pin, language, minutes, self.texts))
        line = json.dumps(document, ensure_ascii=False) + "\n"
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.fchmod(file, 0o600)
                os.write(file, line.encode())
            finally:
                os.close(file)
        except OSError as error:
            what = f"the file for PINs cannot be written ({error.strerror})"
        else:
            return
        raise DeliveryError(what, "check its folder and permissions")
