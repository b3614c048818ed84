"""Guess at the codes of many numbers from many processes; count what was compared.

    python benchmarks/guessing.py [--numbers 100000] [--processes 4] [--overall 1000]

Each number gets one guess. The limits allow `--overall` of them to be compared, no more and no
fewer. Prints attempts, how many were compared, and seconds, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from dsr.ledger import Ledger, Limits
from tests.ledger.crowd import Guess, at_once, fill, overall_failures, total
from tests.ledger.people import KEY, fresh_url


def measure(kind: str, numbers: int, processes: int, overall: int) -> None:
    """Run it on one kind of database and print a line."""
    limits = Limits(attempts=5, per_number=10, per_source=20, overall=overall, hard=50)
    work = [[Guess(n) for n in range(part, numbers, processes)] for part in range(processes)]
    with tempfile.TemporaryDirectory() as folder, fresh_url(kind, Path(folder)) as url:
        with Ledger.open(url, KEY) as ledger:
            fill(ledger, numbers)
        begun = time.perf_counter()
        found = total(at_once(url, limits, work))
        seconds = time.perf_counter() - begun
        with Ledger.open(url, KEY) as ledger:
            counted = overall_failures(ledger)
            entries = ledger.verify_audit()
    tries = found.total()
    print(
        f"{kind:>10}: {tries:,} attempts by {processes} processes, {found['compared']:,} compared,"
        f" {counted:,} counted, {entries:,} audited, {seconds:.1f} s ({tries / seconds:,.0f}/s)"
    )
    if not found["compared"] == counted == min(numbers, overall):
        sys.exit("more or fewer were compared than the limits allow")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--overall", type=int, default=1_000)
    given = parser.parse_args()
    for kind in ("sqlite", "postgresql"):
        measure(kind, given.numbers, given.processes, given.overall)


if __name__ == "__main__":
    main()
