"""A run that is killed, in a process of its own, and the same command again (law 2)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsr.cli.operator import build

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "dsr", *words, "--config", str(folder / "dsr.toml"), "--json"]


def dsr(folder: Path, *words: str, stdin: str = "") -> Any:
    done = subprocess.run(
        command(folder, *words), input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 4}, done.stderr
    return json.loads(done.stdout)


def confirmed(folder: Path) -> tuple[str, str]:
    """Build the operator, and bring an erasure to its confirmation: request and token."""
    build(folder, NOW)
    request = dsr(folder, "open", "erasure", "--phone", "030 23125-100")["request"]
    dsr(folder, "challenge", request)
    pin = json.loads((folder / "pins.jsonl").read_text("utf-8").splitlines()[-1])["pin"]
    dsr(folder, "verify", request, stdin=pin)
    return request, dsr(folder, "plan", request)["token"]


def recordings(folder: Path) -> int:
    return sum(1 for _ in (folder / "recordings").rglob("*.wav"))


def log(folder: Path) -> str:
    return hashlib.sha256((folder / "logs/kamailio.log").read_bytes()).hexdigest()


def calls(folder: Path) -> int:
    with sqlite3.connect(f"file:{folder / 'operator.db'}?mode=ro", uri=True) as db:
        counted: int = db.execute("SELECT count(*) FROM cdr WHERE src IS NULL").fetchone()[0]
    db.close()
    return counted


def left(folder: Path) -> dict[str, object]:
    """Return what the stores still hold: rows, and the bytes of every file."""
    with sqlite3.connect(folder / "operator.db") as db:
        rows = [db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()  # noqa: S608  (names)
                for name in ("cdr", "numbers")]  # fmt: skip
    db.close()
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for name in ("logs", "recordings", "contacts")
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and path.suffix != ".gz"
    }
    return {"rows": rows, "files": files}


@pytest.mark.parametrize("sign", [recordings, log, calls])
def test_killed_and_run_again_ends_as_if_never_killed(
    sign: Callable[[Path], object], tmp_path: Path
) -> None:
    """Law 2: killed at its first write to any of the stores, then run again: the same end."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    request, token = confirmed(whole)
    expected = dsr(whole, "run", request, "--confirm", token)

    request, token = confirmed(killed)
    before = sign(killed)
    run = subprocess.Popen(
        command(killed, "run", request, "--confirm", token), stdout=subprocess.DEVNULL
    )
    while run.poll() is None and sign(killed) == before:
        pass
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert sign(killed) != before

    again = dsr(killed, "run", request, "--confirm", token)
    assert left(killed) == left(whole)
    assert again["stores"] == expected["stores"]
    assert sorted(again["proved"]) == sorted(expected["proved"])
    assert dsr(killed, "audit")["verified"]
