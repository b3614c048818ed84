"""What a sender is, and what all of ours need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, Protocol, Self

from attrs import Attribute, field, frozen

from dsr.errors import DeliveryError
from dsr.identity.messages import message

__all__ = ["FIX", "LOOPBACK", "PinMessage", "Sender", "environment", "patience"]

#: What to do about most failures.
FIX: Final = "try again; if it goes on, look at the sender of [identity.one-time-pin]"
#: Hosts that are this machine: what goes there needs no encryption.
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SHORTEST: Final = 0.1  # seconds
_LONGEST: Final = 60


class Sender(Protocol):
    """Hands a one-time PIN over. A frozen value, safe to share between threads."""

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Send `pin`, valid for `minutes`, to `number` (E.164), worded in `language`.

        Raises `DeliveryError` when it was not handed over; its text has neither number nor PIN.
        Keeps and logs neither.
        """


@frozen
class PinMessage:
    """A one-time PIN for a person: `text` is the whole message, ready to send to `number`."""

    number: str = field(repr=False)
    pin: str = field(repr=False)
    language: str
    minutes: int
    text: str = field(repr=False)

    @classmethod
    def of(
        cls, number: str, pin: str, language: str, minutes: int, texts: Mapping[str, str]
    ) -> Self:
        """Return the message in the operator's own `texts`, or in ours."""
        return cls(number, pin, language, minutes, message(pin, language, minutes, texts))


def environment(variable: str) -> str:
    """Return what an environment variable holds; raises `DeliveryError` if it is not set."""
    value = os.environ.get(variable)
    if value is None:
        what = f"the environment variable {variable} of the sender of PINs is not set"
        raise DeliveryError(what, "set it")
    return value


def patience(_: object, attribute: Attribute[Any], seconds: float) -> None:
    """Raise `ValueError` unless `seconds` are a time that one waits for an answer."""
    if not _SHORTEST <= seconds <= _LONGEST:
        msg = f"{attribute.name} is a number of seconds from 1 to {_LONGEST}"
        raise ValueError(msg)
