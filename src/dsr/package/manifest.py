"""`datapackage.json`: the Data Package (version 2) that describes every file of the package."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from types import NoneType
from typing import Final

import msgspec
from attrs import frozen

from dsr.package.archive import Member
from dsr.package.cover import Cover
from dsr.package.scratch import Scratch, Stream

__all__ = ["Manifest", "Schema"]

_PROFILE: Final = "https://datapackage.org/profiles/2.0/"
_KINDS: Final[dict[type, tuple[str, str]]] = {
    str: ("string", "default"),
    bytes: ("string", "binary"),  # base64, says Table Schema
    int: ("integer", "default"),
    float: ("number", "default"),
    Decimal: ("number", "default"),
    bool: ("boolean", "default"),
    dt.datetime: ("datetime", "default"),  # ISO 8601 with offset
    dt.date: ("date", "default"),
    list: ("array", "default"),
    tuple: ("array", "default"),
    dict: ("object", "default"),
}
_MEDIATYPES: Final = {
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "txt": "text/plain",
    "vcf": "text/vcard",
}
_DIALECT: Final = {
    "$schema": _PROFILE + "tabledialect.json",
    "delimiter": ",",
    "lineTerminator": "\r\n",
    "quoteChar": '"',
    "doubleQuote": True,
    "header": True,
}


@frozen
class Schema:
    """The fields of a table: their names, and the types that their values had."""

    fields: Sequence[tuple[str, frozenset[type]]]

    def descriptor(self) -> dict[str, object]:
        """Return the Table Schema."""
        return {
            "$schema": _PROFILE + "tableschema.json",
            "fields": [
                {"name": name, "type": kind, "format": form}
                for name, (kind, form) in ((name, _kind(kinds)) for name, kinds in self.fields)
            ],
            "missingValues": [""],
        }


def _kind(kinds: frozenset[type]) -> tuple[str, str]:
    known = {_KINDS.get(each, ("any", "default")) for each in kinds - {NoneType}}
    if known == {("integer", "default"), ("number", "default")}:
        return "number", "default"
    return known.pop() if len(known) == 1 else ("any", "default")


class Manifest:
    """Collects the members while they are written; `chunks` is the file, the last member."""

    def __init__(self, cover: Cover, scratch: Scratch) -> None:
        """Start without members."""
        self._cover = cover
        self._resources = Stream(scratch)

    def add(
        self, member: Member, *, mediatype: str = "", schema: Schema | None = None, about: str = ""
    ) -> None:
        """Describe a member; a table has a `schema`, and `about` says what to know of it.

        Files without a `mediatype` are those that the package itself wrote, in UTF-8.
        """
        ending = member.name.rpartition(".")[2]
        resource: dict[str, object] = {
            "name": member.name.lower(),
            "path": member.name,
            "format": ending,
            "mediatype": mediatype or _MEDIATYPES[ending],
            "bytes": member.size,
            "hash": f"sha256:{member.sha256}",
        }
        if not mediatype:
            resource["encoding"] = "utf-8"
        if about:
            resource["description"] = about
        if schema is not None:
            resource |= {"type": "table", "schema": schema.descriptor()}
            if ending == "csv":
                resource["dialect"] = _DIALECT
        comma = b",\n" if self._resources.size else b"\n"
        self._resources.write(comma + msgspec.json.encode(resource))

    def chunks(self, title: str) -> Iterator[bytes]:
        """Yield the file in pieces."""
        head = {
            "$schema": _PROFILE + "datapackage.json",
            "name": f"request-{self._cover.request.id}".lower(),
            "title": title,
            "created": self._cover.made,
            "contributors": [{"title": self._cover.operator.name, "roles": ["publisher"]}],
        }
        yield msgspec.json.encode(head)[:-1] + b',"resources":['
        yield from self._resources.chunks()
        yield b"\n]}\n"
