"""A caller of Kamailio asks for all their data, then for erasure, while a court needs one call.

Real PostgreSQL, a real S3 server, log files and address books; every step through the command
line. Runs on the data that `tests.end_to_end.kamailio` generates and, where it lies beside the
project (or in $DSR_CORPUS), on what a real Kamailio wrote.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from tests.end_to_end.covering import covered
from tests.end_to_end.evidence import Evidence, grep
from tests.end_to_end.kamailio import generate
from tests.end_to_end.office import Dataset
from tests.end_to_end.story import CASE, LAW, REASON, Story, tell
from tests.servers.postgresql import fresh_database
from tests.servers.rgw import Rgw, rgw

__all__ = ["rgw"]

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = Path(os.environ.get("DSR_CORPUS", ROOT.parent / "shared" / "corpus"))
SCHEMA: Final = json.loads((ROOT / "docs/reference/run.schema.json").read_text("utf-8"))

#: By category of the policy: the store that holds it.
SQL: Final = {
    "call_records": "kamailio",
    "registrations": "kamailio",
    "sip_accounts": "kamailio",
    "accounts": "numbers",
}


def _generated(folder: Path) -> Dataset:
    generate(folder)
    return Dataset(
        name="generated",
        files=folder,
        cards=(folder / "contacts",),
        national="3023125100",
        other="199001234",
        held="71-27280@127.0.0.1",
        names=("Müller", "Alice A.", "Extension 1001", "Eva (mobile)"),
    )


def _corpus(_: Path) -> Dataset:
    return Dataset(
        name="corpus",
        files=CORPUS / "generated-here",
        cards=(CORPUS / "vcard" / "ez-vcard", CORPUS / "vcard" / "sabre-vobject"),
        national="30901820",
        other="142685300",
        held="31-27280@127.0.0.1",
    )


DATASETS = [_generated, *([_corpus] if (CORPUS / "generated-here").is_dir() else [])]


@pytest.fixture(scope="module", params=DATASETS, ids=lambda make: make.__name__.strip("_"))
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rgw: Rgw
) -> Iterator[Story]:
    """Return both requests, walked once; every test looks at another side of them."""
    folder = tmp_path_factory.mktemp("office")
    files = tmp_path_factory.mktemp("files")
    with fresh_database() as database:
        yield tell(request.param(files), folder, database, rgw)


def lines(text: bytes, numbers: set[int], *, inside: bool) -> list[bytes]:
    """Return the lines of a log whose numbers (from 1) are, or are not, among `numbers`."""
    found = enumerate(text.splitlines(keepends=True), 1)
    return [line for number, line in found if (number in numbers) == inside]


def own_lines(story: Story, name: str) -> set[int]:
    return story.witness.lines(story.looks["before"].logs[name], story.calls)


def held_lines(story: Story, name: str) -> set[int]:
    return story.witness.lines_of_calls(story.looks["before"].logs[name], [story.dataset.held])


def done(document: dict[str, Any], verb: str) -> dict[tuple[str, str], int]:
    """Return how many records of each store and category a document says `verb` of."""
    return {
        (store, category): tally["do"][verb]
        for store, categories in document["stores"].items()
        for category, tally in categories.items()
        if verb in tally["do"]
    }


def kept(document: dict[str, Any]) -> dict[tuple[str, str], dict[tuple[str, str], int]]:
    """Return how many records of each store and category are kept, by reason and law."""
    return {
        (store, category): {(each["reason"], each["law"]): each["count"] for each in tally["keep"]}
        for store, categories in document["stores"].items()
        for category, tally in categories.items()
        if tally["keep"]
    }


def counted(story: Story) -> dict[tuple[str, str], int]:
    """Return how many records are the caller's: by SQL, grep, a listing, and one card."""
    before = story.looks["before"]
    keys = {key for key, _, _ in story.witness.own(before.objects, story.calls)}
    return {
        **{(SQL[name], name): count for name, count in story.counts["before"].items()},
        ("logs", "logs"): sum(len(own_lines(story, name)) for name in before.logs),
        ("recordings", "recordings"): len(keys),
        ("contacts", "address_book"): 1,
    }


def held(story: Story) -> dict[tuple[str, str], int]:
    """Return how many records are about the held call."""
    before = story.looks["before"]
    found = {
        ("kamailio", "call_records"): sum(
            len(held_rows(story, table, "before")) for table in before.tables
        ),
        ("logs", "logs"): sum(len(held_lines(story, name)) for name in before.logs),
        ("recordings", "recordings"): len({each[0] for each in story.witness.held(before.objects)}),
    }
    assert all(found.values())
    return found


def held_rows(story: Story, table: str, look: str) -> dict[int, Any]:
    rows = story.looks[look].tables[table]
    return {number: row for number, row in rows.items() if row.get("callid") == story.dataset.held}


def test_every_command_ends_with_its_exit_code(story: Story) -> None:
    """Design, exit codes: 0 done, 2 not confirmed, 3 not verified, 4 done but something is kept."""
    codes = {name: answer.code for name, answer in story.answers.items()}
    assert codes == {
        "check": 0,
        "early": 3,
        "wrong pin": 3,
        "verified": 0,
        "export": 0,
        "plan": 4,
        "unconfirmed": 2,
        "wrong token": 2,
        "run": 4,
        "again": 4,
        "released": 0,
        "free": 0,
        "once more": 0,
        "audit": 0,
    }


@pytest.mark.parametrize("answer", ["export", "plan", "run", "again", "free", "once more"])
def test_documents_follow_the_schema(story: Story, answer: str) -> None:
    """Design: scripts depend on what `plan` and `run` print."""
    jsonschema.validate(
        story.document(answer), SCHEMA, format_checker=jsonschema.FormatChecker(["date-time"])
    )


def test_everything_of_theirs_is_found(story: Story) -> None:
    """Laws 1 and 10: what is exported is what SQL, grep and a listing count."""
    document = story.document("export")
    assert done(document, "export") == counted(story)
    assert kept(document) == {}
    assert document["proved"].keys() == document["stores"].keys()


def test_the_package_holds_what_its_receipt_says(story: Story) -> None:
    """Art. 15(3): a copy of the data, each record a line, each recording as it is stored."""
    expected: dict[str, int] = collections.Counter()
    for (_, category), count in counted(story).items():
        expected[category] += count
    with zipfile.ZipFile(story.package) as package:
        assert package.testzip() is None
        found = {
            name.removeprefix("data/").removesuffix(".jsonl"): len(package.read(name).splitlines())
            for name in package.namelist()
            if name.endswith(".jsonl")
        }
        bodies = {hashlib.sha256(package.read(name)).digest() for name in package.namelist()}
        contacts = package.read("contacts.vcf")
    assert found == expected
    own = {key for key, _, _ in story.witness.own(story.looks["before"].objects, story.calls)}
    in_it = {key for key, body in story.bodies.items() if hashlib.sha256(body).digest() in bodies}
    assert in_it == own
    assert [line for line in contacts.splitlines() if line.startswith(b"UID")] == [b"UID:b-2"]


@pytest.mark.parametrize("look", ["exported", "planned"])
def test_reading_changes_nothing(story: Story, look: str) -> None:
    """Design: access and plan change no store."""
    assert story.looks[look] == story.looks["before"]


def test_only_the_held_call_is_left(story: Story) -> None:
    """Law 5 and Art. 17: under the hold, SQL, grep and a listing find that call and no more."""
    after = story.looks["held"]
    assert story.counts["held"] == dict.fromkeys(SQL, 0) | {
        "call_records": held(story)["kamailio", "call_records"]
    }
    for name, text in after.logs.items():
        assert story.witness.lines(text, story.calls) == held_lines(story, name)
    assert story.witness.own(after.objects, story.calls) == story.witness.held(after.objects)


def test_the_held_call_is_whole(story: Story) -> None:
    """Law 5: its rows, its lines and its recordings with all their versions are as before."""
    before, after = story.looks["before"], story.looks["held"]
    for table in before.tables:
        assert held_rows(story, table, "held") == held_rows(story, table, "before")
    for name, text in after.logs.items():
        numbers = held_lines(story, name)
        assert lines(text, numbers, inside=True) == lines(before.logs[name], numbers, inside=True)
    versions = story.witness.held(after.objects)
    assert versions == story.witness.held(before.objects)
    assert len(versions) > len({key for key, _, _ in versions})


@pytest.mark.parametrize("answer", ["plan", "run", "again"])
def test_the_hold_is_reported(story: Story, answer: str) -> None:
    """Laws 4 and 5: the answer says what is kept and why, and counts the rest as done."""
    document = story.document(answer)
    reason = f"hold {CASE}: {REASON}"
    assert kept(document) == {place: {(reason, LAW): count} for place, count in held(story).items()}
    rest = collections.Counter(counted(story))
    rest.subtract(held(story))
    redacted = {("kamailio", "call_records"), ("logs", "logs")}
    assert done(document, "redact") == {place: rest[place] for place in redacted}
    assert done(document, "erase") == {
        place: count for place, count in rest.items() if place not in redacted
    }
    assert not any(t["gaps"] for each in document["stores"].values() for t in each.values())


def test_the_letter_gives_the_reason(story: Story) -> None:
    """Art. 12(4): the person learns why something stays."""
    letter = story.letter.read_text("utf-8")
    assert CASE in letter
    assert "Art. 17(3)(e) DSGVO" in letter  # LAW, in the language of the letter


@pytest.mark.parametrize("look", ["held", "free"])
def test_nothing_of_anyone_else_changes(story: Story, look: str) -> None:
    """Law 7: what is not the caller's, other people's half of the calls too, is as before."""
    before, after = story.looks["before"], story.looks[look]
    assert others(story, after) == others(story, before)


def others(story: Story, evidence: Evidence) -> dict[str, str]:
    """Return a hash for each store of all that is not the caller's."""
    texts = {
        name: [lines(text, own_lines(story, name), inside=False), len(text)]
        for name, text in evidence.logs.items()
    }
    found = {
        "rows": list(other_rows(story, evidence)),
        "texts": texts,
        "objects": sorted(evidence.objects - story.witness.own(evidence.objects, story.calls)),
        "cards": {name: card.replace(story.card, b"") for name, card in evidence.cards.items()},
    }
    return {name: hashlib.sha256(repr(each).encode()).hexdigest() for name, each in found.items()}


def other_rows(story: Story, evidence: Evidence) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every row, or what of it is not the caller's.

    A row in which the caller has no part comes with the transaction that wrote it: it was not
    even written anew.
    """
    for table, rows in evidence.tables.items():
        for number, row in rows.items():
            own = story.sides[table].get(number)
            if own is None:
                yield table, dict(row)
            elif own:  # else the whole row is the caller's
                yield table, {name: row[name] for name in row if name not in {"xmin", *own}}


@pytest.mark.parametrize("look", ["held", "free"])
def test_lines_are_covered_exactly(story: Story, look: str) -> None:
    """Law 7: of the caller's lines exactly the caller's words are covered, byte for byte."""
    theirs = {each.encode() for each in (*story.witness.spelled, *story.calls)}
    for name, old in story.looks["before"].logs.items():
        new = story.looks[look].logs[name]
        stays = held_lines(story, name) if look == "held" else set()
        expected = [
            line if number in stays else covered(line, theirs)
            for number, line in enumerate(old.splitlines(), 1)
        ]
        assert new.splitlines() == expected
        other = story.dataset.other
        assert grep("-oF", other, text=new) == grep("-oF", other, text=old) != b""
        if look == "free":
            assert not grep("-F", "\n".join(story.dataset.names), text=new)


def test_the_second_run_writes_nothing(story: Story) -> None:
    """Law 2: no row, object version, line or card is written again, and the answer is the same."""
    assert story.looks["again"] == story.looks["held"]
    told = [story.document(each) for each in ("run", "again")]
    assert told[0]["stores"] == told[1]["stores"]


def test_a_released_hold_lets_the_rest_go(story: Story) -> None:
    """Art. 5(1)(e): once the hold is released, the confirmed plan leaves nothing of the caller."""
    after = story.looks["free"]
    assert story.counts["free"] == dict.fromkeys(SQL, 0)
    for text in after.logs.values():
        assert not story.witness.lines(text, story.calls)
    assert not story.witness.own(after.objects, story.calls)
    assert not any(story.card in card for card in after.cards.values())
    document = story.document("free")
    assert document["status"] == "done"
    assert kept(document) == {}
    assert done(document, "redact") | done(document, "erase") == counted(story)
    assert document["proved"].keys() == document["stores"].keys()


def test_no_personal_data_leaves_by_the_side_door(story: Story) -> None:
    """Law 8: neither the ledger nor any output of any command names the caller or a call."""
    data = story.dataset
    secrets = (data.national, data.user, data.other, data.held, *data.names)
    said = "".join(story.witness.office.cli.said)
    assert len(said) > len(story.answers)
    assert b"SQLite" in story.ledgers
    for secret in secrets:
        assert secret not in said
        assert secret.encode() not in story.ledgers
