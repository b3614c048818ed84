"""The suite itself: it passes what is right, and catches each way of being wrong."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from attrs import field, frozen

from dsr.errors import DsrError
from dsr.model import Found, Identifier, Unread
from dsr.testing import ConnectorSuite, Harness
from tests.testing import (
    broken_aging,
    broken_asking,
    broken_changing,
    broken_erasing,
    broken_reading,
    broken_records,
    broken_redacting,
)
from tests.testing.notebook import VERBS, Notebook, NotebookHarness

pytest_plugins = ["pytester"]

#: Connectors that break one law each, with that law.
BROKEN = [
    *broken_reading.BROKEN,
    *broken_records.BROKEN,
    *broken_asking.BROKEN,
    *broken_erasing.BROKEN,
    *broken_redacting.BROKEN,
    *broken_changing.BROKEN,
    *broken_aging.BROKEN,
]
LAWS = [name for name, _ in inspect.getmembers(ConnectorSuite) if name.startswith("test_")]


class TestNotebook(ConnectorSuite):
    """The reference connector obeys every law, and no law skips it."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return NotebookHarness(tmp_path)


@pytest.mark.parametrize(("kind", "law"), BROKEN, ids=[kind.__name__ for kind, _ in BROKEN])
def test_a_broken_connector_is_caught(kind: type[Notebook], law: str, tmp_path: Path) -> None:
    """Each connector that breaks one law fails the test that guards it."""
    harness = NotebookHarness(tmp_path, kind)
    with pytest.raises((AssertionError, KeyError, TypeError, DsrError, pytest.fail.Exception)):
        getattr(ConnectorSuite(), law)(harness)


def test_every_law_catches_somebody() -> None:
    """A law that no broken connector fails may guard nothing."""
    assert set(LAWS) == {law for _, law in BROKEN}


@pytest.mark.parametrize("law", LAWS)
def test_the_reference_is_judged_by_every_law(law: str, tmp_path: Path) -> None:
    """No law is skipped for a connector that has every verb."""
    try:
        getattr(ConnectorSuite(), law)(NotebookHarness(tmp_path))
    except pytest.skip.Exception as skip:
        pytest.fail(f"skipped: {skip}")


def test_a_missing_verb_is_skipped_by_name(tmp_path: Path) -> None:
    """A read-only connector passes, and the report says which verbs it lacks."""

    class Reader(NotebookHarness):
        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            self.connector = ReadOnly(self.file)
            self.verbs = frozenset()

    skipped = set()
    for law in LAWS:
        (folder := tmp_path / law).mkdir()
        try:
            getattr(ConnectorSuite(), law)(Reader(folder))
        except pytest.skip.Exception as skip:
            skipped.add(str(skip))
    missing = {"the harness has no unreachable store"}
    told = {"aged": "list the aged", "credentials": "vouch"}
    assert skipped - missing == {f"the connector does not {told.get(e, e)}" for e in VERBS}


@frozen
class ReadOnly:
    """A connector with nothing but what every one must have."""

    path: Path = field(repr=False)
    name: str = "notebook"
    accepts = Notebook(Path()).accepts
    categories = Notebook(Path()).categories

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        return Notebook(self.path).find(who)


def test_the_documented_example_runs(pytester: pytest.Pytester) -> None:
    """What the suite's docstring tells an author to write works as it stands."""
    doc = inspect.cleandoc(ConnectorSuite.__doc__ or "")
    example = doc.split("::\n", 1)[1].split("\nA verb that", 1)[0]
    pytester.makepyfile(test_mine=EXAMPLE_CONNECTOR + inspect.cleandoc(example))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    passed_or_skipped = result.parseoutcomes()
    assert passed_or_skipped["passed"] > 12
    assert set(passed_or_skipped) <= {"passed", "skipped"}


EXAMPLE_CONNECTOR = """
import pytest
from attrs import field, frozen
from dsr.match import Matcher
from dsr.model import Found, Identifier, Record
from dsr.testing import ConnectorSuite, Harness

@frozen
class MyConnector:
    name: str
    path: object = field(repr=False)
    accepts = frozenset({"phone"})
    categories = frozenset({"calls"})
    def find(self, who):
        matcher = Matcher(who, "DE")
        for line in self.path.read_text().splitlines():
            for each in matcher.matches(line):
                yield Found(each, Record(line[0], "calls", {"line": line}), frozenset({"line"}))

"""
