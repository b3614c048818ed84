"""The store `asterisk-csv`: Master.csv and its copies, CEL's, a queue_log; one record a row.

Which lines may speak of somebody, and how a line is overwritten in a file that Asterisk still
writes, the `logs` connector knows; which columns do, the same map as the database's call records.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, cast

from attrs import evolve, field, frozen, validators

from dsr.connectors.logs import Logs
from dsr.connectors.logs import from_config as logs_from_config
from dsr.errors import ConfigurationError, Refused
from dsr.match import Matcher
from dsr.model import Finding, Found, Identifier, Kind, Record, Unread
from dsr.settings import Context, settings
from dsr_asterisk.people import People, Side, sides_of
from dsr_asterisk.rows import Kind as RowKind
from dsr_asterisk.rows import Row, parse
from dsr_asterisk.tables import table_map

__all__ = ["CsvFiles", "Settings", "from_config"]

_PIECE: Final = re.compile(r"(?P<column>\w+)(?:\[(?P<start>\d+):(?P<end>\d+)\])?")
#: The column that says when, by what the rows are.
_AT: Final[Mapping[RowKind, str]] = {"cdr": "start", "cel": "eventtime", "queue_log": "time"}
_PLACE: Final = re.compile(r"(\w+)=(\d+)-(\d+)")
#: How `logs` shows a byte that is no UTF-8.
_ESCAPED: Final = re.compile(rb"\\x([89a-f][0-9a-f])")

_COPIES: Final = (
    "beside Master.csv lie files named after account codes: where a code names a person, its"
    " file's name does so after an erasure, too: delete or rename it"
)


def _zone(_: object, _attribute: object, value: str) -> None:
    if value not in zoneinfo.available_timezones():
        msg = 'write an IANA time zone such as "Europe/Berlin", or "UTC" with usegmtime=yes'
        raise ValueError(msg)


@frozen
class Settings:
    """The table of an `asterisk-csv` store in dsr.toml."""

    path: str  # the folder, such as /var/log/asterisk/cdr-csv
    timezone: str = field(validator=_zone)  # Asterisk's, or "UTC" if cdr.conf says usegmtime=yes
    category: str = "call_records"  # the category of its rows
    files: tuple[str, ...] = ("*.csv", "*.csv[.-]*")  # which files of it
    rows: RowKind = field(default="cdr", validator=validators.in_(sorted(_AT)))  # what they are
    columns: tuple[str, ...] = ()  # of cdr_custom or cel_custom, where not as in the sample


@frozen
class CsvFiles:
    """Comma-separated files; `logs` reads and overwrites their lines.

    The key of a record is the key of its line, a bar, and where each of its columns stands.
    """

    logs: Logs
    rows: RowKind
    zone: zoneinfo.ZoneInfo
    columns: tuple[str, ...]
    sides: tuple[Side, ...]

    @property
    def name(self) -> str:
        """The store's name in the policy."""
        return self.logs.name

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds that columns hold."""
        return frozenset(each.kind for each in self.sides)

    @property
    def categories(self) -> frozenset[str]:
        """The one category of the files."""
        return self.logs.categories

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Read every file once and yield the rows that speak of any of `who`."""
        asked = [each for each in who if each.kind in self.accepts]
        people = People(asked, self.logs.region, self.sides)
        wide = list(dict.fromkeys([*asked, *_widened(asked)]))
        matcher = Matcher(wide, self.logs.region)
        for _, group in groupby(self.logs.find(wide), key=_key):
            founds = []
            for each in group:
                if isinstance(each, Found):
                    founds.append(each)
                else:
                    yield each
            if founds:
                yield from self._founds(founds, people, matcher, frozenset(asked))

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Cover the named fields, each with as many bytes. Raises `Refused` as `logs` does."""
        lines: dict[str, frozenset[str]] = {}
        for key, names in fields.items():
            line, _, places = key.rpartition("|")
            lines[line] = frozenset(self._span(each, places) for each in names)
        self.logs.redact(lines)

    def split(self) -> Sequence[CsvFiles]:
        """Return one connector a file."""
        return [evolve(self, logs=each) for each in self.logs.split()]

    def check(self) -> Sequence[Finding]:
        """Return what is wrong with the files, and what an erasure leaves behind."""
        left = [Finding("left", _COPIES)] if self.rows == "cdr" else []
        return [*self.logs.check(), *left]

    def _founds(
        self,
        founds: Sequence[Found],
        people: People,
        matcher: Matcher,
        asked: frozenset[Identifier],
    ) -> Iterator[Found]:
        record = founds[0].record
        row = self._row(founds, matcher)
        if row is None:  # a row of other columns: as a line, which is still whole
            line = evolve(record, key=f"{record.key}|")
            yield from (Found(each.who, line, each.about) for each in founds if each.who in asked)
            return
        about = people.about(row)
        pieces = frozenset(name for names in about.values() for name in names if "[" in name)
        made = self._record(record, row, people.personal(row) | pieces)
        for who, names in about.items():
            if names or who.kind in {"call", "object"}:
                yield Found(who, made, names)

    def _row(self, founds: Sequence[Found], matcher: Matcher) -> Row | None:
        text = str(founds[0].record.data["line"])
        line = text.encode("utf-8")
        if "\\x" in text:
            # `logs` tells where its matches stand in bytes: that proves what the bytes were
            line = _ESCAPED.sub(lambda told: bytes([int(told[1], 16)]), line)
            told = {name for each in founds for name in each.about}
            seen = {f"line[{match.start}:{match.end}]" for match in matcher.scan(line)}
            if not seen <= told:
                return None
        return parse(line, self.rows, self.columns)

    def _record(self, line: Record, row: Row, personal: frozenset[str]) -> Record:
        data = {"file": line.data["file"], **row.data(self.zone)}
        at = data.get(_AT[self.rows])
        cell = row.cells.get("callid" if self.rows == "queue_log" else "uniqueid")
        call = cell.text if cell else ""
        places = ",".join(f"{name}={c.start}-{c.end}" for name, c in row.cells.items())
        return Record(
            key=f"{line.key}|{places}",
            category=line.category,
            data=data,
            at=None if isinstance(at, str) else cast("Any", at),
            personal=personal,
            links=(Identifier("call", call),) if call and call != "NONE" else (),
        )

    def _span(self, name: str, places: str) -> str:
        """Return the part of the line that a field, or a piece of one, is."""
        if not places:  # a row of other columns: the names are those of the line
            return name
        named = _PIECE.fullmatch(name)
        known = {each[1]: each for each in _PLACE.finditer(places)}
        if named is None or named["column"] not in known:
            what = "a field is none of its row's"
            raise Refused(self.name, what, "plan again")
        start, end = map(int, known[named["column"]].group(2, 3))
        if named["start"] is not None:
            start, end = start + int(named["start"]), start + int(named["end"])
        return f"line[{start}:{end}]"


def from_config(name: str, table: Mapping[str, object], context: Context) -> CsvFiles:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, table, where)
    names = chosen.columns
    if len(set(names)) < len(names) or not all(re.fullmatch(r"\w+", each) for each in names):
        what = f"{where}.columns names a column twice, or by other signs than letters and digits"
        raise ConfigurationError(what, "give each a name of its own")
    lines = {
        "path": chosen.path,
        "category": chosen.category,
        "files": list(chosen.files),
        "format": "none",
    }
    sides = table_map(chosen.rows, "stock", {}, where).sides
    return CsvFiles(
        logs=logs_from_config(name, lines, context),
        rows=chosen.rows,
        zone=zoneinfo.ZoneInfo(chosen.timezone),
        columns=chosen.columns,
        sides=sides_of(sides),
    )


def _widened(who: Sequence[Identifier]) -> Iterator[Identifier]:
    """Yield what makes `logs` find an extension that stands alone between its quotes."""
    for each in who:
        if each.kind == "sip":
            yield Identifier("account", each.value.partition("@")[0])


def _key(each: Found | Unread) -> str:
    return each.record.key if isinstance(each, Found) else ""
