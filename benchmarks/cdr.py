"""Export and erase one subject's call records; CPU, memory and statements next to a yardstick.

    python benchmarks/cdr.py [--rows 100000 400000] [--postgresql]

Every figure is taken in a process of its own. The yardstick is the plain driver and a JSON loop:
`SELECT` the same rows, `json.dumps` each, write them to a file. Times are CPU seconds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import psycopg
import sqlalchemy as sa

from dsr import Receipt, identify, load
from dsr.ledger import new_key
from dsr.model import Right

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.servers.postgresql import fresh_database

NOW: Final = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
EVA: Final = "+493023125100"
COLUMNS: Final = (
    "start, answer, hangup, clid, src, dst, channel, dstchannel, lastapp, lastdata,"
    " duration, billsec, disposition, amaflags, userfield, uniqueid, linkedid, sequence"
)
BATCH: Final = 10_000


def row(number: int) -> tuple[object, ...]:
    """Return the row of one call, like Asterisk's; three in four concern the subject."""
    start = NOW - dt.timedelta(seconds=number * 60)
    other = f"+4930231{number % 90000 + 10000}"
    src, dst = ((EVA, other), (other, EVA), ("00" + EVA[1:], other))[number % 3]
    stamps = (start.isoformat(sep=" "),) * 3
    names = (f'"Someone" <{src}>', src, dst, f"PJSIP/{src}-{number:08x}", f"PJSIP/{dst}-0001")
    rest = ("Dial", f"PJSIP/{dst}@trunk,30,tT", 61, 55, "ANSWERED", "DOCUMENTATION", "")
    return (*stamps, *names, *rest, f"{number}.1", f"{number}.1", number)


def build(url: str, rows: int) -> None:
    """Create the table with its indexes."""
    engine = sa.create_engine(url)
    number = {"sequence", "duration", "billsec"}
    names = COLUMNS.split(", ")
    types = {n: sa.Integer if n in number else sa.String for n in names}
    stamp: type[sa.types.TypeEngine[object]] = (
        sa.String if url.startswith("sqlite") else sa.DateTime(timezone=True)  # type: ignore[assignment]
    )
    types |= dict.fromkeys(("start", "answer", "hangup"), stamp)
    table = sa.Table(
        "cdr",
        sa.MetaData(),
        *(
            sa.Column(n, types[n], primary_key=n == "sequence", index=n in ("src", "dst"))
            for n in names
        ),
    )
    with engine.begin() as connection:
        table.create(connection)
        for first in range(0, rows, BATCH):
            values = [
                dict(zip(names, row(n), strict=True))
                for n in range(first, min(first + BATCH, rows))
            ]
            if not url.startswith("sqlite"):
                for each in values:
                    for name in ("start", "answer", "hangup"):
                        each[name] = dt.datetime.fromisoformat(str(each[name]))
            connection.execute(table.insert(), values)
    engine.dispose()


def configuration(folder: Path, url: str) -> Path:
    """Write a dsr.toml over the table."""
    key = folder / "dsr.key"
    key.touch(0o600)
    key.write_text(new_key())
    path = folder / "dsr.toml"
    path.write_text(f"""
[operator]
name = "Bench"
country = "DE"
timezone = "Europe/Berlin"
authority = "BfDI"
[ledger]
url = "sqlite:///ledger.db"
key = "file:dsr.key"
[identity.one-time-pin]
sender = "file:pins"
[stores.cdr]
connector = "sql"
url = "{url}"
timezone = "UTC"
[stores.cdr.tables.cdr]
category = "calls"
at = "start"
sides = [
  {{ phone = "src", about = ["src", "clid", "channel"] }},
  {{ phone = "dst", about = ["dst", "dstchannel", "lastdata"] }},
]
[categories.calls]
role = "controller"
purposes = ["billing"]
basis = "contract"
origin = "observed"
erase = "redact"
""")
    return path


def peak_kib() -> int:
    """Return the peak of this process's own memory (not of the one it was forked from)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def measured(act: Callable[[], object]) -> dict[str, float]:
    """Run `act`; return its CPU seconds and how many MiB the peak of memory grew."""
    before = peak_kib()
    cpu = time.process_time()
    result = act()
    cpu = time.process_time() - cpu
    found = {"cpu": cpu, "mib": (peak_kib() - before) / 1024}
    return found | (result if isinstance(result, dict) else {})


def plain(folder: Path, url: str) -> dict[str, float]:
    """Measure the yardstick: the plain driver and a JSON loop."""
    numbers = (EVA, "00" + EVA[1:])
    marks = "(?,?)" if url.startswith("sqlite") else "(%s,%s)"
    query = f"SELECT {COLUMNS} FROM cdr WHERE src IN {marks} OR dst IN {marks}"
    names = COLUMNS.split(", ")

    def loop() -> None:
        if url.startswith("sqlite"):
            cursor = sqlite3.connect(url.removeprefix("sqlite:///")).execute(query, numbers * 2)
        else:
            connection = psycopg.connect(url.replace("+psycopg", ""))
            cursor = connection.cursor(name="bench")  # type: ignore[assignment]
            cursor.itersize = 2000  # type: ignore[attr-defined]
            cursor.execute(query, numbers * 2)
        with (folder / "plain.jsonl").open("w") as out:
            for each in cursor:
                out.write(json.dumps(dict(zip(names, each, strict=True)), default=str) + "\n")

    return measured(loop)


def work(folder: Path, right: str) -> dict[str, float]:
    """Measure dsr: an access request to its ZIP, or an erasure to its proof."""
    desk = load(folder / "dsr.toml").desk()
    counted = dict.fromkeys(("store", "store_commits", "ledger", "ledger_commits"), 0)

    def count(connection: sa.Connection, suffix: str = "") -> None:
        place = "ledger" if "ledger" in str(connection.engine.url) else "store"
        counted[place + suffix] += 1

    sa.event.listen(sa.Engine, "before_cursor_execute", lambda c, *_: count(c))
    sa.event.listen(sa.Engine, "commit", lambda c: count(c, "_commits"))
    wanted: Right = "access" if right == "access" else "erasure"
    request = desk.open(wanted, [identify("phone", EVA, "DE")], now=NOW)
    desk.challenge(request.id, now=NOW)
    pin = json.loads((folder / "pins").read_text().splitlines()[-1])["pin"]
    grant = desk.verify(request.id, pin, now=NOW)
    if right == "access":
        return measured(lambda: _count(desk.export(grant, folder / "a.zip", now=NOW)))
    token = desk.plan(grant, now=NOW).token
    counted.update(dict.fromkeys(counted, 0))
    found = measured(lambda: _count(desk.apply(grant, token, now=NOW)))
    return found | counted


def _count(receipt: Receipt) -> dict[str, float]:
    return {"records": sum(receipt.stores["cdr"]["calls"].do.values())}


def child(*words: str) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", *words], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 400_000])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--child", nargs="+")
    given = parser.parse_args()
    if given.child:
        kind, folder, url = given.child[0], Path(given.child[1]), given.child[2]
        print(json.dumps(plain(folder, url) if kind == "plain" else work(folder, kind)))
        return
    for rows in given.rows:
        server = fresh_database() if given.postgresql else nullcontext("")
        with tempfile.TemporaryDirectory() as name, server as made:
            folder = Path(name)
            url = made or f"sqlite:///{folder}/cdr.db"
            build(url, rows)
            configuration(folder, url)
            yard = child("plain", name, url)
            ours = child("access", name, url)
            print(
                f"access {rows:,} rows: {ours['cpu']:.2f} CPU s, +{ours['mib']:.0f} MiB,"
                f" {ours['records'] / ours['cpu']:,.0f} records/CPU s;"
                f" plain driver + JSON: {yard['cpu']:.2f} CPU s, +{yard['mib']:.0f} MiB;"
                f" ratio {ours['cpu'] / yard['cpu']:.2f}"
            )
    with (
        tempfile.TemporaryDirectory() as name,
        fresh_database() if given.postgresql else nullcontext("") as made,
    ):
        folder = Path(name)
        url = made or f"sqlite:///{folder}/cdr.db"
        build(url, 10_000)
        configuration(folder, url)
        ours = child("erase", name, url)
        print(
            f"redact 10,000 rows: {ours['cpu']:.2f} CPU s, +{ours['mib']:.0f} MiB,"
            f" store: {ours['store']:.0f} statements, {ours['store_commits']:.0f} commits;"
            f" ledger: {ours['ledger']:.0f} statements, {ours['ledger_commits']:.0f} commits"
            f" ({ours['records']:.0f} records)"
        )


if __name__ == "__main__":
    main()
