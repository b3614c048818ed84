"""What the connectors of files and objects share where they list what has grown old."""

from __future__ import annotations

from dsr.errors import ConfigurationError

__all__ = ["check_anchor"]


def check_anchor(store: str, category: str, anchor: str) -> None:
    """Raise `ConfigurationError` for an anchor in a store whose records have only their own time.

    See `dsr.connector.Ages`.
    """
    if anchor:
        what = f'store {store} has no times called "{anchor}" in category {category}'
        raise ConfigurationError(what, "leave anchor out, to count from the record's own time")
