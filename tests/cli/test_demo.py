"""`dsr demo`: what it shows is true."""

from __future__ import annotations

import json
import re
import sqlite3
import zipfile
from pathlib import Path

from tests.cli.office import Office, call


def test_the_demo_walks_four_requests_through(tmp_path: Path) -> None:
    """It shows plan, receipt and packages; they are where it says; a further run does nothing."""
    folder = tmp_path / "demo"
    result = call("demo", str(folder))
    assert result.exit_code == 0, result.stderr
    shown = result.stdout
    for title in ("Access", "Portability", "Rectification", "Erasure"):
        assert f"\n{title}: " in shown

    plan = shown[shown.rindex("Plan of request") :]
    table = plan[: plan.index("Token:")]
    assert re.search(r"cdr: call_records\n +\d+  redact +\n +\d+  keep +hold 12 O 34/26", table)
    assert re.search(r"recordings: recordings\n +\d+  erase ", table)
    assert re.search(r"contacts: address_book\n +1  erase +\n +1  gap +bears no time", table)
    assert max(map(len, table.splitlines())) <= 80

    receipt = plan[plan.index("Receipt of request") :]
    assert "(erasure): incomplete" in receipt
    assert re.search(r"recordings: recordings\n +\d+  erased ", receipt)
    assert "Proved by a reading afterwards: numbers, cdr, recordings, logs\n" in receipt
    assert "Not proved: contacts\n" in receipt
    assert "nothing was left to do; the receipt says the same" in receipt
    assert "every receipt verified" in receipt

    for name in ("access.zip", "portability.zip"):
        path = folder / name
        assert f"{path} ({path.stat().st_size:,} bytes)" in shown
        with zipfile.ZipFile(path) as package:
            assert package.testzip() is None
            assert "index.html" in package.namelist()
    with zipfile.ZipFile(folder / "access.zip") as package:
        calls = package.read("data/call_records.jsonl").splitlines()
    assert re.search(rf"cdr: call_records\n +{len(calls)}  exported", shown)

    office = Office(folder)
    assert "FN:Eva (Berlin)" in (folder / "contacts" / "A-2000" / "c9.vcf").read_text("utf-8")
    assert not (folder / "contacts" / "A-1001" / "self.vcf").exists()
    _nothing_of_eva_is_left_before_the_bill(folder)
    before = office.stores()
    (request,) = re.findall(r"dsr run ([0-9a-f]{12}) --confirm ([0-9a-f]{16})\nnothing", shown)
    office.call("run", request[0], "--confirm", request[1], code=4)
    assert office.stores() == before


def _nothing_of_eva_is_left_before_the_bill(folder: Path) -> None:
    """Count, with the database's own means, what no reason keeps; the hold keeps `src` only."""
    db = sqlite3.connect(folder / "operator.db")
    try:
        old, left = db.execute(
            """
            SELECT count(*), sum(printf('%s %s %s %s', dst, clid, channel, dstchannel)
                                 LIKE '%3023125100%')
            FROM cdr
            WHERE "start" >= (SELECT assigned_at FROM numbers WHERE account = 'A-1001')
              AND billed_at < date('now', '-7 months')
            """
        ).fetchone()
        assert old > 0
        assert left == 0
    finally:
        db.close()


def test_the_demo_touches_no_folder_in_use(tmp_path: Path) -> None:
    """A folder that holds something is left alone."""
    (tmp_path / "mine").write_text("mine")
    result = call("demo", str(tmp_path), "--json")
    assert result.exit_code == 2  # it takes no --json
    result = call("demo", str(tmp_path))
    assert result.exit_code == 2
    assert "is not empty: name a new folder" in result.stderr
    result = call("demo", str(tmp_path / "mine"))
    assert "cannot be used (" in result.stderr
    assert json.dumps([each.name for each in tmp_path.iterdir()]) == '["mine"]'
