"""Identity documents: asked for last, and kept nowhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import attrs
import pytest

from dsr import assurance
from dsr.identity import proofs
from dsr.ledger.tables import metadata

ROOT: Final = Path(__file__).parent.parent.parent
#: What an image of a document would be called.
_IMAGE: Final = re.compile(r"image|photo|scan|passport|id_?card|selfie|upload", re.IGNORECASE)


@pytest.mark.parametrize("module", [proofs, assurance])
def test_no_value_has_a_field_for_an_image(module: object) -> None:
    """Rule 39 (GDPR Art. 12(6)): there is nowhere to put one, in what is shown or configured."""
    classes = [each for each in vars(module).values() if isinstance(each, type) and attrs.has(each)]
    assert classes
    names = [field.name for cls in classes for field in attrs.fields(cls)]
    assert [each for each in names if _IMAGE.search(each)] == []


def test_no_table_has_a_column_for_an_image() -> None:
    """Rule 39 (GDPR Art. 12(6)), rule 45 (GDPR Art. 5(2)): nor in what is remembered."""
    names = [f"{table}.{column.name}" for table in metadata.tables.values() for column in table.c]
    assert len(names) > 50
    assert [each for each in names if _IMAGE.search(each)] == []


def test_no_command_takes_one() -> None:
    """Rule 39 (GDPR Art. 12(6)): and no option of any command reads one in."""
    text = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")
    options = re.findall(r"--[a-z][a-z-]*", text)
    assert options
    assert [each for each in options if _IMAGE.search(each)] == []
