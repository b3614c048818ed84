"""Who makes a request? One-time PINs to the number on file, and the grant that they lead to."""

from __future__ import annotations

from dsr.identity.config import from_config
from dsr.identity.grant import Verified, check, granted
from dsr.identity.pin import OneTimePin
from dsr.identity.senders import ConsoleSender, FileSender, Sender, WebhookSender

__all__ = [
    "ConsoleSender",
    "FileSender",
    "OneTimePin",
    "Sender",
    "Verified",
    "WebhookSender",
    "check",
    "from_config",
    "granted",
]
