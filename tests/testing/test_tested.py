"""The page of what was tested shows every connector, every verb, and nothing that is not so."""

from __future__ import annotations

import inspect
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from dsr.config import GROUP
from dsr.testing import ConnectorSuite
from dsr.testing._views import VERBS
from tests import tested
from tests.testing.notebook import NotebookHarness

LAWS = [name for name, _ in inspect.getmembers(ConnectorSuite) if name.startswith("test_")]


def test_the_page_has_a_column_for_every_verb() -> None:
    """A verb without a column would be tested, or not, and nobody would see it."""
    assert set(tested.VERBS) == VERBS | {"find"}
    header = next(e for e in tested.PAGE.read_text("utf-8").splitlines() if e.startswith("| "))
    assert header == f"| store | on | {' | '.join(tested.VERBS)} |"


def test_every_connector_of_the_configuration_runs_the_suite() -> None:
    """What `dsr.toml` can name has a harness, and so a row: rows come from the suite's results."""
    shown = {store for store, _ in tested.rows(tested.PAGE.read_text("utf-8"))}
    assert shown == {each.name for each in entry_points(group=GROUP)}


@pytest.mark.parametrize("law", LAWS)
def test_a_law_counts_for_its_verb(law: str, tmp_path: Path) -> None:
    """The verb of a law is the one in whose absence it is skipped."""
    source = inspect.getsource(getattr(ConnectorSuite, law))
    harness = NotebookHarness(tmp_path)
    harness.entry = "notebook"
    counted = tested.result(law, harness, "passed", "")
    assert counted is not None
    told = {
        "erase": "_erases(",
        "redact": "_redacts(",
        "rectify": "_rectifies(",
        "restrict": "_restricts(",
        "lock": "_locks(",
        "split": "Splits)",
        "check": "Checks)",
        "credentials": "_vouches(",
        "aged": "_ages(",
    }
    verbs = {verb for verb, sign in told.items() if sign in source} or {"find"}
    if "aged_lists" in law and "Erases)" in source:
        verbs.add("erase")
    assert counted.verb in verbs


RESULTS = [
    tested.Result("cdr", "SQLite", "find", "passed"),
    tested.Result("cdr", "SQLite", "erase", "passed"),
    tested.Result("cdr", "SQLite", "lock", "lacks"),
    tested.Result("cdr", "MariaDB", "find", "passed"),
]


def test_a_page_that_was_written_from_the_results_shows_them() -> None:
    """What was written is what is read again."""
    text = tested.page(RESULTS)
    assert tested.rows(text) == {
        ("cdr", "SQLite"): {"find", "erase"},
        ("cdr", "MariaDB"): {"find"},
    }
    assert tested.stale(RESULTS, text, whole=True) == []
    assert tested.stale(RESULTS[:1], text, whole=False) == []


@pytest.mark.parametrize(
    ("results", "whole", "problem"),
    [
        ([*RESULTS, tested.Result("cdr", "SQLite", "redact", "passed")], False, "has redact"),
        ([*RESULTS, tested.Result("cel", "SQLite", "find", "passed")], False, "cel on SQLite has"),
        (RESULTS[:3], True, "cdr on MariaDB is shown with find"),
        ([RESULTS[0], *RESULTS[2:]], True, "cdr on SQLite is shown with erase"),
    ],
)
def test_a_stale_page_is_told(results: list[tested.Result], whole: bool, problem: str) -> None:
    """A row or a verb that is not shown; after a run of everything, one that is no more."""
    (told,) = tested.stale(results, tested.page(RESULTS), whole=whole)
    assert problem in told
