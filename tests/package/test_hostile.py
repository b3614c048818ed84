"""Data that strangers wrote (a caller's name, a contact) does no harm to who opens the package."""

from __future__ import annotations

import csv
import io
import zipfile
from html.parser import HTMLParser
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.package import Package
from tests.package.filling import CATEGORIES, Audio, cover, export, packed, record, recording, sheet
from tests.package.filling import unzipped as opened

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
ATTACKS = [
    "=1+1",
    "+4930901820",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1dHYPERLINK()",
    '"=1+1',
    ";=1+1",
    'x;"=1+1"',
    "x\n=1",
    "x\t@y",
    "a,=1",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_cell_is_a_formula(attack: str) -> None:
    """Rule 26 (GDPR Art. 20(1)): no cell starts as a formula, however a spreadsheet splits."""
    archive = packed({attack: attack, "mixed": attack}, {"mixed": 1})
    text = archive.read("data/call_records.csv").decode()
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            assert not any(each.startswith(FORMULA) for each in row), delimiter


@given(st.lists(st.text(alphabet='=+-@;,"\n\r\tx \uff1d', max_size=6), min_size=1, max_size=9))
def test_no_column_hides_a_formula(column: list[str]) -> None:
    """Whatever stands together in a column, each of its cells is guarded."""
    for row in sheet(packed(*({"a": each} for each in column))):
        assert not row["a"].startswith(FORMULA)


class _Page(HTMLParser):
    """Collects what a browser would load or run, and the text it would show."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name in {"src", "href", "srcset", "action", "data", "poster"}:
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_pages_run_and_load_nothing(language: str) -> None:
    """Markup in the data is shown as text; pages name no address outside the package."""
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>"
    with Package(cover(language=language)) as package:
        package.add(export(), record({attack: attack, "n": {attack: [attack]}}))
        package.add(*recording(Audio(), note=attack))
        archive = opened(package)
    names = set(archive.namelist())
    for name in ("index.html", "letter.html"):
        text = archive.read(name).decode()
        page = _Page(text)
        assert not {"script", "img", "iframe", "object", "embed", "link", "form"} & {*page.tags}
        assert all(each in names or each.startswith("#") for each in page.links)
        assert "http:" not in text
        assert "https:" not in text
        assert "default-src 'none'" in text
    assert attack in _Page(archive.read("index.html").decode()).text


def test_writing_direction_cannot_leave_its_cell() -> None:
    """Marks that turn the writing direction are kept in the cell by isolation."""
    page = packed({"name": "\u202egnp.exe\u2066"}).read("index.html").decode()
    assert "<bdi>\u202egnp.exe\u2066</bdi>" in page


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "/etc/x", "C:\\x", "a/../b", "\0", "Ünï", "x" * 300]
)
def test_names_of_members_stay_inside(name: str) -> None:
    """Rule 26 (GDPR Art. 20(1)): names are slugs and counters; none leads out of the folder."""
    with Package(cover(categories={name: CATEGORIES["recordings"]})) as package:
        package.add(export(name), record({"a": 1}, name))
        archive = opened(package)
    for each in archive.namelist():
        assert set(each) <= set("abcdefghijklmnopqrstuvwxyzREADME0123456789_-./")
        path = PurePosixPath(each)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert max(len(part) for part in path.parts) < 100


def test_alike_names_do_not_share_a_file() -> None:
    """Two categories whose names become one slug have a file each."""
    both = {"a b": CATEGORIES["scores"], "a/b": CATEGORIES["scores"]}
    with Package(cover(categories=both)) as package:
        for name in both:
            package.add(export(name), record({"name": name}, name))
        archive: zipfile.ZipFile = opened(package)
    assert sheet(archive, "data/a-b.csv")[0]["name"] == "a b"
    assert sheet(archive, "data/a-b-2.csv")[0]["name"] == "a/b"


@pytest.mark.parametrize("name", ["../../evil.wav", "eva-+4930901820.wav", "x.eva", "x.WAV", "wav"])
def test_names_of_recordings_name_nobody(name: str) -> None:
    """A member is named by a counter: nothing of the stored name but a known ending (law 8)."""
    with Package(cover()) as package:
        package.add(*recording(Audio(name=name)))
        names = opened(package).namelist()
    assert "recordings/0001.wav" in names
