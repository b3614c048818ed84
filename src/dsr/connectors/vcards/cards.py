"""vCards as bytes: cut out of a file, read by content line, changed line by line.

Versions 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), and what address books make of them. Nothing
is ever written but the lines that change, so unknown properties and odd cards survive.
"""

from __future__ import annotations

import datetime as dt
import quopri
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final, Literal, NamedTuple

from attrs import field, frozen

__all__ = ["Card", "Piece", "Property", "cut"]

_BEGIN: Final = re.compile(rb"(?:\xef\xbb\xbf)?BEGIN:VCARD[ \t\r]*\n?\Z", re.IGNORECASE)
_END: Final = re.compile(rb"END:VCARD[ \t\r]*\n?\Z", re.IGNORECASE)
_AGENT: Final = re.compile(rb"(?:[\w-]+\.)?AGENT(?:;[^:]*)?:[ \t\r]*\n\Z", re.IGNORECASE)
_PHYSICAL: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_NEWLINE: Final = re.compile(rb"\r*\n\Z")  # some write two carriage returns
_FOLD: Final = re.compile(rb"\r*\n([ \t])")
_SOFT: Final = re.compile(rb"=\r*\n")
_QUOTED: Final = re.compile(rb";(?:ENCODING=)?QUOTED-PRINTABLE\b", re.IGNORECASE)
_BINARY: Final = re.compile(rb";(?:ENCODING=(?:b|BASE64)|BASE64)(?=;|\Z)", re.IGNORECASE)
_CHARSET: Final = re.compile(rb";CHARSET=\"?([\w-]+)", re.IGNORECASE)
_PROPERTY: Final = re.compile(
    rb"(?P<head>(?:[A-Za-z0-9-]+\.)?(?P<name>[A-Za-z0-9-]+)(?:;(?:\"[^\"]*\"|[^\":])*)?):(?P<value>.*)",
    re.DOTALL,
)
#: Parameters that say how the old value was written, not what it means.
_WRITTEN: Final = re.compile(
    rb";(?:ENCODING=)?QUOTED-PRINTABLE|;CHARSET=[^;:]*|;ENCODING=8BIT", re.IGNORECASE
)
_ESCAPED: Final = re.compile(r"\\([\\,;nN:])")
#: Properties that are one text (others are lists, structures or URIs: their escapes have meaning).
_TEXTS: Final = frozenset({"fn", "note", "title", "role", "label", "email"})
_WIDTH: Final = 75  # octets of a line (RFC 6350, 3.2)
_INSIDE: Final = frozenset(bytes([byte]) for byte in range(0x80, 0xC0))  # of a UTF-8 character
_LONGEST: Final = 4  # bytes of such a character
_LINE_BREAK: Final = re.compile(r"[\r\n]")


class Piece(NamedTuple):
    """A part of a file; all of them together are the file."""

    sort: Literal["card", "broken", "blank"]
    raw: bytes


def cut(lines: Iterable[bytes]) -> Iterator[Piece]:
    """Cut a file (its lines, with their ends) into whole cards and what is none.

    `broken` is a card without end, or text that belongs to no card; `blank` only white space.
    """
    open_: list[bytes] = []
    depth = 0
    for line in lines:
        if _BEGIN.match(line):
            if depth and _AGENT.match(open_[-1]):  # 2.1: a card within a card
                depth += 1
            else:
                yield from _rest(open_)
                open_, depth = [], 1
        elif depth and _END.match(line):
            depth -= 1
            if not depth:
                yield Piece("card", b"".join((*open_, line)))
                open_ = []
                continue
        open_.append(line)
    yield from _rest(open_)


def _rest(lines: Sequence[bytes]) -> Iterator[Piece]:
    raw = b"".join(lines)
    if raw:
        yield Piece("broken" if raw.strip() else "blank", raw)


@frozen
class Property:
    """One content line: its name in lower case, its value as text, and its place in the card."""

    name: str
    value: str = field(repr=False)
    head: bytes = field(repr=False)
    start: int
    end: int
    binary: bool = False
    charset: str = "utf-8"  # what its bytes are in


@frozen
class Card:
    """One vCard."""

    raw: bytes = field(repr=False)

    @cached_property
    def properties(self) -> tuple[Property, ...]:
        """All properties, in order, without BEGIN and END; those of an inner card are no own."""
        return tuple(own for own, depth in _properties(self.raw) if depth == 1)

    @cached_property
    def inner(self) -> tuple[Property, ...]:
        """All properties of cards within this one (an agent's, in version 2.1)."""
        return tuple(own for own, depth in _properties(self.raw) if depth > 1)

    @property
    def version(self) -> str:
        """Its version; empty if it names none."""
        return next((each.value for each in self.properties if each.name == "version"), "")

    @property
    def revised(self) -> dt.datetime | None:
        """When it was last changed (REV); None where it does not say, with its zone."""
        said = [each.value for each in self.properties if each.name == "rev"]
        try:
            moment = dt.datetime.fromisoformat(said[0]) if len(said) == 1 else None
        except ValueError:
            return None
        return moment if moment and moment.tzinfo else None

    @property
    def flat(self) -> bytes:
        """The card with its folded lines joined, to search in."""
        return _FOLD.sub(b"", _SOFT.sub(b"", self.raw))

    @property
    def is_quoted(self) -> bool:
        """Whether any of its values is written as quoted-printable."""
        return _QUOTED.search(self.raw) is not None

    @property
    def text(self) -> str | bytes:
        """The whole card; bytes if it is no UTF-8."""
        try:
            return self.raw.decode()
        except UnicodeDecodeError:
            return self.raw

    def changed(self, name: str, values: Sequence[str]) -> Card:
        """Return the card with these values of a property, all other lines byte for byte.

        The lines of the property keep their parameters, in order; further values get lines of
        their own, lines that are left over go. Raises `ValueError` for a value that the
        property cannot hold.
        """
        own = [each for each in self.properties if each.name == name]
        models = own or [Property(name, "", name.upper().encode(), 0, 0)]
        raw = self.raw
        for each in reversed(own[len(values) :]):
            raw = raw[: each.start] + raw[each.end :]
        further = b"".join(self._lines(models[-1], value) for value in values[len(own) :])
        end = own[-1].end if own else len(raw) - len(_PHYSICAL.findall(raw)[-1])
        raw = raw[:end] + further + raw[end:] if further else raw
        for each, value in reversed(list(zip(own, values, strict=False))):
            raw = raw[: each.start] + self._lines(each, value) + raw[each.end :]
        return Card(raw)

    def replaced(self, own: Property, value: str) -> Card:
        """Return the card with another value of one of its properties, or of inner ones."""
        return Card(self.raw[: own.start] + self._lines(own, value) + self.raw[own.end :])

    def without(self, gone: Sequence[Property]) -> Card:
        """Return the card without these of its properties."""
        raw = self.raw
        for each in sorted(gone, key=lambda own: own.start, reverse=True):
            raw = raw[: each.start] + raw[each.end :]
        return Card(raw)

    def _lines(self, model: Property, value: str) -> bytes:
        """Return the physical lines of a property like `model` with another value."""
        newline = _NEWLINE.findall(_PHYSICAL.findall(self.raw)[0])[0]
        return b"".join(line + newline for line in _written(model, value, self.version))


def _properties(raw: bytes) -> Iterator[tuple[Property, int]]:
    """Yield each property, and in how many cards it is (more than one for an agent's)."""
    version = ""
    depth = 0
    for start, end in _logical_lines(raw):
        line = raw[start:end]
        depth += bool(_BEGIN.match(line)) - bool(_END.match(line))
        told = _PROPERTY.match(line)
        if told is None or _BEGIN.match(line) or _END.match(line):
            continue
        name = told["name"].decode().lower()
        head = _FOLD.sub(b"", told["head"])
        value, charset = _decoded(head, told["value"])
        if name == "version" and depth == 1:
            version = value
        elif name in _TEXTS and version != "2.1":
            value = _ESCAPED.sub(_unescaped, value)
        binary = bool(_BINARY.search(head)) or value.startswith("data:")
        yield Property(name, value, head, start, end, binary, charset), depth


def _logical_lines(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of each content line with all its folded parts and its newline.

    What is no property of its own belongs to the one before: soft line breaks of
    quoted-printable, base64 without indent.
    """
    start = place = 0
    quoted = soft = False
    for physical in _PHYSICAL.findall(raw):
        if not (soft or physical.startswith((b" ", b"\t"))) and _PROPERTY.match(physical):
            if place:
                yield start, place
            start = place
            quoted = _QUOTED.search(physical.partition(b":")[0]) is not None
        soft = quoted and physical.rstrip(b"\r\n").endswith(b"=")
        place += len(physical)
    if place:
        yield start, place


def _decoded(head: bytes, value: bytes) -> tuple[str, str]:
    """Return a value as text, and what its bytes were in."""
    if _QUOTED.search(head):
        value = quopri.decodestring(value.rstrip(b"\r\n")).replace(b"\r\n", b"\n")
    else:
        value = _FOLD.sub(b"", value).rstrip(b"\r\n")
    named = _CHARSET.search(head)
    for charset in (named[1].decode() if named else "utf-8", "utf-8"):
        try:
            return value.decode(charset), charset
        except (UnicodeDecodeError, LookupError):
            continue
    return value.decode("latin-1"), "latin-1"


def _unescaped(told: re.Match[str]) -> str:
    return "\n" if told[1] in "nN" else told[1]


def _written(model: Property, value: str, version: str) -> Iterator[bytes]:
    """Yield the physical lines of a property, without their newlines.

    Encoding and character set are the model's wherever they can hold the value.
    """
    head, charset, is_quoted = model.head, model.charset, _QUOTED.search(model.head) is not None
    text = value.replace("\r\n", "\n")
    if model.name in _TEXTS and version != "2.1":
        text = re.sub(r"([\\,;])", r"\\\1", text)
        text = text if is_quoted else text.replace("\n", "\\n")
    must_quote = version == "2.1" and (_LINE_BREAK.search(text) or not text.isascii())
    try:
        raw = text.encode(charset)
    except UnicodeEncodeError:
        raw, charset = text.encode(), "UTF-8"
        head = _WRITTEN.sub(b"", head)
        head += b";CHARSET=UTF-8" if version == "2.1" or is_quoted else b""
        head += b";ENCODING=QUOTED-PRINTABLE" if is_quoted else b""
    if must_quote and not is_quoted:
        head = _WRITTEN.sub(b"", head) + f";CHARSET={charset.upper()}".encode()
        head += b";ENCODING=QUOTED-PRINTABLE"
        is_quoted = True
    if is_quoted:
        parts = b"=0D=0A".join(quopri.encodestring(part) for part in raw.split(b"\n"))
        yield from (head + b":" + parts).split(b"\n")
        return
    if _LINE_BREAK.search(text):
        msg = f"{model.name} cannot hold a line break"
        raise ValueError(msg)
    yield from _folded(head + b":" + raw)


def _folded(line: bytes) -> Iterator[bytes]:
    """Yield lines of at most 75 octets, all but the first with a space, cutting no character."""
    start, indent = 0, b""
    while len(line) - start + len(indent) > _WIDTH:
        stop = start + _WIDTH - len(indent)
        for _ in range(_LONGEST - 1):
            stop -= line[stop : stop + 1] in _INSIDE
        yield indent + line[start:stop]
        start, indent = stop, b" "
    yield indent + line[start:]
