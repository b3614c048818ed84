"""Runs the Python examples of README.md and docs/, each page in an empty folder of its own.

How all tests run stands in tests/session.py.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

pytest_plugins = ["tests.session"]


def _enter(namespace: dict[str, Any]) -> None:
    stack = contextlib.ExitStack()
    namespace["_folder"] = stack
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    stack.callback(os.chdir, os.getcwd())  # noqa: PTH109  (chdir's counterpart)
    os.chdir(folder)


def _leave(namespace: dict[str, Any]) -> None:
    namespace["_folder"].close()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/**/*.md"],
    setup=_enter,
    teardown=_leave,
).pytest()
