"""Identifiers inside text: the one place that decides whether some bytes speak of a subject.

`Matcher.scan` yields byte spans. Everything that reads text (log lines, composite database
columns, file and object names, vCard values) asks it, so that borders and spellings are judged
alike everywhere. It is small on purpose: a faster engine can stand behind the same two methods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from attrs import define, field

from dsr.model import Identifier
from dsr.phone import spellings

__all__ = ["Match", "Matcher"]

#: Digits with the separators that people and systems put between them (ITU-T E.123, RFC 3966).
_CANDIDATE: Final = re.compile(rb"\+{0,2}\(?\d(?:[ \t().\-/]{0,3}\+{0,2}\d)*")
_GROUP: Final = re.compile(rb"[+\d]+")
_WORD: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_EXTENSION: Final = frozenset(b"xX")
_CLOCK: Final = re.compile(rb"(?:time|timestamp|epoch|stamp)\W{1,2}$", re.IGNORECASE)
_WHOLE_NUMBER: Final = 7  # digits; fewer before a separator cannot be a number of their own


class Match(NamedTuple):
    """Bytes `start` to `end` of the buffer speak of `who`."""

    start: int
    end: int
    who: Identifier


@define
class Matcher:
    """Finds any of `who` in text, with every spelling and with their borders.

    `region` (ISO 3166-1 alpha-2) is the home region for numbers written without country code.
    """

    who: Sequence[Identifier] = field(repr=False)
    region: str
    _phones: dict[bytes, Identifier] = field(factory=dict, init=False, repr=False)
    _shortest: int = field(default=0, init=False, repr=False)
    _longest: int = field(default=0, init=False, repr=False)
    _literals: re.Pattern[bytes] | None = field(default=None, init=False, repr=False)
    _by_text: dict[bytes, Identifier] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Spell the numbers and compile the rest, once."""
        for each in self.who:
            if each.kind == "phone":
                for spelling in spellings(each.value, self.region):
                    self._phones[spelling.encode()] = each
            elif each.value:
                for text in _literals_of(each):
                    self._by_text[text.lower()] = each
        if self._phones:
            self._shortest = min(map(len, self._phones))
            self._longest = max(map(len, self._phones))
        if self._by_text:
            longest_first = sorted(self._by_text, key=lambda text: (-len(text), text))
            body = b"|".join(map(re.escape, longest_first))
            border = rb"(?<![\w.+@%-])(?:" + body + rb")(?![\w@-]|\.\w)"
            self._literals = re.compile(border, re.IGNORECASE)

    def scan(self, text: bytes | bytearray | memoryview) -> Iterator[Match]:
        """Yield every place in `text` that speaks of one of `who`.

        Phone matches come first, then the other kinds, each in order of position.
        """
        if self._phones:
            yield from self._scan_phones(bytes(text))
        if self._literals is not None:
            for hit in self._literals.finditer(text):
                yield Match(hit.start(), hit.end(), self._by_text[hit[0].lower()])

    def matches(self, text: str) -> frozenset[Identifier]:
        """Return those of `who` that `text` speaks of."""
        return frozenset(match.who for match in self.scan(text.encode("utf-8", "surrogateescape")))

    def _scan_phones(self, text: bytes) -> Iterator[Match]:
        phones, shortest = self._phones, self._shortest
        for candidate in _CANDIDATE.finditer(text):
            start, end = candidate.span()
            if end - start < shortest:
                continue
            groups = [g.span() for g in _GROUP.finditer(text, start, end)]
            first = 0
            while first < len(groups):
                last = self._longest_hit(text, groups, first)
                if last is None:
                    first += 1
                    continue
                token = b"".join(text[a:b] for a, b in groups[first : last + 1])
                yield Match(groups[first][0], groups[last][1], phones[token])
                first = last + 1

    def _longest_hit(self, text: bytes, groups: list[tuple[int, int]], first: int) -> int | None:
        """Return the last group of the longest spelling that starts at group `first`."""
        if not _may_start(text, groups, first):
            return None
        token, hit = b"", None
        for last in range(first, len(groups)):
            a, b = groups[last]
            token += text[a:b]
            if len(token) > self._longest:
                break
            if token not in self._phones or not _ends_well(text, b):
                continue
            if token[:1] in b"+0":
                hit = last
            elif first == last:  # without plus or trunk prefix: more doubt, stricter borders
                hit = hit if _is_clock(text, a, b) else last
            elif first == 0 and last == len(groups) - 1:
                hit = last
        return hit


def _may_start(text: bytes, groups: list[tuple[int, int]], first: int) -> bool:
    start = groups[first][0]
    if first == 0:
        if start and text[start - 1 : start] == b"(":
            start -= 1
        return (
            not start or text[start - 1] not in _WORD or text[start - 3 : start].upper() == b"%2B"
        )
    if text[start : start + 1] == b"+":
        return True
    head = text[groups[0][0] : groups[0][0] + 2]
    if not head.startswith(b"+") and head != b"00":
        return True
    # behind an international start these digits are the rest of that number, unless it is
    # long enough to have ended
    return sum(b - a for a, b in groups[:first]) >= _WHOLE_NUMBER + 1


def _ends_well(text: bytes, end: int) -> bool:
    return end >= len(text) or text[end] not in _WORD or text[end] in _EXTENSION


def _is_clock(text: bytes, start: int, end: int) -> bool:
    """Return whether bare digits are a Unix time (`timestamp=…`) or a call id (`….7`)."""
    if text[end : end + 1] == b"." and text[end + 1 : end + 2].isdigit():
        return True
    return _CLOCK.search(text[max(0, start - 12) : start]) is not None


def _literals_of(who: Identifier) -> Iterator[bytes]:
    """Yield the texts that stand for an identifier that is no phone number."""
    yield who.value.encode()
    if who.kind == "sip":
        user = who.value.split("@", 1)[0].encode()
        for context in (b"sip:", b"sips:", b"SIP/", b"PJSIP/", b"user=", b"username="):
            yield context + user
