"""The contract of connectors, for CardDAV on a real Radicale."""

from __future__ import annotations

import pytest

from carddav_books import RadicaleHarness
from dsr.testing import ConnectorSuite
from tests.servers.radicale import Radicale, radicale

__all__ = ["radicale"]


class TestRadicale(ConnectorSuite):
    """Law by law, with Radicale's caches."""

    @pytest.fixture
    def harness(self, radicale: Radicale) -> RadicaleHarness:
        """Return the books of two users."""
        return RadicaleHarness(radicale)


class TestHttp(ConnectorSuite):
    """Law by law, over HTTP alone: cards go from caches as the server sees to it."""

    @pytest.fixture
    def harness(self, radicale: Radicale) -> RadicaleHarness:
        """Return the books of two users."""
        return RadicaleHarness(radicale, radicale_folder="")
