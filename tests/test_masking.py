"""Withheld numbers stay withheld; everything else is as the store has it."""

from __future__ import annotations

from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dsr.masking import WITHHELD, masked
from dsr.model import Record
from dsr.policy.model import Clir

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
    """Rule 35: what the caller withheld from others is no secret from the caller."""
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
    """Rule 35: the rest of the line is what the log says, in any script."""
    line = _line(f"{before} P-Asserted-Identity: <sip:{NOOR}@x> Privacy: id To: {EVA} end")
    shown = masked(line, _about(line, EVA), [LOG]).data["line"]
    assert shown == f"{before} P-Asserted-Identity: <sip:{WITHHELD}@x> Privacy: id To: {EVA} end"
    own = masked(line, _about(line, NOOR), [LOG]).data["line"]
    assert own == str(line.data["line"]).replace(EVA, WITHHELD)


def test_a_line_whose_bytes_cannot_be_counted_goes_whole() -> None:
    """Rule 35: bytes that are no UTF-8 are shown as escapes, and move what follows."""
    line = _line(f"\\xff Privacy: id {NOOR} to {EVA}")
    assert masked(line, _about(line, EVA), [LOG]).data["line"] == WITHHELD


def test_parts_may_overlap() -> None:
    """A name and a number that are recognised twice are masked once."""
    line = evolve(_line(f"Privacy: id {NOOR} to {EVA}"))
    line = evolve(line, personal=line.personal | {"line[12:16]", "line[14:20]"})
    assert NOOR[1:] not in str(masked(line, _about(line, EVA), [LOG]).data["line"])
