"""What the reference says of the JSON documents is what the commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from dsr.model import Finding
from tests.cli.office import EVA, ROOT, Office, check_run

TEXT: Final = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")


def _listed() -> dict[str, list[str]]:
    """Return for each command the names in its cell of the table."""
    table = TEXT[TEXT.index("| command | document |") :]
    rows = re.findall(r"^\| `([a-z ]+)` \| (.*) \|$", table, re.MULTILINE)
    return {command: re.findall(r"`([a-z_]+)`", cell) for command, cell in rows}


def _names(command: str, document: Mapping[str, Any], opened: Mapping[str, Any]) -> list[str]:
    """Return the names that the table must have: those of lists and of stores, too."""
    match command:
        case "hold list":
            return [*document, *document["holds"][0]]
        case "check":
            of_store = document["stores"]["cdr"]
            assert {*of_store["findings"][0]} == {"kind", "text"}
            kinds = get_args(get_type_hints(Finding)["kind"])
            return [*document, *of_store, "kind", *kinds, "text"]
        case "list":
            assert set(document["requests"][0]) == set(opened)
            return [*document, "open"]
        case "show":
            assert set(document) > set(opened)
            return [*(set(document) - set(opened)), "open", "run"]
    return list(document)


def test_the_examples_are_documents() -> None:
    """The example of a receipt keeps the schema, and the error has the shape of all errors."""
    receipt, error = map(json.loads, re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))
    check_run(receipt)
    assert set(error) == {"error"}
    assert set(error["error"]) == {"type", "what", "fix"}


def test_the_keys_of_each_document_are_listed(office: Office, tmp_path: Path) -> None:
    """A script's author finds every key of every document in the reference."""
    case = ("--case", "A", "--reason", "r", "--law", "l")
    opened = office.document("open", "access", "--phone", EVA)
    request = opened["request"]
    office.config.with_name("new").mkdir()
    documents: dict[str, Any] = {"open": opened}
    documents["challenge"] = office.document("challenge", request)
    documents["verify"] = office.document("verify", request, stdin=office.pin())
    documents["hold add"] = office.document("hold", "add", *case)
    documents["hold lock"] = office.document("hold", "lock")
    documents["hold list"] = office.document("hold", "list")
    documents["hold release"] = office.document("hold", "release", documents["hold add"]["hold"])
    documents["check"] = office.document("check")
    documents["audit"] = office.document("audit")
    documents["list"] = office.document("list")
    office.document("run", request, "--out", str(tmp_path / "p.zip"), code=4)
    documents["show"] = office.document("show", request)
    new = Office(office.config.with_name("new"))
    documents["init"] = new.document("init")

    assert set(_listed()) == set(documents)
    for command, names in _listed().items():
        assert sorted(names) == sorted(_names(command, documents[command], opened)), command
