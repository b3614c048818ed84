"""The house: a file imports only from lower floors, and some libraries live in one room.

The floors are those of docs/explanation/design.md. A new file of `src/dsr` needs its floor here.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"

#: From the ground up. Files of one package (`dsr.ledger.…`) may import each other.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors"}),
    frozenset({"model", "settings", "phone"}),
    frozenset({"connector", "identify", "match", "place", "policy", "report", "spool"}),
    frozenset({"connectors", "find", "ledger", "masking", "old", "onfile", "testing"}),
    frozenset({"decision", "identity", "package"}),
    frozenset({"assurance", "delivering", "rights"}),
    frozenset({"plan", "verifying"}),
    frozenset({"steps"}),
    frozenset({"confirm", "survey"}),
    frozenset({"held", "prove"}),
    frozenset({"stores"}),
    frozenset({"writing"}),
    frozenset({"apply", "stage"}),
    frozenset({"handover", "notifying"}),
    frozenset({"answering", "export", "holding", "sweeping"}),
    frozenset({"deciding", "replaying"}),
    frozenset({"desk"}),
    frozenset({"config"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
    frozenset({""}),  # dsr itself, which hands out the public names
)

#: Each is the choice of one room: replacing it, or living without it, changes nothing elsewhere.
ROOMS = {
    "boto3": r"connectors\.s3.*",
    "botocore": r"connectors\.s3.*",
    "holidays": r"policy\.calendars",
    "phonenumbers": r"phone",
    "pyotp": r"identity(\..*)?",
    "stream_zip": r"package\.encrypt",
    "zipstream": r"package(\..*)?",
    "pytest": r"testing(\..*)?",
}

#: They know each other's work only through `dsr.connector`; other files of the package serve all.
CONNECTORS = frozenset({"files", "logs", "s3", "sql", "vcards", "voicemail"})


def _name(path: Path) -> str:
    """Return a file's name below `dsr`: `ledger.keys`, or `ledger` for its `__init__`."""
    parts = path.relative_to(SRC / "dsr").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {_name(path): path for path in sorted((SRC / "dsr").rglob("*.py"))}


def _imports(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, wherever in it; `from a import b` as `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, "relative imports are banned"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _ours(path: Path) -> Iterator[str]:
    """Yield the files of dsr that a file imports, each by its name below `dsr`."""
    for module in _imports(path):
        if _top(module) != "dsr":
            continue
        below = module.removeprefix("dsr").removeprefix(".")
        yield below if below in FILES else below.rpartition(".")[0]


def _top(name: str) -> str:
    return name.partition(".")[0]


def _floor(name: str) -> int:
    floors = [number for number, rooms in enumerate(FLOORS) if _top(name) in rooms]
    assert floors, f"dsr.{name} has no floor: give it one in tests/test_floors.py"
    return floors[0]


@pytest.mark.parametrize("name", FILES)
def test_a_file_imports_only_from_lower_floors(name: str) -> None:
    """What is below can be read, tested and replaced without what is above."""
    floor = _floor(name)
    for other in _ours(FILES[name]):
        if _top(other) != _top(name):
            assert _floor(other) < floor, f"dsr.{name} must not import dsr.{other}"


@pytest.mark.parametrize("name", FILES)
def test_libraries_stay_in_their_rooms(name: str) -> None:
    """One library, one place that knows it; and none that pyproject.toml does not declare."""
    for module in {_top(each) for each in _imports(FILES[name])}:
        room = ROOMS.get(module)
        assert room is None or re.fullmatch(room, name), f"dsr.{name} must not import {module}"
        assert module in _declared(), f"dsr.{name} imports {module}, which is not declared"


@cache
def _declared() -> frozenset[str]:
    """Return every module that an installed dsr, with all its extras, may import."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {_canonical(re.split(r"[\[<>=!~; ]", each)[0]) for each in wanted}
    found = {
        module
        for module, distributions in packages_distributions().items()
        if names & {_canonical(each) for each in distributions}
    }
    return frozenset(found | sys.stdlib_module_names | {"dsr", "botocore"})  # boto3's other half


def _canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@pytest.mark.parametrize("name", [each for each in FILES if each.startswith("connectors")])
def test_connectors_do_not_know_each_other(name: str) -> None:
    """Each built-in connector could be a plugin; what several need is a file beside them."""
    for other in _ours(FILES[name]):
        if other.startswith("connectors."):
            theirs, own = other.split(".")[1], name.split(".")[1]
            assert theirs == own or theirs not in CONNECTORS, f"dsr.{name} imports dsr.{other}"


@pytest.mark.parametrize("name", [each for each in FILES if not each.startswith("testing")])
def test_nothing_needs_the_test_kit(name: str) -> None:
    """`dsr.testing` needs pytest, which no operator installs."""
    assert not any(each.startswith("testing") for each in _ours(FILES[name]))


def test_there_are_files() -> None:
    """The tests above look at the real tree, not at an empty one."""
    assert {"errors", "model", "connectors", ""} <= set(FILES)
