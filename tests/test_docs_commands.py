"""What the pages tell the reader to type, typed; what they say comes out, compared.

A page's `console` blocks run in order, in one shell and one empty folder. A line that begins with
`$ ` is a command, the lines below it are what it prints (standard error too; `...` is anything).
A block such as ```` ```toml dsr.toml ```` is a file that the reader writes (a second one of the
same name is added to it).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "```console\n" in page.read_text("utf-8")
]
_BLOCK: Final = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK: Final = "=== end of a command ==="


class _Step(NamedTuple):
    """A command and what it prints; or the text of a file to add to."""

    command: str
    prints: str


def _steps(text: str) -> Iterator[_Step]:
    for kind, name, body in _BLOCK.findall(text):
        if name:
            yield _Step(f"cat >> {name} <<'END OF FILE'\n{body}END OF FILE", "")
        elif kind == "console":
            for piece in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                command, _, prints = piece.partition("\n")
                yield _Step(command, prints)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_work(page: Path, tmp_path: Path) -> None:
    """Who types what the page says sees what the page says."""
    steps = list(_steps(page.read_text("utf-8")))
    script = "".join(f"{step.command}\nLAST=$?; echo '{_MARK}'; (exit $LAST)\n" for step in steps)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = {"PATH": path, "HOME": str(tmp_path), "COLUMNS": "80", "LC_ALL": "C.UTF-8"}
    run = subprocess.run(
        [shutil.which("bash") or "bash"],
        input=script,
        cwd=tmp_path,
        env=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    printed = run.stdout.split(f"{_MARK}\n")
    assert len(printed) == len(steps) + 1, run.stdout
    for step, got in zip(steps, printed, strict=False):
        flags = ELLIPSIS | NORMALIZE_WHITESPACE
        right = OutputChecker().check_output(step.prints, got, flags)
        assert right, f"$ {step.command}\n--- the page says:\n{step.prints}--- it prints:\n{got}"


def test_pages_have_commands() -> None:
    """The test above looks at the pages that teach by doing."""
    names = {page.name for page in PAGES}
    assert {
        "README.md",
        "first-request.md",
        "hold.md",
        "connect-a-cdr-database.md",
        "script-it.md",
    } <= names
