"""Find and erase in generated logs; ratios of CPU seconds to ripgrep, cp and gzip in the same run.

    python benchmarks/logs.py [--megabytes 256] [--subjects 1 100 10000] [--runs 3]

Every figure is the median of several processes of their own: user and system seconds of all of
them. `rg -F` looks for the bare digits, in one spelling and without separators, and assigns
nothing; dsr looks for every spelling and tells whose each is.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dsr.connectors.logs import Logs, from_config
from dsr.model import Found, Identifier
from dsr.settings import Context

AREAS: Final = ("30", "40", "89", "221", "711")
LINES: Final = 100_000  # different ones; repeated until the file is large enough


def number(chance: random.Random) -> str:
    """Return some German number."""
    return f"+49{chance.choice(AREAS)}{chance.randrange(10**6, 10**8)}"


def line(each: int, chance: random.Random) -> str:
    """Return a line as Kamailio, Asterisk, FreeSWITCH, nginx or a JSON logger writes it."""
    a, b = number(chance), number(chance)
    clock = f"{each // 3600 % 24:02}:{each // 60 % 60:02}:{each % 60:02}"
    day = f"2026-03-01 {clock}"
    ip = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
    random_id = f"{chance.getrandbits(64):x}"
    match each % 5:
        case 0:
            return (
                f"Mar  1 {clock} pbx kamailio[26731]: NOTICE: acc [acc.c:287]: acc_log_request(): "
                f"ACC: transaction answered: timestamp={1772323200 + each};method=INVITE;"
                f"from_tag={random_id};call_id={random_id}@{ip};code=200;reason=OK;src_user={a};"
                f"src_domain=example.org;src_ip={ip};dst_user={b}\n"
            )
        case 1:
            return (
                f"[{day}] VERBOSE[26731][C-{each:08x}] pbx.c: Executing [{b}@from-internal:12] "
                f'Dial("PJSIP/{a}-{each:08x}", "PJSIP/{b}@trunk,30,tT") in new stack\n'
            )
        case 2:
            return (
                f"{day}.{each:06} 96.{each % 100:02}% [WARNING] sofia_reg.c:3223 "
                f"Can't find user [{a}@{ip}] from {ip}\n"
            )
        case 3:
            return (
                f'{ip} - - [01/Mar/2026:{clock} +0100] "GET /p/{random_id}.cfg?u=%2B{a[1:]}'
                f' HTTP/1.1" 200 {each % 90000} "-" "Yealink SIP-T46S 66.85.0.5"\n'
            )
    return (
        f'{{"time":"{day[:10]}T{clock}Z","level":"info","from":"{a}","to":"{b}",'
        f'"id":"{random_id[:8]}-{random_id[8:12]}-4b2a","duration":{each % 3600}}}\n'
    )


def generate(path: Path, megabytes: int) -> None:
    """Write a log of so many MiB."""
    chance = random.Random(1)
    text = "".join(line(each, chance) for each in range(LINES)).encode()
    with path.open("wb") as file:
        while file.tell() < megabytes * 2**20:
            file.write(text)


def subjects(count: int) -> list[Identifier]:
    """Return numbers of which every tenth is in the log."""
    there, elsewhere = random.Random(1), random.Random(2)
    known = [word for each in range(3000) for word in line(each, there).split("+49")[1:]]
    found = [f"+49{word.split('@')[0]}" for word in known if word.split("@")[0].isdigit()]
    people = [
        found[each // 10 % len(found)] if each % 10 == 0 else number(elsewhere)
        for each in range(count)
    ]
    return [Identifier("phone", each) for each in dict.fromkeys(people)]


def store(folder: Path, files: str) -> Logs:
    """Return the store over the files of this name."""
    table = {"path": str(folder), "category": "logs", "timezone": "UTC", "files": [files]}
    return from_config("logs", table, Context("DE", folder))


def child(act: str, folder: Path, files: str, count: int) -> None:
    """Do one thing and print its CPU seconds, peak memory growth (MiB) and number of records."""
    logs, who = store(folder, files), subjects(count)
    plan = None
    if act == "erase":
        plan = {each.record.key: each.about for each in logs.find(who) if isinstance(each, Found)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    if plan is None:
        done = sum(isinstance(each, Found) for each in logs.find(who))
    else:
        logs.redact(plan)
        done = len(plan)
    seconds = time.process_time() - begin
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    print(seconds, grown, done)


def cpu(command: Sequence[str] | str) -> tuple[float, str]:
    """Return the user and system seconds of a command, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, shell=isinstance(command, str), capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def yardstick(command: str, runs: int) -> float:
    """Return the median seconds of a shell command."""
    return statistics.median(cpu(command)[0] for _ in range(runs))


def measured(act: str, folder: Path, files: str, count: int, runs: int) -> tuple[float, float, int]:
    """Return median seconds, most memory and records of our own act."""
    command = [sys.executable, __file__, "--child", act, str(folder), files, str(count)]
    rows = [[float(word) for word in cpu(command)[1].split()] for _ in range(runs)]
    seconds = statistics.median(row[0] for row in rows)
    return seconds, max(row[1] for row in rows), int(rows[0][2])


def main() -> None:
    """Run all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--subjects", type=int, nargs="+", default=[1, 100, 10_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--child", nargs=4)
    args = parser.parse_args()
    if args.child:
        act, folder, files, count = args.child
        child(act, Path(folder), files, int(count))
        return
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), args.megabytes, args.subjects, args.runs)


def compare(folder: Path, megabytes: int, counts: Sequence[int], runs: int) -> None:
    """Measure find in plain, gz and zst files, and erasure, each next to its yardstick."""
    plain = folder / "big.log"
    generate(plain, megabytes)
    size = plain.stat().st_size / 10**6
    subprocess.run(["gzip", "-k", str(plain)], check=True)
    subprocess.run(["zstd", "-q", "-k", str(plain)], check=True)
    for count in counts:
        digits = folder / f"digits{count}"
        digits.write_text("".join(each.value[3:] + "\n" for each in subjects(count)))
        for ending, flag in (("", ""), (".gz", "-z"), (".zst", "-z")):
            ours = measured("find", folder, f"big.log{ending}", count, runs)
            other = yardstick(f"rg {flag} -F -c -f {digits} {plain}{ending} | cat", runs)
            print(
                row(f"find, {count} subjects, {ending or 'plain'}", ours, other, size), flush=True
            )
    without = f"rg -v -F -f {folder}/digits{counts[0]}"
    for ending, command in (
        ("", f"cp {plain} {folder}/copy && sync {folder}/copy"),
        (".gz", f"zcat {plain}.gz | {without} | gzip > {folder}/copy.gz"),
    ):
        ours = measured("erase", folder, f"big.log{ending}", counts[0], 1)
        text = f"erase, {counts[0]} subjects, {ending or 'plain'}"
        print(row(text, ours, yardstick(command, 1), size), flush=True)


def row(what: str, ours: tuple[float, float, int], other: float, size: float) -> str:
    """Return one line of the table; `size` in MB."""
    seconds, memory, records = ours
    return (
        f"{what:30} {seconds:7.3f} s {size / max(seconds, 1e-6):9.0f} MB/s; "
        f"yardstick {other:7.3f} s; ratio {seconds / other:6.2f}; "
        f"+{memory:.0f} MiB; {records} records"
    )


if __name__ == "__main__":
    main()
