"""The documentation keeps what it says (its Python examples run by the root's conftest.py)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dsr.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A link to another page or file of the project leads to one that exists."""
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert "://" in target or (page.parent / target).exists(), target


def test_every_page_is_linked_from_the_index() -> None:
    """A reader who starts at docs/index.md finds every page."""
    index = ROOT / "docs" / "index.md"
    links = re.findall(r"\]\(([^)#:]+)\)", index.read_text(encoding="utf-8"))
    linked = {(index.parent / each).resolve() for each in links}
    assert set((ROOT / "docs").rglob("*.md")) - {index} <= linked


def test_the_connector_of_the_how_to_keeps_the_contract(tmp_path: Path) -> None:
    """Who copies the connector and the suite from the how-to starts with passing tests."""
    text = (ROOT / "docs" / "how-to" / "write-a-connector.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "test_notices.py"
    file.write_text("\n\n".join(each for each in blocks if not each.startswith(">>>")))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x", str(file)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed is not None
    assert int(passed[1]) >= 5


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _commands(each, f"{path} {name}")
    else:
        yield path, command


def test_every_command_and_option_is_in_the_reference() -> None:
    """What a script may depend on is written down; what is written down exists."""
    text = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    commands = dict(_commands(main, "dsr"))
    options = {
        name
        for command in commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    assert options == set(re.findall(r"--[a-z][a-z-]*", text))
    headed = re.findall(r"^(?:\| `|\*\*`)(dsr [a-z ]*[a-z])", text, re.MULTILINE)
    assert sorted(headed) == sorted(commands)
