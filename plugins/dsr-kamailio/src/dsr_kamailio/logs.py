r"""`connector = "kamailio-logs"`: the log of Kamailio, as its accounting module writes it.

The `logs` connector with the expressions for accounting lines (caller and callee, with their
domains) and for the call id. What the routing script itself writes (`xlog`) is the operator's:
`sides` of theirs come to those of the plugin.

::

    [stores.log]
    connector = "kamailio-logs"
    path = "/var/log/kamailio"
    category = "logs"
    timezone = "UTC"
    sides = ['call from sips?:(?P<sip>(?P<phone>[^@\s]+)@\S+) .* src=(?P<ip>[0-9.]+):']
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources

from dsr.connectors.logs import Logs
from dsr.connectors.logs import from_config as logs_from_config
from dsr.settings import Context, layered

__all__ = ["from_config"]


def from_config(name: str, table: Mapping[str, object], context: Context) -> Logs:
    """Return the store that `[stores.NAME]` describes. Raises `ConfigurationError`."""
    text = resources.files("dsr_kamailio").joinpath("maps/logs.toml").read_text("utf-8")
    preset = {"category": "logs", **tomllib.loads(text)}
    merged = layered(preset, table)
    mine = table.get("sides", [])
    if isinstance(mine, list):
        merged["sides"] = [*preset["sides"], *mine]
    return logs_from_config(name, merged, context)
