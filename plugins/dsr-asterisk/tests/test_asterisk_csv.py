"""Master.csv and its kin: every row a record, redacted in place in a file that Asterisk writes."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat

from asterisk_rows import ALICE, ALICE_DESK, BOB, BOB_DESK, START, cdr_row, quoted
from dsr.errors import ConfigurationError, Refused
from dsr.model import Found, Identifier
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness
from dsr_asterisk.csv_files import CsvFiles, from_config
from dsr_asterisk.rows import Kind, parse

CORPUS: Final = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))

#: Rows of Alice alone, of both, and of Bob alone; the desks are the extensions 1001 and 10010.
HERS: Final = (
    cdr_row(1, "+4930901820", "", name="Alice Müller"),
    cdr_row(2, "030901820", "s", channel="PJSIP/trunk-00000002"),
    cdr_row(3, "", "004930901820", "1772710215.3", ""),
)
BOTH: Final = (
    cdr_row(4, "4930901820", "+49309018200", "1772710215.4", name='The "A"'),
    cdr_row(5, "0309018200", "0+4930901820", lastdata="PJSIP/+4930901820@trunk,30,tT"),
)
HIS: Final = (
    cdr_row(6, "+49309018200", "+4930901822", name="Bob, B."),
    cdr_row(7, "+4930901822", "10010", lastdata="PJSIP/10010,30"),
)


def store(folder: Path, **more: object) -> CsvFiles:
    table = {"path": str(folder), "timezone": "Europe/Berlin", **more}
    return from_config("calls", table, Context("DE", folder))


def find(connector: CsvFiles, *who: Identifier) -> list[Found]:
    found = list(connector.find(who))
    assert all(isinstance(each, Found) for each in found)
    return [each for each in found if isinstance(each, Found)]


class RowsHarness(Harness):
    """A live file, a rotated one and an account's copy, looked into with the csv module."""

    subject = ALICE
    bystander = BOB
    entry = "asterisk-csv"
    verbs = frozenset({"redact", "split", "check"})

    def __init__(self, folder: Path) -> None:
        """Keep the files below `folder`."""
        self.folder = folder / "cdr-csv"
        self.folder.mkdir()
        self.connector = store(self.folder)

    def seed(self) -> int:
        (self.folder / "Master.csv").write_text("\n".join((*HERS, *BOTH, *HIS)) + "\n")
        old = "\n".join((HIS[0], HERS[0])) + "\n"
        (self.folder / "Master.csv-20260301.gz").write_bytes(gzip.compress(old.encode()))
        (self.folder / "4711.csv").write_text(HERS[1] + "\n")
        return 7

    def more(self, number: int) -> bool:
        if self.subject is not ALICE:
            return False
        with (self.folder / "Master.csv").open("a") as file:
            file.write((HERS[0] + "\n") * number)
        return True

    def _rows(self) -> Iterator[tuple[str, int, str]]:
        for path in sorted(self.folder.iterdir()):
            body = path.read_bytes()
            text = (gzip.decompress(body) if path.suffix == ".gz" else body).decode()
            for number, row in enumerate(text.splitlines()):
                yield path.name, number, row

    def count(self) -> int:
        return sum(bool(re.search(r"30901820(?!\d)", row)) for _, _, row in self._rows())

    def others(self) -> bytes:
        kept = []
        for name, number, row in self._rows():
            cells = next(csv.reader([row]))
            if name == "Master.csv" and number == 3:
                kept.append([*cells[2:4], *cells[6:]])  # Bob is called
            elif name == "Master.csv" and number == 4:
                kept.append([*cells[:2], *cells[3:6], *cells[7:8], cells[8][-12:], *cells[9:]])
            elif (name, number) in {("Master.csv", 5), ("Master.csv", 6)} or (
                name.endswith(".gz") and not number
            ):
                kept.append(cells)
        return repr(kept).encode()

    def unreachable(self) -> CsvFiles:
        return store(self.folder / "nowhere")


class TestRows(ConnectorSuite):
    """The laws of every connector, on files of call records."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> RowsHarness:
        return RowsHarness(tmp_path)


class DesksHarness(RowsHarness):
    """The same for an extension, beside one that begins with its digits."""

    subject = ALICE_DESK
    bystander = BOB_DESK

    def seed(self) -> int:
        rows = (
            cdr_row(1, "1001", "", name="Alice"),
            cdr_row(2, "", "1001"),
            cdr_row(3, "1001", "10010", name="Alice"),
            cdr_row(4, "+49309018221", "s", lastdata="PJSIP/10010&PJSIP/1001,30,tT"),
            cdr_row(5, "10010", "*97", name="Room 1001"),
            cdr_row(6, "30", "10010", lastdata="Local/10010@from-internal/n"),
        )
        (self.folder / "Master.csv").write_text("\n".join(rows) + "\n")
        return 4

    def count(self) -> int:
        named = re.compile(r"(?<![\w ])1001(?!\d)")
        return sum(bool(named.search(row)) for _, _, row in self._rows())

    def others(self) -> bytes:
        kept = []
        for _, number, row in self._rows():
            cells = next(csv.reader([row]))
            if number == 2:
                kept.append([*cells[2:4], *cells[6:]])
            elif number == 3:
                kept.append([*cells[:8], cells[8].split("&")[0], *cells[9:]])
            elif number > 3:
                kept.append(cells)
        return repr(kept).encode()

    def strangers(self, number: int) -> list[Identifier]:
        return [Identifier("sip", f"stranger-{each}") for each in range(number)]


class TestDesks(ConnectorSuite):
    """An extension is found with its exact borders, in every column that names it."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> DesksHarness:
        return DesksHarness(tmp_path)


def test_a_person_gets_the_fields_of_the_row(tmp_path: Path) -> None:
    """An export shows a call, not a line: named columns, whole numbers, moments with a zone."""
    (tmp_path / "Master.csv").write_text(cdr_row(1, "030901820", "1002", name='A "B"') + "\n")
    (found,) = find(store(tmp_path), ALICE)
    zone = ZoneInfo("Europe/Berlin")
    start = (START + dt.timedelta(minutes=1)).replace(tzinfo=zone)
    assert found.record.at == start
    assert {
        name: found.record.data[name] for name in ("src", "dst", "clid", "start", "duration")
    } == {
        "src": "030901820",
        "dst": "1002",
        "clid": '"A "B"" <030901820>',
        "start": start,
        "duration": 60,
    }
    assert found.about == {"src", "clid", "channel"}
    assert found.record.personal - found.about == {"dst", "dstchannel"}


@pytest.mark.parametrize(
    ("more", "columns"),
    [
        ((), {}),
        (("1772710215.4",), {"uniqueid": "1772710215.4"}),
        (("paid by 12",), {"userfield": "paid by 12"}),
        (("pbx1-1772710215.4", "x"), {"uniqueid": "pbx1-1772710215.4", "userfield": "x"}),
        (
            ("1772710215.4", "", "47", "1772710215.4", 8),
            {"uniqueid": "1772710215.4", "peeraccount": "47", "linkedid": "1772710215.4"},
        ),
        (("47", "1772710215.4", 8), {"peeraccount": "47", "sequence": 8}),
    ],
)
def test_the_columns_that_cdr_conf_switches_on(
    tmp_path: Path, more: tuple[object, ...], columns: Mapping[str, object]
) -> None:
    """cdr_csv.c: uniqueid, userfield and the new columns are each there or not."""
    (tmp_path / "Master.csv").write_text(cdr_row(1, "030901820", "1002", *more) + "\n")
    (found,) = find(store(tmp_path), ALICE)
    assert {name: found.record.data[name] for name in columns} == columns
    calls = {each.value for each in found.record.links if each.kind == "call"}
    assert calls == {value for name, value in columns.items() if name == "uniqueid"}


def test_a_daemon_goes_on_writing_into_the_file(tmp_path: Path) -> None:
    """Redaction overwrites bytes in place: a row appended meanwhile survives, and stays found."""
    path = tmp_path / "Master.csv"
    path.write_text(HERS[0] + "\n" + HIS[0] + "\n")
    connector = store(tmp_path)
    before = find(connector, ALICE)
    with path.open("a") as daemon:
        connector.redact({each.record.key: each.about for each in before})
        daemon.write(BOTH[0] + "\n")
    lines = path.read_text().splitlines()
    assert lines[1:] == [HIS[0], BOTH[0]]
    assert len(lines[0].encode()) == len(HERS[0].encode())
    assert "30901820" not in lines[0]
    assert [each.record.data["dst"] for each in find(connector, ALICE)] == ["+49309018200"]


def test_bytes_that_are_no_utf_8(tmp_path: Path) -> None:
    """A Latin-1 name before the number moves no border: exactly the person's fields change."""
    row = cdr_row(1, "+4930901820", "+49309018200", name="Jörg")
    path = tmp_path / "Master.csv"
    path.write_bytes(row.encode("latin-1") + b"\n")
    connector = store(tmp_path)
    connector.redact({each.record.key: each.about for each in find(connector, ALICE)})
    before, after = (
        next(csv.reader([text])) for text in (row, path.read_bytes().decode("latin-1"))
    )
    changed = {name for name, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}
    assert changed == {1, 4, 5}
    assert after[4] == '"xxxx" <+xxxxxxxxxx>'


def test_a_row_of_other_columns_is_still_found(tmp_path: Path) -> None:
    """A row that no setting of Asterisk writes is read and covered as a line, never passed over."""
    path = tmp_path / "Master.csv"
    path.write_text('"a","+4930901820"\n' + quoted("+4930901820", "x", "y") + ',"bro\n')
    connector = store(tmp_path)
    found = find(connector, ALICE)
    assert len(found) == 2
    connector.redact({each.record.key: each.about for each in found})
    assert "901820" not in path.read_text()
    assert find(connector, ALICE) == []


def test_a_custom_file_names_its_columns(tmp_path: Path) -> None:
    """cdr_custom.conf writes what the operator says: `columns` says it here, too."""
    path = tmp_path / "Simple.csv"
    path.write_text(quoted("1772710215", "1001", "030901820") + "\n")
    connector = store(tmp_path, columns=["start", "src", "dst"])
    (found,) = find(connector, ALICE)
    assert found.about == {"dst"}
    assert found.record.at == dt.datetime(2026, 3, 5, 11, 30, 15, tzinfo=dt.UTC)


#: Made by hand from the format of logger.c, ast_queue_log.
QUEUE: Final = """\
1772710215|1772710215.1|sales|NONE|ENTERQUEUE||+4930901820|1
1772710220|1772710215.1|sales|PJSIP/1001|CONNECT|5|1772710215.2|4
1772710990|1772710215.1|sales|PJSIP/10010|COMPLETEAGENT|1001|1001|1
1772710999|1772710215.9|sales|NONE|ENTERQUEUE||1001|1
1772711000|NONE|NONE|NONE|QUEUESTART|
1772711001|1772710215.9|sales|PJSIP/10010|BLINDTRANSFER|1001|from-internal|1|2|3
"""


def test_a_queue_log_is_read_by_its_events(tmp_path: Path) -> None:
    """data2 is the caller when one enters a queue, and the seconds of a talk when one is over."""
    (tmp_path / "queue_log").write_text(QUEUE)
    connector = store(tmp_path, rows="queue_log", files=["queue_log*"], category="queues")
    about = [
        (each.record.data["event"], sorted(each.about)) for each in find(connector, ALICE_DESK)
    ]
    assert about == [
        ("CONNECT", ["agent"]),
        ("ENTERQUEUE", ["data2"]),
        ("BLINDTRANSFER", ["data1"]),
    ]
    (caller,) = find(connector, ALICE)
    assert caller.about == {"data2"}
    assert caller.record.at == dt.datetime(2026, 3, 5, 11, 30, 15, tzinfo=dt.UTC)
    of_call = find(connector, Identifier("call", "1772710215.1"))
    assert [each.about for each in of_call] == [frozenset()] * 3


def test_settings_that_are_wrong(tmp_path: Path) -> None:
    """A zone is asked for: without it a naive time would be undecidable in every row."""
    with pytest.raises(ConfigurationError, match="timezone is missing"):
        from_config("calls", {"path": str(tmp_path)}, Context("DE", tmp_path))
    with pytest.raises(ConfigurationError, match="columns names a column twice"):
        store(tmp_path, columns=["src", "src"])
    with pytest.raises(ConfigurationError, match="rows"):
        store(tmp_path, rows="csv")


def test_a_foreign_key_is_refused(tmp_path: Path) -> None:
    """A name that is no field of the row is refused, and nothing is written."""
    path = tmp_path / "Master.csv"
    path.write_text(HERS[0] + "\n")
    connector = store(tmp_path)
    (found,) = find(connector, ALICE)
    with pytest.raises(Refused):
        connector.redact({found.record.key: frozenset({"nothing"})})
    assert path.read_text() == HERS[0] + "\n"


def corpus(kind: Kind) -> list[Path]:
    paths = sorted(CORPUS.glob("cdr/asterisk-testsuite/**/*.csv"))
    return [each for each in paths if ("CEL" in each.name) == (kind == "cel")]


@pytest.mark.skipif(not CORPUS.exists(), reason="the harness has no corpus of others' files")
@pytest.mark.parametrize("kind", ["cdr", "cel"])
def test_files_that_others_wrote_are_parsed(kind: Kind) -> None:
    """Every row of Asterisk's own test suite is parsed as the csv module parses it."""
    rows = [(path, line) for path in corpus(kind) for line in path.read_bytes().splitlines()]
    assert len(rows) > 5
    for path, line in rows:
        row = parse(line, kind, ())
        assert row is not None, path.name
        expected = next(csv.reader([line.decode()]))
        assert [cell.text for cell in row.cells.values()] == expected


@pytest.mark.skipif(not CORPUS.exists(), reason="the harness has no corpus of others' files")
def test_users_in_files_that_others_wrote_are_found() -> None:
    """Each SIP user whom the corpus names as a caller is found in exactly those rows."""
    folder = CORPUS / "cdr" / "asterisk-testsuite"
    rows = [
        next(csv.reader([line])) for path in corpus("cdr") for line in path.read_text().splitlines()
    ]
    connector = store(folder, files=["**/good.csv", "**/buggy.csv", "**/Master*.csv"])
    for user in {row[1] for row in rows if row[1]} | {row[2] for row in rows}:
        expected = sum(user in (row[1], row[2]) for row in rows)
        assert len(find(connector, Identifier("sip", user))) == expected


@pytest.mark.skipif(not CORPUS.exists(), reason="the harness has no corpus of others' files")
@pytest.mark.parametrize(("user", "rows"), [("s", 10 + 8), ("x", 12 + 11)])
def test_users_in_events_that_others_wrote_are_found(user: str, rows: int) -> None:
    """CEL: the rows of whom an extension or a channel names, as grep and awk count them.

    They hold no phone number at all: a made-up one is in none of them.
    """
    folder = CORPUS / "cdr" / "asterisk-testsuite"
    connector = store(folder, files=["**/CELMaster*.csv"], rows="cel")
    assert len(find(connector, Identifier("sip", user))) == rows
    assert find(connector, Identifier("phone", "+4930901820")) == []


def independent(text: str) -> str:
    """Return the number that `phonenumbers` reads, with what a PBX puts before it taken off."""
    bare = text.removeprefix("0") if text.startswith("0+") else text
    try:
        number = phonenumbers.parse(f"+{bare}" if bare.startswith("49") else bare, "DE")
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def test_every_number_is_found_as_others_count_it(tmp_path: Path) -> None:
    """The rows of a number are those that csv and phonenumbers find, whatever the spelling."""
    spelled = [
        "+4930901820",
        "004930901820",
        "030901820",
        "4930901820",
        "0+4930901820",
        "+49-30-901820",
        "+49309018200",
        "030901821",
        "+33199001234",
        "0033199001234",
        "+442079460018",
        "00442079460018",
        "1001",
        "anonymous",
        "",
    ]
    rows = [
        cdr_row(number, spelled[number % len(spelled)], spelled[number * 7 % len(spelled)])
        for number in range(600)
    ]
    (tmp_path / "Master.csv").write_text("\n".join(rows) + "\n")
    connector = store(tmp_path)
    counted: dict[str, set[int]] = {}
    for place, row in enumerate(csv.reader(rows)):
        for text in row[1:3]:
            counted.setdefault(independent(text), set()).add(place)
    for value in ("+4930901820", "+49309018200", "+4930901821", "+33199001234", "+442079460018"):
        found = find(connector, Identifier("phone", value))
        starts = {each.record.at for each in found}
        assert len(found) == len(starts) == len(counted[value])
