"""What the reference says of the JSON documents is what the commands print."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from dsr.model import Finding
from tests.cli.addresses import with_addresses
from tests.cli.office import EVA, ROOT, Office, check_run
from tests.cli.staff import Staff

TEXT: Final = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")


THEIRS: Final = 'role = "processor"\ncontroller = "Muster GmbH"\npurposes = ["voicemail"]'
#: No log line names whom it is processed for: a gap.
NOBODYS: Final = 'role = "processor"\ncontroller = "{customer}"\npurposes = ["troubleshooting"]'

_AS: Final = {"refuse": ["extend"], "decide": ["lift"], "vouch": ["verify"]}
"""Commands whose document is that of another."""

_OF: Final = {"hold list": ["holds"], "handover": ["packages", "gaps"], "notices": ["written"]}
"""Lists whose names the table has, too."""


def _listed() -> dict[str, list[str]]:
    """Return for each command the names in its cell of the table."""
    table = TEXT[TEXT.index("| command | document |") :]
    rows = re.findall(r"^\| `([a-z ]+)` \| (.*) \|$", table, re.MULTILINE)
    return {command: re.findall(r"`([a-z_0-9]+)`", cell) for command, cell in rows}


def _names(command: str, document: Mapping[str, Any], opened: Mapping[str, Any]) -> list[str]:
    """Return the names that the table must have: those of lists and of stores, too."""
    match command:
        case "hold list" | "handover" | "notices":
            return [*document, *(name for each in _OF[command] for name in document[each][0])]
        case "check":
            of_store = document["stores"]["cdr"]
            assert {*of_store["findings"][0]} == {"kind", "text"}
            kinds = get_args(get_type_hints(Finding)["kind"])
            return [*document, *of_store, "kind", *kinds, "text"]
        case "list":
            assert {*document["requests"][0], "rule"} == set(opened)
            return [*document, "open", "rule"]
        case "show" | "extend" | "doubt":
            assert {*document, "rule"} >= set(opened)
            named = ["open", "rule", *(["run"] if command == "show" else [])]
            return [*(set(document) - set(opened)), *named]
    return _AS.get(command) or list(document)


def test_the_examples_are_documents() -> None:
    """The example of a receipt keeps the schema, and the error has the shape of all errors."""
    receipt, error = map(json.loads, re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))
    check_run(receipt)
    assert set(error) == {"error"}
    assert set(error["error"]) == {"type", "what", "fix"}


def _decisions(office: Office) -> dict[str, Any]:
    """Restrict and object, and end both."""
    found = {}
    told = ("--by", "Ada", "--reason", "weighed", "--told", dt.date.today().isoformat())  # noqa: DTZ011  (the operator's day, as the commands see it)
    for right, words in (("restriction", ["lift"]), ("objection", ["decide"])):
        request = office.verified(right)
        token = office.document("plan", request, code=None)["token"]
        office.document("run", request, "--confirm", token, code=None)
        outcome = ["rejected"] if right == "objection" else []
        found[words[0]] = office.document(*words, request, *outcome, *told)
    return found


def _for_others(office: Office, folder: Path) -> dict[str, Any]:
    """Hand over a part that waits for its controller, and a notice that waits for a recipient."""
    office.edit('role = "controller"\npurposes = ["voicemail"]', THEIRS)
    office.edit('role = "controller"\npurposes = ["troubleshooting"]', NOBODYS)
    request = office.verified("erasure")
    token = office.document("plan", request, code=None)["token"]
    office.document("run", request, "--confirm", token, code=None)
    return {
        "handover": office.document("handover", request, "--out", str(folder / "for"), code=4),
        "notices": office.document("notices", "--out", str(folder / "notices")),
    }


def _by_staff(office: Office) -> dict[str, Any]:
    """Decide who asks, and approve a plan."""
    staff = Staff.of(office, "ada", "ben")
    request = office.document("open", "restriction", "--phone", EVA, "--as", "ada")["request"]
    vouched = ("vouch", request, "--reason", "known at the counter")
    office.document(*vouched, "--as", "ada", stdin=staff.code("ada"), code=3)
    found = {"vouch": office.document(*vouched, "--as", "ben", stdin=staff.code("ben"))}
    token = office.document("plan", request, "--as", "ada", code=None)["token"]
    approving = ("approve", request, "--token", token, "--as", "ben")
    found["approve"] = office.document(*approving, stdin=staff.code("ben", later=1))
    staff.leave()
    return found


def test_the_keys_of_each_document_are_listed(office: Office, tmp_path: Path) -> None:
    """A script's author finds every key of every document in the reference."""
    case = ("--case", "A", "--reason", "r", "--law", "l")
    opened = office.document("open", "access", "--phone", EVA)
    request = opened["request"]
    office.config.with_name("new").mkdir()
    documents: dict[str, Any] = {"open": opened}
    documents["challenge"] = office.document("challenge", request)
    documents["verify"] = office.document("verify", request, stdin=office.pin())
    documents["extend"] = office.document("extend", request, "--reason", "many")
    late = office.document("open", "access", "--phone", EVA)["request"]
    documents["doubt"] = office.document("doubt", late, "--reason", "two voices")
    refusal = ("--reason", "no", "--law", "GDPR Art. 15(4)", "--by", "Ada")
    documents["refuse"] = office.document("refuse", late, *refusal)
    documents |= _decisions(office)
    documents["hold add"] = office.document("hold", "add", *case)
    documents["hold lock"] = office.document("hold", "lock")
    documents["hold list"] = office.document("hold", "list")
    documents["hold release"] = office.document("hold", "release", documents["hold add"]["hold"])
    documents["check"] = office.document("check")
    documents["audit"] = office.document("audit")
    documents["list"] = office.document("list")
    with_addresses(office)
    documents["contact"] = office.document("contact", request)
    office.document("run", request, "--out", str(tmp_path / "p.zip"), code=4)
    documents["link"] = office.document("link", request)
    copy = ("--out", str(tmp_path / "copy.zip"))
    documents["fetch"] = office.document("fetch", *copy, stdin=documents["link"]["link"])
    documents |= _for_others(office, tmp_path)
    documents |= _by_staff(office)
    documents["sweep"] = office.document("sweep")
    office.edit("[ledger]", '[ledger]\nbackups = "35 days"')
    documents["replay"] = office.document("replay")
    documents["show"] = office.document("show", request)
    new = Office(office.config.with_name("new"))
    documents["init"] = new.document("init")

    assert set(_listed()) == set(documents)
    for command, names in _listed().items():
        assert sorted(names) == sorted(_names(command, documents[command], opened)), command
