"""Phone numbers in text: every spelling, with separators, and no neighbour.

A number is looked for by its *stem*, the digits that all its spellings end with. What stands
before the stem must be one of the ways in which a spelling begins, and the borders decide
whether the whole is that number or a part of something longer. The more a spelling says (a plus
says most, a bare national number least), the less the surroundings are asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from string import ascii_letters, digits
from typing import Final

from attrs import frozen

from dsr.errors import InvalidIdentifier
from dsr.match import hyper
from dsr.match.sieve import Rewriting, Sieve, lines_with_digits
from dsr.match.span import Match
from dsr.model import Identifier
from dsr.phone import normalise, spellings

__all__ = ["Numbers"]

# ITU-T E.123 and RFC 3966 separators, and what word processors make of spaces and hyphens.
_SEPARATOR_BYTES: Final = b" ().-/\xc2\xa0\xe2\x80\x90\x91\x92\x93\x94\x95"
#: The same as URLs and JSON write them.
_PERCENT: Final = rb"%(?:2[089DEFdef]|[Cc]2%[Aa]0|[Ee]2%80%9[0-5])"
_BACKSLASH: Final = rb"\\u(?:00[Aa]0|201[0-5])"
_ENCODED: Final = rb"(?:%b|%b)" % (_PERCENT, _BACKSLASH)
_PERCENT_RE, _BACKSLASH_RE = re.compile(_PERCENT), re.compile(_BACKSLASH)  # quick: one first byte
_SEPARATOR: Final = rb"(?:[ ().\-/]|\xc2\xa0|\xe2\x80[\x90-\x95]|%b)" % _ENCODED
_PLUS: Final = rb"(?:\+|%(?:25)?2[Bb]|\\u002[Bb])"
#: A run of digits, pluses and separators: the widest a number can be. Never from inside %20.
_CHAIN: Final = re.compile(
    rb"(?<!%%)(?<!%%[0-9A-Fa-f])(?:%b|\()*\d(?:(?:%b|%b){0,6}\d)*" % (_PLUS, _PLUS, _SEPARATOR)
)
_ENCODED_RE: Final = re.compile(_ENCODED)
_MARK: Final = re.compile(rb"(%b|\d)|%b" % (_PLUS, _ENCODED))
_WORD: Final = frozenset((digits + ascii_letters).encode())
_WORD_OR_PLUS: Final = _WORD | {ord("+")}
#: Behind these a letter or digit is not part of the word: %3C (URL), \u003c and \n (JSON), and
#: #012 (a newline, as syslog daemons write it).
_ESCAPE: Final = re.compile(
    rb"(?:%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[nrt]|#0(?:1[0-7]|[0-3][0-7]))\Z"
)
_EXTENSION: Final = re.compile(rb"(?:x|ext)\.?\d", re.IGNORECASE)
_DIRECT_DIAL: Final = re.compile(rb"[-/.]\d{1,4}(?![\w-])")
#: A last short group in a field of its own: `"Name" <030 23125 00>` goes on to the bracket, and
#: `030 23125 00_20260301.wav` to what parts the fields of a file's name.
_LAST_GROUP: Final = re.compile(rb"[-/. ]\d{1,4}(?:[>\"';,@)_]|\Z)")
_LAST_IN_BRACKETS: Final = re.compile(rb"[-/. ]\d{1,4}[\]}|]")  # [030 23125 00], not [4930… 200]
_CHANNEL: Final = re.compile(rb"-[0-9a-f]{8}(?![\w-])")  # what Asterisk puts behind a user
_MORE_TIME: Final = re.compile(rb":\d")
_MORE_DECIMALS: Final = re.compile(rb"\.\d")
#: Seconds, or their fraction: 10:00:00 4930…, 10:00:00,000 4930…; not an international prefix.
_SECONDS: Final = re.compile(rb"\d\d(?!\d)|(?<=,)\d{3,9}(?!\d)")
_TIME_BEFORE: Final = re.compile(rb"\d:\Z|:\d\d,\Z")
_CLOCK_KEY: Final = re.compile(
    rb"(?:time|stamp|epoch|date|tv|start|end|answer|expires|[_\W]ts|_at)[\"']?\W{1,2}\Z",
    re.IGNORECASE,
)
_DAY: Final = rb"(?:0[1-9]|[12]\d|3[01])"
_MONTH: Final = rb"(?:0[1-9]|1[0-2])"
_DATE: Final = re.compile(
    rb"(?:19|20)\d\d([-/. ])%b\1%b(?!\d)|(?:%b([-/.])%b|%b([-/.])%b)(?:\2|\3)(?:19|20)\d\d(?!\d)"
    rb"|(?:19|20)\d\d%b%b(?=[-_T ]?\d{4,6}(?!\d))"
    % (_MONTH, _DAY, _MONTH, _DAY, _DAY, _MONTH, _MONTH, _DAY)
)
_QUAD: Final = re.compile(rb"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_UUID: Final = re.compile(
    rb"(?<![0-9a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE
)
#: Country calling codes (ITU-T E.164 Annex D): which code stands before other digits.
_CALLING_CODE: Final = re.compile(
    rb"1|7|2(?:[07]|[1-689]\d)|3(?:[0-469]|[578]\d)|4(?:[013-9]|2\d)|5(?:[1-8]|[09]\d)"
    rb"|6(?:[0-6]|[789]\d)|8(?:[1246]|[03578]\d)|9(?:[0-58]|[679]\d)"
)
#: For Hyperscan, as literals, which are its quickest: an encoded separator behind a digit or a
#: plain one would hide digits from the patterns, so its line gets an exact look.
_HIDING: Final = tuple(
    rb"[0-9%b]%b" % (re.escape(_SEPARATOR_BYTES), each)
    for each in rb"%20 %28 %29 %2d %2e %2f %c2%a0 %e2%80%9 \\u00a0 \\u201".split()
)
#: Up to this many numbers a pattern each, separators and all, is faster than squeezing (measured).
_PATTERNS: Final = 100
_WHOLE: Final = 8  # digits; fewer cannot have been a number with country or area code


@frozen
class _Number:
    """One number: the stem, how its spellings begin (longest first), and whose it is."""

    stem: bytes
    heads: tuple[bytes, ...]
    who: tuple[Identifier, ...]


@frozen
class _Place:
    """Marks `first` to `last` of a chain in `text` spell a number that begins with `head`.

    `marks` are the spans of the chain's digits and pluses, `token` the same as one byte each.
    """

    text: bytes
    marks: list[tuple[int, int]]
    token: bytes
    first: int
    last: int
    head: bytes

    @property
    def start(self) -> int:
        return self.marks[self.first][0]

    @property
    def end(self) -> int:
        return self.marks[self.last - 1][1]

    @property
    def before(self) -> bytes:
        """What separates the number from the digit before it in the chain; empty without one."""
        return _plain(self.text[self.marks[self.first - 1][1] : self.start]) if self.first else b""

    @property
    def after(self) -> bytes:
        """What separates the number from the digit behind it in the chain; empty without one."""
        more = self.last < len(self.marks) and not _CHANNEL.match(self.text, self.end)
        return _plain(self.text[self.end : self.marks[self.last][0]]) if more else b""

    @property
    def inside(self) -> bytes:
        """All separators within the number, joined."""
        marks = self.marks[self.first : self.last]
        gaps = (self.text[a:b] for (_, a), (b, _) in pairwise(marks))
        return _plain(b"".join(gaps))


class Numbers:
    """Finds any of many phone numbers."""

    def __init__(self, who: Iterable[Identifier], region: str, *, fast: bool) -> None:
        """Spell the numbers of `who` (all of kind phone) once, as `region` writes them.

        `fast`: let Hyperscan turn the sieve.
        """
        owners: dict[str, list[Identifier]] = {}
        for each in who:
            owners.setdefault(each.value, []).append(each)
        numbers = [_number(value, region, tuple(whose)) for value, whose in owners.items()]
        self._width = min(len(number.stem) for number in numbers)
        self._by_tail: dict[bytes, list[_Number]] = {}
        for number in numbers:
            self._by_tail.setdefault(number.stem[-self._width :], []).append(number)
        stems = tuple(sorted({number.stem for number in numbers}))
        self.sieve: Sieve = (
            _fast_sieve(stems)
            if fast
            else Rewriting(frozenset(self._by_tail), _squeeze, lines_with_digits)
        )

    def scan(self, text: bytes, start: int, end: int) -> Iterator[Match]:
        """Yield the matches in the line that `text[start:end]` is."""
        for chain in _CHAIN.finditer(text, start, end):
            if chain.end() - chain.start() >= self._width:
                yield from self._scan_chain(text, chain[0], chain.start())

    def _scan_chain(self, text: bytes, chain: bytes, start: int) -> Iterator[Match]:
        width, by_tail = self._width, self._by_tail
        bare = _squeeze(chain)
        if not any(bare[i : i + width] in by_tail for i in range(len(bare) - width + 1)):
            return
        marks = [
            (start + each.start(), start + each.end()) for each in _MARK.finditer(chain) if each[1]
        ]
        token = b"".join(b"+" if b > a + 1 else text[a:b] for a, b in marks)
        for last in range(width, len(token) + 1):
            for number in by_tail.get(token[last - width : last], ()):
                place = _spelled(text, marks, token, last, number)
                if place is not None:
                    for who in number.who:
                        yield Match(place.start, place.end, who)


def _number(value: str, region: str, who: tuple[Identifier, ...]) -> _Number:
    spelled = [each.encode() for each in spellings(value, region)]
    stem = min(spelled, key=len)
    heads = sorted((each.removesuffix(stem) for each in spelled), key=len, reverse=True)
    return _Number(stem, tuple(heads), who)


def _plain(separators: bytes) -> bytes:
    """Return separators with a space for each that a URL or JSON encodes."""
    return _ENCODED_RE.sub(b" ", separators)


def _squeeze(text: bytes) -> bytes:
    """Return `text` without separators; lines stay lines."""
    text = _BACKSLASH_RE.sub(b" ", _PERCENT_RE.sub(b" ", text))
    return text.translate(None, _SEPARATOR_BYTES)


def _fast_sieve(stems: tuple[bytes, ...]) -> Sieve:
    """Return the sieve that is fastest for so many numbers."""
    hiding = hyper.Patterns(_HIDING, caseless=True)
    if len(stems) > _PATTERNS:
        return hyper.Both(hyper.Literals(stems, _SEPARATOR_BYTES), hiding)
    between = rb"[%b]*" % re.escape(_SEPARATOR_BYTES)
    spread = [between.join(stem[i : i + 1] for i in range(len(stem))) for stem in stems]
    return hyper.Both(hyper.Patterns(tuple(spread)), hiding)


def _spelled(
    text: bytes, marks: list[tuple[int, int]], token: bytes, last: int, number: _Number
) -> _Place | None:
    """Return the longest spelling of `number` that ends before mark `last`, if it stands alone."""
    if not token.endswith(number.stem, 0, last):
        return None
    stem = last - len(number.stem)
    for head in number.heads:
        if token.endswith(head, 0, stem):
            place = _Place(text, marks, token, stem - len(head), last, head)
            if _stands_alone(place):
                return place
    return None


def _stands_alone(place: _Place) -> bool:
    if not _ends(place):
        return False
    if place.head.startswith(b"+"):
        before = place.text[place.start - 1 : place.start]
        return not before.isalpha() or _escaped(place)
    return (
        _begins(place)
        and not _continues(place)
        and not _is_no_number(place)
        and (place.head.startswith(b"0") or _is_plain(place))
    )


def _ends(place: _Place) -> bool:
    """Return whether no further digit, letter or direct-dial extension belongs to the number."""
    text, end = place.text, place.end
    if text[end : end + 1] and text[end] in _WORD:
        return _EXTENSION.match(text, end) is not None
    grouped = place.inside or b" " in place.after  # else - parts the fields of a file's name
    if grouped and place.after and _LAST_GROUP.match(text, end):
        return False
    if place.inside and place.after and _LAST_IN_BRACKETS.match(text, end):
        return False
    tight = place.inside and place.after in {b"-", b"/", b"."}
    return not (tight and _DIRECT_DIAL.match(text, end))


def _begins(place: _Place) -> bool:
    """Return whether no letter, digit or plus stands right before the number."""
    text, start = place.text, place.start
    if place.first and place.token[place.first - 1] == ord("+") and not place.before:
        return False
    if _TIME_BEFORE.search(text, max(0, start - 4), start) and _SECONDS.match(text, start):
        return False
    return not start or text[start - 1] not in _WORD_OR_PLUS or _escaped(place)


def _escaped(place: _Place) -> bool:
    return _ESCAPE.search(place.text, max(0, place.start - 6), place.start) is not None


def _continues(place: _Place) -> bool:
    """Return whether the digits before are the beginning of another, longer number."""
    if not place.before:
        return False
    if place.before == b".":  # decimals, fractions of a second
        return True
    head = place.token[: place.first]
    head = head[max(head.rfind(b"+"), 0) :]
    whole = len(head) >= _WHOLE
    if head.startswith((b"+", b"00")):
        return not whole and not _opens_with_time(place, head)
    if place.head or whole:  # 0…, 00…, the country code: it says itself where it begins
        return False
    # another area's code, or another country's
    trunk = head.startswith(b"0") and not _opens_with_time(place, head)
    return trunk or _is_possible(head, place)


def _opens_with_time(place: _Place, head: bytes) -> bool:
    """Return whether the digits before are the end of a time: 10:00 030…, 10:00:00,123 030…."""
    first = place.marks[0][0]
    before = place.text[max(0, first - 4) : first]
    return not head.startswith(b"+") and _TIME_BEFORE.search(before) is not None


def _is_possible(head: bytes, place: _Place) -> bool:
    """Return whether `head` as country code makes another country's number of the digits."""
    if not _CALLING_CODE.fullmatch(head):
        return False
    number = b"+" + head + place.token[place.first : place.last]
    try:
        return normalise(number.decode(), "ZZ") == number.decode()
    except InvalidIdentifier:
        return False


def _is_no_number(place: _Place) -> bool:
    """Return whether the digits are (part of) a date, a time, an IP address or a UUID."""
    text, start, end = place.text, place.start, place.end
    inside = place.inside
    if inside and _MORE_TIME.match(text, end):
        return True
    if _DATE.match(text, start):
        return True
    if b"." in inside or text[end : end + 1] == b".":
        low, high = max(0, start - 15), end + 15
        if any(q.start() < end and q.end() > start for q in _QUAD.finditer(text, low, high)):
            return True
    if inside:
        return False
    return any(
        u.start() < end and u.end() > start
        for u in _UUID.finditer(text, max(0, start - 36), end + 36)
    )


def _is_plain(place: _Place) -> bool:
    """Return whether digits without plus or trunk prefix stand on their own.

    What separates them from other digits must be weaker than what separates them inside.
    """
    text, inside = place.text, place.inside
    if _MORE_DECIMALS.match(text, place.end):  # Asterisk's uniqueid, a decimal fraction
        return False
    if inside:
        return all(
            not outer or (b" " in outer and b" " not in inside)
            for outer in (place.before, place.after)
        )
    return _CLOCK_KEY.search(text, max(0, place.start - 12), place.start) is None
