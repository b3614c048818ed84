"""Who makes a request? One-time PINs to the number on file, and the grant that they lead to."""

from __future__ import annotations

from dsr.identity.config import from_config
from dsr.identity.grant import Verified, check, granted
from dsr.identity.pin import OneTimePin
from dsr.identity.proofs import Assertion, Code, Decision, SipAnswer, StandingPin
from dsr.identity.senders import (
    Call,
    CallableSender,
    CallSender,
    ConsoleSender,
    FileSender,
    PinMessage,
    Sender,
    SmtpSender,
    WebhookSender,
)

__all__ = [
    "Assertion",
    "Call",
    "CallSender",
    "CallableSender",
    "Code",
    "ConsoleSender",
    "Decision",
    "FileSender",
    "OneTimePin",
    "PinMessage",
    "Sender",
    "SipAnswer",
    "SmtpSender",
    "StandingPin",
    "Verified",
    "WebhookSender",
    "check",
    "from_config",
    "granted",
]
