"""Asterisk's voicemail on disk: one record a message, whatever files it is made of.

The spool is `<context>/<mailbox>/<folder>/msgNNNN.{txt,wav,…}`, and greetings lie in the mailbox
itself. A message speaks of two parties: the mailbox's owner, found as the account
`mailbox@context` (a bare `mailbox` is one of the context `default`, as Asterisk reads it) or,
where mailboxes are named by phone numbers, as that number; and the caller, found by the numbers
and SIP addresses inside the `.txt`. An owner's messages are erased whole. A caller is taken out
of the `.txt`; the sound is the owner's message and stays until the owner's data goes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo, available_timezones

from attrs import frozen

from dsr.connectors.disk import Folder
from dsr.connectors.voicemail.connector import Voicemail
from dsr.errors import ConfigurationError
from dsr.settings import Context, settings

__all__ = ["Settings", "Voicemail", "from_config"]


@frozen
class Settings:
    """The table of a voicemail store in dsr.toml."""

    path: str  # the spool, such as /var/spool/asterisk/voicemail; relative to the configuration
    category: str = "voicemail"  # the category of its messages and greetings
    greetings: str = ""  # that of its greetings, if it is to be another one
    timezone: str = ""  # of dates that have no Unix time and are not in UTC: "Europe/Berlin"


def from_config(name: str, table: Mapping[str, object], context: Context) -> Voicemail:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    chosen = settings(Settings, table, f"stores.{name}")
    if chosen.timezone and chosen.timezone not in available_timezones():
        what = f"stores.{name}.timezone names no time zone"
        raise ConfigurationError(what, 'write one such as "Europe/Berlin"')
    zone = ZoneInfo(chosen.timezone) if chosen.timezone else dt.UTC
    folder = Folder(name, context.folder / chosen.path)
    return Voicemail(
        name, folder, chosen.category, context.region, zone, greetings=chosen.greetings
    )
