"""The operator's own function as a sender."""

from __future__ import annotations

import logging

import pytest

from dsr.errors import DeliveryError
from dsr.identity.senders import CallableSender, PinMessage, Sender
from tests.identity.senders.servers import PIN, assert_silent
from tests.ledger.people import PHONE

#: mypy judges whether it is a sender.
_SENDER: Sender = CallableSender(print)


def test_a_function_gets_the_whole_message() -> None:
    """It need not word anything itself; and what it gets shows nobody when it is logged."""
    taken: list[PinMessage] = []
    CallableSender(taken.append, {"de": "{pin} ({minutes} min)"}).send(PHONE, PIN, "de", 10)
    (message,) = taken
    assert message == PinMessage(PHONE, PIN, "de", 10, f"{PIN} (10 min)")
    assert PHONE[3:] not in repr(message)
    assert PIN not in repr(message)


@pytest.mark.parametrize(
    "error", [RuntimeError, DeliveryError, KeyError, UnicodeDecodeError, OSError], ids=str
)
def test_a_function_that_raises_tells_no_number(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """Law 8: its error may repeat all it got; of that only the kind of error is told."""
    caplog.set_level(logging.DEBUG)

    def fail(message: PinMessage) -> None:
        told = f"cannot send {message.text} to {message.number}"
        if error is UnicodeDecodeError:
            raise UnicodeDecodeError(told, told.encode(), 0, 1, told)
        raise error(told)

    with pytest.raises(DeliveryError, match=error.__name__) as caught:
        CallableSender(fail).send(PHONE, PIN, "en", 10)
    assert_silent(caught.value)
    assert PHONE[3:] not in caplog.text
