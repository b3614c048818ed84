"""Stores that dsr has a connector for, set up as FusionPBX and FreeSWITCH leave them.

An operator's own settings are laid over those in `maps/`; every setting of the connector behind
one can be given.
"""

from __future__ import annotations

from collections.abc import Mapping

from dsr.connector import Connector
from dsr.connectors import files, logs
from dsr.settings import Context, layered
from dsr_fusionpbx.tables import shipped

__all__ = ["from_csv", "from_logs", "from_recordings"]


def from_recordings(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `fusionpbx-recordings`. Raises `ConfigurationError`."""
    return files.from_config(name, layered(shipped("recordings"), table), context)


def from_logs(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `freeswitch-logs`. Raises `ConfigurationError`."""
    return logs.from_config(name, layered(shipped("logs"), table), context)


def from_csv(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `freeswitch-csv`. Raises `ConfigurationError`."""
    return logs.from_config(name, layered(shipped("csv"), table), context)
