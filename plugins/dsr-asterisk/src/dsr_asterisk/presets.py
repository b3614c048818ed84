"""Stores that dsr has a connector for, set up as Asterisk leaves them.

An operator's own settings are laid over those in `maps/`; every setting of the connector behind
one can be given.
"""

from __future__ import annotations

from collections.abc import Mapping

from dsr.connector import Connector
from dsr.connectors import files, logs, voicemail
from dsr.settings import Context, layered
from dsr_asterisk.tables import shipped

__all__ = ["from_logs", "from_recordings", "from_voicemail"]


def from_recordings(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `asterisk-recordings`. Raises `ConfigurationError`."""
    return files.from_config(name, layered(shipped("recordings"), table), context)


def from_logs(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `asterisk-logs`. Raises `ConfigurationError`."""
    return logs.from_config(name, layered(shipped("logs"), table), context)


def from_voicemail(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `asterisk-voicemail`. Raises `ConfigurationError`."""
    spool = {"path": "/var/spool/asterisk/voicemail"}
    return voicemail.from_config(name, layered(spool, table), context)
