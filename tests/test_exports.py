"""What dsr hands out: every public name is listed, documented, and quick to import."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import dsr

MODULES = [
    "dsr",
    *(
        each.name
        for each in pkgutil.walk_packages(dsr.__path__, "dsr.")
        if ".migrations." not in each.name  # scripts that only Alembic runs
    ),
]
PUBLIC = [each for each in MODULES if "._" not in each]


def _defined(module: ModuleType) -> Iterator[str]:
    """Yield the public classes and functions that a module itself defines."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value) or inspect.isfunction(value):
            yield name


@pytest.mark.parametrize("name", PUBLIC)
def test_all_lists_what_is_public(name: str) -> None:
    """A name without underscore is a promise: it stands in `__all__`, and what stands there is."""
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])
    assert set(_defined(module)) <= set(listed)
    assert len(listed) == len(set(listed))
    assert all(hasattr(module, each) for each in listed)


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name: str) -> None:
    """Every module, and every class and function it lists, says what it is for."""
    module = importlib.import_module(name)
    assert module.__doc__
    for each in getattr(module, "__all__", []):
        value = getattr(module, each)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{name}.{each} has no docstring"


def _loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after `statement`."""
    script = f"{statement}; import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_dsr_is_light() -> None:
    """A backend that imports dsr pays for no store that it does not have, and for no test kit."""
    loaded = _loaded_by("import dsr")
    assert "dsr" in loaded
    heavy = {"boto3", "botocore", "moto", "psycopg", "pytest", "dsr.testing", "dsr.cli", "click"}
    assert not loaded & heavy


def test_the_public_names_are_there() -> None:
    """`from dsr import Desk, Identifier` is how a backend starts."""
    loaded = _loaded_by("from dsr import *")
    assert "dsr" in loaded
    assert all(getattr(dsr, each) for each in getattr(dsr, "__all__", []))
