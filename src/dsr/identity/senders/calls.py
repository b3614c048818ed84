"""Calls: the code is spoken to a person, and never to their voicemail.

A mailbox answers as a person does; who gets into it would hear the code (law.md rule 43). So the
code is spoken once digits were pressed that the call has just asked for. They differ from call
to call, and the first ones count: a mailbox whose greeting plays tones does not know them, and
cannot play them all.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from threading import Lock
from typing import Final

from attrs import define, field, frozen

from dsr.errors import DeliveryError
from dsr.identity.messages import greeting, spoken, voice
from dsr.identity.senders.sender import FIX

__all__ = ["Call", "CallSender", "new_key"]

_DIGITS: Final = 3  # whoever guesses is right once in a thousand calls


def new_key() -> str:
    """Return the digits that one call asks for."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


@define(eq=False)
class _Locked:
    """A text, and the one chance to unlock it."""

    _key: str
    _text: str
    _lock: Lock = field(factory=Lock, init=False)
    _over: bool = field(default=False, init=False)
    released: bool = field(default=False, init=False)

    def release(self, keys: str) -> str | None:
        """Return the text if this is the first try, it is right, and the call goes on."""
        with self._lock:
            right = not self._over and "".join(keys.split()) == self._key
            self._over = True
            self.released = self.released or right
            return self._text if right else None

    def end(self) -> bool:
        """Release nothing any more; return whether the text was."""
        with self._lock:
            self._over = True
            return self.released


@frozen(eq=False)
class Call:
    """A call to place: dial `number`, say `greeting`, wait for the `digits` keys it asks for.

    Then say what `press` returns for them. `language` (`en`, `de` or `fr`) is the one of both
    texts: choose the voice by it.
    """

    number: str = field(repr=False)
    language: str
    greeting: str = field(repr=False)
    digits: int
    _locked: _Locked = field(repr=False)

    def press(self, keys: str) -> str | None:
        """Return what to say once `keys` were pressed: the code, digit by digit; else None.

        None for other keys than those that the greeting asks for, and from then on, and once the
        call is over: say nothing, and hang up.
        """
        return self._locked.release(keys)


@frozen
class CallSender:
    """Has `place` make each call: it returns when the call is over, and raises if it fails.

    It may be called by several threads at once.
    """

    place: Callable[[Call], object]

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Make the call. Raises `DeliveryError` unless the right keys were pressed meanwhile."""
        key, kind = new_key(), ""
        locked = _Locked(key, spoken(pin, language, minutes))
        call = Call(number, voice(language), greeting(key, language), len(key), locked)
        try:
            self.place(call)
        except Exception as error:  # noqa: BLE001  (of others: its text may hold anything)
            kind = type(error).__name__
        heard = locked.end()
        if kind:  # outside of the handler: an error that is chained could be shown, too
            what = f"the function that places calls ended with {kind}"
            raise DeliveryError(what, FIX)
        if not heard:
            what = "nobody pressed the keys that the call asked for: the code was not spoken"
            raise DeliveryError(what, "call again when the person can answer")
