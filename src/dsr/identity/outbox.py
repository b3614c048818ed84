"""Sends the PINs that wait in the ledger's outbox: after the answer, by any process."""

from __future__ import annotations

import datetime as dt
import json
import math
import time
from typing import Any, Final

from attrs import frozen

from dsr.errors import DeliveryError
from dsr.identity.senders import Sender
from dsr.ledger import Ledger, Message
from dsr.report import canonical

__all__ = ["Posted", "document", "post"]

_METHOD: Final = "one-time PIN"
_MINUTE: Final = dt.timedelta(minutes=1)


@frozen
class Posted:
    """How many messages were `sent`, `failed` and go on waiting, and were `dropped`.

    Those dropped had expired, or failed for the third time. What went to nobody is not counted.
    `reasons` are why messages failed, each once.
    """

    sent: int
    failed: int
    dropped: int
    reasons: tuple[str, ...] = ()


def document(number: str, pin: str, language: str) -> bytes:
    """Return what to `put` into the outbox for `post` to send; `number` is E.164."""
    return canonical({"number": number, "pin": pin, "language": language})


def post(ledger: Ledger, sender: Sender, now: dt.datetime) -> Posted:
    """Send what waits, each message once; what fails is tried again by the next call.

    It takes as long as the sender takes for all of them. Several processes or threads may call
    it at once, and share the work. The audit trail tells what became of each.
    """
    start = time.monotonic()
    sent, dropped = 0, ledger.expire(now)
    failures: dict[str, list[Message]] = {}
    moment = now
    try:
        while claimed := ledger.claim(moment, most=1):
            for message in claimed:
                failure = _send(sender, message, moment)
                # sending takes time, in which a PIN gets old
                moment = now + dt.timedelta(seconds=time.monotonic() - start)
                if failure:
                    failures.setdefault(failure, []).append(message)
                else:
                    sent += _settle(ledger, message, moment)
    finally:  # only now: this call must not claim them again
        failed = [each for messages in failures.values() for each in messages]
        again = [_failed(ledger, message, moment) for message in failed]
    kept = sum(again)
    return Posted(sent, kept, dropped + len(failed) - kept, tuple(failures))


def _send(sender: Sender, message: Message, now: dt.datetime) -> str:
    """Send a message; return why it failed, or nothing."""
    if message.document is None:
        return ""
    given: dict[str, Any] = json.loads(message.document)
    minutes = max(1, math.ceil((message.expires - now) / _MINUTE))
    try:
        sender.send(given["number"], given["pin"], given["language"], minutes)
    except DeliveryError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (a sender of others; its text may hold anything)
        return f"the sender of PINs ended with an unexpected {type(error).__name__}"
    return ""


def _settle(ledger: Ledger, message: Message, now: dt.datetime) -> int:
    """Forget a message that is sent; return how many people it went to."""
    with ledger.transaction():
        ledger.sent(message.number)
        if message.document is None:
            return 0
        ledger.audit("challenge sent", at=now, request=message.request, note=_METHOD)
    return 1


def _failed(ledger: Ledger, message: Message, now: dt.datetime) -> bool:
    with ledger.transaction():
        ledger.audit("challenge not sent", at=now, request=message.request, note=_METHOD)
        return ledger.failed(message.number, now)
