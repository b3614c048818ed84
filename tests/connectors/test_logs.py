"""The `logs` connector: what is special about files that daemons write and rotate."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import lzma
import os
import re
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import zstandard

from dsr.connectors.logs import Logs, from_config
from dsr.connectors.logs.entries import Layout
from dsr.connectors.logs.reading import blocks
from dsr.connectors.logs.stamps import Clock
from dsr.connectors.logs.years import Years
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.model import Found, Identifier, Unread
from dsr.settings import Context
from tests.unprivileged import public_folder, unprivileged

CORPUS = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
SUBJECT = Identifier("phone", "+4930901820")
OTHER = Identifier("phone", "+4930901821")
LINE = "2026-03-01 10:00:00 call from 4930901820 to 4930901821\n"
CALL = (
    " 2(1) INFO: <script>: call from sip:+4930901820@127.0.0.1 (PAI=tel:+4930901820,"
    ' name="Müller, Eva") to sip:+33142685300@127.0.0.1:5060 src=192.0.2.7:5080 ua=Yealink\n'
)
FROM = (
    r'from sip:(?P<phone>[^@;]+)@\S* \(PAI=tel:(?P<phone2>[^,]+), name="(?P<name>[^"]*)"\)'
    r".* src=(?P<ip>[\d.]+)"
)


def store(folder: Path, **table: object) -> Logs:
    whole = {"path": str(folder), "category": "logs", "timezone": "Europe/Berlin", **table}
    return from_config("logs", whole, Context("DE", folder))


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def found(logs: Logs, *who: Identifier) -> list[Found]:
    return [each for each in logs.find(who or [SUBJECT]) if isinstance(each, Found)]


def unread(logs: Logs, *who: Identifier) -> list[str]:
    return [each.reason for each in logs.find(who or [SUBJECT]) if isinstance(each, Unread)]


def faults(logs: Logs) -> list[str]:
    return [each.text for each in logs.check() if each.kind in {"fault", "right"}]


def covered(each: Found) -> list[str]:
    """Return the parts of the line that the finding is about."""
    raw = str(each.record.data["line"]).encode()
    spans = [tuple(map(int, re.findall(r"\d+", name))) for name in sorted(each.about)]
    return sorted(raw[a:b].decode() for a, b in spans)


def fields(founds: Sequence[Found]) -> dict[str, frozenset[str]]:
    return {each.record.key: each.about for each in founds}


# what a line says


def test_sides_say_what_else_is_theirs(tmp_path: Path) -> None:
    """Names and addresses in a line are the caller's only where the settings say so."""
    write(tmp_path, "a.log", CALL)
    (caller,) = found(store(tmp_path, sides=[FROM]))
    assert covered(caller) == ["+4930901820", "+4930901820", "192.0.2.7", "Müller, Eva"]
    callee = Identifier("phone", "+33142685300")
    (called,) = found(store(tmp_path, sides=[FROM]), callee)
    assert covered(called) == ["+33142685300"]
    assert called.record.personal - called.about == caller.about


def test_a_display_name_belongs_to_its_number(tmp_path: Path) -> None:
    """A name right before a number is its holder's, without any setting."""
    write(tmp_path, "a.log", 'x "Bob" <0301> y "Eva M." <sip:+4930901820@h> z "Al" <0302>\n')
    (each,) = found(store(tmp_path))
    assert covered(each) == ["+4930901820", "Eva M."]


def test_links_lead_to_the_call(tmp_path: Path) -> None:
    """A call id in the line is a further identifier to look up."""
    write(
        tmp_path, "a.log", "call_id=1-267@h;src_user=4930901820;to=004930901821;call_id=1-267@h\n"
    )
    logs = store(tmp_path, links={"call": r"call_id=(?P<call>[^;\s]+)", "phone": r"(?<=to=)\d+"})
    (each,) = found(logs)
    assert each.record.links == (Identifier("call", "1-267@h"), OTHER)


def test_one_record_two_people(tmp_path: Path) -> None:
    """A line found for two people of a batch is one record, about each in their own part."""
    write(tmp_path, "a.log", LINE)
    first, second = found(store(tmp_path), SUBJECT, OTHER)
    assert first.record is second.record
    assert (covered(first), covered(second)) == (["4930901820"], ["4930901821"])
    assert first.record.personal == first.about | second.about


def test_bytes_that_are_no_text_survive(tmp_path: Path) -> None:
    """Law 7: invalid UTF-8 and carriage returns stay, and the line can be shown."""
    path = write(tmp_path, "a.log", b"\xff\xfe 4930901820 \xe9\r\n\xff4930901820\n")
    logs = store(tmp_path)
    founds = found(logs)
    assert founds[0].record.data["line"] == "\\xff\\xfe 4930901820 \\xe9"
    logs.redact(fields(founds))
    assert path.read_bytes() == b"\xff\xfe xxxxxxxxxx \xe9\r\n\xffxxxxxxxxxx\n"


BERLIN = ZoneInfo("Europe/Berlin")
WRITTEN = dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("form", "line", "expected"),
    [
        ("asterisk", "[2013-05-13 07:10:53] SECURITY[1]", "2013-05-13T07:10:53+02:00"),
        ("asterisk", "[2013-05-13 07:10:53.123] X", "2013-05-13T07:10:53.123000+02:00"),
        ("asterisk", "[May 13 07:10:53] NOTICE[1]", "2025-05-13T07:10:53+02:00"),
        ("freeswitch", "2023-03-06 15:11:14.385000 96% [W]", "2023-03-06T15:11:14.385000+01:00"),
        ("kamailio", "ACC: timestamp=1795357898;m=INVITE", "2026-11-22T15:31:38+01:00"),
        ("kamailio", "Mar  1 00:30:00 pbx kamailio[1]: x", "2026-03-01T00:30:00+01:00"),
        ("kamailio", "Mar  3 00:30:00 pbx kamailio[1]: x", "2025-03-03T00:30:00+01:00"),
        ("syslog", "<34>1 2003-10-11T22:14:15.003Z mymachine", "2003-10-11T22:14:15.003000+00:00"),
        ("syslog", "Feb 29 12:00:00 h x", "2024-02-29T12:00:00+01:00"),
        ("syslog", "Feb 30 12:00:00 h x", None),
        ("nginx", '::1 - - [10/Oct/2000:13:55:36 -0700] "GET', "2000-10-10T13:55:36-07:00"),
        ("jsonlines", '{"a":1,"time":"2026-01-02T03:04:05Z"}', "2026-01-02T03:04:05+00:00"),
        ("jsonlines", '{"ts": 1795357898.25}', "2026-11-22T14:31:38.250000+00:00"),
        ("jsonlines", '{"__REALTIME_TIMESTAMP":"1795357898000001"}', "2026-11-22T14:31:38.000001Z"),
        ("auto", "[2013-05-13 07:10:53] SECURITY[1]", "2013-05-13T07:10:53+02:00"),
        ("auto", '{"time":"2026-01-02T03:04:05Z"}', "2026-01-02T03:04:05+00:00"),
        ("auto", "Mar  1 00:30:00 pbx kamailio[1]: x", "2026-03-01T00:30:00+01:00"),
        ("nginx", "2026/03/01 10:00:00 [error] 7#0: *5 x", "2026-03-01T10:00:00+01:00"),
        (
            "journald",
            "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795357898000001\nX=1",
            "2026-11-22T14:31:38.000001Z",
        ),
        ("jsonlines", '{"eventTime":"2026-01-02 03:04:05"}', "2026-01-02T03:04:05+01:00"),
        ("jsonlines", '{"ts":1795357898000000001}', "2026-11-22T14:31:38Z"),
        ("auto", "no time at all", None),
        ("auto", "[2013-13-13 07:10:53]", None),
        ("none", "[2013-05-13 07:10:53] SECURITY[1]", None),
    ],
)
def test_time_stamps(form: str, line: str, expected: str | None) -> None:
    """Time stamps are read as the servers write them; what tells no time tells none (law 5)."""
    at = Clock(form, BERLIN).read(line.encode(), 0, Years.of(b"a.log", WRITTEN)).at
    assert at == (expected and dt.datetime.fromisoformat(expected))


def test_a_time_without_a_zone_is_never_guessed(tmp_path: Path) -> None:
    """Law 5: without a zone a naive time stamp tells no time, and the check says so."""
    write(tmp_path, "a.log", LINE)
    logs = store(tmp_path, timezone="")
    (each,) = found(logs)
    assert each.record.at is None
    assert faults(logs) == [
        "file 1 of 1 in name order has time stamps without a zone: set stores.logs.timezone"
    ]


# files


def test_only_the_files_that_the_patterns_name(tmp_path: Path) -> None:
    """A file is read once, however many patterns and links name it; others are not read."""
    for name in ("b.log", "b.log.1", "a.log-20260301", "c.txt"):
        write(tmp_path, name, LINE)
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", "d.log", LINE)
    (tmp_path / "now.log").symlink_to("b.log")
    (tmp_path / "dead.log").symlink_to("nowhere")
    (tmp_path / "folder.log").mkdir()
    os.mkfifo(tmp_path / "pipe.log")

    def names(*files: str) -> list[object]:
        return [each.record.data["file"] for each in found(store(tmp_path, files=list(files)))]

    assert names("*.log", "*.log.*", "b*") == ["b.log", "b.log.1"]
    assert names("*.log-*") == ["a.log-20260301"]
    assert names("**/*.log") == ["b.log", "sub/d.log"]
    assert names("*/*.log") == ["sub/d.log"]


@pytest.mark.parametrize(
    ("pack", "name"), [(gzip.compress, "gzip"), (lzma.compress, "xz"), (bytes, "plain")]
)
def test_a_line_longer_than_any_buffer(tmp_path: Path, pack: object, name: str) -> None:
    """A line of 3 MB loses nothing, and redaction reaches its end."""
    assert callable(pack)
    del name
    line = b"4930901820 " + b"z " * 1_500_000 + b"4930901820"
    path = write(tmp_path, "a.log", pack(b"x\n" + line + b"\n4930901821\n"))
    logs = store(tmp_path)
    founds = found(logs)
    assert covered(founds[0]) == ["4930901820", "4930901820"]
    logs.redact(fields(founds))
    assert found(logs) == []
    assert len(found(logs, OTHER)) == 1
    assert path.exists()


def test_memory_is_flat(tmp_path: Path) -> None:
    """Law 9: memory does not grow with the file, found or not."""
    write(tmp_path, "a.log", "2026-03-01 10:00:00 nobody calls nobody at all\n" * 200_000)
    write(tmp_path, "b.log", gzip.compress(LINE.encode() * 5_000))
    logs = store(tmp_path)
    tracemalloc.start()
    try:
        assert sum(1 for _ in logs.find([SUBJECT])) == 5_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_file_that_grows_is_read_to_a_line_end(tmp_path: Path) -> None:
    """What is written while we read waits for the next reading; no number is cut in two."""
    path = write(tmp_path, "a.log", LINE + "2026 caller 49309018")
    logs = store(tmp_path)
    (part,) = logs.split()
    with path.open("a") as daemon:
        daemon.write("205 is somebody else\n" + LINE)
    assert len(found(part)) == 1
    assert len(found(logs)) == 2


def test_blocks_are_whole_lines() -> None:
    """However the pieces fall, the lines and their offsets are those of the file."""
    text = b"a\nbb\n\nccc\n" + b"d" * 10
    for size in range(1, 12):
        cut = [text[start : start + size] for start in range(0, len(text), size)]
        seen = [(offset, bytes(block)) for offset, block in blocks(cut, Layout().cut)]
        assert b"".join(block for _, block in seen) == text
        assert all(text[offset:].startswith(block) for offset, block in seen)
        assert all(block.endswith(b"\n") for _, block in seen[:-1])


# parts that cannot be read


@pytest.mark.parametrize("damage", ["cut", "flipped", "other checksum"])
def test_a_damaged_archive_is_read_up_to_the_damage(tmp_path: Path, damage: str) -> None:
    """Law 4: what comes before the damage is found, and the rest is reported, not left out."""
    noise = os.urandom(200_000).hex()
    lines = [f"2026-03-01 4930901820 {noise[n : n + 60]}\n" for n in range(0, 300_000, 60)]
    whole = gzip.compress("".join(lines).encode())
    broken = bytearray(whole[: len(whole) // 2] if damage == "cut" else whole)
    if damage == "flipped":
        broken[len(whole) // 2 :][:64] = bytes(64)
        broken[len(whole) // 2 : len(whole) // 2 + 64] = bytes(64)
    if damage == "other checksum":
        broken[-8] ^= 1
    write(tmp_path, "a.log.gz", bytes(broken))
    write(tmp_path, "b.log", LINE)
    logs = store(tmp_path)
    expected = len(lines) if damage == "other checksum" else len(lines) // 2
    assert len(found(logs)) > expected * 0.97
    reason = "file 1 of 2 in name order is damaged, the text behind the damage cannot be read"
    assert unread(logs) == [reason]
    before = (tmp_path / "a.log.gz").read_bytes()
    with pytest.raises(Refused):
        logs.redact(fields(found(logs)))
    assert (tmp_path / "a.log.gz").read_bytes() == before
    assert (tmp_path / "b.log").read_text() == LINE.replace("4930901820", "x" * 10)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_read_is_told_without_names(tmp_path: Path) -> None:
    """Laws 4 and 8: a file that cannot be read is named by its place, never by its name."""
    write(tmp_path, "eva-4930901820.log", b"\x04\x22\x4d\x18 rest")
    write(tmp_path, "fine.log", LINE)
    write(tmp_path, "gone.log", LINE)
    logs = store(tmp_path)
    parts = logs.split()
    (tmp_path / "gone.log").unlink()
    reasons = [reason for part in parts for reason in unread(part)]
    assert reasons == [
        "file 1 of 3 in name order is compressed as lz4, which cannot be read: unpack it",
        "file 3 of 3 in name order is gone, its log was rotated: read again",
    ]


def test_a_file_without_permission() -> None:
    """Law 4: a file that may not be read is reported, and the others are read."""
    with public_folder() as folder:
        write(folder, "a.log", LINE).chmod(0)
        write(folder, "b.log", LINE)
        reasons = unprivileged(folder, lambda: unread(store(folder)))
        lines = unprivileged(folder, lambda: found(store(folder)))
    assert reasons == ["file 1 of 2 in name order cannot be read (Permission denied)"]
    assert len(lines) == 1


def test_a_missing_folder(tmp_path: Path) -> None:
    """Law 4: a folder that is not there is not an empty one."""
    logs = store(tmp_path / "nowhere")
    acts = (lambda: list(logs.find([SUBJECT])), lambda: logs.redact({}), logs.check, logs.split)
    for act in acts:
        with pytest.raises(StoreUnavailable, match="No such file"):
            act()


# redaction

ROTATIONS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("a.log.1", bytes),
    ("a.log.2.gz", gzip.compress),
    ("a.log-20260301", bytes),
    ("a.log-20260301.xz", lzma.compress),
    ("a.log.2026-03-01.bz2", bz2.compress),
    ("a.log.2026-03-01-10-00-00.1.zst", zstandard.compress),
]


def test_a_daemon_goes_on_logging(tmp_path: Path) -> None:
    """A plain file is overwritten in place: what its daemon writes next is in it."""
    path = write(tmp_path, "a.log", LINE)
    path.chmod(0o640)
    before = path.stat()
    logs = store(tmp_path)
    with path.open("ab", buffering=0) as daemon:
        logs.redact(fields(found(logs)))
        os.utime(path, ns=(1, before.st_mtime_ns))
        after = path.stat()
        daemon.write(b"next line\n")
    assert (after.st_ino, after.st_size, after.st_mode) == (
        before.st_ino,
        before.st_size,
        before.st_mode,
    )
    assert path.read_text() == LINE.replace("4930901820", "x" * 10) + "next line\n"


def test_an_archive_keeps_what_it_is(tmp_path: Path) -> None:
    """A compressed file is replaced at once by one of the same name, mode and time."""
    path = write(tmp_path, "a.log.2.gz", gzip.compress(LINE.encode() * 3) + gzip.compress(b"end\n"))
    path.chmod(0o640)
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    logs = store(tmp_path)
    logs.redact(fields(found(logs)))
    after = path.stat()
    assert (after.st_mode & 0o777, after.st_mtime_ns) == (0o640, 1_700_000_000_123_456_789)
    text = gzip.decompress(path.read_bytes()).decode()
    assert text == LINE.replace("4930901820", "x" * 10) * 3 + "end\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a.log.2.gz"]


def test_a_log_is_followed_through_its_rotations(tmp_path: Path) -> None:
    """A key stays when its log is renamed and compressed: a plan confirmed before still holds."""
    path = write(tmp_path, "a.log", LINE * 2)
    logs = store(tmp_path, files=["a.log*"])
    plan = fields(found(logs))
    for name, pack in ROTATIONS:
        path.unlink()
        path = write(tmp_path, name, pack(LINE.encode() * 2))
        write(tmp_path, "a.log", LINE.replace("10:00:00", "11:00:00"))
        assert fields(found(logs)).keys() >= plan.keys()
    first, second = plan
    logs.redact({second: plan[second]})
    assert fields(found(logs)).keys() & plan.keys() == {first}
    logs.redact(plan)
    assert len(found(logs)) == 1
    assert len(found(logs, OTHER)) == 3


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_rotated_log_is_not_written(tmp_path: Path, pack: object) -> None:
    """Law 7: when another file took the place, not a byte of it changes, and it is an error."""
    assert callable(pack)
    path = write(tmp_path, "a.log", pack(LINE.encode()))
    logs = store(tmp_path)
    plan = fields(found(logs))
    path.unlink()
    with pytest.raises(Refused, match="rotated since it was read: plan again"):
        logs.redact(plan)
    for now in (LINE.replace("10:00:00", "10:00:01"), "short\n", "x" * 300):
        write(tmp_path, "a.log", pack(now.encode()))
        before = path.read_bytes()
        with pytest.raises(Refused, match="rotated") as raised:
            logs.redact(plan)
        assert path.read_bytes() == before
        assert "4930901820" not in str(raised.value)
    again = found(logs)
    logs.redact(fields(again))
    assert found(logs) == []


def test_copytruncate_is_noticed(tmp_path: Path) -> None:
    """The same file, emptied and filled anew, is another log: nothing of it is overwritten."""
    path = write(tmp_path, "a.log", LINE * 2)
    logs = store(tmp_path)
    plan = fields(found(logs))
    later = LINE.replace("2026-03-01", "2026-03-02").replace("4930901820", "4930901822") * 2
    with path.open("r+b") as daemon:
        daemon.truncate(0)
        daemon.write(later.encode())
    with pytest.raises(Refused):
        logs.redact(plan)
    assert path.read_text() == later


def test_good_lines_are_redacted_even_if_others_moved(tmp_path: Path) -> None:
    """One file that was rotated does not keep the others from being redacted."""
    write(tmp_path, "a.log", LINE)
    write(tmp_path, "b.log", LINE)
    logs = store(tmp_path)
    plan = fields(found(logs))
    write(tmp_path, "a.log", "new\n")
    with pytest.raises(Refused):
        logs.redact(plan)
    assert (tmp_path / "b.log").read_text() == LINE.replace("4930901820", "x" * 10)


def test_a_whole_line_can_be_covered_twice(tmp_path: Path) -> None:
    """The field `line` is the whole line; doing it again changes nothing."""
    line = LINE.replace("call", "%20call")
    path = write(tmp_path, "a.log", line * 2)
    logs = store(tmp_path)
    first = found(logs)[0].record.key
    for _ in range(2):
        logs.redact({first: frozenset({"line"})})
        covered_line, other = path.read_text().splitlines()
        assert (covered_line, other) == (
            re.sub(r"\w", "x", line.strip()).replace("%xx", "%20"),
            line.strip(),
        )


@pytest.mark.parametrize(
    ("key", "field"), [(None, "file"), ("what", "line"), ("a:1:2:3:x", "line")]
)
def test_what_is_no_part_of_a_line_is_refused(tmp_path: Path, key: str | None, field: str) -> None:
    """Law 4: a field or a key that means nothing here is an error, never success."""
    path = write(tmp_path, "a.log", LINE)
    logs = store(tmp_path)
    with pytest.raises(Refused):
        logs.redact({key or found(logs)[0].record.key: frozenset({field})})
    assert path.read_text() == LINE


def test_an_interrupted_rewriting_is_told_and_taken_up(tmp_path: Path) -> None:
    """Law 2: what a crash left is not read as a log, is reported, and goes with the next run."""
    write(tmp_path, "a.log.gz", gzip.compress(LINE.encode()))
    write(tmp_path, ".a.log.gz.dsr-rewriting", gzip.compress(LINE.encode())[:20])
    logs = store(tmp_path)
    assert len(found(logs)) == 1
    told = [reason for part in logs.split() for reason in unread(part)]
    assert told == unread(logs) == faults(logs)
    assert "interrupted" in told[0]
    logs.redact(fields(found(logs)))
    assert unread(logs) == []
    assert [each.name for each in tmp_path.iterdir()] == ["a.log.gz"]


# settings


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"sides": ["("]}, r"stores\.logs\.sides\[0\] is no regular expression"),
        ({"sides": ["(?P<name>x)"]}, r"stores\.logs\.sides\[0\] says of nobody"),
        ({"links": {"cal": "x"}}, r"stores\.logs\.links\.cal is no kind"),
        ({"links": {"call": "("}}, r"stores\.logs\.links\.call is no regular"),
        ({"timezone": "Mars/Olympus"}, r"stores\.logs\.timezone names no time zone"),
        ({"format": "apache"}, r"stores\.logs\.format"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, table: dict[str, object], problem: str) -> None:
    """An error names the key that is wrong."""
    with pytest.raises(ConfigurationError, match=problem):
        store(tmp_path, **table)


def test_the_check_wants_files(tmp_path: Path) -> None:
    """A pattern that names nothing is more likely wrong than right."""
    assert faults(store(tmp_path)) == ["no file matches *.log, *.log.*: correct path or files"]


# logs that real servers wrote


def real_logs() -> list[bytes]:
    """Kamailio's own lines; where they are absent, lines of the same form."""
    logs = sorted((CORPUS / "generated-here").glob("*.log"))
    if logs:
        return [path.read_bytes() for path in logs]
    callers = ("+4930901820", "004930901820", "030901820", "4930901820", "1001", "+4930901821")
    acc = "acc: ACC: timestamp=1795357898;call_id=1-2@h;src_user={};dst_user={};ip=127.0.0.1\n"
    lines = [CALL, *(acc.format(a, b) for a in callers for b in callers)]
    return ["".join(lines * 50).encode()]


def test_real_logs_hold_what_grep_counts(tmp_path: Path) -> None:
    """Law 10: as many lines as an independent search for the spellings, with its borders."""
    spelled = rb"(?<![\w+])(?:\+49|0049|49|0)30901820(?!\w)"
    expected = 0
    for number, raw in enumerate(real_logs()):
        write(tmp_path, f"{number}.log", raw)
        expected += sum(bool(re.search(spelled, line)) for line in raw.split(b"\n"))
    logs = store(tmp_path, sides=[FROM])
    founds = found(logs)
    assert len(founds) == expected > 0
    logs.redact(fields(founds))
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not re.search(spelled, left)
    assert len(left) == sum(map(len, real_logs()))
