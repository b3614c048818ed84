"""One-time PINs: sent to the number on file, random, short-lived, single use, hard to guess."""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Callable
from typing import Any, Final, TypeVar

import pyotp
from attrs import Attribute, field, frozen

from dsr.errors import DeliveryError, NotVerified
from dsr.identity.grant import Verified, issue
from dsr.identity.senders import Sender
from dsr.ledger import Ledger, Limits
from dsr.model import Request

__all__ = ["OneTimePin", "limit_reached"]

T = TypeVar("T")

METHOD: Final = "one-time PIN"
_SECRET: Final = 20  # bytes, as RFC 4226 recommends
_COUNTER: Final = 0  # every secret is used for one PIN


def _between(low: int, high: int) -> Callable[[object, Attribute[Any], int], None]:
    def check(_: object, attribute: Attribute[Any], value: int) -> None:
        if not low <= value <= high:
            msg = f"{attribute.name} is a whole number from {low} to {high}"
            raise ValueError(msg)

    return check


@frozen
class OneTimePin:
    """Verifies that whoever makes a request can read messages to the number on file.

    `digits` of a PIN (6 to 8); `minutes` that it is valid (1 to 10). Too many are: `attempts`
    failures for one PIN; `per_number` failures, or PINs sent, a day (UTC) for one number;
    `per_source` failures, or PINs asked for, a day from one source; `overall` failures a day for
    all numbers; `hard` failures in a row for one number (at most 100, NIST SP 800-63B-4), after
    which a person decides. A new PIN keeps all counts but the first. Raises `ValueError`.

    It proves no more than that: not who, among several, uses a shared line, and nothing at all
    after a number has been taken over. What a source is, such as a client's address, the backend
    says; without one `per_source` limits nothing.
    """

    sender: Sender
    digits: int = field(default=6, validator=_between(6, 8))
    minutes: int = field(default=10, validator=_between(1, 10))
    attempts: int = field(default=5, validator=_between(1, 10))
    per_number: int = field(default=10, validator=_between(1, 100))
    per_source: int = field(default=20, validator=_between(1, 100_000))
    overall: int = field(default=1_000, validator=_between(1, 1_000_000))
    hard: int = field(default=50, validator=_between(1, 100))

    @property
    def limits(self) -> Limits:
        """The limits that the ledger counts by."""
        return Limits(
            attempts=self.attempts,
            per_number=self.per_number,
            per_source=self.per_source,
            overall=self.overall,
            hard=self.hard,
        )

    def challenge(
        self,
        ledger: Ledger,
        request: Request,
        number: str | None,
        now: dt.datetime,
        why: str = "no number on file",
        *,
        source: str = "",
    ) -> None:
        """Send a fresh PIN to `number` (E.164), the one on file; earlier PINs are void.

        For None, no number on file that a PIN may go to, it does the same except for sending, so
        that its result tells a stranger nothing (law.md rule 11); the audit trail has `why`.
        `source` is who asks, such as a client's address; empty if unknown. Handing a message over
        takes time, and can fail: a public form answers before it calls this. Raises `NotVerified`
        when a limit is reached, `DeliveryError`, `RequestNotFound`, and `RequestError` for a
        closed request.
        """
        asked = ledger.subject(request.id).identifiers[0].value
        secret = base64.b32encode(secrets.token_bytes(_SECRET)).decode()
        pin = pyotp.HOTP(secret, digits=self.digits).at(_COUNTER)
        saved = ledger.save_challenge(
            request.id,
            secret=secret,
            number=number or asked,
            real=number is not None,
            expires=now + dt.timedelta(minutes=self.minutes),
            limits=self.limits,
            at=now,
            source=source,
        )
        if not saved:
            raise limit_reached()
        event = why
        try:
            if number is not None:
                event = "challenge not sent"
                self._send(number, pin, request.language)
                event = "challenge sent"
        finally:
            ledger.audit(event, at=now, request=request.id, note=METHOD)

    def _send(self, number: str, pin: str, language: str) -> None:
        try:
            self.sender.send(number, pin, language, self.minutes)
        except DeliveryError:
            raise
        except Exception as error:  # noqa: BLE001  (a sender of others; its text may hold anything)
            what = f"the sender of PINs ended with an unexpected {type(error).__name__}"
            raise DeliveryError(what, "look at the sender of [identity.one-time-pin]") from None

    def verify(
        self, ledger: Ledger, request: Request, pin: str, now: dt.datetime, *, source: str = ""
    ) -> Verified:
        """Return the grant for `request` if `pin` is the one that was sent; raises as `check`."""
        return self.check(
            ledger, request, pin, now, lambda: issue(ledger, request, METHOD, now), source=source
        )

    def check(
        self,
        ledger: Ledger,
        request: Request,
        pin: str,
        now: dt.datetime,
        then: Callable[[], T],
        *,
        source: str = "",
    ) -> T:
        """Return what `then` returns if `pin` is the one that was sent, and use it up with it.

        `source` is who guesses, as for `challenge`. Raises `NotVerified`: with one text for a
        wrong, expired, used or never sent PIN, with another when a limit is reached, whichever
        it is. Raises `RequestNotFound`.
        """
        attempt = ledger.take_attempt(request.id, self.limits, now, source)
        if attempt == "limit":
            raise limit_reached()
        guess = "".join(pin.split())
        if attempt != "none" and guess.isdecimal():
            equal = pyotp.HOTP(attempt.secret, digits=self.digits).verify(guess, _COUNTER)
            if equal and attempt.real:
                with ledger.transaction():  # if another was first, the PIN is used up
                    if ledger.redeem(request.id, attempt.serial, now, source):
                        return then()
        ledger.audit("verification failed", at=now, request=request.id, note=METHOD)
        what = "the PIN is not right, or no longer valid"
        raise NotVerified(what, "check it, or ask for a new one")


def limit_reached() -> NotVerified:
    """Return the error of a limit: one text, whichever was reached, and another way (rule 44)."""
    what = "the limit is reached"
    fix = (
        "offer another way to verify, such as the customer's login or a code by letter to the "
        "address on file; the request stands"
    )
    return NotVerified(what, fix)
