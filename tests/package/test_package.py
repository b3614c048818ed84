"""The package as a whole: what is in it, in which order, described how."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from attrs import evolve

from dsr.errors import ConfigurationError
from dsr.model import Do
from dsr.package import Cover, Package
from tests.package.filling import (
    Audio,
    bytes_of,
    cover,
    export,
    gap,
    keep,
    lines,
    manifest,
    packed,
    record,
    recording,
    sheet,
    unzipped,
)
from tests.things import NOW, OPERATOR

CARD = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Noor\r\nEND:VCARD\r\n"


def full() -> zipfile.ZipFile:
    with Package(cover()) as package:
        package.add(export(), record({"src": "+4930901820", "duration": 3}, at=NOW))
        package.add(export("address_book"), record({"name": "Noor", "vcard": CARD}, "address_book"))
        package.add(*recording(Audio()))
        package.add(keep(), None)
        package.add(gap(), None)
        return unzipped(package)


def test_the_layout_is_the_documented_one() -> None:
    """Every file of the design is there under its name; the manifest comes last."""
    assert full().namelist() == [
        "README.txt",
        "recordings/0001.wav",
        "recordings/0001.vcon.json",
        "data/call_records.jsonl",
        "data/call_records.csv",
        "data/address_book.jsonl",
        "data/address_book.csv",
        "data/recordings.jsonl",
        "data/recordings.csv",
        "contacts.vcf",
        "withheld.json",
        "index.html",
        "letter.html",
        "datapackage.json",
    ]


def test_other_tools_accept_the_archive(tmp_path: Path) -> None:
    """Python's zipfile and, where installed, unzip find no fault, and nobody else may read it."""
    archive = full()
    assert archive.testzip() is None
    assert {each.external_attr >> 16 for each in archive.infolist()} == {0o600}
    assert {each.date_time for each in archive.infolist()} == {(2026, 11, 23, 13, 0, 0)}
    if unzip := shutil.which("unzip"):
        path = tmp_path / "package.zip"
        path.write_bytes(bytes_of([{"src": "+4930901820"}] * 3))
        assert subprocess.run([unzip, "-tq", path], check=False).returncode == 0


def test_the_manifest_tells_size_and_hash_of_every_file() -> None:
    """Size and SHA-256 recomputed from what is in the archive equal those of the manifest."""
    archive = full()
    described = manifest(archive)
    assert set(described) == set(archive.namelist()) - {"datapackage.json"}
    for name, resource in described.items():
        content = archive.read(name)
        assert resource["bytes"] == len(content)
        assert resource["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()


def test_the_manifest_follows_data_package_2() -> None:
    """Rule 26 (GDPR Art. 20(1)): JSON and CSV with a schema each, and a manifest of them all."""
    archive = full()
    head = json.loads(archive.read("datapackage.json"))
    assert head["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert head["created"] == "2026-11-23T12:00:00Z"
    names = [each["name"] for each in head["resources"]]
    assert len(names) == len(set(names))
    table = manifest(archive)["data/call_records.csv"]
    assert (table["type"], table["format"], table["mediatype"]) == ("table", "csv", "text/csv")
    fields = [(each["name"], each["type"]) for each in table["schema"]["fields"]]
    assert fields == [("_store", "string"), ("src", "string"), ("duration", "integer")]
    header = archive.read("data/call_records.csv").split(b"\r\n")[0]
    assert header.decode().split(",") == [name for name, _ in fields]


def test_the_same_data_gives_the_same_bytes() -> None:
    """Who makes the package twice gets one hash: nothing depends on the clock or on chance."""
    rows = [{"src": f"+49{n}", "n": n} for n in range(1000)]
    assert bytes_of(rows) == bytes_of(rows)


def test_records_keep_their_order_and_name_their_store() -> None:
    """Records of two stores stay in the order in which they were added."""
    with Package(cover()) as package:
        for n, store in enumerate(["cdr", "archive", "archive", "cdr"]):
            package.add(export(store=store), record({"n": n}))
        archive = unzipped(package)
    stores = [(0, "cdr"), (1, "archive"), (2, "archive"), (3, "cdr")]
    assert [(each["n"], each["_store"]) for each in lines(archive)] == stores
    assert [(int(each["n"]), each["_store"]) for each in sheet(archive)] == stores


def test_an_empty_package_says_so() -> None:
    """Nothing found is an answer: a whole package with an explicit negative."""
    with Package(cover()) as package:
        archive = unzipped(package)
    assert "data" not in {each.split("/")[0] for each in archive.namelist()}
    assert json.loads(archive.read("withheld.json"))["withheld"] == []
    assert "We do not process personal data about you" in archive.read("letter.html").decode()
    assert "Nothing was found" in archive.read("index.html").decode()


def test_nothing_is_silent_in_withheld_json() -> None:
    """What is left out is counted by category and reason, with its law and its date."""
    with Package(cover()) as package:
        package.add(keep(), None)
        package.add(keep(), record({"secret": "of another"}))
        package.add(gap(key="k1"), None)
        package.add(gap(), None)
        content = unzipped(package).read("withheld.json")
    assert b"secret" not in content
    withheld = {each["category"]: each["entries"] for each in json.loads(content)["withheld"]}
    assert withheld["call_records"] == [
        {
            "count": 2,
            "reason": "another person's rights",
            "law": "GDPR Art. 15(4)",
            "until": "2027-03-01",
            "fields": [],
            "store": "cdr",
        }
    ]
    assert [each["count"] for each in withheld["scores"]] == [1, None]  # how many is not known


def test_a_partial_export_hands_over_only_its_fields() -> None:
    """An export of some fields leaves the others out, and the content with them."""
    step, found = recording(Audio())
    with Package(cover()) as package:
        package.add(evolve(step, fields=frozenset({"caller"})), found)
        archive = unzipped(package)
    [line] = lines(archive, "data/recordings.jsonl")
    assert line == {"caller": "+4930901820", "_store": "bucket"}
    assert not any(each.startswith("recordings/") for each in archive.namelist())


def test_contacts_are_one_address_book() -> None:
    """Records that are vCards are in contacts.vcf as they were stored."""
    cards = [CARD, CARD.replace("Noor", "Jörg").rstrip(), CARD.encode()]
    archive = packed(*({"vcard": each} for each in cards), category="address_book")
    assert archive.read("contacts.vcf").decode() == CARD + CARD.replace("Noor", "Jörg") + CARD


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_refusal_without_reason_cannot_be_built(reason: str) -> None:
    """Art. 12(4): who withholds says why."""
    with Package(cover()) as package:
        with pytest.raises(ValueError, match="12\\(4\\)"):
            package.add(keep(reason), None)
        with pytest.raises(ValueError, match="12\\(4\\)"):
            package.add(gap(reason), None)


def test_an_answer_without_authority_cannot_be_built() -> None:
    """Art. 12(4), 15(1)(f): every answer says where to complain."""
    with pytest.raises(ValueError, match="authority"):
        evolve(cover(), operator=evolve(OPERATOR, authority=" "))
    with pytest.raises(ValueError, match="time zone"):
        Cover(cover().request, OPERATOR, {}, NOW.replace(tzinfo=None))


def test_only_exports_and_known_categories_go_in() -> None:
    """A step that hands nothing over, and a category without policy, are errors, not gaps."""
    with Package(cover()) as package:
        with pytest.raises(ValueError, match="exported"):
            package.add(export(), None)
        with pytest.raises(ValueError, match="exported"):
            package.add(Do("cdr", "call_records", "k1", "erase"), record({"a": 1}))
        with pytest.raises(ConfigurationError, match=r"add \[categories\.unheard\]"):
            package.add(export("unheard"), record({"a": 1}, "unheard"))


def test_a_package_is_written_once() -> None:
    """A second reading would be empty: it is refused."""
    with Package(cover()) as package:
        assert zipfile.is_zipfile(io.BytesIO(b"".join(package.chunks())))
        with pytest.raises(RuntimeError, match="once"):
            package.chunks()


def test_pieces_are_worth_a_write() -> None:
    """All pieces but the last have at least 64 KiB, and none more than 320 KiB."""
    with Package(cover()) as package:
        package.add(*recording(Audio(pieces=(b"x" * 262144,) * 5 + (b"y" * 999,) * 300)))
        *sizes, _ = [len(each) for each in package.chunks()]
    assert len(sizes) > 5
    assert min(sizes) >= 64 * 1024
    assert max(sizes) <= 320 * 1024
