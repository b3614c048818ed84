"""Every test of the command line has an operator to work at."""

from __future__ import annotations

import socket

import pytest

from tests.cli.office import office, template

__all__ = ["office", "template"]


@pytest.fixture
def unused_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
