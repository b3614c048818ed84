"""A harness for stores whose lines keep their length: what is somebody's is covered in place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from dsr.config import GROUP
from dsr.connector import Connector
from dsr.model import Identifier
from dsr.settings import Context
from dsr.testing import Harness

__all__ = ["CoveredLines"]


class CoveredLines(Harness):
    """A file of lines that name the subject, the bystander or both, read through a preset.

    In a line `{0}` is the subject's number, `{1}` the bystander's; `words` are what else in
    the lines speaks of the subject.
    """

    subject = Identifier("phone", "+4930901820")
    bystander = Identifier("phone", "+49309018200")
    verbs = frozenset({"redact", "split", "check"})

    def __init__(
        self, folder: Path, entry: str, file: str, lines: Sequence[str], *words: str
    ) -> None:
        """Keep the file below `folder`, for the connector that `dsr.toml` calls `entry`."""
        self.folder, self.entry, self.lines = folder / "log", entry, lines
        self.folder.mkdir()
        self.file = self.folder / file
        self.connector = self._at(self.folder)
        domain = r"(?:@[\w.]+)?"  # an address is hers as a whole, where it is recognised
        plain = [rf"(?<!\d)(?:49|0)30901820(?!\d){domain}"]
        plain += [rf"(?<!\w){re.escape(each)}(?!\w)" for each in words]
        covered = [f"x{{9,10}}{domain}"]
        covered += [re.sub(r"\w", "x", each).replace(".", r"\.") for each in words]
        self.hers = re.compile("|".join(plain))
        self.either = re.compile("|".join((*plain, *covered)))

    def _at(self, folder: Path) -> Connector:
        settings = {"path": str(folder), "timezone": "Europe/Berlin"}
        (point,) = entry_points(group=GROUP, name=self.entry)
        made: Connector = point.load()("log", settings, Context("DE", folder))
        return made

    def seed(self) -> int:
        spellings = ("+4930901820", "030901820", "4930901820")
        written = [
            line.format(spellings[number % 3], "+49309018200")
            for number, line in enumerate(self.lines)
        ]
        self.file.write_text("".join(f"{each}\n" for each in written))
        return sum("{0}" in line for line in self.lines)

    def count(self) -> int:
        return sum(bool(self.hers.search(line)) for line in self.file.read_text().splitlines())

    def others(self) -> bytes:
        return self.either.sub("~", self.file.read_text()).encode()

    def unreachable(self) -> Connector:
        return self._at(self.folder / "nowhere")
