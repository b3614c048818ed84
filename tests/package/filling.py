"""Fills packages for tests, and reads them as a person's programs would."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from dsr.errors import StoreUnavailable
from dsr.model import Do, Gap, Keep, Record, Right
from dsr.package import Cover, Package
from dsr.policy.model import Category, Recipient, Retention
from tests.things import CATEGORY, NOW, OPERATOR, request

csv.field_size_limit(2**24)
BERLIN = ZoneInfo("Europe/Berlin")
CATEGORIES: Mapping[str, Category] = {
    "call_records": evolve(
        CATEGORY,
        title="Calls",
        purposes=("billing", "fault repair"),
        recipients=(
            Recipient("Carrier GmbH", "processor", "DE"),
            Recipient("Transit Inc.", "controller", "US", "standard clauses 2021/914"),
        ),
        keep=(Retention("6 months", "TDDDG § 10", anchor="billed_at"),),
    ),
    "address_book": evolve(CATEGORY, basis="consent", origin="provided", retention="7 days"),
    "recordings": evolve(CATEGORY, title="Recordings"),
    "scores": evolve(
        CATEGORY, basis="legitimate interests", origin="inferred", automated="Many calls block."
    ),
}
BROKEN = StoreUnavailable("bucket", "the connection broke off")
RIFF = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"


def cover(
    right: Right = "access",
    language: str = "en",
    categories: Mapping[str, Category] = CATEGORIES,
) -> Cover:
    asked = evolve(request(right), language=language)
    return Cover(asked, OPERATOR, categories, NOW)


def export(category: str = "call_records", store: str = "cdr", key: str = "k1") -> Do:
    return Do(store, category, key)


def record(
    data: Mapping[str, Any], category: str = "call_records", key: str = "k1", **more: Any
) -> Record:
    return Record(key, category, data, **more)


def packed(
    *rows: Mapping[str, Any], category: str = "call_records", store: str = "cdr"
) -> zipfile.ZipFile:
    """Return the package of records with these fields, opened."""
    with Package(cover()) as package:
        for row in rows:
            package.add(export(category, store), record(row, category))
        return unzipped(package)


def unzipped(package: Package) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(package.chunks())))


def lines(archive: zipfile.ZipFile, name: str = "data/call_records.jsonl") -> list[dict[str, Any]]:
    return [json.loads(each) for each in archive.read(name).decode().splitlines()]


def sheet(archive: zipfile.ZipFile, name: str = "data/call_records.csv") -> list[dict[str, Any]]:
    text = io.StringIO(archive.read(name).decode(), newline="")
    return list(csv.DictReader(text, strict=True))


def manifest(archive: zipfile.ZipFile) -> dict[str, dict[str, Any]]:
    """Return the resources of the manifest by path."""
    described = json.loads(archive.read("datapackage.json"))
    return {each["path"]: each for each in described["resources"]}


@frozen
class Audio:
    """A content of `pieces`; with `missing` it cannot be opened, with `broken` it breaks off."""

    pieces: tuple[bytes, ...] = (RIFF, b"\x00" * 64)
    name: str = "2026-eva-+4930901820.wav"
    mediatype: str = "audio/wav"
    announced: int | None = None
    missing: bool = False
    broken: bool = False

    @property
    def size(self) -> int | None:
        return self.announced

    def chunks(self) -> Iterator[bytes]:
        if self.missing:
            raise BROKEN
        yield from self.pieces
        if self.broken:
            raise BROKEN


def recording(content: Audio, key: str = "k1", **data: Any) -> tuple[Do, Record]:
    fields = {"caller": "+4930901820", "callee": "sip:bob@example.org", "duration": 12} | data
    found = record(fields, "recordings", key, at=dt.datetime(2026, 5, 1, 10, tzinfo=BERLIN))
    return export("recordings", "bucket", key), evolve(found, content=content)


def keep(reason: str = "another person's rights", law: str = "GDPR Art. 15(4)") -> Keep:
    return Keep("cdr", "call_records", "k9", reason, law, dt.date(2027, 3, 1))


def gap(reason: str = "the file is damaged", key: str = "") -> Gap:
    return Gap("logs", "scores", key, reason)


def bytes_of(rows: Iterable[Mapping[str, Any]]) -> bytes:
    with Package(cover()) as package:
        for row in rows:
            package.add(export(), record(row))
        package.add(*recording(Audio()))
        package.add(keep(), None)
        return b"".join(package.chunks())
