"""Every exception that dsr raises on purpose.

The tree::

    DsrError
    ├── ConfigurationError        dsr.toml or a policy is wrong: names the key and the fix
    │   └── PolicyError           the policy may not run: against the law, or undecided
    ├── InputError                what the caller passed cannot be used
    │   ├── InvalidIdentifier     not a phone number, SIP address, e-mail address, ...
    │   └── UnknownRight          not one of the rights of GDPR Arts. 7(3), 15 to 21
    ├── RequestError              the request is not in a state that allows this
    │   ├── RequestNotFound       no request has this id
    │   ├── NotVerified           the person's identity is not verified
    │   └── NotConfirmed          no confirmation token, or not the token of the last plan
    ├── NotAllowed                whoever of the staff acts has not the role for it
    ├── StoreError                a store did not do what was asked
    │   ├── StoreUnavailable      nothing in it can be reached now; trying more keys is useless
    │   └── Refused               it answers, and refuses these records; others may work
    ├── DeliveryError             a PIN or a package could not be handed over
    └── LedgerError               the ledger cannot be used
        └── AuditBroken           the audit chain or a receipt's signature does not verify

A message says what happened, to which store or request, and what to do next. It never says
to which person: no identifier, record key or field value appears in any of them.
"""

from __future__ import annotations

__all__ = [
    "AuditBroken",
    "ConfigurationError",
    "DeliveryError",
    "DsrError",
    "InputError",
    "InvalidIdentifier",
    "LedgerError",
    "NotAllowed",
    "NotConfirmed",
    "NotVerified",
    "PolicyError",
    "Refused",
    "RequestError",
    "RequestNotFound",
    "StoreError",
    "StoreUnavailable",
    "UnknownRight",
]


class DsrError(Exception):
    """Base of everything dsr raises on purpose.

    `what` happened, and the `fix`: what the reader can do next (may be empty). `str()` joins
    the two in one line.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        """Both texts are shown to people and logged: neither may hold personal data."""
        super().__init__(what, fix)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        """Return the message in one line."""
        return f"{self.what}: {self.fix}" if self.fix else self.what


class ConfigurationError(DsrError):
    """The configuration or a policy is wrong; the message names the key and the fix."""


class PolicyError(ConfigurationError):
    """The policy promises what the law forbids, or leaves open what a person must decide."""


class InputError(DsrError):
    """What the caller passed cannot be used; nothing was changed."""


class InvalidIdentifier(InputError):
    """An identifier is malformed. The message never repeats it."""


class UnknownRight(InputError):
    """The right is none of those of GDPR Arts. 7(3) and 15 to 21."""


class RequestError(DsrError):
    """The request's state does not allow this; nothing was changed."""


class RequestNotFound(RequestError):
    """The ledger holds no request of this id."""


class NotVerified(RequestError):
    """The person behind the request is not verified (GDPR Art. 12(6))."""


class NotConfirmed(RequestError):
    """A request that writes needs the confirmation token of its last plan."""


class NotAllowed(DsrError):
    """Whoever of the staff acts has not the role for it; nothing was changed."""


class StoreError(DsrError):
    """A store did not do what was asked. Raised by connectors, mapped from foreign errors.

    `store` is the store's name in the policy.
    """

    def __init__(self, store: str, what: str, fix: str = "") -> None:
        """Start the message with the store's name."""
        super().__init__(f"store {store}: {what}", fix)
        self.store = store
        self.args = (store, what, fix)  # so that it survives pickling from a worker


class StoreUnavailable(StoreError):
    """The store as a whole cannot be used now: down, table or bucket missing, no login."""


class Refused(StoreError):
    """The store refuses these records (or one of them); others may well work."""


class DeliveryError(DsrError):
    """A PIN or a package could not be handed over."""


class LedgerError(DsrError):
    """The ledger cannot be opened, or its schema is not this version's."""


class AuditBroken(LedgerError):
    """The audit chain or a receipt's signature does not verify."""
