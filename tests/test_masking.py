"""What would harm others is left out; everything else is as the store has it."""

from __future__ import annotations

from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dsr.masking import WITHHELD, masked, without_others
from dsr.model import Identifier, Record
from dsr.package import Package
from dsr.policy.model import Clir, ThirdParty
from tests.package.filling import Audio, cover, recording, unzipped

EVA: Final = "+4930901820"
NOOR: Final = "+33142685300"
RULE: Final = Clir("privacy", ("src", "clid"))
CALL: Final = Record(
    "c1",
    "calls",
    {"src": NOOR, "clid": f'"Noor" <{NOOR}>', "dst": EVA, "privacy": "id;Anonymous", "n": 3},
    personal=frozenset({"src", "clid", "dst"}),
)
LOG: Final = Clir("line", ("line",), ("privacy: id",))


def test_the_called_party_is_not_shown_a_withheld_number() -> None:
    """Rule 35 (Directive 2002/58/EC Art. 8): neither the number nor the name beside it."""
    shown = masked(CALL, frozenset({"dst"}), [RULE]).data
    assert shown == {**CALL.data, "src": WITHHELD, "clid": WITHHELD}


def test_the_caller_is_shown_the_own_number() -> None:
    """Rule 35 (Directive 2002/58/EC Art. 8): it is no secret from the caller."""
    assert masked(CALL, frozenset({"src", "clid"}), [RULE]).data == CALL.data


@pytest.mark.parametrize("privacy", [None, "", "none", 0])
def test_a_number_that_was_shown_is_shown(privacy: object) -> None:
    """Only what the record says to be withheld is."""
    call = evolve(CALL, data={**CALL.data, "privacy": privacy})
    assert masked(call, frozenset({"dst"}), [RULE]) is call


def _line(text: str) -> Record:
    """Return a log line in which both numbers are recognised, as bytes count."""
    raw = text.encode()
    spans = {
        f"line[{raw.index(each.encode())}:{raw.index(each.encode()) + len(each.encode())}]"
        for each in (EVA, NOOR)
    }
    return Record("l1", "logs", {"line": text}, personal=frozenset(spans))


def _about(line: Record, number: str) -> frozenset[str]:
    raw = str(line.data["line"]).encode()
    start = raw.index(number.encode())
    return frozenset({f"line[{start}:{start + len(number.encode())}]"})


@given(before=st.text(st.characters(exclude_characters="\\+", exclude_categories=["Cs"])))
def test_of_a_log_line_only_the_other_party_goes(before: str) -> None:
    """Rule 35 (Directive 2002/58/EC Art. 8): the rest of the line stays, in any script."""
    line = _line(f"{before} P-Asserted-Identity: <sip:{NOOR}@x> Privacy: id To: {EVA} end")
    shown = masked(line, _about(line, EVA), [LOG]).data["line"]
    assert shown == f"{before} P-Asserted-Identity: <sip:{WITHHELD}@x> Privacy: id To: {EVA} end"
    own = masked(line, _about(line, NOOR), [LOG]).data["line"]
    assert own == str(line.data["line"]).replace(EVA, WITHHELD)


def test_a_line_whose_bytes_cannot_be_counted_goes_whole() -> None:
    """Rule 35 (Directive 2002/58/EC Art. 8): bytes that are no UTF-8 move what follows."""
    line = _line(f"\\xff Privacy: id {NOOR} to {EVA}")
    assert masked(line, _about(line, EVA), [LOG]).data["line"] == WITHHELD


def test_parts_may_overlap() -> None:
    """A name and a number that are recognised twice are masked once."""
    line = evolve(_line(f"Privacy: id {NOOR} to {EVA}"))
    line = evolve(line, personal=line.personal | {"line[12:16]", "line[14:20]"})
    assert NOOR[1:] not in str(masked(line, _about(line, EVA), [LOG]).data["line"])


# --- fields of others ---------------------------------------------------------------------------


def test_a_field_of_the_person_is_no_others() -> None:
    """Rule 27 (GDPR Art. 20(4)): the same rule takes the other's number, never one's own."""
    rule = ThirdParty(("src", "dst"), "why")
    shown, taken = without_others(CALL, frozenset({"dst"}), [rule], "portability")
    assert shown.data == {name: CALL.data[name] for name in ("clid", "dst", "privacy", "n")}
    assert taken == [(rule, frozenset({"src"}))]
    assert without_others(CALL, frozenset({"dst"}), [rule], "access") == (CALL, [])


def test_of_a_log_line_only_what_speaks_of_others_is_left_out() -> None:
    """Rule 27 (GDPR Art. 20(4)): the line is the person's too; the other number is cut out."""
    line = _line(f"INVITE {EVA} -> {NOOR} 200")
    shown, _ = without_others(
        line, _about(line, EVA), [ThirdParty(("line",), "why")], "portability"
    )
    assert shown.data["line"] == f"INVITE {EVA} -> {WITHHELD} 200"


def test_a_recording_can_be_withheld_whole() -> None:
    """Rules 27, 34 (GDPR Arts. 15(4), 20(4)): its record goes along, without the audio."""
    _, found = recording(Audio())
    rule = ThirdParty(("content",), "why", access=True)
    shown, taken = without_others(found, frozenset({"caller", "content"}), [rule], "access")
    assert shown.content is None
    assert shown.data == found.data
    assert taken == [(rule, frozenset({"content"}))]


def test_no_vcon_names_what_is_withheld() -> None:
    """Rule 27 (GDPR Art. 20(4)): neither the field nor the link that says the same."""
    step, found = recording(Audio(), callee=NOOR)
    found = evolve(found, links=(Identifier("phone", NOOR),))
    shown, _ = without_others(
        found, frozenset({"caller"}), [ThirdParty(("callee",), "why")], "portability"
    )
    for each, parties in ((found, 2), (shown, 1)):
        with Package(cover("portability")) as package:
            package.add(step, each)
            text = unzipped(package).read("recordings/0001.vcon.json").decode()
        assert text.count("tel:") == parties
        assert (NOOR in text) is (parties == 2)


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ("item1.NOTE:a b c\r\nEMAIL:x", "EMAIL:x"),
        ("note;LANGUAGE=en:a b c\n  b c\nEMAIL:x", "EMAIL:x"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\nNOTE b c=\r\n d\r\nEMAIL:x", "EMAIL:x"),
        ("NOTE:a=\r\nEMAIL:x", "EMAIL:x"),
        ("NOTES:y\r\nEMAIL:x", "NOTES:y\r\nEMAIL:x"),
    ],
)
@pytest.mark.parametrize("raw", [False, True])
def test_a_property_goes_with_all_its_lines(lines: str, left: str, raw: bool) -> None:
    """Rule 27 (GDPR Art. 20(4); RFC 6350, 3.2): folded or quoted, in any group and case."""
    card: object = lines.encode() if raw else lines
    contact = Record("k", "contacts", {"vcard": card, "note": "a b c"})
    rule = ThirdParty(("note",), "why", own=True)
    shown, _ = without_others(contact, frozenset({"note"}), [rule], "portability")
    assert shown.data == {"vcard": left.encode() if raw else left}


@given(st.text(max_size=40), st.text(min_size=1, max_size=8))
def test_nothing_withheld_is_left_in_a_card(rest: str, value: str) -> None:
    """Rule 27 (GDPR Art. 20(4)): whatever else stands in the card."""
    if not value.strip():
        return
    contact = Record("k", "contacts", {"vcard": f"NOTE:{value}\r\n{rest}", "note": value})
    rule = ThirdParty(("note",), "why", own=True)
    shown, _ = without_others(contact, frozenset(), [rule], "portability")
    assert value not in str(shown.data.get("vcard", ""))
