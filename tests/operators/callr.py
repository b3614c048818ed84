"""Callr's stores: its database, documents, and recordings with their transcripts.

Anna and Bruno are contacts of two customers; they call each other, and Anna's company has these
calls recorded. Everything can be looked at without dsr: `facts` reads the raw stores.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dsr.model import Hold, Identifier, Subject
from tests.operators.harness import OPERATORS, Person, Point

__all__ = [
    "AFTER",
    "ANNA",
    "AZURE",
    "BRUNO",
    "CARLA",
    "HELD",
    "INSIDE",
    "RECORDING",
    "TRANSCRIPT",
    "facts",
    "fill",
]

PARIS: Final = ZoneInfo("Europe/Paris")

# Numbers are from a range reserved for fiction (ARCEP: 01 99 00 xx xx).
_ANNA: Final = "+33199003001"
_BRUNO: Final = "+33199003002"
CARLA: Final = "+33199003003"
_RENNES: Final = "+33261913004"

ANNA: Final = Person(
    "Anna",
    {"phone": "01 99 00 30 01", "account": "A-501"},
    {"customer_data.email": "anna.arnaud@arnaud.example"},
)
BRUNO: Final = Person(
    "Bruno",
    {"phone": "0033 1 99 00 30 02", "account": "A-502"},
    {"customer_data.email": "bruno@brun.example"},
)


def _at(year: int, month: int, day: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(year, month, day, hour, tzinfo=PARIS)


# The bill of February's calls was paid on 1 March 2025: the year ends with 28 February 2026.
INSIDE: Final = Point("inside", dt.datetime(2026, 2, 28, 23, 59, 59, tzinfo=PARIS))
AFTER: Final = Point("after", dt.datetime(2026, 3, 1, tzinfo=PARIS))
HELD: Final = Point(
    "hold",
    AFTER.now,
    (
        Hold(
            id="bill-7",
            case="RG 26/00071",
            reason="dispute of a bill",
            law="GDPR Art. 17(3)(e)",
            subject=Subject((Identifier("phone", _BRUNO),)),
            categories=frozenset({"call_records", "recording_list"}),
        ),
    ),
)

_META: Final = sa.MetaData()
_MOMENT: Final = sa.DateTime(timezone=True)


def _blocked() -> sa.Column[bool]:
    return sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false())


_CUSTOMERS: Final = sa.Table(
    "customers",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("account", "company", "legal_name", "first_name")),
    *(sa.Column(name, sa.Text) for name in ("last_name", "email", "iban", "phone")),
    sa.Column("phone_since", _MOMENT),
    sa.Column("phone_until", _MOMENT),
    sa.Column("closed_on", sa.Date),
    _blocked(),
)
_CONTACTS: Final = sa.Table(
    "contacts",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("customer", "kind", "name", "email", "phone")),
    sa.Column("named_on", sa.Date),
    sa.Column("ended_on", sa.Date),
    _blocked(),
)
_INVOICES: Final = sa.Table(
    "invoices",
    _META,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("invoiced_on", sa.Date),
    *(sa.Column(name, sa.Text) for name in ("account", "company", "name", "iban")),
    sa.Column("cents", sa.Integer),
    _blocked(),
)
_CALLS: Final = sa.Table(
    "calls",
    _META,
    sa.Column("call_id", sa.Text, primary_key=True),
    sa.Column("started_at", _MOMENT),
    sa.Column("seconds", sa.Integer),
    *(sa.Column(name, sa.Text) for name in ("calling", "caller_id", "dialled", "recording")),
    sa.Column("paid_on", sa.Date),
    _blocked(),
)
_RECORDINGS: Final = sa.Table(
    "recordings",
    _META,
    sa.Column("recording", sa.Text, primary_key=True),
    sa.Column("recorded_at", _MOMENT),
    *(sa.Column(name, sa.Text) for name in ("calling", "dialled", "customer")),
    sa.Column("deleted_on", sa.Date),
    sa.Column("deleted_by", sa.Text),
    _blocked(),
)

_SINCE: Final = _at(2014, 1, 1)
_ENDED: Final = dt.date(2025, 12, 31)  # Bruno's contract
_PEOPLE: Final = (
    ("A-501", "Arnaud", "Arnaud Logistique SARL", "Anna", "Arnaud", "anna@arnaud.example", "501"),
    ("A-502", "Brun", "Boulangerie Brun SAS", "Bruno", "Brun", "b.brun@brun.example", "502"),
    ("A-503", "Caron", "Caron et fils SNC", "Carla", "Caron", "carla@caron.example", "503"),
)
_IBAN: Final = "FR7630001007941234567890"
_NUMBERS: Final = {"A-501": _ANNA, "A-502": _BRUNO, "A-503": CARLA}
_OWNERS: Final = {"A-501": "Anna", "A-502": "Bruno"}
_NAMED: Final = (  # who is whose contact for what; Bruno was replaced when his contract ended
    ("A-501", "technical", None),
    ("A-502", "billing", _ENDED),
    ("A-503", "billing", None),
)
_ISSUED: Final = (
    ("F-2014-090", dt.date(2014, 6, 30), "A-502", 4900),
    ("F-2025-031", dt.date(2025, 2, 28), "A-501", 12900),
    ("F-2025-032", dt.date(2025, 2, 28), "A-502", 990),
    ("F-2025-033", dt.date(2025, 2, 28), "A-503", 1990),
)
_DOCUMENTS: Final = (
    ("A-501", "2026-02-01-kbis"),
    ("A-502", "2014-01-02-kbis"),
    ("A-503", "2014-01-03-kbis"),
)
_FEBRUARY: Final = dt.date(2025, 3, 1)  # when the bill of February 2025 was paid


class _Call(NamedTuple):
    id: str
    at: dt.datetime
    calling: str
    caller_id: str
    dialled: str
    paid: dt.date | None
    recording: str | None = None


_MADE: Final = (
    _Call("c1", _at(2025, 2, 10), _ANNA, _ANNA, "0199003002", _FEBRUARY, "rec-1"),
    _Call("c2", _at(2025, 2, 17), "33199003002", _BRUNO, _ANNA, _FEBRUARY, "rec-2"),
    _Call("c3", _at(2023, 11, 15), _ANNA, _ANNA, _RENNES, dt.date(2023, 12, 5), "rec-3"),
    _Call("c4", _at(2025, 11, 5), _BRUNO, _BRUNO, "0033199003001", dt.date(2025, 12, 1)),
    _Call("c5", _at(2025, 2, 12), CARLA, "anonymous", _BRUNO, _FEBRUARY),
    _Call("c6", _at(2025, 2, 13), CARLA, CARLA, _RENNES, _FEBRUARY),
    _Call("c7", _at(2026, 1, 15), _BRUNO, _BRUNO, _RENNES, None),  # not paid yet
)
#: Of c1 everything is there. The customer deleted the recording of c2, and its transcripts went
#: with it; of c3 not even a line in the list is left.
_LISTED: Final = {"rec-1": None, "rec-2": dt.date(2026, 1, 15)}
_FILES: Final = {
    Path("recordings/2025/02/10/rec-1.wav"): b"RIFF\x2c\x00\x00\x00WAVEfmt \x00\xff voices",
    Path("transcripts/2025/02/10/rec-1.txt"): "Anna : Allô ?\nBruno : Oui, bonjour.\n".encode(),
    Path("azure/rec-1.json"): b'{"combinedPhrases": [{"display": "All\\u00f4 ? Oui, bonjour."}]}',
}
RECORDING, TRANSCRIPT, AZURE = _FILES


def fill(folder: Path, url: str) -> None:
    """Fill the database at `url` and the folders; put the operator's French words beside them."""
    shutil.copytree(OPERATORS / "callr" / "letters", folder / "letters")
    engine = sa.create_engine(url, poolclass=NullPool)
    _META.create_all(engine)
    with engine.begin() as db:
        db.execute(_CUSTOMERS.insert(), [_customer(*each) for each in _PEOPLE])
        db.execute(_CONTACTS.insert(), [_contact(*each) for each in _NAMED])
        db.execute(_INVOICES.insert(), [_invoice(*each) for each in _ISSUED])
        db.execute(_CALLS.insert(), [_call(each) for each in _MADE])
        listed = [_listed(each) for each in _MADE if each.recording in _LISTED]
        db.execute(_RECORDINGS.insert(), listed)
    for account, name in _DOCUMENTS:
        _write(folder / "documents" / account / f"{name}.pdf", f"%PDF-1.4 {account}".encode())
    for path, content in _FILES.items():
        _write(folder / path, content)

    written = _at(2025, 2, 10).timestamp()  # Azure's own time of its result: its name has none
    os.utime(folder / AZURE, (written, written))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _customer(
    account: str, company: str, legal_name: str, first: str, last: str, email: str, end: str
) -> dict[str, object]:
    return {
        "account": account,
        "company": company,
        "legal_name": legal_name,
        "first_name": first,
        "last_name": last,
        "email": email,
        "iban": _IBAN + end,
        "phone": _NUMBERS[account],
        "phone_since": _SINCE.astimezone(dt.UTC),
        "closed_on": _ENDED if account == "A-502" else None,
    }


def _contact(account: str, kind: str, ended: dt.date | None) -> dict[str, object]:
    (person,) = (_customer(*each) for each in _PEOPLE if each[0] == account)
    return {
        "customer": account,
        "kind": kind,
        "name": f"{person['first_name']} {person['last_name']}",
        "email": person["email"],
        "phone": _NUMBERS[account],
        "named_on": dt.date(2020, 1, 1),
        "ended_on": ended,
    }


def _invoice(number: str, day: dt.date, account: str, cents: int) -> dict[str, object]:
    (person,) = (_customer(*each) for each in _PEOPLE if each[0] == account)
    return {
        "number": number,
        "invoiced_on": day,
        "account": account,
        "company": person["legal_name"],
        "name": f"{person['first_name']} {person['last_name']}",
        "iban": person["iban"],
        "cents": cents,
    }


def _call(call: _Call) -> dict[str, object]:
    return {
        "call_id": call.id,
        "started_at": call.at.astimezone(dt.UTC),
        "seconds": 65,
        "calling": call.calling,
        "caller_id": call.caller_id,
        "dialled": call.dialled,
        "recording": call.recording,
        "paid_on": call.paid,
    }


def _listed(call: _Call) -> dict[str, object]:
    deleted = _LISTED[str(call.recording)]
    return {
        "recording": call.recording,
        "recorded_at": call.at.astimezone(dt.UTC),
        "calling": call.calling,
        "dialled": call.dialled,
        "customer": "A-501",
        "deleted_on": deleted,
        "deleted_by": "customer" if deleted else None,
    }


def facts(folder: Path, url: str) -> dict[str, set[str]]:
    """Return what the raw stores say of Anna, of Bruno, and of everybody else.

    A recording and its transcripts are both people's and their customer's: they stand in `others`.
    """
    found: dict[str, set[str]] = {"Anna": set(), "Bruno": set(), "others": set()}
    for owner, fact in (*_customers(url), *_parties(url), *_files(folder)):
        found[owner].add(fact)
    return found


def _customers(url: str) -> Iterator[tuple[str, str]]:
    engine = sa.create_engine(url, poolclass=NullPool)
    accounts = {row[0]: number for number, row in enumerate(_PEOPLE, 1)}
    owners = {number: _OWNERS.get(account, "others") for account, number in accounts.items()}
    with engine.connect() as db:
        for row in db.execute(sa.select(_CUSTOMERS)).mappings():
            for name in ("account", "legal_name", "last_name", "email", "iban", "phone"):
                if row[name]:
                    yield owners[row["id"]], f"customer {row['id']} {name}={row[name]}"
        for row in db.execute(sa.select(_CONTACTS)).mappings():
            yield owners[row["id"]], f"contact {row['name']} {row['email']} {row['phone']}"
        for row in db.execute(sa.select(_INVOICES)).mappings():
            billed = {number: account for number, _, account, _ in _ISSUED}[row["number"]]
            fact = f"{row['number']} {row['name']} {row['iban']} {row['cents']}"
            yield _OWNERS.get(billed, "others"), fact


def _parties(url: str) -> Iterator[tuple[str, str]]:
    """Yield each number that stands in a call or in the list of recordings, with its owner."""
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.connect() as db:
        for row in db.execute(sa.select(_CALLS)).mappings():
            for name in ("calling", "caller_id", "dialled"):
                if row[name]:
                    yield _holder(row[name]), f"{row['call_id']} {name}={row[name]}"
        for row in db.execute(sa.select(_RECORDINGS)).mappings():
            for name in ("calling", "dialled"):
                if row[name]:
                    yield _holder(row[name]), f"{row['recording']} {name}={row[name]}"


def _holder(number: str) -> str:
    ends = {"3001": "Anna", "3002": "Bruno"}
    return next((name for end, name in ends.items() if number.endswith(end)), "others")


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((folder / "documents").rglob("*.pdf")):
        yield _OWNERS.get(path.parent.name, "others"), f"{path.name} {path.read_bytes()!r}"
    for each in _FILES:
        if (folder / each).exists():
            yield "others", f"{each} {(folder / each).read_bytes()!r}"
