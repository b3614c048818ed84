"""The `vcards` connector on every version and encoding, and on what others wrote."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr.connectors.vcards import VCards, from_config
from dsr.connectors.vcards.jcards import JCard, jcards
from dsr.errors import Refused
from dsr.model import Found, Identifier, Record, Unread
from dsr.phone import spellings
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness

_CORPUS = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
CORPUS = _CORPUS / "vcard"
SUBJECT = Identifier("phone", "+4930901820")
BYSTANDER = Identifier("phone", "+4930901821")


def store(folder: Path, region: str = "DE", **table: object) -> VCards:
    whole = {"path": str(folder), "category": "address_book", "files": ["**/*"], **table}
    return from_config("book", whole, Context(region, folder))


def founds(folder: Path, *who: Identifier, region: str = "DE", **table: object) -> list[Found]:
    found = list(store(folder, region, **table).find(who or [SUBJECT]))
    assert not any(isinstance(each, Unread) for each in found)
    return [each for each in found if isinstance(each, Found)]


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def card(*lines: str, version: str = "4.0", newline: str = "\r\n") -> str:
    return newline.join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


# jCard (RFC 7095)


def jcard(uid: str, *properties: Sequence[object]) -> list[object]:
    return ["vcard", [["version", {}, "text", "4.0"], ["uid", {}, "text", uid], *properties]]


class JCardHarness(Harness):
    """A file of one card, and one of several with odd white space."""

    subject = SUBJECT
    bystander = BYSTANDER
    entry = "vcards"
    derived = frozenset({"vcard"})
    verbs = frozenset({"erase", "rectify", "split", "check", "aged"})

    def __init__(self, folder: Path) -> None:
        """Put the store below `folder`."""
        self.root = folder / "books"
        self.root.mkdir()
        self.connector = store(self.root)

    def seed(self) -> int:
        mine = [
            jcard(
                "a",
                ["tel", {"type": "home"}, "uri", "tel:+49-30-901820;ext=1"],
                ["fn", {}, "text", "M"],
            ),
            jcard(
                "b",
                ["tel", {}, "text", "030 / 901820"],
                ["x-odd", {}, "unknown", "é\n"],
                ["rev", {}, "timestamp", "2026-03-01T12:00:00Z"],
            ),
            jcard(
                "c",
                ["fn", {}, "text", "Mine"],
                ["tel", {}, "text", "0049 30 901820"],
                ["rev", {}, "timestamp", "2026-03-02T12:00:00Z"],
            ),
        ]
        others = [
            jcard(
                "x",
                ["tel", {}, "uri", "tel:+4930901821"],
                ["n", {}, "text", ["O", "", "", ["a", "b"], ""]],
            ),
            jcard("y", ["tel", {}, "text", "+49 30 901820 0"]),
        ]
        dumps = [json.dumps(each, indent=1) for each in (mine[0], others[0], mine[1], others[1])]
        write(
            self.root,
            "many.json",
            "\ufeff [\n" + dumps[0] + " ,\n\n" + ",  ".join(dumps[1:]) + "\n]\n",
        )
        write(self.root, "one.json", json.dumps(mine[2]))
        return 3

    def _cards(self) -> list[str]:
        texts = [path.read_text("utf-8") for path in sorted(self.root.glob("*.json"))]
        return [text[each.start : each.end] for text in texts for each in jcards(text)]

    def count(self) -> int:
        return sum(
            uid in each
            for each in self._cards()
            for uid in ('"a"', '"b"', '"c"')
            if '"O"' not in each
        )

    def others(self) -> bytes:
        return repr([each for each in self._cards() if '"x"' in each or '"y"' in each]).encode()

    def changes(self, record: Record) -> Mapping[str, object]:
        if record.data["uid"] == "b":
            return {"tel": ["+49 30 901820", "1"], "note": "a\nb"}
        return {"fn": 'Müller; "Eva"', "tel": "030901820"}

    def unreachable(self) -> VCards:
        return store(self.root / "nowhere")


class TestJCards(ConnectorSuite):
    """The contract on jCard files."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return JCardHarness(tmp_path)


def test_a_jcard_reads_as_the_vcard_that_it_is(tmp_path: Path) -> None:
    """RFC 7095, 3.3.1.3: parts of a value are what vCard writes with semicolons and commas."""
    name = ["Perreault", "Simon", "", "", ["ing. jr", "M.Sc."]]
    tel = ["tel", {}, "uri", "tel:+49-30-901820"]
    write(tmp_path, "a.json", json.dumps(jcard("u", ["N", {}, "text", name], tel)))
    (found,) = founds(tmp_path)
    assert found.record.data["n"] == "Perreault;Simon;;;ing. jr,M.Sc."
    connector = store(tmp_path)
    connector.rectify(found.record.key, {"n": "Tremblay;Simon;;;ing. jr,M.Sc."})
    raw = json.loads((tmp_path / "a.json").read_text())
    assert raw[1][2] == ["N", {}, "text", ["Tremblay", *name[1:]]]
    assert raw[1][3] == tel


@pytest.mark.parametrize("text", ["[", "[]x", '["vcard"]', '["a", []]', "[[1]]", "[" * 5000])
def test_json_that_is_no_jcard_is_told(tmp_path: Path, text: str) -> None:
    """Law 4: a file that cannot be read as cards is a part that was not read."""
    path = write(tmp_path, "a.json", text)
    (unread,) = store(tmp_path).find([SUBJECT])
    assert isinstance(unread, Unread)
    store(tmp_path).erase(["a.json:u00"])
    assert path.read_text() == text


@given(st.lists(st.tuples(st.sampled_from(["tel", "fn"]), st.text(max_size=5)), min_size=1))
def test_any_jcard_can_be_changed(properties: list[tuple[str, str]]) -> None:
    """Whatever values a property gets, they are what is read, and all others stay."""
    text = json.dumps(
        ["vcard", [[name, {}, "text", value] for name, value in properties]], indent=1
    )
    for values in ([], ["x"], ["x", "y", "z"]):
        changed = JCard(text.encode()).changed("tel", values)
        read = [(each.name, each.value) for each in changed.properties]
        assert [value for name, value in read if name == "tel"] == values
        assert [each for each in read if each[0] == "fn"] == [
            each for each in properties if each[0] == "fn"
        ]


# spellings in every version's encodings


def _folded(line: str, at: int, newline: str) -> str:
    return f"{line[:at]}{newline} {line[at:]}"


@settings(deadline=None)
@given(
    spelling=st.sampled_from(spellings("+4930901820", "DE")),
    form=st.sampled_from(["2.1", "2.1 quoted", "3.0", "3.0 folded", "4.0 uri", "jcard"]),
    gaps=st.sets(st.integers(1, 8), max_size=3),
    group=st.sampled_from(["", "item1."]),
    newline=st.sampled_from(["\r\n", "\n"]),
    own=st.booleans(),
)
def test_every_spelling_in_every_encoding(
    spelling: str, form: str, gaps: set[int], group: str, newline: str, own: bool
) -> None:
    """Law 10: a number is found however its card is written, and its neighbour is not."""
    number = spelling if own else spelling + "7"
    if own and form not in {"4.0 uri", "jcard"} and len(spelling) > 9:
        number = (
            "".join(("-" if n in {2, 4} else "") + sign for n, sign in enumerate(number))
            if gaps
            else number
        )
    match form:
        case "2.1":
            text = card(f"{group}TEL;CELL;PREF:{number}", version="2.1", newline=newline)
        case "2.1 quoted":
            quoted = "".join(f"={ord(sign):02X}" for sign in number)
            soft = quoted[:9] + "=" + newline + quoted[9:]
            line = f"{group}TEL;HOME;ENCODING=QUOTED-PRINTABLE:{soft}"
            text = card(line, version="2.1", newline=newline)
        case "3.0":
            text = card(f"{group}TEL;TYPE=work:{number}", version="3.0", newline=newline)
        case "3.0 folded":
            line = f"{group}TEL:{number}"
            text = card(_folded(line, len(line) - 3, newline), version="3.0", newline=newline)
        case "4.0 uri":
            text = card(f'{group}TEL;VALUE=uri;TYPE="a,b":tel:{number};ext=12', newline=newline)
        case _:
            text = json.dumps(
                jcard("u", ["tel", {}, "uri", f"tel:{number};ext=12"]), ensure_ascii=True
            )
    with TemporaryDirectory() as folder:
        write(Path(folder), "a", text)
        assert len(founds(Path(folder))) == own


@pytest.mark.parametrize(
    ("version", "line", "value"),
    [
        ("2.1", b"NOTE;CHARSET=ISO-8859-1:M\xfcller", "Mößner"),
        ("2.1", b"NOTE;CHARSET=windows-1251;ENCODING=QUOTED-PRINTABLE:=CC=E8=F0", "Миру"),
        ("2.1", b"NOTE;CHARSET=UTF-8;QUOTED-PRINTABLE:M=C3=BCller", "Mößner\nx"),
        ("3.0", b"NOTE:M\xfcller", "Mößner " + "°" * 90),
        ("3.0", b"NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller", "Mößner, a;b"),
        ("4.0", "NOTE:Müller".encode(), "Łódź\nzwei"),
        ("3.0", b"NOTE:M\xfcller", "Łódź"),
    ],
)
def test_a_line_keeps_its_encoding(tmp_path: Path, version: str, line: bytes, value: str) -> None:
    """Law 7: a corrected line is in the character set of its card wherever that can hold it."""
    lines = [b"BEGIN:VCARD", b"VERSION:" + version.encode(), b"UID:u", b"TEL:030901820", line]
    path = write(tmp_path, "a.vcf", b"\r\n".join([*lines, b"END:VCARD", b""]))
    (found,) = founds(tmp_path)
    store(tmp_path).rectify(found.record.key, {"note": value})
    (after,) = founds(tmp_path)
    assert after.record.data["note"] == value
    raw = path.read_bytes().split(b"\r\n")
    assert raw[:4] == lines[:4]
    told = line.partition(b":")[0]
    assert raw[4].startswith(told) or "Ł" in value or b"CHARSET=ISO-8859-1" in raw[4]
    assert max(map(len, raw)) <= 76


# whose card, and whose book


def test_another_persons_card_tells_only_what_it_says_of_the_subject(tmp_path: Path) -> None:
    """Law 7: of a card that mentions somebody they get that line, and nobody else's data."""
    note = r"NOTE:plays chess\nhis wife: 030 901820 (evenings)\nowes me 5 €"
    theirs = card("UID:t", "FN:Max Muster", "TEL:+49 30 555111", note, "SOURCE:https://x/owner/t")
    path = write(tmp_path, "owner/t.vcf", theirs)
    (found,) = founds(tmp_path, SUBJECT)
    assert found.record.data == {"note": "his wife: 030 901820 (evenings)"}
    assert found.about == found.record.personal == {"note"}
    assert found.record.content is None
    store(tmp_path).erase([found.record.key])
    assert path.read_bytes().decode() == theirs.replace("030 901820", "xxx xxxxxx")
    store(tmp_path).erase([found.record.key])
    assert founds(tmp_path) == []


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("RELATED;TYPE=spouse;VALUE=uri:tel:+49-30-901820", "4.0"),
        ("X-ASSISTANT-PHONE:030/901820", "3.0"),
        ("X-EVOLUTION-SPOUSE-TEL:030901820", "3.0"),
        (r"AGENT:BEGIN:VCARD\nFN:Eva\nTEL:+4930901820\nEND:VCARD\n", "3.0"),
        ("AGENT:\r\nBEGIN:VCARD\r\nVERSION:2.1\r\nTEL;CELL:030901820\r\nEND:VCARD", "2.1"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE:Eva: =2B49 30 90=\r\n1820", "2.1"),
        ("NOTE:Eva: +49 30 90\r\n 1820", "3.0"),
    ],
)
def test_mentions_in_all_their_forms(tmp_path: Path, line: str, version: str) -> None:
    """A mention is no card of the person; covering it leaves all other lines byte for byte."""
    text = card("UID:t", "TEL:+49 30 555111", line, "X-ODD:  kept", version=version)
    path = write(tmp_path, "t.vcf", text)
    (found,) = founds(tmp_path)
    assert "vcard" not in found.record.data
    assert founds(tmp_path, Identifier("phone", "+4930555111"))[0].record.data["uid"] == "t"
    store(tmp_path).erase([found.record.key])
    assert founds(tmp_path) == []
    kept = path.read_bytes()
    before, _, behind = text.encode().partition(line.encode())
    assert kept.startswith(before)
    assert kept.endswith(behind)
    (theirs,) = founds(tmp_path, Identifier("phone", "+4930555111"))
    store(tmp_path).erase([theirs.record.key])
    assert not path.exists()


def test_a_mention_in_a_jcard(tmp_path: Path) -> None:
    """A related person's number is covered, and all else stays character for character."""
    related = ["related", {"type": "spouse"}, "uri", "tel:+4930901820"]
    text = json.dumps([jcard("t", ["fn", {}, "text", "T"], related), jcard("u")], indent=2)
    path = write(tmp_path, "t.json", text)
    (found,) = founds(tmp_path)
    store(tmp_path).erase([found.record.key])
    assert path.read_text() == text.replace("+4930901820", "+xxxxxxxxxx")


def test_the_persons_own_numbers_in_extensions(tmp_path: Path) -> None:
    """What a program calls a further number of the card's person makes it that person's card."""
    write(tmp_path, "a.vcf", card("UID:t", "X-MS-TEL;CALLBACK:030901820", "FN:Eva"))
    assert founds(tmp_path)[0].record.data["fn"] == "Eva"


def test_nothing_tells_whose_book_it_is(tmp_path: Path) -> None:
    """Rule 27 (GDPR Art. 20(4)): neither path nor card names the owner to anybody but the owner."""
    text = card("UID:s", "FN:Eva", "TEL:030901820", "SOURCE:https://dav/secret-owner/s.vcf")
    write(tmp_path, "secret-owner/book/s.vcf", text)
    (found,) = founds(tmp_path, owner="{account}/{any}")
    assert "secret-owner" not in repr(found.record.data)
    assert "secret-owner" not in repr((found, found.record.content))
    owner = Identifier("account", "secret-owner")
    (theirs,) = founds(tmp_path, owner, owner="{account}/{any}")
    assert theirs.record.data["vcard"] == text
    assert theirs.about == theirs.record.personal == found.about
    with pytest.raises(Refused):
        store(tmp_path).rectify(f"{found.record.key}/note.1.0.3.00", {"note": "x"})


def test_check_tells_what_would_stay_behind(tmp_path: Path) -> None:
    """Law 4: cards that no pattern names, and a server's copies of cards, are told before."""
    text = card("TEL:030901820")
    write(tmp_path, "a.vcf", text)
    assert store(tmp_path, files=["*.vcf"]).check() == []
    write(tmp_path, "b.vcard", text)
    write(tmp_path, ".Radicale.cache/item/a.vcf", text)
    findings = store(tmp_path, files=["*.vcf"]).check()
    assert [each.kind for each in findings] == ["left", "left"]


# cards that others wrote


def _independent(path: Path) -> list[list[str]]:
    """Return the telephone values of each card of a file, as another library reads them."""
    vobject: Any = import_module("vobject")
    raw = path.read_bytes()
    if path.suffix == ".json":
        return [[each[3] for each in json.loads(raw)[1] if each[0] == "tel"]]
    text = raw.decode("utf-8", "replace")
    try:
        cards = list(vobject.readComponents(text, allowQP=True, ignoreUnreadable=True))
        return [[each.value for each in one.contents.get("tel", [])] for one in cards]
    except Exception:  # noqa: BLE001  (it gives up on pictures: count the lines by hand)
        tel = re.compile(r"(?im)^(?:[\w-]+\.)?TEL(?:;[^:]*)?:(.*?)\r?$")
        return [tel.findall(one) for one in re.split(r"(?i)END:VCARD", text)[:-1]]


def _number(value: str) -> str:
    """Return the identifier that a value may be in the corpus's country; empty if none."""
    digits = re.sub(r"\D", "", value.removeprefix("tel:").partition(";")[0])
    if value.removeprefix("tel:").startswith("+"):
        return f"+{digits}"
    return f"+1{digits}" if len(digits) == 10 else ""


def test_every_number_in_cards_that_others_wrote(tmp_path: Path) -> None:
    """Law 10: each number is found in as many cards as another library counts."""
    files = [each for each in sorted(CORPUS.rglob("*")) if each.suffix in {".vcf", ".json"}]
    if not files:
        own = card("UID:a", "TEL:905-222-1234", "TEL:+1 418 656 9254") + card("TEL:9052221234")
        files = [write(tmp_path / "own", "own.vcf", own)]
    book = tmp_path / "book"
    for number, path in enumerate(files):
        book.mkdir(exist_ok=True)
        shutil.copy(path, book / f"{number}{path.suffix}")
    expected: Counter[str] = Counter()
    for path in files:
        for values in _independent(path):
            expected.update({number for number in map(_number, values) if number})
    who = [Identifier("phone", number) for number in expected]
    assert len(who) >= 2
    found = Counter(
        each.who.value for each in founds(book, *who, region="US") if "vcard" in each.record.data
    )
    assert found == expected
