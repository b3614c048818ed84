"""The `vcards` connector: the contract, and what is special about cards in files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.connectors.vcards import VCards, from_config
from dsr.connectors.vcards.cards import Card, cut
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.model import Found, Identifier, Record, Unread
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness

CORPUS = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
SUBJECT = Identifier("phone", "+4930901820")
BYSTANDER = Identifier("phone", "+4930901821")


def card(uid: str, *lines: str, version: str = "3.0") -> str:
    own = [f"UID:{uid}"] if uid else []
    text = ["BEGIN:VCARD", f"VERSION:{version}", *own, "FN:Somebody", *lines, "END:VCARD", ""]
    return "\r\n".join(text)


def store(folder: Path, **table: object) -> VCards:
    whole = {"path": str(folder), "category": "address_book", **table}
    return from_config("book", whole, Context("DE", folder))


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def found(book: VCards, *who: Identifier) -> list[Record]:
    return [each.record for each in book.find(who or [SUBJECT]) if isinstance(each, Found)]


def keys(book: VCards, *who: Identifier) -> list[str]:
    return [each.key for each in found(book, *who)]


def unread(book: VCards) -> list[str]:
    return [each.reason for each in book.find([SUBJECT]) if isinstance(each, Unread)]


def _rev(day: int) -> str:
    return f"REV:2026-03-0{day}T12:00:00Z"


class BookHarness(Harness):
    """Two address books: a file with many cards, and files of one card each."""

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
            card("a", "TEL;TYPE=work:+49 30 901820", "NOTE:mine", "X-ODD;X=1:kept"),
            card("b", "TEL:030/901820", "EMAIL:eva@example.org", "NOTE:mine", _rev(1)),
            card("", "item1.TEL:+49 30 90\r\n 1820", "NOTE:mine", _rev(2)),
            card(
                "c", "TEL;VALUE=uri:tel:+49-30-901820;ext=12", "NOTE:mine", _rev(2), version="4.0"
            ),
        ]
        other = card("d", "TEL:030 901821", "NOTE:other", _rev(1)), card("", "TEL:+49 30 901820 0")
        write(self.root, "many.vcf", mine[0] + other[0] + "\r\n" + mine[1] + mine[2] + other[1])
        write(self.root, "eva/one.vcf", mine[3])
        write(self.root, "eva/two.vcf", other[0])
        return 4

    def count(self) -> int:
        return sum(raw.count(b"NOTE:mine") for raw in self._files().values())

    def _files(self) -> Mapping[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(self.root.rglob("*.vcf"))}

    def others(self) -> bytes:
        pieces = [piece.raw for raw in self._files().values() for piece in cut(BytesIO(raw))]
        return b"".join(each for each in pieces if b"NOTE:mine" not in each)

    def changes(self, record: Record) -> Mapping[str, object]:
        if "uid" not in record.data:
            return {}
        return {"fn": "Müller, Eva; " + "x" * 80, "email": "new@example.org"}

    def unreachable(self) -> VCards:
        return store(self.root / "nowhere")


class TestContract(ConnectorSuite):
    """Law by law."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> BookHarness:
        """Return two address books."""
        return BookHarness(tmp_path)


# whom a card speaks of


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("TEL;CELL;PREF:0049 30 901820", SUBJECT),
        ("TEL:+49 (0)30 901820", SUBJECT),
        ("TEL:030 901820 (mornings)", SUBJECT),
        ("IMPP:sip:4930901820@example.org", SUBJECT),
        ('TEL;VALUE=uri;TYPE="work:a,voice":tel:+49-30-901820', SUBJECT),
        ("TEL;ENCODING=QUOTED-PRINTABLE:=2B49 30=20901=\r\n820", SUBJECT),
        ("EMAIL;TYPE=home:Eva@Example.org", Identifier("email", "eva@example.org")),
        ("EMAIL:mailto:eva@example.org?subject=x", Identifier("email", "eva@example.org")),
        (
            "IMPP;PREF=1:sip:Eva@example.org:5060;transport=tls",
            Identifier("sip", "eva@example.org"),
        ),
        ("X-SIP:eva@example.org", Identifier("sip", "eva@example.org")),
        ("IMPP:sips:eva@example.org", Identifier("sip", "eva")),
    ],
)
def test_numbers_and_addresses(tmp_path: Path, line: str, who: Identifier) -> None:
    """Law 10: a card is found by its numbers and addresses in all their forms."""
    write(tmp_path, "a.vcf", card("a", line))
    assert len(found(store(tmp_path), who)) == 1


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("TEL:+49 30 901820-12", SUBJECT),
        ("TEL:+49 30 901820 12", SUBJECT),
        ("TEL:+43 30 901820", SUBJECT),
        ("NOTE:he shares 0309018201", SUBJECT),
        ("EMAIL:m.eva@example.org", Identifier("email", "eva@example.org")),
        ("IMPP:sip:eva@example.com", Identifier("sip", "eva@example.org")),
        ("EMAIL:eva@example.org", Identifier("sip", "eva@example.org")),
    ],
)
def test_other_numbers_and_addresses(tmp_path: Path, line: str, who: Identifier) -> None:
    """Law 10: a longer number, or another host, is another person."""
    write(tmp_path, "a.vcf", card("a", line))
    assert found(store(tmp_path), who) == []


def test_the_owner_of_a_book(tmp_path: Path) -> None:
    """An account finds all cards of the books that the paths say are its own."""
    write(tmp_path, "A-1/x.vcf", card("a", "TEL:1") + card("b", "TEL:030901820"))
    write(tmp_path, "A-10/x.vcf", card("c", "TEL:030901820"))
    book = store(tmp_path, owner="{account}/{any}")
    account = Identifier("account", "A-1")
    assert book.accepts == {"phone", "email", "sip", "account"}
    assert [each.data["uid"] for each in found(book, account)] == ["a", "b"]
    assert [each.data["uid"] for each in found(book, account, SUBJECT)] == ["a", "b", "b", "c"]
    assert "account" not in store(tmp_path).accepts


def test_what_a_record_holds(tmp_path: Path) -> None:
    """Law 7 of the person's own: every property with all its values, and the card as it is."""
    text = card(
        "u", "TEL:1", "TEL:030901820", r"NOTE:a\, b\nc", "N:Mü;Eva;;;", "EMAIL:", "ORG:A\\;B",
        "REV:2026-01-02T03:04:05Z", "PHOTO;ENCODING=b:AAAA", "KEY:data:x;base64,AAAA",
    )  # fmt: skip
    write(tmp_path, "a.vcf", text)
    (record,) = found(store(tmp_path))
    assert record.data == {
        "vcard": text,
        "version": "3.0",
        "uid": "u",
        "fn": "Somebody",
        "tel": ["1", "030901820"],
        "note": "a, b\nc",
        "n": "Mü;Eva;;;",
        "email": "",
        "org": "A\\;B",
        "rev": "2026-01-02T03:04:05Z",
    }
    assert record.personal == record.data.keys() - {"email"}
    assert record.at is not None
    assert record.at.isoformat() == "2026-01-02T03:04:05+00:00"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A card in another encoding is handed out as its bytes, its values as text."""
    raw = card("a", "TEL:030901820", "N;CHARSET=ISO-8859-1:M\xfcller").encode("latin-1")
    write(tmp_path, "a.vcf", raw)
    (record,) = found(store(tmp_path))
    assert record.data["vcard"] == raw
    assert record.data["n"] == "Müller"


# files


def test_broken_cards_do_not_hide_others(tmp_path: Path) -> None:
    """Law 4: a card without end or garbage is reported by its place, and the others are found."""
    good = card("a", "TEL:030901820")
    write(tmp_path, "eva.vcf", "BEGIN:VCARD\nTEL:030901820\n" + good + "\n garbage\n" + good[:40])
    write(tmp_path, "fine.vcf", good)
    book = store(tmp_path)
    assert len(found(book)) == 2
    place = "file 1 in name order: card {} has no begin or no end"
    assert unread(book) == [place.format(number) for number in (1, 3, 4)]
    before = (tmp_path / "eva.vcf").read_bytes()
    book.erase(keys(book))
    assert (tmp_path / "eva.vcf").read_bytes() == before.replace(good.encode(), b"")
    assert not (tmp_path / "fine.vcf").exists()


def test_a_card_in_a_card(tmp_path: Path) -> None:
    """An agent's card inside another one (2.1) is a part of that one."""
    inner = card("in", "TEL:1", version="2.1")
    whole = card("a", "TEL:030901820", "AGENT:\r\n" + inner.strip(), version="2.1")
    write(tmp_path, "a.vcf", whole + card("b", "TEL:2"))
    (record,) = found(store(tmp_path))
    assert (record.data["uid"], record.data["tel"]) == ("a", "030901820")
    store(tmp_path).erase([record.key])
    assert (tmp_path / "a.vcf").read_bytes() == card("b", "TEL:2").encode()


def test_cards_without_uid_are_told_apart(tmp_path: Path) -> None:
    """Erasing one card never takes another, whether they have no UID, or the same one."""
    cards = [card(uid, "TEL:030901820", f"NOTE:{n}") for n, uid in enumerate(("", "", "x", "x"))]
    path = write(tmp_path, "a.vcf", "".join(cards) + cards[0])
    book = store(tmp_path)
    all_keys = keys(book)
    assert len(all_keys) == len(set(all_keys)) == 4
    for number in (2, 0):
        for _ in range(2):
            book.erase([all_keys[number]])
    assert path.read_bytes().decode() == cards[1] + cards[3]
    book.erase(keys(book))
    assert not path.exists()


def test_erasing_keeps_mode_and_leaves_no_copy(tmp_path: Path) -> None:
    """A rewritten file is the same file to its server, and no copy stays beside it."""
    path = write(tmp_path, "a.vcf", card("a", "TEL:030901820") + card("b", "TEL:1"))
    path.chmod(0o640)
    write(tmp_path, ".a.vcf.dsr-rewriting", "BEGIN:VCARD\r\n")  # a crash left it
    book = store(tmp_path)
    assert len(unread(book)) == len(book.check()) == 1
    book.erase(keys(book))
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["a.vcf"]
    assert [each.text for each in book.check()] == unread(book) == []


def test_many_files_are_split_in_groups(tmp_path: Path) -> None:
    """A part is small, however many files there are."""
    for number in range(1001):
        write(tmp_path, f"{number}.vcf", "")
    assert [len(part.parts or ()) for part in store(tmp_path).split()] == [500, 500, 1]


def test_a_missing_folder(tmp_path: Path) -> None:
    """A folder that is not mounted is not one without cards, nor one where all is erased."""
    book = store(tmp_path / "nowhere")
    with pytest.raises(StoreUnavailable):
        book.erase(["a.vcf:u00"])
    with pytest.raises(StoreUnavailable):
        book.check()
    assert [each.text for each in store(tmp_path).check()] == [
        "no file matches **/*.vcf: correct path or files"
    ]


# correction


def test_only_the_corrected_line_changes(tmp_path: Path) -> None:
    """Law 7: a correction leaves all other lines byte for byte, and the line's parameters."""
    text = (
        "BEGIN:VCARD\nVERSION:3.0\nUID:a\nitem1.EMAIL;TYPE=work:a@x.de\nX-ODD:  kept \n"
        "EMAIL:b@x.de\nTEL:030901820\nEMAIL:c@x.de\nEND:VCARD\n"
    )
    path = write(tmp_path, "a.vcf", "\n" + text + "\n\n")
    book = store(tmp_path)
    (key,) = keys(book)
    book.rectify(key, {"email": ["z@x.de", "b@x.de"], "fn": "Ä" * 50})
    fold = "FN:" + "Ä" * 36 + "\n " + "Ä" * 14 + "\n"
    expected = (
        text.replace("a@x.de", "z@x.de")
        .replace("EMAIL:c@x.de\n", "")
        .replace("END:", fold + "END:")
    )
    assert path.read_text() == "\n" + expected + "\n\n"
    assert max(map(len, path.read_bytes().splitlines())) <= 75
    book.rectify(key, {"email": "only@x.de"})
    (record,) = found(book)
    assert record.data["email"] == "only@x.de"
    assert record.data["fn"] == "Ä" * 50


def test_old_cards_are_corrected_in_their_way(tmp_path: Path) -> None:
    """In version 2.1 what is not ASCII is quoted-printable, in the line's own character set."""
    old = card(
        "a", "TEL:030901820", "N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FC", version="2.1"
    )
    path = write(tmp_path, "a.vcf", old)
    book = store(tmp_path)
    value = "Müller;" + "é" * 40 + "\nx"
    book.rectify(keys(book)[0], {"n": value, "note": "plain"})
    (record,) = found(book)
    assert (record.data["n"], record.data["note"]) == (value, "plain")
    assert path.read_bytes().isascii()
    assert b"\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;" in path.read_bytes()
    book.rectify(keys(book)[0], {"n": "Łukasz;;;;"})
    assert b"\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C5=81ukasz;" in path.read_bytes()


@pytest.mark.parametrize(
    "changes", [{"uid": "x"}, {"vcard": "x"}, {"a b": "x"}, {"tel": "1\r\nX:2"}, {"fn:x": "1"}]
)
def test_corrections_that_would_break_the_card(tmp_path: Path, changes: dict[str, object]) -> None:
    """What is no property, or would end up as another line, is refused."""
    path = write(tmp_path, "a.vcf", card("a", "TEL:030901820"))
    book = store(tmp_path)
    before = path.read_bytes()
    with pytest.raises(Refused):
        book.rectify(keys(book)[0], changes)
    assert path.read_bytes() == before


def test_a_card_that_is_gone_cannot_be_corrected(tmp_path: Path) -> None:
    """Law 4: no success without a record."""
    write(tmp_path, "a.vcf", card("b"))
    for key in ("a.vcf:u00", "b.vcf:u00"):
        with pytest.raises(Refused, match="not there any more"):
            store(tmp_path).rectify(key, {"fn": "x"})


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")))
def test_any_text_comes_back(value: str) -> None:
    """Whatever a name is corrected to, reading the card gives it back, whole and alone."""
    whole = Card(card("a", "FN:second", "NOTE:n").encode())
    changed = whole.changed("fn", [value])
    read = [(each.name, each.value) for each in changed.properties]
    assert read == [("version", "3.0"), ("uid", "a"), ("fn", value), ("note", "n")]
    assert max(map(len, changed.raw.split(b"\r\n"))) <= 75
    assert changed.changed("fn", [value]) == changed


@given(
    st.lists(st.sampled_from([*card("a", "TEL:1").splitlines(keepends=True), "\n", "x\n", " y"]))
)
def test_pieces_are_the_file(lines: list[str]) -> None:
    """Whatever a file holds, its pieces put together are the file."""
    raw = [line.encode() for line in lines]
    assert b"".join(piece.raw for piece in cut(raw)) == b"".join(raw)


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    """An error names the key that is wrong."""
    with pytest.raises(ConfigurationError, match=r"stores\.book\.owner: "):
        store(tmp_path, owner="{nobody}/{any}")
    with pytest.raises(ConfigurationError, match=r"stores\.book\.categry"):
        store(tmp_path, categry="x")


# cards that other programs wrote


def test_cards_that_others_wrote(tmp_path: Path) -> None:
    """Every card of every program is read with its names and addresses, or reported."""
    files = sorted((CORPUS / "vcard").rglob("*.vcf"))
    if not files:
        files = [write(tmp_path, "own.vcf", card("a", "TEL:1") + card("b", "EMAIL:x@y"))]
    for path in files:
        raw = path.read_bytes()
        pieces = list(cut(BytesIO(raw)))
        assert b"".join(piece.raw for piece in pieces) == raw
        cards = [Card(piece.raw) for piece in pieces if piece.sort == "card"]
        broken = [piece for piece in pieces if piece.sort == "broken"]
        assert len(cards) + len(broken) >= raw.upper().count(b"BEGIN:VCARD") > 0
        assert not broken
        for each in cards:
            names = [prop.name for prop in each.properties]
            for name in ("tel", "email", "version", "fn", "n"):
                lines = re.findall(rb"(?im)^(?:[\w-]+\.)?%b[;:]" % name.encode(), each.raw)
                assert names.count(name) == len(lines)
            assert each.changed("fn", ["x"]).changed("fn", ["x"]) == each.changed("fn", ["x"])
