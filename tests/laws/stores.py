"""Stores of every kind, filled with what `tests.laws.people` says, and looked at raw.

Each writes the same calls in its own form and knows how to give back, without the connector,
what it holds of either side of each: `look` maps (call, side) to the bytes that name the party.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import sqlalchemy as sa
import zstandard
from attrs import field, frozen

from dsr.connector import Connector
from dsr.connectors import files, logs, s3, sql, vcards
from dsr.settings import Context
from tests.laws.people import Call, named
from tests.servers.rgw import Rgw

__all__ = [
    "BOTH",
    "Cards",
    "Documents",
    "Lines",
    "Objects",
    "Raw",
    "Recordings",
    "Rows",
    "Side",
    "bare",
]

Side = tuple[int, str]
BOTH: Final = ("src", "dst")


@frozen
class Raw(ABC):
    """One store: `fill` it, read it with `connector`, `look` at its bytes."""

    folder: Path
    calls: Sequence[Call] = field(repr=False)
    sides: ClassVar[tuple[str, ...]] = BOTH
    name: ClassVar[str]

    @abstractmethod
    def fill(self) -> None:
        """Write the calls."""

    @property
    @abstractmethod
    def connector(self) -> Connector:
        """The connector, configured as an operator would."""

    @abstractmethod
    def look(self) -> dict[Side, bytes]:
        """Return the bytes that name each side of each call; a side that is gone is missing."""

    @abstractmethod
    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        """Return which side of which call a found record, or field of it, is."""


@frozen
class Rows(Raw):
    """A table with a column for each side (PostgreSQL)."""

    url: str = field(repr=False, kw_only=True)
    name: ClassVar[str] = "rows"

    def fill(self) -> None:
        rows = [
            {"id": n, "at": each.at.isoformat(), "src": each.src_text, "dst": each.dst_text}
            for n, each in enumerate(self.calls)
        ]
        engine = sa.create_engine(self.url)
        with engine.begin() as db:
            db.execute(
                sa.text("CREATE TABLE cdr (id INT PRIMARY KEY, at TEXT, src TEXT, dst TEXT)")
            )
            db.execute(sa.text("INSERT INTO cdr VALUES (:id, :at, :src, :dst)"), rows)
        engine.dispose()

    @property
    def connector(self) -> Connector:
        sides = [{"phone": side, "about": [side], "match": "contains"} for side in BOTH]
        table = {"category": "rows", "at": "at", "sides": sides}
        settings = {"url": self.url, "timezone": "UTC", "tables": {"cdr": table}}
        return sql.from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        engine = sa.create_engine(self.url)
        with engine.connect() as db:
            rows = db.execute(sa.text("SELECT id, src, dst FROM cdr")).all()
        engine.dispose()
        sides = [((row.id, side), getattr(row, side)) for row in rows for side in BOTH]
        return {place: value.encode() for place, value in sides if value}

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        return int(str(data["id"])), about


@frozen
class Documents(Raw):
    """JSON documents in a column (MariaDB)."""

    url: str = field(repr=False, kw_only=True)
    name: ClassVar[str] = "documents"

    def fill(self) -> None:
        rows = [
            {
                "id": n,
                "at": each.at.isoformat(),
                "doc": json.dumps({"src": {"uri": each.src_text}, "dst": {"uri": each.dst_text}}),
            }
            for n, each in enumerate(self.calls)
        ]
        engine = sa.create_engine(self.url)
        with engine.begin() as db:
            db.execute(sa.text("CREATE TABLE event (id INT PRIMARY KEY, at TEXT, doc JSON)"))
            db.execute(sa.text("INSERT INTO event VALUES (:id, :at, :doc)"), rows)
        engine.dispose()

    @property
    def connector(self) -> Connector:
        paths = [f"doc->{side}.uri" for side in BOTH]
        sides = [{"phone": path, "about": [path], "match": "contains"} for path in paths]
        table = {"category": "documents", "at": "at", "sides": sides}
        settings = {"url": self.url, "timezone": "UTC", "tables": {"event": table}}
        return sql.from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        engine = sa.create_engine(self.url)
        with engine.connect() as db:
            rows = db.execute(sa.text("SELECT id, doc FROM event")).all()
        engine.dispose()
        values = [
            ((row.id, side), json.loads(row.doc)[side]["uri"]) for row in rows for side in BOTH
        ]
        return {place: value.encode() for place, value in values if value}

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        return int(str(data["id"])), about.removeprefix("doc->").removesuffix(".uri")


_LINE: Final = re.compile(rb"call=(\d+) src=\[([^\]]*)\] dst=\[([^\]]*)\]")


@frozen
class Lines(Raw):
    """Log lines: a live file, and one rotated by gzip and by Zstandard."""

    name: ClassVar[str] = "lines"

    def fill(self) -> None:
        lines = [
            f"{each.at.isoformat()} pbx[7]: call={n} src=[{each.src_text}] dst=[{each.dst_text}]\n"
            for n, each in enumerate(self.calls)
        ]
        parts = ["".join(lines[part::3]).encode() for part in range(3)]
        (self.folder / "pbx.log").write_bytes(parts[0])
        (self.folder / "pbx.log.1.gz").write_bytes(gzip.compress(parts[1]))
        (self.folder / "pbx.log.2.zst").write_bytes(zstandard.compress(parts[2]))

    @property
    def connector(self) -> Connector:
        settings = {
            "path": str(self.folder),
            "files": ["pbx.log", "pbx.log.*"],
            "category": "lines",
            "timezone": "UTC",
            "sides": [rf"{side}=\[(?P<phone>[^\]]*)\]" for side in BOTH],
        }
        return logs.from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        packed = (self.folder / "pbx.log.2.zst").read_bytes()
        parts = [
            (self.folder / "pbx.log").read_bytes(),
            gzip.decompress((self.folder / "pbx.log.1.gz").read_bytes()),
            zstandard.ZstdDecompressor().decompressobj().decompress(packed),
        ]
        found = {}
        for number, src, dst in (
            match.groups() for part in parts for match in _LINE.finditer(part)
        ):
            found[int(number), "src"], found[int(number), "dst"] = src, dst
        return found

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        line = str(data["line"]).encode("utf-8", "surrogateescape")
        match = _LINE.search(line)
        assert match is not None
        start = int(about.removeprefix("line[").partition(":")[0])
        side = next(
            side for group, side in ((2, "src"), (3, "dst")) if start in range(*match.span(group))
        )
        return int(match[1]), side


@frozen
class Cards(Raw):
    """Address books: cards of four kinds, each with the caller's number."""

    sides: ClassVar[tuple[str, ...]] = ("src",)
    name: ClassVar[str] = "cards"

    def fill(self) -> None:
        for n, each in enumerate(self.calls):
            rev = f"{each.at:%Y%m%dT%H%M%SZ}"
            book = self.folder / f"book{n % 50}"
            book.mkdir(exist_ok=True)
            number = bare(each.src_text)
            if n % 4 == 3:
                tel = ["tel", {}, "text", number]
                card = ["vcard", [["version", {}, "text", "4.0"], ["uid", {}, "text", str(n)],
                                  ["rev", {}, "timestamp", rev], tel]]  # fmt: skip
                (book / f"{n}.json").write_text(json.dumps(card))
                continue
            version = ("2.1", "3.0", "4.0")[n % 4]
            text = (
                f"BEGIN:VCARD\r\nVERSION:{version}\r\nUID:{n}\r\nREV:{rev}\r\nFN:X\r\nN:X;;;;\r\n"
            )
            (book / f"{n}.vcf").write_text(f"{text}TEL:{number}\r\nEND:VCARD\r\n", newline="")

    @property
    def connector(self) -> Connector:
        settings = {
            "path": str(self.folder),
            "files": ["**/*.vcf", "**/*.json"],
            "category": "cards",
        }
        return vcards.from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        return {(int(path.stem), "src"): path.read_bytes() for path in self.folder.glob("*/*.*")}

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        del about
        return int(str(data["uid"])), "src"


def bare(text: str) -> str:
    """Return what a person would write into a card: no display name, no channel."""
    number = text.rpartition("<")[2].rstrip(">")
    return re.sub(r"^(PJ)?SIP/|@trunk.*|-0000001a$", "", number)


@frozen
class _Named(Raw):
    """Recordings whose names hold the caller's number and the time."""

    sides: ClassVar[tuple[str, ...]] = ("src",)
    keys: ClassVar[tuple[str, ...]] = (
        "{phone}_{date:%Y%m%d-%H%M%S}_{any}.wav",
        "{any}_{date:%Y%m%d-%H%M%S}_{any}.wav",
    )

    def key(self, n: int, call: Call, rng: random.Random) -> str:
        return f"{named(rng, *call.src)}_{call.at:%Y%m%d-%H%M%S}_{n}.wav"

    def named(self) -> dict[str, bytes]:
        rng = random.Random(7)
        return {self.key(n, each, rng): f"sound {n}".encode() for n, each in enumerate(self.calls)}


@frozen
class Recordings(_Named):
    """Recordings on disk."""

    name: ClassVar[str] = "recordings"

    def fill(self) -> None:
        for key, body in self.named().items():
            (self.folder / key).write_bytes(body)

    @property
    def connector(self) -> Connector:
        settings = {
            "path": str(self.folder),
            "keys": list(self.keys),
            "category": "recordings",
            "timezone": "UTC",
        }
        return files.from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        return {
            _numbered(path.name): path.name.encode() + path.read_bytes()
            for path in self.folder.iterdir()
        }

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        del about
        return _numbered(str(data["path"]))


@frozen
class Objects(_Named):
    """Recordings in a bucket of Ceph RGW."""

    rgw: Rgw = field(repr=False, kw_only=True)
    bucket: str = field(kw_only=True)
    name: ClassVar[str] = "objects"

    def fill(self) -> None:
        client = self.rgw.client()
        client.create_bucket(Bucket=self.bucket)
        for key, body in self.named().items():
            client.put_object(Bucket=self.bucket, Key=key, Body=body)

    @property
    def connector(self) -> Connector:
        settings = {
            "bucket": self.bucket,
            "endpoint": self.rgw.endpoint,
            "keys": list(self.keys),
            "category": "objects",
            "timezone": "UTC",
        }
        return s3.from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        pages = self.rgw.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [each for page in pages for each in page.get("Contents", [])]
        return {_numbered(each["Key"]): f"{each['Key']} {each['ETag']}".encode() for each in keys}

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        del about
        return _numbered(str(data["key"]))


def _numbered(name: str) -> Side:
    return int(name.rpartition("_")[2].removesuffix(".wav")), "src"
