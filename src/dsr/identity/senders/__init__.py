"""How a one-time PIN reaches a person: the senders that come with dsr, and what another must do."""

from __future__ import annotations

from dsr.identity.senders.calls import Call, CallSender
from dsr.identity.senders.gateway import WebhookSender
from dsr.identity.senders.hooks import CallableSender
from dsr.identity.senders.mail import SmtpSender
from dsr.identity.senders.sender import PinMessage, Sender
from dsr.identity.senders.spool import ConsoleSender, FileSender

__all__ = [
    "Call",
    "CallSender",
    "CallableSender",
    "ConsoleSender",
    "FileSender",
    "PinMessage",
    "Sender",
    "SmtpSender",
    "WebhookSender",
]
