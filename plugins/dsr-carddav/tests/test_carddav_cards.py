"""What goes of a card, and what stays."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.connectors.vcards.cards import Card
from dsr.settings import Context
from dsr_carddav.cards import only_card, record, rectified, redacted

LINES = {
    "fn": "FN;X-SORT=Mu:Eva Mu",
    "n": 'N;SORT-AS="Mu":Mu;Eva;;;',
    "tel": "item1.TEL;TYPE=work:+49 30\r\n  901820",
    "x-ablabel": "item1.X-ABLabel:her office",
    "email": "EMAIL:eva@x.de",
    "note": "NOTE:a\\, b\\nc",
    "vcard": "PHOTO;ENCODING=b:AAAA\r\n BBBB",
}
FIXED = {"rev": "REV:2026-01-01T00:00:00Z", "uid": "UID:u1", "title": "TITLE:", "org": "ORG:;"}


def whole(lines: list[str], version: str = "3.0") -> Card:
    text = ["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]
    return Card("\r\n".join(text).encode())


@given(
    st.permutations([*LINES.values(), *FIXED.values()]),
    st.sets(st.sampled_from([*LINES, *FIXED, "unknown"])),
)
def test_named_fields_go_and_all_else_stays(lines: list[str], fields: set[str]) -> None:
    """Law 7: after a redaction what was named speaks of nobody, and other lines are as before."""
    card = whole(lines)
    assert record("k", "c", card).personal == set(LINES)
    left = redacted(card, fields)
    assert record("k", "c", left).personal == set(LINES) - fields
    assert redacted(left, fields) == left, "twice changes something"
    kept = [line for name, line in (LINES | FIXED).items() if name not in fields - {"rev", "uid"}]
    for line in kept:
        assert f"{line}\r\n".encode() in left.raw
    for name in fields & set(LINES):
        assert LINES[name].partition(":")[2].encode() not in left.raw
        assert b"SORT" not in left.raw or {"fn", "n"} - fields
    assert only_card(left.raw) == left
    assert {"fn", "n"} <= {each.name for each in left.properties}  # RFC 2426, 3.1.1 and 3.1.2


def test_a_card_in_a_card_is_not_taken_apart() -> None:
    """An agent's card (2.1) inside speaks of somebody else: the card goes whole, or not."""
    inner = "AGENT:\r\nBEGIN:VCARD\r\nTEL:1\r\nEND:VCARD"
    card = whole(["FN:Eva", inner], "2.1")
    assert "vcard" in record("k", "c", card).personal
    with pytest.raises(ValueError, match="another card"):
        redacted(card, {"fn"})
    assert redacted(card, set()) == card


@pytest.mark.parametrize(
    "changes",
    [{"uid": "x"}, {"vcard": "x"}, {"nickname": "x"}, {"rev": "x"}, {"tel": "1\r\nX:2"}],
)
def test_corrections_that_cannot_be(changes: dict[str, object]) -> None:
    """What the card does not have, what is the server's, or a line of its own is refused."""
    with pytest.raises(ValueError, match=r"no property|line break"):
        rectified(whole(["UID:u", "FN:Eva", "TEL:1", "REV:2026"]), changes)


def test_a_correction_of_several() -> None:
    """A list corrects a property that stands several times; case does not matter."""
    card = whole(["FN:Eva", "TEL:1", "TEL:2"])
    assert (
        rectified(card, {"Tel": ["3", "4"], "fn": "E"}).raw == whole(["FN:E", "TEL:3", "TEL:4"]).raw
    )


@pytest.mark.parametrize(
    "raw", [b"", b"x", b"BEGIN:VCARD\r\n", whole([]).raw * 2, whole([]).raw + b"x"]
)
def test_only_one_card_is_a_card(raw: bytes) -> None:
    """A resource is exactly one card (RFC 6352, 5.1); blank lines around it do no harm."""
    assert only_card(raw) is None
    assert only_card(b"\r\n" + whole(["FN:x"]).raw + b"\r\n") == whole(["FN:x"])


def test_the_readme_is_right() -> None:
    """Every configuration in the README is one that its connector takes."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    loads = {each.name: each.load() for each in entry_points(group="dsr.connectors")}
    blocks = [each.partition("```")[0] for each in readme.split("```toml\n")[1:]]
    tables = [store for block in blocks for store in tomllib.loads(block)["stores"].items()]
    connectors = set()
    for name, table in tables:
        connector = table.pop("connector")
        connectors.add(connector)
        assert loads[connector](name, table, Context("DE", Path("/"))).name == name
    assert {"carddav", "sabredav-db", "sql"} <= connectors
