"""A reference connector: calls of two parties in a file of JSON lines, with every verb there is.

Small enough to read in a minute, and right: `ConnectorSuite` is tested with it, and with
variants of it that each break one law.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from dsr.connector import Connector
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.match import Matcher
from dsr.model import Credential, Finding, Found, Identifier, Kind, Lock, Record, Unread
from dsr.testing import Harness

Row = dict[str, Any]
PARTIES: Final = ("caller", "callee")
MARKS: Final = ("restricted", "locked")
VERBS: Final = (
    "erase", "redact", "rectify", "restrict", "lock", "split", "check", "credentials", "aged"
)  # fmt: skip
REALM: Final = "sip.example.org"
UNDATED: Final = "5d"  # the call whose time is not known
#: MD5 hashes of SIP passwords, made up.
HASHES: Final = {"eva@sip.example.org": "0a" * 16, "bob@sip.example.org": "0b" * 16}


@frozen
class Voice:
    """The recording of one call."""

    notebook: Notebook
    key: str = field(repr=False)
    name: str = "voice.bin"
    mediatype: str = "application/octet-stream"
    size: int | None = None

    def chunks(self) -> Iterator[bytes]:
        for row in self.notebook.rows():
            if row["id"] == self.key:
                yield base64.b64decode(row["voice"])


@frozen
class Notebook:
    """Calls in one file: `id`, `at`, `caller`, `callee`, `note`, `voice`, and two marks.

    `locked` says by whom: dsr, or another. A file beside it has the hashes of SIP passwords.
    """

    path: Path = field(repr=False)
    parts: tuple[int, int] = (0, 1)  # this part, of how many
    name: str = "notebook"
    accepts: frozenset[Kind] = frozenset({"phone"})
    categories: frozenset[str] = frozenset({"calls"})

    def rows(self) -> Iterator[Row]:
        try:
            lines = self.path.open()
        except OSError:
            raise StoreUnavailable(self.name, "the file cannot be read") from None
        with lines:
            yield from map(json.loads, lines)

    def rows_of_this_part(self) -> Iterator[Row]:
        part, of = self.parts
        return (row for row in self.rows() if int(row["id"], 16) % of == part)

    def write(self, rows: Iterable[Row]) -> None:
        self.path.write_text("".join(json.dumps(row) + "\n" for row in list(rows)))

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        matcher = Matcher(who, "DE")
        for row in self.rows_of_this_part():
            abouts: dict[Identifier, set[str]] = {}
            for party in PARTIES:
                for each in matcher.matches(row[party] or ""):
                    abouts.setdefault(each, set()).add(party)
            for each, about in abouts.items():
                yield Found(each, self.record(row), frozenset(about))

    def record(self, row: Row) -> Record:
        return Record(
            key=row["id"],
            category="calls",
            data={name: row[name] for name in ("id", *PARTIES, "note")},
            at=dt.datetime.fromisoformat(row["at"]) if row["at"] else None,
            personal=frozenset(party for party in PARTIES if row[party]),
            content=Voice(self, row["id"]) if row["voice"] else None,
            lock=Lock("somebody else's lock") if row["locked"] == "another" else None,
            restricted=row["restricted"],
        )

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        if anchor:
            what = f'{self.name} has no times called "{anchor}"'
            raise ConfigurationError(what, "leave the anchor out")
        for record in map(self.record, self.rows()):
            if record.category == category and record.at is not None and record.at < before:
                yield record

    def erase(self, keys: Sequence[str]) -> None:
        self.write([row for row in self.rows() if row["id"] not in set(keys)])

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        rows = list(self.rows())
        for row in rows:
            row.update(dict.fromkeys(fields.get(row["id"], ()), None))
        self.write(rows)

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        rows = list(self.rows())
        for row in rows:
            if row["id"] == key and changes.keys() - row.keys():
                raise Refused(self.name, "a field to correct does not exist")
            row.update(changes if row["id"] == key else {})
        self.write(rows)

    def restrict(self, keys: Sequence[str], on: bool) -> None:
        rows = list(self.rows())
        for row in rows:
            row["restricted"] = on if row["id"] in keys else row["restricted"]
        self.write(rows)

    def lock(self, keys: Sequence[str], on: bool) -> None:
        rows = list(self.rows())
        for row in rows:
            if row["id"] in keys and row["locked"] != "another":
                row["locked"] = "dsr" if on else ""
        self.write(rows)

    def split(self) -> Sequence[Connector]:
        kind = type(self)
        return [kind(self.path, (part, 3)) for part in range(3)]

    def check(self) -> Sequence[Finding]:
        for _ in self.rows():
            pass
        return []

    def hashes(self) -> Mapping[str, str]:
        try:
            hashes: dict[str, str] = json.loads(self.path.with_suffix(".ha1").read_text())
        except OSError:
            raise StoreUnavailable(self.name, "the passwords cannot be read") from None
        return hashes

    def credentials(self, who: Identifier) -> Sequence[Credential]:
        user = who.value.partition("@")[0]
        return [
            Credential(user, REALM, "MD5", ha1)
            for address, ha1 in self.hashes().items()
            if address == who.value
        ]


class NotebookHarness(Harness):
    """Writes the file, and reads it, without the connector."""

    subject = Identifier("phone", "+4930901820")
    bystander = Identifier("phone", "+4930901821")
    verbs = frozenset(VERBS)

    def __init__(self, folder: Path, kind: type[Notebook] = Notebook) -> None:
        """Put the store's file in `folder`; `kind` is the connector to judge."""
        self.file = folder / "calls.jsonl"
        self.kind = kind
        self.connector = kind(self.file)

    def seed(self) -> int:
        calls = [  # own, own, shared, shared, to oneself (twice), the bystander's; ids in no order
            ("2f", "+4930901820", None, "aGVsbG8="),
            ("0a", None, "tel:+49-30-901820", None),
            ("71", "030 901820", "+4930901821", None),
            ("18", "030/901821", "004930901820", None),
            ("5c", "+4930901820", "030901820", None),
            ("5d", "030901820", "+4930901820", None),
            ("33", "+4930901821", "+4930901822", "Ynll"),
        ]
        self._write(
            {
                "id": id_,
                "at": f"2026-03-0{number}T12:00:00+00:00" if id_ != UNDATED else "",
                "caller": caller,
                "callee": callee,
                "note": f"call {number}",
                "voice": voice,
            }
            for number, (id_, caller, callee, voice) in enumerate(calls, start=1)
        )
        self.file.with_suffix(".ha1").write_text(json.dumps(HASHES))
        return 6

    def more(self, number: int) -> bool:
        at = "2026-03-09T12:00:00+00:00"
        row = {"at": at, "caller": "+4930901820", "callee": None, "note": "more", "voice": None}
        before = len(self.raw())
        self._write({"id": f"{0x1000 + before + each:x}", **row} for each in range(number))
        return True

    def _write(self, rows: Iterable[Row]) -> None:
        with self.file.open("a") as file:
            for row in rows:
                file.write(json.dumps({**row, "restricted": False, "locked": ""}) + "\n")

    def count(self) -> int:
        texts = [f"{row['caller']} {row['callee']} {row['note']}" for row in self.raw()]
        digits = ["".join(filter(str.isdigit, text)) for text in texts]
        return sum("30901820" in each for each in digits)

    def others(self) -> bytes:
        mine = {"71": "caller", "18": "callee"}  # the subject's side of the shared calls
        kept = [
            {name: row[name] for name in row if name not in (mine.get(row["id"]), *MARKS)}
            for row in self.raw()
            if row["id"] not in ("2f", "0a", "5c", "5d")
        ]
        return json.dumps(kept).encode()

    def content(self, record: Record) -> bytes | None:
        voices = [row["voice"] for row in self.raw() if row["id"] == record.key and row["voice"]]
        return base64.b64decode(voices[0]) if voices else None

    def changes(self, record: Record) -> Mapping[str, object]:
        return {"note": "corrected"} if record.key == "2f" else {}

    def unreachable(self) -> Connector:
        return self.kind(self.file.with_name("missing.jsonl"))

    def locked(self) -> int:
        return sum(bool(row["locked"]) for row in self.raw())

    def lock_as_another(self, key: str) -> None:
        rows = [row | ({"locked": "another"} if row["id"] == key else {}) for row in self.raw()]
        self.file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def vouched(self) -> Mapping[Identifier, Sequence[Credential]]:
        return {
            Identifier("sip", address): [Credential(address.partition("@")[0], REALM, "MD5", ha1)]
            for address, ha1 in HASHES.items()
        }

    def raw(self) -> list[Row]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]
