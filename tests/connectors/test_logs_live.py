"""Logs that are written and rotated while dsr reads and redacts them."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dsr.connectors.logs import Logs, from_config
from dsr.connectors.logs.overwriting import overwrite
from dsr.connectors.logs.reading import Rotated
from dsr.errors import Refused
from dsr.model import Found, Identifier, Unread
from dsr.settings import Context

SUBJECT = Identifier("phone", "+4930901820")
NUMBER, FILLER = "4930901820", "xxxxxxxxxx"
#: A daemon: opens its log once, O_APPEND as syslogd, Asterisk and nginx do, and writes lines with
#: a serial number, thousands a second, until its input is closed; then tells how many there were.
DAEMON = """
import os, select, sys
file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
number = 0
while not select.select([0], [], [], 0.0002)[0]:
    who = "4930901820" if number % 3 == 0 else "49309018201"
    minute = f"{number // 60 % 60:02}:{number % 60:02}"
    os.write(file, f"2026-03-01 10:{minute} [INFO] {number:08} call from {who} end\\n".encode())
    number += 1
    if number == 100:
        print("started", flush=True)
print(number)
"""


def store(folder: Path) -> Logs:
    table = {"path": str(folder), "category": "logs", "timezone": "UTC", "files": ["a.log*"]}
    return from_config("logs", table, Context("DE", folder))


def found(logs: Logs) -> list[Found]:
    return [each for each in logs.find([SUBJECT]) if isinstance(each, Found)]


def redact_all(logs: Logs) -> int:
    """Redact what is found now; return how much that was."""
    plan = {each.record.key: each.about for each in found(logs)}
    logs.redact(plan)
    return len(plan)


class Daemon:
    """The running daemon and, once it has ended, the number of its lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Remember the process."""
        self.process = process

    def stop(self) -> int:
        out, _ = self.process.communicate()
        assert self.process.returncode == 0
        return int(out.split()[-1])


@contextmanager
def writing(path: Path) -> Iterator[Daemon]:
    command = [sys.executable, "-c", DAEMON, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        try:
            yield Daemon(process)
        finally:
            if process.poll() is None:
                process.kill()


def numbers(texts: Sequence[str]) -> list[int]:
    """Return the serial numbers of whole lines; any other line fails."""
    serials = []
    for line in "".join(texts).splitlines():
        day, clock, level, serial, *said = line.split(" ")
        assert (day, level, said[:2], said[3:]) == (
            "2026-03-01",
            "[INFO]",
            ["call", "from"],
            ["end"],
        ), line
        number = int(serial)
        assert clock == f"10:{number // 60 % 60:02}:{number % 60:02}"
        others = "49309018201"
        assert said[2] in ({NUMBER, FILLER} if number % 3 == 0 else {others}), line
        serials.append(number)
    return serials


def test_a_daemon_that_writes_meanwhile_loses_nothing(tmp_path: Path) -> None:
    """Not a line of a process that writes all the time is lost, torn or moved; the person goes."""
    path = tmp_path / "a.log"
    logs = store(tmp_path)
    with writing(path) as daemon:
        inode = path.stat().st_ino
        rounds = [redact_all(logs) for _ in range(15)]
        written = daemon.stop()
    assert sum(rounds) > 0
    assert redact_all(logs) >= 0
    assert found(logs) == []
    assert path.stat().st_ino == inode
    assert numbers([path.read_text()]) == list(range(written))
    assert NUMBER not in path.read_text().replace("49309018201", "")


@pytest.mark.skipif(shutil.which("logger") is None, reason="logger is not installed")
def test_the_system_logger(tmp_path: Path) -> None:
    """What `logger` writes between two readings and a redaction stays as it wrote it."""
    path = tmp_path / "a.log"
    logs = store(tmp_path)

    def log(text: str) -> None:
        with path.open("ab") as file:
            quiet = ["--socket-errors=off", "--no-act", "--stderr"]
            command = ["logger", *quiet, "--tag", "pbx", text]
            subprocess.run(command, stderr=file, check=True)

    log(f"call from {NUMBER}")
    plan = {each.record.key: each.about for each in found(logs)}
    log(f"call from {NUMBER} again")
    logs.redact(plan)
    log("bye")
    said = [line.partition("pbx: ")[2] for line in path.read_text().splitlines()]
    assert said == [f"call from {FILLER}", f"call from {NUMBER} again", "bye"]


def rename(path: Path) -> None:
    path.rename(path.with_name("a.log.1"))
    path.touch()


def copytruncate(path: Path) -> None:
    shutil.copy2(path, path.with_name("a.log.1"))
    os.truncate(path, 0)


def compress(path: Path) -> None:
    rename(path)
    rotated = path.with_name("a.log.1")
    subprocess.run(["gzip", str(rotated)], check=True)


@pytest.mark.parametrize("rotate", [rename, copytruncate, compress])
@pytest.mark.parametrize("when", ["after find", "within find", "within redact"])
def test_a_rotation_in_between(tmp_path: Path, rotate: object, when: str) -> None:
    """No wrong byte is hit whenever a log is rotated; what was missed is found by a later run."""
    assert callable(rotate)
    path = tmp_path / "a.log"
    lines = [
        f"2026-03-01 10:{n // 60:02}:{n % 60:02} [INFO] {n:08} call from {who} end\n"
        for n in range(900)
        for who in [NUMBER if n % 3 == 0 else "49309018201"]
    ]
    path.write_text("".join(lines))
    logs = store(tmp_path)
    if when == "within find":
        reading = logs.find([SUBJECT])
        plan = {each.record.key: each.about for each in [next(reading)] if isinstance(each, Found)}
        rotate(path)
        list(reading)
    else:
        plan = {each.record.key: each.about for each in found(logs)}
        rotate(path)
    with path.open("a") as daemon:
        daemon.write(lines[1].replace("10:00:01", "11:00:01"))
    with suppress(Refused):
        logs.redact(plan)
    redact_all(logs)
    assert found(logs) == []
    rest = [each for each in tmp_path.iterdir() if each.name != "a.log"]
    texts = [
        gzip.decompress(each.read_bytes()).decode() if each.suffix == ".gz" else each.read_text()
        for each in rest
    ]
    expected = "".join(lines).replace(f"{NUMBER} ", f"{FILLER} ")
    assert texts == [expected]
    assert path.read_text() == lines[1].replace("10:00:01", "11:00:01")


def test_rotations_under_a_writing_daemon(tmp_path: Path) -> None:
    """Renamed and compressed by steps while a daemon writes on and dsr redacts: nothing is lost."""
    path = tmp_path / "a.log"
    logs = store(tmp_path)
    with writing(path) as daemon:
        for number in range(1, 5):
            plan = {each.record.key: each.about for each in found(logs)}
            copy = path.with_name(f"a.log.{number}")
            if number == 1:
                path.rename(copy)  # the daemon goes on writing into the renamed file
                path.touch()
            else:
                shutil.copy2(copy.with_name("a.log.1"), copy)
                subprocess.run(["gzip", "-f", str(copy)], check=True)
            with suppress(Refused):
                logs.redact(plan)
        written = daemon.stop()
    for _ in range(3):  # copies have the same keys: one run may find what another has left
        redact_all(logs)
    assert found(logs) == []
    assert numbers([path.with_name("a.log.1").read_text()]) == list(range(written))
    for packed in tmp_path.glob("*.gz"):
        serials = numbers([gzip.decompress(packed.read_bytes()).decode().rpartition("\n")[0]])
        assert serials == list(range(len(serials)))


def test_what_is_being_compressed_waits_with_a_date(tmp_path: Path) -> None:
    """A log and its unfinished archive: kept until a date, not touched, and done later."""
    noise = os.urandom(20_000).hex()
    text = "".join(
        f"2026-03-01 10:00:00 {NUMBER} {noise[n : n + 80]}\n" for n in range(0, 40_000, 80)
    )
    plain, packed = tmp_path / "a.log.1", tmp_path / "a.log.1.gz"
    plain.write_text(text)
    whole = gzip.compress(text.encode())
    packed.write_bytes(whole[: len(whole) // 2])
    logs = store(tmp_path)
    reading = list(logs.find([SUBJECT]))
    assert not [each for each in reading if isinstance(each, Unread)]
    locks = [each.record.lock for each in reading if isinstance(each, Found)]
    assert len(locks) > 500  # all of the log, and what there is of its archive
    now = dt.datetime.now(dt.UTC)
    for lock in locks:
        assert lock is not None
        assert lock.until is not None
        assert now < lock.until < now + dt.timedelta(hours=2)
    keys = {each.record.key: each.about for each in reading if isinstance(each, Found)}
    with pytest.raises(Refused, match="not yet complete"):
        logs.redact(keys)
    assert packed.read_bytes() == whole[: len(whole) // 2]
    packed.write_bytes(whole)
    plain.unlink()
    redact_all(logs)
    assert found(logs) == []
    assert gzip.decompress(packed.read_bytes()).decode() == text.replace(NUMBER, FILLER)
    assert all(each.record.lock is None for each in found(logs))


def test_an_old_pair_is_no_rotation(tmp_path: Path) -> None:
    """A log kept beside its archive is locked no longer than a while, and both are redacted."""
    line = f"2026-03-01 10:00:00 [INFO] call from {NUMBER} end\n"
    (tmp_path / "a.log.1").write_text(line)
    (tmp_path / "a.log.1.gz").write_bytes(gzip.compress(line.encode()))
    logs = store(tmp_path)
    founds = found(logs)
    assert len({each.record.key for each in founds}) == 2
    redact_all(logs)
    assert found(logs) == []


def test_nothing_is_written_behind_the_end_of_a_file(tmp_path: Path) -> None:
    """A file that was truncated between the look and the write is not made longer again."""
    path = tmp_path / "a.log"
    path.write_bytes(b"a" * 10_000)
    with path.open("r+b") as file:
        overwrite(file.fileno(), 9_990, b"b" * 10)
        overwrite(file.fileno(), 4_000, b"c" * 5_000)
        for size in (9_999, 4_000, 0):
            os.truncate(path, size)
            with pytest.raises(Rotated):
                overwrite(file.fileno(), 9_990, b"b" * 10)
            assert path.stat().st_size == size


def test_truncation_races_with_overwriting(tmp_path: Path) -> None:
    """However truncations and writes fall, a file never gets a hole and no process dies."""
    path = tmp_path / "a.log"
    script = (
        "import os, sys\n"
        "for n in range(3000):\n"
        "    os.truncate(sys.argv[1], 0)\n"
        "    fd = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)\n"
        "    os.write(fd, b'a' * 9000)\n"
        "    os.close(fd)\n"
    )
    path.write_bytes(b"a" * 9000)
    refused = 0
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command) as process, path.open("r+b") as file:
        while process.poll() is None:
            try:
                overwrite(file.fileno(), 8_990, b"b" * 10)
            except Rotated:
                refused += 1
    assert process.returncode == 0
    assert refused > 0
    left = path.read_bytes()
    assert len(left) == 9000
    assert set(left) <= set(b"ab")
