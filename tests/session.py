"""How the tests run: Hypothesis' profiles, no missing server unnoticed, and what was tested."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from dsr.testing import Harness
from tests import tested

#: Set by continuous integration (and by `.ci/run`), where all of `.ci/packages.txt` is installed.
CI = bool(os.environ.get("CI"))

#: `ConnectorSuite` skips the laws of verbs that a connector lacks: those are no holes.
_ALLOWED = ("the connector does not", "the harness has no")

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if CI else "local")


def _strict(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip in CI, unless its reason is allowed."""
    if not (CI and report.skipped and isinstance(report.longrepr, tuple)):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not reason.startswith(_ALLOWED):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the skips of tests; note what the connector suite showed."""
    report = yield
    _strict(report)
    harness = getattr(item, "funcargs", {}).get("harness")
    if isinstance(harness, Harness) and report.when == "call":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        name = getattr(item, "originalname", item.name)
        found = tested.result(name, harness, report.outcome, reason.removeprefix("Skipped: "))
        if found is not None:
            report.user_properties.append((tested.PROPERTY, list(found)))
    return report


_RESULTS: list[tested.Result] = []
_STALE: list[str] = []  # what the page of what was tested does not show


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect what the suite showed, in the process that sees all workers' reports."""
    for name, value in report.user_properties:
        if name == tested.PROPERTY and isinstance(value, list):
            _RESULTS.append(tested.Result(*value))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that write pages: what was tested, and what operators may expect."""
    parser.addoption("--update-tested", action="store_true", help="write docs/reference/tested.md")
    parser.addoption(
        "--update-operators", action="store_true", help="write the tables in docs/operators"
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page of what was tested, if asked to; else fail if it shows something else."""
    if hasattr(session.config, "workerinput"):
        return
    if session.config.getoption("--update-tested"):
        tested.PAGE.write_text(tested.page(_RESULTS), "utf-8")
    elif session.exitstatus == pytest.ExitCode.OK:
        text = tested.PAGE.read_text("utf-8")
        _STALE.extend(tested.stale(_RESULTS, text, whole=_is_whole(session.config)))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if _STALE else session.exitstatus


def _is_whole(config: pytest.Config) -> bool:
    """Return whether all tests run, on a machine where none may be missing."""
    named = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    return CI and not (named or config.option.keyword or config.option.markexpr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell why the run failed."""
    if _STALE:
        terminalreporter.section(f"{tested.PAGE.name} is stale: pytest --update-tested")
        terminalreporter.write("".join(f"{each}\n" for each in _STALE))
