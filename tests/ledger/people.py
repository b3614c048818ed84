"""Whom and what the tests of the ledger are about, and where their ledgers are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, inspect, text

from dsr.model import Identifier, Receipt, Request, Right, State, Subject, Tally
from tests.servers.postgresql import fresh_database

KEY: Final = bytes(range(32))
NOW: Final = dt.datetime(2026, 3, 5, 9, 30, 15, 123456, tzinfo=dt.UTC)
BERLIN: Final = dt.timezone(dt.timedelta(hours=1))

PHONE: Final = "+4930901820"
EMAIL: Final = "erika@example.org"
ERIKA: Final = Subject(
    (
        Identifier("phone", PHONE, since=NOW - dt.timedelta(days=900), until=None),
        Identifier("email", EMAIL),
    )
)
MAX: Final = Subject((Identifier("phone", "+4930901821"),))


def a_request(
    id: str = "r1",  # noqa: A002  (as in the model)
    right: Right = "erasure",
    state: State = "open",
    changes: Mapping[str, str] | None = None,
) -> Request:
    return Request(id, right, state, NOW, dt.date(2026, 4, 7), "de", changes or {})


def a_receipt(request: str = "r1", state: State = "done", count: int = 3) -> Receipt:
    tally = Tally(
        do={"erase": count},
        keep={("billing", "TDDDG § 10", dt.date(2026, 9, 5)): 2, ("a case", "Art. 17", None): 1},
        gaps={"the store refused": 4},
    )
    return Receipt(request, "erasure", state, NOW, {"cdr": {"calls": tally}}, {"cdr": NOW})


@contextmanager
def fresh_url(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database: a file in `folder`, or one on a server."""
    if kind == "sqlite":
        yield sqlite_url(folder)
    else:
        with fresh_database() as url:
            yield url


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.db'}"


def everything(url: str, folder: Path) -> bytes:
    """Return all that the database holds: the bytes of SQLite's files, the rows of a server."""
    if url.startswith("sqlite"):
        return b"\n".join(each.read_bytes() for each in sorted(folder.glob("ledger.db*")))
    return b"\n".join(_rows(url))


def _rows(url: str) -> Iterator[bytes]:
    engine = create_engine(url)
    with engine.connect() as connection:
        for name in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{name}"')):  # noqa: S608  (a table)
                for value in row:
                    yield bytes(value) if isinstance(value, bytes) else str(value).encode()
    engine.dispose()
