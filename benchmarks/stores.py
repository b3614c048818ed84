"""What the built-in stores cost: statements, requests, and memory at N and 4N records.

    python benchmarks/stores.py [--only statements requests memory] [--json FILE]

Prints the tables of docs/reference/numbers.md. Needs the servers of .ci/packages.txt.

Statements are those that reach the driver, setting the session up and looking the table up
included; one sent for many rows (`executemany`) counts once a row. A verb gets its keys in calls
of 5,000, as from the engine. Memory is the growth of a process's peak (VmHWM), in a process of
its own that finds N records, erases (logs, voicemail: redacts) them, and finds none.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from dsr.connector import Connector
from dsr.connectors import files, logs, vcards, voicemail
from dsr.connectors.s3 import S3
from dsr.connectors.s3 import from_config as s3_from_config
from dsr.connectors.sql import from_config as sql_from_config
from dsr.model import Found, Identifier
from dsr.settings import Context

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.connectors.s3_buckets import make_bucket, put
from tests.connectors.sql_stores import CDR, call, cdr_table, database, fill
from tests.connectors.voicemail_spools import leave
from tests.servers.rgw import Rgw
from tests.servers.rgw import _start as start_rgw

EVA: Final = Identifier("phone", "+4930901820")
OTHER: Final = "0309018277"
BATCH: Final = 5_000  # keys a call of a verb: what the engine gives
ROWS: Final = 10_000
OBJECTS: Final = 1_000
DATABASES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}
WHOLE: Final = {name: value for name, value in CDR.items() if name != "key"}

#: Stores whose records are parts of what is others' too: of these the person is taken out.
REDACTING: Final = (logs.Logs, voicemail.Voicemail)

Row = dict[str, object]


def context(folder: Path) -> Context:
    """Return where a store of a configuration file in `folder` is."""
    return Context(region="DE", folder=folder)


def in_calls(each: Iterable[str]) -> Iterator[list[str]]:
    """Yield what each call gets."""
    rest = iter(each)
    while batch := list(islice(rest, BATCH)):
        yield batch


# --- statements -------------------------------------------------------------------------


@contextmanager
def statements() -> Iterator[Counter[str]]:
    """Count statements and commits of all databases."""
    counted: Counter[str] = Counter()

    def sent(*event: Any) -> None:
        counted["statements"] += len(event[3]) if event[5] else 1

    def committed(_: object) -> None:
        counted["commits"] += 1

    sa.event.listen(sa.Engine, "before_cursor_execute", sent)
    sa.event.listen(sa.Engine, "commit", committed)
    try:
        yield counted
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", sent)
        sa.event.remove(sa.Engine, "commit", committed)


def verb_on_rows(kind: str, mapped: Mapping[str, Any], verb: str) -> Row:
    """Find 10,000 rows of one person, erase or redact them, and find none."""
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as url:
        rows = [call(number, EVA.value, OTHER) for number in range(ROWS)]
        fill(url, cdr_table(), [*rows, call(ROWS, OTHER, None)])
        settings = {"url": url, "timezone": "Europe/Berlin", "tables": {"cdr": mapped}}
        store = sql_from_config("calls", settings, context(Path(folder)))
        with statements() as find:
            about = {
                each.record.key: each.about for each in store.find([EVA]) if isinstance(each, Found)
            }
        assert len(about) == ROWS
        with statements() as act:
            for keys in in_calls(about):
                if verb == "erase":
                    store.erase(keys)
                else:
                    store.redact({key: about[key] for key in keys})
        with statements() as proof:
            assert not list(store.find([EVA]))
    return {
        "database": DATABASES[kind],
        "table": "keyed" if "key" in mapped else "whole row",
        "verb": verb,
        "find": find["statements"],
        "write": act["statements"],
        "commits": act["commits"],
        "proof": proof["statements"],
    }


def all_statements() -> list[Row]:
    """Measure every database, table and verb."""
    return [
        verb_on_rows(kind, mapped, verb)
        for kind in DATABASES
        for mapped in (CDR, WHOLE)
        for verb in ("erase", "redact")
    ]


# --- requests ---------------------------------------------------------------------------


def bucket_store(rgw: Rgw, bucket: str) -> S3:
    """Return the store of a bucket; credentials come from the environment, as an operator's do."""
    os.environ |= {"AWS_ACCESS_KEY_ID": rgw.access_key, "AWS_SECRET_ACCESS_KEY": rgw.secret_key}
    table = {
        "bucket": bucket,
        "category": "recordings",
        "keys": ["{any}"],
        "prefix": "rec/",
        "endpoint": rgw.endpoint,
        "region": "us-east-1",
    }
    return s3_from_config("recordings", table, context(Path()))


@contextmanager
def requests(store: S3) -> Iterator[list[str]]:
    """Gather the methods of the requests that the store sends, repeated ones included."""
    sent: list[str] = []

    def note(request: Any, **_: object) -> None:
        sent.append(request.method)

    events = store.bucket.client().meta.events
    events.register("before-send.s3", note)
    try:
        yield sent
    finally:
        events.unregister("before-send.s3", note)


def put_all(rgw: Rgw, bucket: str, keys: Iterable[str]) -> None:
    """Write an object for each key."""
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda key: put(rgw, bucket, key), keys):
            pass


def verb_on_objects(rgw: Rgw, *, scattered: bool, versions: int) -> Row:
    """Find 1,000 objects of one person, erase them, and find none."""
    bucket = make_bucket(rgw, versions=versions > 1)
    mine = [f"rec/{number:04}_030901820.wav" for number in range(OBJECTS)]
    others = [f"rec/{number:04}_{OTHER}.wav" for number in range(OBJECTS)] if scattered else []
    for _ in range(versions):
        put_all(rgw, bucket, mine + others)
    store = bucket_store(rgw, bucket)
    with requests(store) as find:
        keys = [each.record.key for each in store.find([EVA]) if isinstance(each, Found)]
    assert sorted(keys) == mine
    with requests(store) as erase:
        for each in in_calls(keys):
            store.erase(each)
    with requests(store) as proof:
        assert not list(store.find([EVA]))
    return {
        "keys": "each beside another's" if scattered else "side by side",
        "versions": versions,
        "find": len(find),
        "erase": len(erase),
        "proof": len(proof),
        "all": len(find) + len(erase) + len(proof),
    }


def all_requests() -> list[Row]:
    """Measure on a real Ceph RGW."""
    rgw = start_rgw()
    return [
        verb_on_objects(rgw, scattered=scattered, versions=versions)
        for scattered in (False, True)
        for versions in (1, 2)
    ]


# --- memory -----------------------------------------------------------------------------


def cards(count: int) -> Iterator[str]:
    """Yield cards of the subject."""
    for each in range(count):
        yield f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{each}\r\nTEL:030901820\r\nEND:VCARD\r\n"


def seed_vcards(root: Path, count: int) -> Row:
    """Write one file a card."""
    for each, text in enumerate(cards(count)):
        (root / f"{each}.vcf").write_text(text)
    return {"path": str(root)}


def seed_book(root: Path, count: int) -> Row:
    """Write one file of all cards."""
    with (root / "all.vcf").open("w") as file:
        file.writelines(cards(count))
    return {"path": str(root)}


def seed_logs(root: Path, count: int) -> Row:
    """Write a log with a line a record."""
    start = dt.datetime(2026, 3, 1)  # noqa: DTZ001  (as Asterisk writes it)
    with (root / "full").open("w") as file:
        for each in range(count):
            file.write(f"[{start + dt.timedelta(seconds=each)}] VERBOSE[1] dial.c: 030901820\n")
    return {"path": str(root), "files": ["full"], "timezone": "UTC"}


def seed_files(root: Path, count: int) -> Row:
    """Write recordings, a hundred a folder."""
    for each in range(count):
        path = root / f"{each // 100:03}" / f"030901820-{each}.wav"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"RIFF")
    return {"path": str(root), "keys": ["{any}/{any}"]}


def seed_voicemail(root: Path, count: int) -> Row:
    """Leave messages of one caller, a hundred a mailbox, which is what Asterisk lets one hold."""
    for each in range(count):
        leave(root / "default" / f"{each // 100 + 100}" / "INBOX", '"Eva" <030901820>', each)
    return {"path": str(root)}


Make = Callable[[Path, int], Row]
FOLDERS: Final[dict[str, tuple[str, Callable[..., Connector], Make, int]]] = {
    "files": ("`files`", files.from_config, seed_files, 10_000),
    "logs": ("`logs`", logs.from_config, seed_logs, 10_000),
    "vcards": ("`vcards`, a file a card", vcards.from_config, seed_vcards, 10_000),
    "book": ("`vcards`, all cards in a file", vcards.from_config, seed_book, 10_000),
    "voicemail": ("`voicemail`", voicemail.from_config, seed_voicemail, 5_000),
}


def peak() -> int:
    """Return the peak of this process's own memory in KiB (not of one it was forked from)."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def resident() -> int:
    """Forget the peak (the import of all modules is one), and return what is resident in KiB."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def life(store: Any, spool: Path) -> Row:
    """Find all, take all away, and find none; return how many, and the peak's growth in MiB."""
    next(iter(store.find([Identifier("phone", "+493000000")])), None)  # connect, fill caches
    before, count = resident(), 0
    with spool.open("w") as out:
        for each in store.find([EVA]):
            count += isinstance(each, Found)
            out.write(json.dumps([each.record.key, *sorted(each.about)]) + "\n")
    found = peak()
    with spool.open() as lines:
        for batch in in_calls(lines):
            about = {key: frozenset(rest) for key, *rest in map(json.loads, batch)}
            if isinstance(store, REDACTING):
                store.redact(about)
            else:
                store.erase(list(about))
    assert not list(store.find([EVA]))
    return {"records": count, "find": (found - before) / 1024, "all": (peak() - before) / 1024}


def child(kind: str, settings: Mapping[str, object], folder: Path) -> Row:
    """Run one life in a process of its own."""
    words = [sys.executable, __file__, "--child", kind, json.dumps(settings), str(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    result: Row = json.loads(done.stdout.splitlines()[-1])
    return result


def grown(stack: ExitStack, kind: str, count: int) -> Row:
    """Make a store of `count` records, and measure."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    settings: Row = {}
    if kind in FOLDERS:
        root = folder / "store"
        root.mkdir()
        settings = {"category": "c", **FOLDERS[kind][2](root, count)}
    elif kind in DATABASES:
        settings = {"url": stack.enter_context(database(kind, folder))}
        rows = [call(each, EVA.value, OTHER) for each in range(count)]
        fill(str(settings["url"]), cdr_table(), rows)
    else:
        rgw = start_rgw()
        settings = {"endpoint": rgw.endpoint, "bucket": make_bucket(rgw, versions=True)}
        keys = (f"rec/{each:05}_030901820.wav" for each in range(count))
        put_all(rgw, str(settings["bucket"]), keys)
    result = child(kind, settings, folder)
    assert result["records"] == count, (kind, result)
    return result


def opened(kind: str, settings: dict[str, Any], folder: Path) -> Connector:
    """Return the store in the child."""
    if kind in FOLDERS:
        return FOLDERS[kind][1]("store", settings, context(folder))
    if kind in DATABASES:
        table = {"url": settings["url"], "timezone": "UTC", "tables": {"cdr": CDR}}
        return sql_from_config("store", table, context(folder))
    return bucket_store(Rgw(settings["endpoint"]), settings["bucket"])


def all_memory() -> list[Row]:
    """Measure every built-in store with N and 4N records."""
    names = {each: f"`sql` on {name}" for each, name in DATABASES.items()}
    names |= {each: values[0] for each, values in FOLDERS.items()} | {"s3": "`s3` on Ceph RGW"}
    found: list[Row] = []
    for kind, name in names.items():
        size = 5_000 if kind == "s3" else FOLDERS[kind][3] if kind in FOLDERS else ROWS
        with ExitStack() as stack:
            one, four = (grown(stack, kind, each) for each in (size, 4 * size))
        found.append(
            {
                "store": name,
                "N": size,
                "find N": one["find"],
                "find 4N": four["find"],
                "find, erase, prove N": one["all"],
                "find, erase, prove 4N": four["all"],
            }
        )
    return found


# --- all --------------------------------------------------------------------------------


def table(rows: list[Row]) -> str:
    """Return rows as a table of Markdown."""

    def cell(value: object) -> str:
        match value:
            case float():
                return f"{value:.1f}"
            case int():
                return f"{value:,}"
        return str(value)

    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[cell(each) for each in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PARTS: Final[dict[str, tuple[str, Callable[[], list[Row]]]]] = {
    "statements": ("Statements per 10,000 rows", all_statements),
    "requests": ("Requests per 1,000 objects on Ceph RGW", all_requests),
    "memory": ("Growth of peak memory, MiB", all_memory),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=3)
    given = parser.parse_args()
    if given.child:
        kind, settings, folder = given.child
        store = opened(kind, json.loads(settings), Path(folder))
        print(json.dumps(life(store, Path(folder) / "spool")))
        return
    results = {name: PARTS[name][1]() for name in given.only}
    for name, rows in results.items():
        print(f"## {PARTS[name][0]}\n\n{table(rows)}\n")
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
