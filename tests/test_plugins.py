"""The plugins keep to the house: each its own distribution, on what dsr documents for plugins."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from typing import Any

import pytest

from dsr.config import GROUP
from dsr.settings import Context, layered

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(each for each in (ROOT / "plugins").iterdir() if each.is_dir())
#: What a plugin may build on, besides the connectors' own modules.
DOCUMENTED = {"", "connector", "errors", "match", "model", "phone", "policy", "settings", "testing"}


def project(plugin: Path) -> dict[str, Any]:
    document: dict[str, Any] = tomllib.loads((plugin / "pyproject.toml").read_text("utf-8"))
    return dict(document["project"])


def imports(plugin: Path) -> Iterator[str]:
    for path in (plugin / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda each: each.name)
def test_a_plugin_is_a_distribution(plugin: Path) -> None:
    """It has what a package index and a reader need, and the version of the dsr it is made for."""
    found = project(plugin)
    assert found["name"] == plugin.name
    assert found["version"] == version("dsr")
    for name in ("README.md", "LICENSE"):
        assert (plugin / name).stat().st_size > 1000, name
    (package,) = (plugin / "src").glob("dsr_*")
    assert (package / "py.typed").exists()
    assert list((plugin / "tests").glob("test_*.py"))


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda each: each.name)
def test_every_store_of_a_plugin_is_offered_and_documented(plugin: Path) -> None:
    """What its entry points name can be loaded, and its README says how each is configured."""
    offered = project(plugin)["entry-points"][GROUP]
    installed = {each.name: each for each in entry_points(group=GROUP)}
    readme = (plugin / "README.md").read_text("utf-8")
    assert offered
    for name in offered:
        assert callable(installed[name].load())
        assert f'connector = "{name}"' in readme, f"{name} is configured nowhere in the README"


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda each: each.name)
def test_the_configuration_of_a_readme_loads(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who copies a store's table from the README gets a store, not an error."""
    installed = {each.name: each for each in entry_points(group=GROUP)}
    text = (plugin / "README.md").read_text("utf-8")
    stores: list[tuple[str, dict[str, Any]]] = []
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        for name, table in tomllib.loads(block).get("stores", {}).items():
            if "connector" in table:
                stores.append((name, table))
            else:  # a part of a table before
                last = max(place for place, each in enumerate(stores) if each[0] == name)
                stores[last] = (name, layered(stores[last][1], table))
    assert stores
    for name in re.findall(r"env:(\w+)", text):
        monkeypatch.setenv(name, "secret")
    for name, table in stores:
        rest = {key: value for key, value in table.items() if key != "connector"}
        store = installed[table["connector"]].load()(name, rest, Context("DE", Path("/srv")))
        assert store.name == name
        assert store.accepts
        assert store.categories


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda each: each.name)
def test_a_plugin_stands_on_what_is_documented(plugin: Path) -> None:
    """It imports what it declares, and of dsr what a plugin's author is told of."""
    declared = {
        re.split(r"[\[<>=!~; ]", each)[0].lower() for each in project(plugin)["dependencies"]
    }
    declared |= {"sqlalchemy", "urllib3"}  # dsr's own, of which its connectors are made
    homes = packages_distributions()
    for module in imports(plugin):
        top, _, below = module.partition(".")
        if top == "dsr":
            room = below.split(".")[0]
            assert room in DOCUMENTED or room == "connectors", module
            assert "._" not in module, module
        elif top in homes and not top.startswith("dsr_"):
            assert declared & {each.lower() for each in homes[top]}, f"{module} is not declared"
