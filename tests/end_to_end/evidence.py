"""What the stores hold, seen with SQL, grep, boto3 and plain files: nothing of dsr is used.

How a number may be spelled is written out by hand here.
"""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from attrs import field, frozen

from tests.end_to_end.office import TABLES, Dataset, Office

__all__ = ["Evidence", "Version", "Witness", "grep"]

_CALLER: Final = ("src_user", "src_domain", "src_ip")
_CALLEE: Final = ("dst_ouser", "dst_user", "dst_domain")
_DIALLED: Final = "dst_user = ANY(:spelled) OR dst_ouser = ANY(:spelled)"
_Sides = Mapping[tuple[str, ...], str]
_REQUEST: Final[_Sides] = {_CALLER: "src_user = ANY(:spelled)", _CALLEE: _DIALLED}
#: By table: whose columns are whose, and when they are the person's; () is the whole row.
_SIDES: Final[Mapping[str, _Sides]] = {
    "acc": _REQUEST,
    "missed_calls": _REQUEST,
    "acc_cdrs": {
        ("src_user",): "src_user = ANY(:spelled)",
        ("dst_user",): "dst_user = ANY(:spelled)",
    },
    "location": {(): "username = ANY(:spelled)"},
    "subscriber": {(): "username = ANY(:spelled)"},
    "numbers": {(): "number = ANY(:spelled)"},
}
_CALL_ID: Final = r"[0-9]+-[0-9]+@[0-9.]+[0-9]"

Version = tuple[str, str, str]  # key, version id, ETag (empty for a delete marker)
Rows = Mapping[int, Mapping[str, Any]]


@frozen
class Evidence:
    """All stores at one moment.

    `tables` has every row by its id, with PostgreSQL's `xmin`: the transaction that wrote it;
    `logs` the unpacked text of each file, `written` the inode and the time of the last change
    of its inode, which no program can set back.
    """

    tables: Mapping[str, Rows] = field(repr=False)
    objects: frozenset[Version] = field(repr=False)
    logs: Mapping[str, bytes] = field(repr=False)
    cards: Mapping[str, bytes] = field(repr=False)
    written: Mapping[str, tuple[int, int]] = field(repr=False)


@frozen
class Witness:
    """Looks at an office, and tells what is the caller's."""

    dataset: Dataset
    office: Office

    @property
    def spelled(self) -> list[str]:
        """Every way in which Kamailio's tables may hold the caller (stores of the wild)."""
        digits = self.dataset.national
        prefixes = ("+49", "0049", "49", "0", "", "++49", "0+49", "9011+49", "901149", "+490")
        return [*(prefix + digits for prefix in prefixes), self.dataset.user]

    @property
    def pattern(self) -> str:
        """The same in log lines, for `grep -E`."""
        number = rf"(^|[^0-9+])((9011|\+|0)?\+49|901149|0049|49|0)?{self.dataset.national}"
        return rf"{number}([^0-9]|$)|[:=]{self.dataset.user}([@;]|$)"

    def look(self) -> Evidence:
        """Return everything as it is now."""
        logs = self._files("logs")
        return Evidence(
            tables={table: self._rows(table) for table in TABLES},
            objects=frozenset(self._objects()),
            logs={str(path): _text(path) for path in logs},
            cards={str(path): path.read_bytes() for path in self._files("contacts")},
            written={
                str(path): (path.stat().st_ino, path.stat().st_ctime_ns)
                for path in [*logs, *self._files("contacts")]
            },
        )

    def sides(self, table: str) -> dict[int, frozenset[str]]:
        """Return which columns of which rows are the caller's now, by the row's id."""
        found: dict[int, frozenset[str]] = {}
        with self.office.engine.connect() as connection:
            for columns, condition in _SIDES[table].items():
                statement = sa.text(f"SELECT id FROM {table} WHERE {condition}")  # noqa: S608
                for number in connection.execute(statement, {"spelled": self.spelled}).scalars():
                    found[number] = found.get(number, frozenset()) | set(columns)
        return found

    def count(self, *tables: str) -> int:
        """Return how many rows of these tables name the caller."""
        total = 0
        with self.office.engine.connect() as connection:
            for table in tables:
                either = " OR ".join(f"({each})" for each in _SIDES[table].values())
                statement = sa.text(f"SELECT count(*) FROM {table} WHERE {either}")  # noqa: S608
                total += connection.execute(statement, {"spelled": self.spelled}).scalar_one()
        return total

    def calls(self) -> set[str]:
        """Return the ids of the caller's calls: in the tables and in the log."""
        ids: set[str] = set()
        with self.office.engine.connect() as connection:
            for table in ("acc", "missed_calls", "acc_cdrs"):
                either = " OR ".join(f"({each})" for each in _SIDES[table].values())
                statement = sa.text(f"SELECT callid FROM {table} WHERE {either}")  # noqa: S608
                ids.update(connection.execute(statement, {"spelled": self.spelled}).scalars())
        for path in self._files("logs"):
            theirs = grep("-E", self.pattern, text=_text(path))
            ids.update(line.decode() for line in grep("-oE", _CALL_ID, text=theirs).splitlines())
        return ids

    def lines(self, text: bytes, calls: Iterable[str]) -> set[int]:
        """Return the numbers of the lines that name the caller or one of the calls."""
        return _numbers(grep("-nE", self.pattern, text=text)) | self.lines_of_calls(text, calls)

    def lines_of_calls(self, text: bytes, calls: Iterable[str]) -> set[int]:
        """Return the numbers of the lines that name one of the calls."""
        return _numbers(grep("-nwF", "\n".join(calls), text=text))

    def own(self, objects: Iterable[Version], calls: Iterable[str]) -> frozenset[Version]:
        """Return the object versions that are recordings of the calls, or bear the number."""
        return _named(objects, [f"{call}." for call in calls] + [f"{n}-" for n in self.spelled])

    def held(self, objects: Iterable[Version]) -> frozenset[Version]:
        """Return the object versions that are recordings of the held call."""
        return _named(objects, [f"{self.dataset.held}."])

    def bodies(self) -> dict[str, bytes]:
        """Return the newest bytes of each key, also of one behind a delete marker."""
        listing = self.office.client.list_object_versions(Bucket=self.office.bucket)
        newest: dict[str, bytes] = {}
        for each in listing["Versions"]:  # of one key: the newest first
            key, version = each["Key"], each["VersionId"]
            if key not in newest:
                got = self.office.client.get_object(
                    Bucket=self.office.bucket, Key=key, VersionId=version
                )
                newest[key] = got["Body"].read()
        return newest

    def _rows(self, table: str) -> Rows:
        statement = sa.text(f"SELECT *, xmin::text AS xmin FROM {table} ORDER BY id")  # noqa: S608
        with self.office.engine.connect() as connection:
            return {row["id"]: dict(row) for row in connection.execute(statement).mappings()}

    def _objects(self) -> Sequence[Version]:
        listing = self.office.client.list_object_versions(Bucket=self.office.bucket)
        assert not listing["IsTruncated"]
        return [
            *((each["Key"], each["VersionId"], each["ETag"]) for each in listing["Versions"]),
            *((each["Key"], each["VersionId"], "") for each in listing.get("DeleteMarkers", [])),
        ]

    def _files(self, folder: str) -> list[Path]:
        return sorted(path for path in (self.office.folder / folder).rglob("*") if path.is_file())


def _numbers(found: bytes) -> set[int]:
    return {int(line.partition(b":")[0]) for line in found.splitlines()}


def _named(objects: Iterable[Version], names: Iterable[str]) -> frozenset[Version]:
    starts = tuple(names)
    return frozenset(each for each in objects if each[0].rpartition("/")[2].startswith(starts))


def _text(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def grep(option: str, pattern: str, *, text: bytes) -> bytes:
    """Return what `grep` prints; nothing for an empty pattern."""
    if not pattern:
        return b""
    done = subprocess.run(
        ["grep", "-a", option, "-e", pattern],
        input=text,
        env={"LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr  # 1: no line matches
    return done.stdout
