"""What goes to others at the command line: handovers to controllers, notices to recipients."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.office import Office

#: Recordings as the customer's own affair: dsr's operator processes them for it.
OURS = 'role = "controller"\npurposes = ["voicemail"]'
THEIRS = 'role = "processor"\ncontroller = "Muster GmbH"\npurposes = ["voicemail"]'


@pytest.fixture
def mixed(office: Office) -> Office:
    office.edit(OURS, THEIRS)
    return office


def test_run_says_what_waits_for_whom(mixed: Office, tmp_path: Path) -> None:
    """Rule 37 (GDPR Art. 28(3)(e)): the part for others is named with the command that sends it."""
    request = mixed.verified("access")
    result = mixed.call("run", request, "--out", str(tmp_path / "p.zip"), code=4)
    assert "processed for Muster GmbH, who decides" in result.stderr
    assert f"dsr handover {request} --out DIR" in result.stderr


def test_handover_writes_a_package_and_a_letter(mixed: Office, tmp_path: Path) -> None:
    """Rule 37 (GDPR Art. 28(3)(e)): request and data to the controller, a letter to the person."""
    request, folder = mixed.verified("access"), tmp_path / "out"
    mixed.call("run", request, "--out", str(tmp_path / "p.zip"), code=4)
    document = mixed.document("handover", request, "--out", str(folder))
    (made,) = document["packages"]
    assert made["controller"] == "Muster GmbH"
    assert made["records"]["recordings"] > 0
    with zipfile.ZipFile(made["path"]) as package:
        assert package.testzip() is None
        assert "data/recordings.jsonl" in package.namelist()
    assert "Muster GmbH" in Path(document["letter"]).read_text("utf-8")
    assert mixed.document("handover", request, "--out", str(folder))["gaps"] == []


def test_a_handover_needs_a_verified_request(mixed: Office, tmp_path: Path) -> None:
    """Nothing goes to anybody before it is known who asks; exit code 3."""
    request = mixed.challenged("access")
    mixed.error("handover", request, "--out", str(tmp_path / "out"), code=3)
    assert not (tmp_path / "out").exists()


def _erased(office: Office) -> str:
    request = office.verified("erasure")
    token = office.document("plan", request, code=4)["token"]
    office.call("run", request, "--confirm", token, code=4)
    return request


def test_notices_are_listed_then_written_once(office: Office, tmp_path: Path) -> None:
    """Rule 19 (GDPR Art. 19): the carrier learns what was erased; what is written waits no more."""
    request, folder = _erased(office), tmp_path / "notices"
    waiting = office.document("notices", "--list")
    assert waiting["written"] == []
    (notice,) = waiting["waiting"]
    assert (notice["request"], notice["recipient"]) == (request, "Carrier GmbH")
    assert "Carrier GmbH" in office.call("notices", "--list").stdout

    (written,) = office.document("notices", "--out", str(folder))["written"]
    assert written["recipient"] == "Carrier GmbH"
    assert json.loads(Path(written["facts"]).read_text("utf-8"))
    assert "Carrier GmbH" in Path(written["page"]).read_text("utf-8")
    assert office.document("notices", "--out", str(folder))["written"] == []
    assert "No notice waits." in office.call("notices", "--list").stderr


@pytest.mark.parametrize("words", [(), ("--list", "--out", "notices")])
def test_notices_are_listed_or_written(office: Office, words: tuple[str, ...]) -> None:
    """Bad input: neither, or both at once, is told."""
    assert "either listed or written" in office.error("notices", *words, code=2)
