"""How the tests run: Hypothesis' profiles, and no missing server unnoticed in CI."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

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
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the skips of tests."""
    report = yield
    _strict(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skips of whole files (`pytest.importorskip`)."""
    report = yield
    _strict(report)
    return report
