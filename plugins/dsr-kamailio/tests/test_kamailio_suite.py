"""The laws of every connector, on every table of Kamailio that names persons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dsr.testing import ConnectorSuite
from kamailio_tables import CORE, TablesHarness, database


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a database with Kamailio's tables; each harness empties them."""
    with database(request.param, tmp_path_factory.mktemp("database")) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of the same on SQLite."""
    with database("sqlite", tmp_path_factory.mktemp("database")) as fresh:
        yield fresh


class TestNumbers(ConnectorSuite):
    """Users that are phone numbers, in any spelling."""

    @pytest.fixture
    def harness(self, url: str) -> TablesHarness:
        return TablesHarness(url, "phone", CORE)


class TestEveryTable(ConnectorSuite):
    """All tables of Kamailio with parties, and users with a namesake at another domain."""

    @pytest.fixture
    def harness(self, quick: str) -> TablesHarness:
        return TablesHarness(quick, "sip")
