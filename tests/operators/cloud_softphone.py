"""A Cloud Softphone provider's stores: SIP accounts, address books, server logs, usage reports.

Anna uses the app; Bruno has uninstalled it. Each stands in the other's address book, and one line
of the log names both. `facts` reads the raw stores with SQL and as bytes.
"""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dsr.model import Hold, Identifier, Subject
from tests.operators.harness import Person, Point

__all__ = [
    "AFTER",
    "ANNA",
    "BERLIN",
    "BRUNO",
    "HELD",
    "INSIDE",
    "PASSWORDS",
    "USAGE",
    "facts",
    "fill",
    "log_lines",
]

BERLIN: Final = ZoneInfo("Europe/Berlin")

# Numbers are from ranges reserved for drama (Bundesnetzagentur: 030 23125 xxx; ARCEP: 01 99 00),
# addresses from those for documentation (RFC 5737).
_ANNA: Final = "+493023125301"
_BRUNO: Final = "+493023125302"
_CARLA: Final = "+493023125303"
_PARIS: Final = "+33199001234"

ANNA: Final = Person(
    "Anna",
    {"phone": "030 23125-301", "sip": "2001@voice.example"},
    {"sip_credentials.display_name": "Anna Albrecht"},
)
BRUNO: Final = Person(
    "Bruno",
    {"phone": "0049 30 23125302", "sip": "2002@voice.example"},
    {"sip_credentials.display_name": "Bruno Brandt"},
)

# Bruno uninstalled the app on 1 May 2026: the seventh day after that is 8 May. Every night
# `dsr sweep` has run: at the end of 7 May all of his is there, at the start of 8 May nothing is.
_UNINSTALLED: Final = dt.datetime(2026, 5, 1, 10, tzinfo=BERLIN)
INSIDE: Final = Point("inside", dt.datetime(2026, 5, 7, 23, 59, 59, tzinfo=BERLIN))
AFTER: Final = Point("after", dt.datetime(2026, 5, 8, tzinfo=BERLIN))
HELD: Final = Point(
    "hold",
    AFTER.now,
    (
        Hold(
            id="claim-9",
            case="9 C 90/26",
            reason="claim for damages",
            law="GDPR Art. 17(3)(e)",
            subject=Subject((Identifier("sip", "2002@voice.example"),)),
            categories=frozenset({"sip_credentials", "ip_logs"}),
        ),
    ),
)

_META: Final = sa.MetaData()
_MOMENT: Final = sa.DateTime(timezone=True)
_ACCOUNTS: Final = sa.Table(
    "sip_accounts",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("account", "sip", "password", "display_name")),
    *(sa.Column(name, sa.Text) for name in ("push_token", "phone")),
    sa.Column("phone_since", _MOMENT),
    sa.Column("phone_until", _MOMENT),
    sa.Column("uninstalled_at", _MOMENT),
    sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()),
)
_REPORTS: Final = sa.Table(
    "usage_reports",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("usage_id", sa.Text),
    sa.Column("reported_at", _MOMENT),
    sa.Column("app_version", sa.Text),
    sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()),
)

PASSWORDS: Final = ("ann4-s3cret", "brun0-s3cret", "c4rla-s3cret")
_SINCE: Final = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)  # Bruno's number was somebody else's before
_USERS: Final = (
    (1, "C-2001", "2001@voice.example", PASSWORDS[0], "Ana Albrecht", "a1", _ANNA, None, None),
    (2, "C-2002", "2002@voice.example", PASSWORDS[1], "Brandt", "b2", _BRUNO, _SINCE, _UNINSTALLED),
    (3, "C-2003", "2003@voice.example", PASSWORDS[2], "Carla", "c3", _CARLA, None, None),
)
_OWNERS: Final = {1: "Anna", 2: "Bruno"}
#: The pseudonyms that the apps show: no table says whose they are.
USAGE: Final = {"Anna": "u-7f31c0", "Bruno": "u-90ab12", "others": "u-55d0aa"}
_REPORTED: Final = (
    ("u-7f31c0", dt.datetime(2026, 4, 14, 8, tzinfo=BERLIN)),
    ("u-7f31c0", dt.datetime(2026, 4, 29, 8, tzinfo=BERLIN)),
    ("u-90ab12", dt.datetime(2026, 4, 20, 8, tzinfo=BERLIN)),
    ("u-55d0aa", dt.datetime(2026, 3, 2, 8, tzinfo=BERLIN)),
)
_CARD: Final = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nTEL:{number}\r\nEND:VCARD\r\n"
)
_BOOKS: Final = {
    "C-2001": (("a1", "Bruno", "030 23125302"), ("a2", "Paris", "+33 1 99 00 12 34")),
    "C-2002": (("b1", "Anna", "+49 30 23125301"), ("b2", "Carla", "030/23125303")),
    "C-2003": (("c1", "Paris", "0033 1 99001234"),),
}
_SYNC: Final = '{ip} - {user} [{at}] "POST {path} HTTP/1.1" 200 12 "-" "{agent}"\n'
#: A file each night, as was decided; from the oldest to the one that the server writes now.
_LOGS: Final = {
    "access.log.3.gz": (
        (
            "198.51.100.31",
            "2001@voice.example",
            "24/Apr/2026:09:00:00 +0200",
            "/contacts",
            "app/6.1 A",
        ),
    ),
    "access.log.2": (
        (
            "198.51.100.32",
            "2002@voice.example",
            "30/Apr/2026:09:00:00 +0200",
            "/contacts",
            "app/6.0 B",
        ),
    ),
    "access.log.1": (
        (
            "198.51.100.31",
            "2001@voice.example",
            "01/May/2026:09:00:00 +0200",
            "/push?to=2002@voice.example",
            "app/6.1 A",
        ),
    ),
    "access.log": (
        ("198.51.100.31", "-", "06/May/2026:09:00:00 +0200", "/", "Mozilla/5.0 A"),
        (
            "198.51.100.33",
            "2003@voice.example",
            "07/May/2026:09:00:00 +0200",
            "/contacts",
            "app/6.1 C",
        ),
    ),
}
_TRACES: Final = {
    "Anna": ("2001@voice.example", "198.51.100.31", "app/6.1 A", "Mozilla/5.0 A"),
    "Bruno": ("2002@voice.example", "198.51.100.32", "app/6.0 B"),
    "others": ("2003@voice.example", "198.51.100.33", "app/6.1 C"),
}


def fill(folder: Path, url: str) -> None:
    """Fill the database at `url`, the address books and the logs."""
    engine = sa.create_engine(url, poolclass=NullPool)
    _META.create_all(engine)
    names = [each.name for each in _ACCOUNTS.columns]
    with engine.begin() as db:
        for *row, since, gone in _USERS:
            values = (*row, since, None, gone and gone.astimezone(dt.UTC), False)
            db.execute(_ACCOUNTS.insert(), dict(zip(names, values, strict=True)))
        for usage, at in _REPORTED:
            report = {"usage_id": usage, "reported_at": at.astimezone(dt.UTC), "app_version": "6.1"}
            db.execute(_REPORTS.insert(), report)
    for account, cards in _BOOKS.items():
        book = folder / "address-books" / account / "contacts.vcf"
        book.parent.mkdir(parents=True)
        text = "".join(_CARD.format(uid=u, name=name, number=n) for u, name, n in cards)
        book.write_bytes(text.encode())
    logs = folder / "logs"
    logs.mkdir()
    for name, rows in _LOGS.items():
        raw = _lines(rows).encode()
        (logs / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)


def _lines(rows: tuple[tuple[str, ...], ...]) -> str:
    fields = ("ip", "user", "at", "path", "agent")
    return "".join(_SYNC.format(**dict(zip(fields, row, strict=True))) for row in rows)


def facts(folder: Path, url: str) -> dict[str, set[str]]:
    """Return what the raw stores say of Anna, of Bruno, and of everybody else.

    An entry about one of them in the other's address book is both's, and stands in neither set.
    """
    found: dict[str, set[str]] = {"Anna": set(), "Bruno": set(), "others": set()}
    for owner, fact in (*_rows(url), *_cards(folder), *_log(folder)):
        found[owner].add(fact)
    return found


def _rows(url: str) -> Iterator[tuple[str, str]]:
    engine = sa.create_engine(url, poolclass=NullPool)
    owners = {usage: name for name, usage in USAGE.items()}
    with engine.connect() as db:
        for row in db.execute(sa.select(_ACCOUNTS)).mappings():
            for name in ("account", "sip", "password", "display_name", "push_token", "phone"):
                if row[name]:
                    yield _OWNERS.get(row["id"], "others"), f"{row['id']} {name}={row[name]}"
        for row in db.execute(sa.select(_REPORTS)).mappings():
            yield owners[row["usage_id"]], f"{row['id']} {row['usage_id']} {row['reported_at']}"


def _cards(folder: Path) -> Iterator[tuple[str, str]]:
    for account, owner in (("C-2001", "Anna"), ("C-2002", "Bruno"), ("C-2003", "others")):
        book = folder / "address-books" / account / "contacts.vcf"
        for card in book.read_text("utf-8").split("END:VCARD") if book.exists() else ():
            if "FN:" in card and "FN:Anna" not in card and "FN:Bruno" not in card:
                yield owner, card.strip()


def log_lines(folder: Path) -> list[str]:
    """Return the lines of all logs, the oldest first."""
    files = [folder / "logs" / name for name in _LOGS]
    texts = [each.read_bytes() for each in files if each.exists()]
    plain = [gzip.decompress(each) if each.startswith(b"\x1f\x8b") else each for each in texts]
    return [line for each in plain for line in each.decode().splitlines()]


def _log(folder: Path) -> Iterator[tuple[str, str]]:
    for line in log_lines(folder):
        at = line.partition("[")[2].partition("]")[0]
        for owner, traces in _TRACES.items():
            yield from ((owner, f"{at} {each}") for each in traces if each in line)
