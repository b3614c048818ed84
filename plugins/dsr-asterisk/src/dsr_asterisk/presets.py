"""Stores that dsr has a connector for, set up as Asterisk leaves them.

An operator's own settings are laid over these; every setting of the connector behind one can be
given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsr.connector import Connector
from dsr.connectors import files, logs, voicemail
from dsr.settings import Context, layered

__all__ = ["LOGS", "RECORDINGS", "from_logs", "from_recordings", "from_voicemail"]

#: FreePBX: <type>-<called>-<caller>-<date>-<time>-<uniqueid>.<ending> in a folder for each day;
#: Asterisk's MixMonitor: whatever the dialplan says, below /var/spool/asterisk/monitor.
RECORDINGS: Final[Mapping[str, object]] = {
    "path": "/var/spool/asterisk/monitor",
    "category": "recordings",
    "keys": [
        "{date:%Y/%m/%d}/{object}",
        "{date:%Y/%m/%d}/{any}-{sip}-{any}-{date:%Y%m%d}-{date:%H%M%S}-{any}",
        "{date:%Y/%m/%d}/{any}-{sip}-{date:%Y%m%d}-{date:%H%M%S}-{any}",
        "{any}/{object}",
        "{any}",
    ],
}

#: logger.conf: full, messages and security, rotated by Asterisk or by logrotate.
LOGS: Final[Mapping[str, object]] = {
    "path": "/var/log/asterisk",
    "category": "logs",
    "files": ["full*", "messages*", "security*"],
    "format": "asterisk",
    "sides": [
        # res_security_log.c
        'AccountID="(?P<sip>(?P<phone>[^"]*))".*?RemoteAddress="IPV[46]/\\w+/(?P<ip>[^/"]+)/',
        # chan_sip.c and res_pjsip: a registration or a call that was refused
        "from '(?P<name>\"[^\"]*\")?\\s?<?sips?:(?P<sip>(?P<phone>[^@>;:']+))[^']*' failed for"
        " '(?P<ip>[0-9A-Fa-f.]+|\\[[0-9A-Fa-f:]+\\])",
        "Call from '(?P<sip>(?P<phone>[^']*))' \\((?:\\w+:)?\\[?(?P<ip>[0-9A-Fa-f.:]+?)\\]?:\\d+\\)",
        # res_pjsip: where a telephone is registered
        "Contact (?P<sip>(?P<phone>[^/\\s]+))/sips?:[^@\\s]+@\\[?(?P<ip>[0-9A-Fa-f.:]+?)\\]?[:;\\s]",
        "contact 'sips?:(?P<sip>(?P<phone>[^@']+))@\\[?(?P<ip>[0-9A-Fa-f.:]+?)\\]?[:;'][^']*'? ?to AOR",
    ],
}


def from_recordings(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `asterisk-recordings`. Raises `ConfigurationError`."""
    return files.from_config(name, layered(RECORDINGS, table), context)


def from_logs(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `asterisk-logs`. Raises `ConfigurationError`."""
    return logs.from_config(name, layered(LOGS, table), context)


def from_voicemail(name: str, table: Mapping[str, object], context: Context) -> Connector:
    """Return the store `asterisk-voicemail`. Raises `ConfigurationError`."""
    spool = {"path": "/var/spool/asterisk/voicemail"}
    return voicemail.from_config(name, layered(spool, table), context)
