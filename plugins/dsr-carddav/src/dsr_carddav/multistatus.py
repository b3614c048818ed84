"""What a WebDAV server answers with 207 (RFC 4918, 13), read as it arrives.

One response is held at a time, however long the listing. A document type definition is refused:
without one there are no entities to expand, and no file or address to load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.parsers import expat

from attrs import Factory, define, field

__all__ = ["CARDDAV", "DAV", "Malformed", "Prop", "Response", "responses"]

#: Namespaces, with the space that stands between them and a name here.
DAV: Final = "DAV: "
CARDDAV: Final = "urn:ietf:params:xml:ns:carddav "

_OK: Final = range(200, 300)


class Malformed(Exception):
    """The answer is no multi-status document."""


@define
class Prop:
    """A property: its text, the elements in it by name, and the addresses among these."""

    text: str = field(default="", repr=False)
    names: set[str] = Factory(set)
    hrefs: list[str] = field(factory=list, repr=False)


@define
class Response:
    """What is said of one resource.

    `status` is the resource's own (200 if it has none); `props` those that were given out.
    """

    href: str = field(default="", repr=False)
    status: int = 200
    props: dict[str, Prop] = field(factory=dict, repr=False)

    def names(self, prop: str) -> set[str]:
        """Return the names of the elements in a property."""
        return self.props[prop].names if prop in self.props else set()

    def hrefs(self, prop: str) -> list[str]:
        """Return the addresses in a property."""
        return self.props[prop].hrefs if prop in self.props else []

    def text(self, prop: str) -> str:
        """Return the text of a property; empty where it was not given out."""
        return self.props[prop].text if prop in self.props else ""


def responses(chunks: Iterable[bytes]) -> Iterator[Response]:
    """Yield the responses of a document, each as soon as it is complete.

    Raises `Malformed`, with no word of the document.
    """
    reader = _Reader()
    try:
        for chunk in chunks:
            reader.feed(chunk)
            yield from reader.taken()
        reader.feed(b"", last=True)
    except (expat.ExpatError, ValueError):
        msg = "the answer is no XML"
        raise Malformed(msg) from None
    finally:
        reader.close()
    if reader.root != DAV + "multistatus":
        msg = "the answer is no multi-status"
        raise Malformed(msg)


class _Reader:
    def __init__(self) -> None:
        self.root = ""
        self._done: list[Response] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._response = Response()
        self._group: dict[str, Prop] = {}  # the properties of one propstat
        self._group_status = 200
        self._prop: Prop | None = None
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        self._parser.Parse(chunk, last)

    def close(self) -> None:
        """Let go of the parser, which holds on to this reader in turn."""
        del self._parser

    def taken(self) -> list[Response]:
        done, self._done = self._done, []
        return done

    def _start(self, name: str, _attributes: object) -> None:
        parent = self._path[-1] if self._path else ""
        self.root = self.root or name
        self._path.append(name)
        self._text.clear()
        if self._prop is not None:
            self._prop.names.add(name)
        elif name == DAV + "response":
            self._response = Response()
        elif name == DAV + "propstat":
            self._group, self._group_status = {}, 200
        elif parent == DAV + "prop":
            self._prop = self._group[name] = Prop()

    def _end(self, name: str) -> None:
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        text = "".join(self._text)
        self._text.clear()
        if self._prop is not None:
            if parent == DAV + "prop":
                self._prop.text = text
                self._prop = None
            elif name == DAV + "href":
                self._prop.hrefs.append(text.strip())
        elif name == DAV + "href" and parent == DAV + "response":
            self._response.href = self._response.href or text.strip()
        elif name == DAV + "status":
            if parent == DAV + "propstat":
                self._group_status = _code(text)
            else:
                self._response.status = _code(text)
        elif name == DAV + "propstat" and self._group_status in _OK:
            self._response.props |= self._group
        elif name == DAV + "response":
            self._done.append(self._response)


def _refuse(*_: object) -> None:
    msg = "a document type definition"
    raise Malformed(msg)


def _code(line: str) -> int:
    """Return the code of a status line (`HTTP/1.1 200 OK`)."""
    return int(line.split()[1]) if len(line.split()) > 1 else 0
