"""The answer of ListObjectVersions, read without botocore's general parser.

A listing spends most of its time there: it turns each of nine elements a version into Python by
a description of the format, and each time stamp into a datetime. Requests, signatures, retries
and errors stay botocore's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from botocore.parsers import ResponseParser, ResponseParserFactory, RestXMLParser
from botocore.utils import parse_timestamp

__all__ = ["Entry", "Page", "Parsers", "time"]

_OK: Final = 200
_LISTING: Final = "ListObjectVersionsOutput"


class Entry(NamedTuple):
    """One version of a key; a delete marker has no size.

    `written` is its time as the server writes it: see `time`.
    """

    key: str
    id: str
    written: str
    size: int | None
    etag: str


class Page(NamedTuple):
    """A page of a listing, its entries sorted by key, of one key in the server's order.

    `more` tells whether another page follows, which starts after `key` and, if not empty, `id`.
    """

    entries: list[Entry]
    more: bool
    key: str
    id: str


class Parsers(ResponseParserFactory):
    """Hands botocore its own parsers, and ours for listings of versions."""

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """Return a parser for the answers of a service."""
        if protocol_name == "rest-xml":
            return _Parser(timestamp_parser=time)
        return super().create_parser(protocol_name)


def time(value: Any) -> dt.datetime:  # noqa: ANN401  (what botocore's parser passes)
    """Return an aware time from what S3 writes."""
    try:
        return dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):  # a Unix time, or the form of HTTP headers
        return parse_timestamp(value)


class _Parser(RestXMLParser):
    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:  # noqa: ANN401  (botocore's)
        """Return the answer as a dict; a listing of versions as a `Page` under `Page`."""
        if response["status_code"] == _OK and shape is not None and shape.name == _LISTING:
            try:
                page = _page(response["body"])
            except (ET.ParseError, KeyError, ValueError):
                pass  # botocore's parser says what is wrong with it
            else:
                headers = {name.lower(): value for name, value in response["headers"].items()}
                meta = {"HTTPStatusCode": _OK, "HTTPHeaders": headers}
                return {"ResponseMetadata": meta, "Page": page}
        return super().parse(response, shape)


def _page(body: bytes) -> Page:
    root = ET.fromstring(body)  # noqa: S314  (as botocore parses it: from the operator's server)
    space = root.tag.removesuffix("ListVersionsResult")
    if space == root.tag:
        raise ValueError
    version, marker = f"{space}Version", f"{space}DeleteMarker"
    key, id_, written = f"{space}Key", f"{space}VersionId", f"{space}LastModified"
    size, etag = f"{space}Size", f"{space}ETag"
    quoted = root.findtext(f"{space}EncodingType") == "url"
    entries = []
    for node in root:
        if node.tag not in (version, marker):
            continue
        text = {each.tag: each.text or "" for each in node}
        name = text[key]
        if quoted and "%" in name:
            name = unquote(name)
        has_bytes = node.tag == version
        entries.append(
            Entry(
                name,
                text[id_],
                text[written],
                int(text[size]) if has_bytes else None,
                text.get(etag, ""),
            )
        )
    entries.sort(key=lambda each: each.key)
    return Page(
        entries,
        root.findtext(f"{space}IsTruncated") == "true",
        root.findtext(f"{space}NextKeyMarker") or "",
        root.findtext(f"{space}NextVersionIdMarker") or "",
    )
