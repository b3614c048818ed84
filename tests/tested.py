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

__all__ = ["PAGE", "PROPERTY", "Result", "page", "result"]

PAGE: Final = Path(__file__).parent.parent / "docs" / "reference" / "tested.md"
PROPERTY: Final = "connector suite"

VERBS: Final = ("find", "erase", "redact", "rectify", "restrict", "lock", "split", "check", "aged")
#: Words in a law's name that tell its verb; a law without one is a law of `find`.
_WORDS: Final = {"parts": "split", "check": "check"} | {each: each for each in VERBS}
_DATABASES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
_LACKS: Final = "the connector does not"

_HEAD: Final = """# What is tested, against which server

Every connector passes the laws of `dsr.testing.ConnectorSuite` on the servers below: the number is
how many laws of a verb were run there. A dash is a verb that the connector lacks: what it would
have done ends as a gap in the receipt. The page is written from the results of the tests
(`pytest --update-tested`), of whatever stores that run tested.

"""

Outcome = Literal["passed", "failed", "lacks"]


class Result(NamedTuple):
    """One law on one store."""

    store: str
    server: str
    verb: str
    outcome: Outcome


def result(law: str, harness: Harness, outcome: str, reason: str) -> Result | None:
    """Return what a test of the suite says; None if it says nothing of a store of ours."""
    package = type(harness.connector).__module__.split(".")
    if not package[0].startswith("dsr"):
        return None
    store = package[2] if package[:2] == ["dsr", "connectors"] else package[0].replace("_", "-")
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
