"""Records to the ZIP that a person receives, and the letters that go with an answer."""

from dsr.package.cover import Cover
from dsr.package.encrypt import Encrypted, encrypted, new_passphrase
from dsr.package.forwarding import Handover
from dsr.package.letters import (
    decided,
    doubted,
    extension,
    forwarded,
    lifting,
    no_data,
    not_identifiable,
    refusal,
    reminder,
)
from dsr.package.notices import Act, notice
from dsr.package.package import Package
from dsr.package.receipts import letter
from dsr.package.save import File, save, save_text
from dsr.package.wording import worded

__all__ = [
    "Act",
    "Cover",
    "Encrypted",
    "File",
    "Handover",
    "Package",
    "decided",
    "doubted",
    "encrypted",
    "extension",
    "forwarded",
    "letter",
    "lifting",
    "new_passphrase",
    "no_data",
    "not_identifiable",
    "notice",
    "refusal",
    "reminder",
    "save",
    "save_text",
    "worded",
]
