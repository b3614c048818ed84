"""A sender that is the operator's own function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import field, frozen

from dsr.errors import DeliveryError
from dsr.identity.messages import fitting
from dsr.identity.senders.sender import FIX, PinMessage

__all__ = ["CallableSender"]


@frozen
class CallableSender:
    """Gives each message to `function`, which sends `message.text` to `message.number`.

    The function returns once the message is handed over, and raises when it is not. It may be
    called by several threads at once. `texts` are the operator's own, by language.
    """

    function: Callable[[PinMessage], object]
    texts: Mapping[str, str] = field(factory=dict, validator=fitting)

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        """Call the function. `DeliveryError` tells the kind of what it raises, nothing else."""
        message = PinMessage.of(number, pin, language, minutes, self.texts)
        try:
            self.function(message)
        except Exception as error:  # noqa: BLE001  (of others: its text may hold anything)
            kind = type(error).__name__
        else:
            return
        # outside of the handler: an error that is chained could be shown, too
        what = f"the function that sends PINs ended with {kind}"
        raise DeliveryError(what, FIX)
