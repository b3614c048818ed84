"""The contract of connectors, for the tables of sabre/dav on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr.testing import ConnectorSuite
from sabredav_stores import SERVERS, SabreHarness, dav


class TestSabreDav(ConnectorSuite):
    """Law by law, on every database."""

    @pytest.fixture(params=sorted(SERVERS))
    def harness(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SabreHarness]:
        """Return the books of two users."""
        with dav(request.param, tmp_path) as made:
            yield SabreHarness(request.param, made, tmp_path)


class TestNextcloud(ConnectorSuite):
    """Law by law, with Nextcloud's further tables."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[SabreHarness]:
        """Return the books of two users."""
        with dav("sqlite", tmp_path, nextcloud=True) as made:
            yield SabreHarness("sqlite", made, tmp_path)
