"""Names beside numbers, in texts that name both parties of a call.

`sql` finds the pieces of a text that are the person's number or address. Here the pieces are
added that speak of the same party without being one: other elements of the same block of
FreeSWITCH's XML, and the name before `<number>` in its log. A piece is named `column[start:end]`,
in characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from dsr.model import Identifier
from dsr_fusionpbx.tables import words

__all__ = ["elements", "in_speech", "in_xml"]

_ELEMENT: Final = re.compile(
    r"<(?P<block>variables|caller_profile|originat(?:ee|or)_caller_profile)>"
    r"|<(?P<tag>[\w-]+)>(?P<text>[^<>]+)</(?P=tag)>"
)
_SPAN: Final = re.compile(r"(?P<column>.+)\[(?P<start>\d+):(?P<end>\d+)\]")
_CALLER: Final = re.compile(
    r'(?:Processing (?P<plain>[^<>\n]+?)|"(?P<quoted>[^"<>\n]+)") ?<(?P<number>[^<>\n]+)>'
)
_USER: Final = re.compile(r"(?:.*<)?(?:sips?:)?([^@;>]+)", re.DOTALL)

Span = tuple[int, int]


class Element(NamedTuple):
    """What an XML call record says of a party: which block it is in, and where its text is."""

    block: int
    party: str
    is_number: bool
    span: Span
    text: str


def elements(xml: str) -> Iterator[Element]:
    """Yield the elements that speak of a party, but those that were covered already."""
    known = _known()
    block = 0
    for found in _ELEMENT.finditer(xml):
        if found["block"]:
            block = found.start()
        elif found["tag"] in known and found["text"].strip("*"):
            party, is_number = known[found["tag"]]
            yield Element(block, party, is_number, found.span("text"), found["text"])


def in_xml(
    column: str, xml: str, who: Identifier, about: Iterable[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the pieces that speak of `who`, found in `about`, and those that do of anybody."""
    spans = list(_spans(column, about))
    every = list(elements(xml))
    hers = {
        (each.block, each.party) for each in every if each.is_number and _names(each, who, spans)
    }
    mine = [each for each in every if (each.block, each.party) in hers]
    return _pieces(column, mine), _pieces(column, every)


def in_speech(column: str, text: str, about: Iterable[str]) -> frozenset[str]:
    """Return the names in a log that stand before a number which is in `about`."""
    spans = list(_spans(column, about))
    found = set()
    for each in _CALLER.finditer(text):
        if any(_meet(each.span("number"), span) for span in spans):
            start, end = each.span("plain" if each["plain"] else "quoted")
            if text[start:end].strip("*"):
                found.add(f"{column}[{start}:{end}]")
    return frozenset(found)


@cache
def _known() -> dict[str, tuple[str, bool]]:
    """Return whom each element's name speaks of, and whether it holds an identifier."""
    known: dict[str, tuple[str, bool]] = {}
    for parties in words().values():
        for party, said in parties.items():
            known |= dict.fromkeys(said["words"], (party, False))
            known |= dict.fromkeys(said["numbers"], (party, True))
    return known


def _names(element: Element, who: Identifier, spans: Iterable[Span]) -> bool:
    if any(_meet(element.span, span) for span in spans):
        return True
    user = _USER.match(unquote(element.text))
    return (
        who.kind == "sip"
        and user is not None
        and user[1].strip().lower() == who.value.partition("@")[0].lower()
    )


def _spans(column: str, names: Iterable[str]) -> Iterator[Span]:
    for name in names:
        found = _SPAN.fullmatch(name)
        if found is not None and found["column"] == column:
            yield int(found["start"]), int(found["end"])


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _pieces(column: str, found: Iterable[Element]) -> frozenset[str]:
    return frozenset(f"{column}[{each.span[0]}:{each.span[1]}]" for each in found)
