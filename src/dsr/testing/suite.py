"""The suite that a connector's author subclasses."""

from __future__ import annotations

import pytest

from dsr.testing.aging import AgingLaws
from dsr.testing.asking import AskingLaws
from dsr.testing.changing import ChangingLaws
from dsr.testing.erasing import ErasingLaws
from dsr.testing.harness import Harness
from dsr.testing.reading import ReadingLaws
from dsr.testing.records import RecordLaws
from dsr.testing.redacting import RedactingLaws

__all__ = ["ConnectorSuite"]


class ConnectorSuite(
    ReadingLaws, RecordLaws, AskingLaws, ErasingLaws, RedactingLaws, ChangingLaws, AgingLaws
):
    r"""Every law of `dsr.connector` as a test.

    Subclass it, and write one fixture::

        class TestMyConnector(ConnectorSuite):
            @pytest.fixture
            def harness(self, tmp_path):
                return MyHarness(tmp_path)

        class MyHarness(Harness):
            subject = Identifier("phone", "+4930901820")
            bystander = Identifier("phone", "+4930901821")
            verbs = frozenset()  # it only finds

            def __init__(self, folder):
                self.file = folder / "calls.txt"
                self.connector = MyConnector("calls", path=self.file)

            def seed(self):
                self.file.write_text("a: +4930901820\nb: 030 901820\nc: +4930901821\n")
                return 2

            def count(self):
                return self.file.read_text().count("901820")

            def others(self):
                return self.file.read_bytes()[-15:]  # the bystander's line

    A verb that the connector lacks is skipped, by name. A law that does not fit a store is
    no reason to mute its test: then the connector and the engine disagree about the store.
    """

    @pytest.fixture
    def harness(self) -> Harness:
        """Return a harness with an empty store: the one fixture to write."""
        pytest.fail("write a fixture `harness` that returns a dsr.testing.Harness")
