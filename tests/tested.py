"""The page of what was tested against which server, made from the results of the suite.

Every test of `ConnectorSuite` that runs reports its store, server and verb;
`pytest --update-tested` writes docs/reference/tested.md from them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from dsr.testing import Harness

__all__ = ["PAGE", "PROPERTY", "VERBS", "Result", "page", "result", "rows", "stale"]

PAGE: Final = Path(__file__).parent.parent / "docs" / "reference" / "tested.md"
PROPERTY: Final = "connector suite"

VERBS: Final = (
    "find",
    "erase",
    "redact",
    "rectify",
    "restrict",
    "lock",
    "split",
    "check",
    "credentials",
    "aged",
)
#: Words in a law's name that tell its verb; a law without one is of reading as such: of `find`.
_WORDS: Final = {"parts": "split", "vouch": "credentials"} | {each: each for each in VERBS}
_DATABASES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
_LACKS: Final = "the connector does not"

_HEAD: Final = """# What is tested, against which server

Every connector passes the laws of `dsr.testing.ConnectorSuite` on the servers below: a row for each
`connector` of `dsr.toml`, and the number is how many laws of a verb were run there, over all its
tables and layouts. A dash is a verb that the connector lacks: what it would have done ends as a gap
in the receipt. The page is written from the results of the tests (`pytest --update-tested`, with
every server installed), and a run whose results it does not show fails.

"""

Outcome = Literal["passed", "failed", "lacks"]


class Result(NamedTuple):
    """One law on one store."""

    store: str
    server: str
    verb: str
    outcome: Outcome


def result(law: str, harness: Harness, outcome: str, reason: str) -> Result | None:
    """Return what a test of the suite says; None if it says nothing of a store of dsr.toml."""
    if not harness.entry:
        return None
    store = harness.entry
    if outcome == "skipped":
        if not reason.startswith(_LACKS):
            return None
        return Result(store, _server(harness), _verb(reason.split()), "lacks")
    verb = _verb(law.split("_"))
    return Result(store, _server(harness), verb, "passed" if outcome == "passed" else "failed")


def _verb(words: Iterable[str]) -> str:
    return next((_WORDS[word] for word in words if word in _WORDS), "find")


def _server(harness: Harness) -> str:
    """Return what the store runs on: a database is known by its URL."""
    url = str(getattr(harness.connector, "url", ""))
    return _DATABASES.get(url.partition(":")[0].partition("+")[0], harness.server)


def page(results: Iterable[Result]) -> str:
    """Return the page: a row for each store and server, a column for each verb."""
    cells: dict[tuple[str, str], dict[str, Counter[Outcome]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    for each in results:
        cells[each.store, each.server][each.verb][each.outcome] += 1
    lines = [
        f"| store | on | {' | '.join(VERBS)} |",
        f"|---|---|{'---|' * len(VERBS)}",
    ]
    for (store, server), row in sorted(cells.items()):
        lines.append(f"| `{store}` | {server} | {' | '.join(map(_cell(row), VERBS))} |")
    return _HEAD + "\n".join(lines) + "\n"


def _cell(row: Mapping[str, Counter[Outcome]]) -> Callable[[str], str]:
    def cell(verb: str) -> str:
        counted = row.get(verb, Counter())
        if counted["failed"]:
            return f"{counted['failed']} failed"
        return str(counted["passed"]) if counted["passed"] else "-"

    return cell


def rows(text: str) -> dict[tuple[str, str], frozenset[str]]:
    """Return what a page shows: for each store and server, the verbs whose laws passed."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    header, *lines = cells or [[]]
    return {
        (store.strip("`"), server): frozenset(
            verb for verb, cell in zip(header[2:], counted, strict=True) if cell.isdigit()
        )
        for store, server, *counted in lines
    }


def stale(results: Iterable[Result], text: str, *, whole: bool) -> list[str]:
    """Return what a page does not show of the results.

    With the results of a `whole` run, also what it shows beside them.
    """
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in results:
        row = seen[each.store, each.server]
        row.update([each.verb] if each.outcome == "passed" else [])
    shown = rows(text)
    problems = [
        f"{store} on {server} has {', '.join(sorted(verbs - shown.get((store, server), set())))}"
        for (store, server), verbs in sorted(seen.items())
        if verbs - shown.get((store, server), set())
    ]
    if whole:
        problems += [
            f"{store} on {server} is shown with {', '.join(sorted(verbs - seen[store, server]))}"
            for (store, server), verbs in sorted(shown.items())
            if verbs - seen[store, server]
        ]
    return problems
