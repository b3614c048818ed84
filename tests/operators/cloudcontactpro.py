"""CloudContactPro's stores: accounts, invoices, calls, messages, tickets, a newsletter, the web.

Anna and Bruno are customers in Europe of an operator in Wyoming; they call and text each other.
Everything can be looked at without dsr: `facts` reads the raw tables with SQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dsr.model import Hold, Identifier, Subject
from tests.operators.harness import Person, Point

__all__ = [
    "AFTER",
    "ANNA",
    "BRUNO",
    "DENVER",
    "FOREIGN",
    "HELD",
    "INSIDE",
    "SECRET",
    "facts",
    "fill",
    "visits",
]

DENVER: Final = ZoneInfo("America/Denver")

# Numbers are from ranges reserved for drama (Bundesnetzagentur: 030 23125 xxx; ARCEP: 01 99 00;
# NANPA: 555-01xx).
_ANNA: Final = "+493023125401"
_BRUNO: Final = "+33199004002"
_CARLA: Final = "+493023125403"
_CODY: Final = "+13075550142"

#: Both write by e-mail. Anna writes her number as the operator would dial it from Wyoming.
ANNA: Final = Person(
    "Anna",
    {"phone": "011 49 30 23125-401", "account": "C-7001", "email": "A.Albrecht@albrecht.example"},
    {"account_data.email": "anna@albrecht.example"},
)
BRUNO: Final = Person(
    "Bruno",
    {"phone": "+33 1 99 00 40 02", "account": "C-7002", "email": "bruno@brun.example"},
    {"account_data.name": "Bruno Brun"},
)


def _at(year: int, month: int, day: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(year, month, day, hour, tzinfo=DENVER)


# The bill of December's calls was sent on 5 January 2026: three months end with 4 April. In
# Berlin, and in UTC, it is 5 April by then.
INSIDE: Final = Point("inside", dt.datetime(2026, 4, 4, 23, 59, 59, tzinfo=DENVER))
AFTER: Final = Point("after", dt.datetime(2026, 4, 5, tzinfo=DENVER))
#: A claim is a ground wherever it is tried: Art. 17(3)(e) asks for no law of the Union.
HELD: Final = Point(
    "hold",
    AFTER.now,
    (
        Hold(
            id="claim-7",
            case="2:26-cv-00071",
            reason="claim for unpaid calls",
            law="GDPR Art. 17(3)(e)",
            subject=Subject((Identifier("phone", _BRUNO), Identifier("account", "C-7002"))),
            categories=frozenset({"call_records", "tickets"}),
        ),
    ),
)
#: What nobody may hold by: a duty under the law of the operator's seat.
FOREIGN: Final = Hold(
    id="toll-records",
    case="toll records",
    reason="18 months minimum for regulatory compliance",
    law="47 CFR s. 42.6",
    categories=frozenset({"call_records"}),
    ground="17(3)(b)",
)

_META: Final = sa.MetaData()
_MOMENT: Final = sa.DateTime(timezone=True)


def _texts(*names: str) -> Iterator[sa.Column[str]]:
    return (sa.Column(name, sa.Text) for name in names)


def _blocked() -> sa.Column[bool]:
    return sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false())


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


_ACCOUNTS: Final = sa.Table(
    "accounts",
    _META,
    _number(),
    *_texts("account", "company", "name", "email", "address", "totp_secret", "phone"),
    sa.Column("phone_since", _MOMENT),
    sa.Column("phone_until", _MOMENT),
    sa.Column("closed_at", sa.Date),
    _blocked(),
)
_INVOICES: Final = sa.Table(
    "invoices",
    _META,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("invoiced_on", sa.Date),
    sa.Column("supplied_on", sa.Date),
    *_texts("account", "company", "name", "address"),
    sa.Column("cents", sa.Integer),
    _blocked(),
)
_CALLS: Final = sa.Table(
    "calls",
    _META,
    sa.Column("call_id", sa.Text, primary_key=True),
    sa.Column("started_at", _MOMENT),
    sa.Column("seconds", sa.Integer),
    *_texts("src", "dst"),
    sa.Column("billed_at", _MOMENT),
    _blocked(),
)
_MESSAGES: Final = sa.Table(
    "messages",
    _META,
    _number(),
    sa.Column("sent_at", _MOMENT),
    *_texts("sender", "recipient", "text", "customer"),
)
_TICKETS: Final = sa.Table(
    "tickets",
    _META,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("opened_at", _MOMENT),
    sa.Column("resolved_at", _MOMENT),
    *_texts("account", "subject", "text"),
    _blocked(),
)
_SUBSCRIBERS: Final = sa.Table(
    "subscribers",
    _META,
    _number(),
    *_texts("email", "name"),
    sa.Column("consented_at", _MOMENT),
    sa.Column("last_active_at", _MOMENT),
    _blocked(),
)
_VISITS: Final = sa.Table(
    "visits",
    _META,
    _number(),
    sa.Column("seen_at", _MOMENT),
    *_texts("account", "visitor", "ip", "browser", "page"),
    _blocked(),
)
_SCORES: Final = sa.Table(
    "scores",
    _META,
    _number(),
    sa.Column("scored_at", _MOMENT),
    sa.Column("account", sa.Text),
    sa.Column("score", sa.Integer),
    sa.Column("because", sa.Text),
    _blocked(),
)

SECRET: Final = "JBSWY3DPEHPK3PXP"  # made up; no answer may hold it
_HANDED_OVER: Final = _at(2025, 1, 15, 0)  # Anna's number was Zoe's before
_ENDED: Final = dt.date(2025, 12, 31)  # Bruno's contract


class _Customer(NamedTuple):
    account: str
    company: str
    name: str
    email: str
    address: str
    phone: str
    since: dt.datetime
    until: dt.datetime | None = None
    closed: dt.date | None = None


_PEOPLE: Final = (
    _Customer(
        *("C-6900", "Zeisig GmbH", "Zoe Zeisig", "zoe@zeisig.example", "Dorfweg 9, Bonn"),
        *(_ANNA, _at(2014, 1, 1), _HANDED_OVER, dt.date(2025, 1, 15)),
    ),
    _Customer(
        *("C-7001", "Albrecht Logistik", "Anna Albrecht", "a.albrecht@albrecht.example"),
        *("Hafenstr. 1, Berlin", _ANNA, _HANDED_OVER),
    ),
    _Customer(
        *("C-7002", "Brun Conseil SAS", "B. Brun", "bruno@brun.example", "2 rue Haute, Paris"),
        *(_BRUNO, _at(2014, 6, 1), None, _ENDED),
    ),
    _Customer(
        *("C-7003", "Conrad OHG", "Carla Conrad", "carla@conrad.example", "Ring 3, Köln"),
        *(_CARLA, _at(2019, 3, 1)),
    ),
)
_OWNERS: Final = {"C-7001": "Anna", "C-7002": "Bruno"}
_BY_EMAIL: Final = {each.email: _OWNERS.get(each.account, "others") for each in _PEOPLE}

_BILLS: Final = (  # number, sent, for what was supplied until
    ("I-2016-0007", dt.date(2016, 1, 5), dt.date(2015, 12, 31), "C-7002"),
    ("I-2026-0001", dt.date(2026, 1, 5), dt.date(2025, 12, 31), "C-7001"),
    ("I-2026-0002", dt.date(2026, 1, 5), dt.date(2025, 12, 31), "C-7002"),
    ("I-2026-0003", dt.date(2026, 1, 5), dt.date(2025, 12, 31), "C-7003"),
)
_BILLED: Final = {number: _OWNERS.get(account, "others") for number, _, _, account in _BILLS}


class _Call(NamedTuple):
    id: str
    at: dt.datetime
    src: str
    dst: str
    billed: dt.datetime | None


_MADE: Final = (
    _Call("c0", _at(2025, 1, 10), _ANNA, _CODY, _at(2025, 2, 5)),  # Zoe's
    _Call("c1", _at(2025, 12, 10), "01149" + _ANNA[3:], "0033199004002", _at(2026, 1, 5)),
    _Call("c2", _at(2025, 12, 20), "33199004002", _ANNA, _at(2026, 1, 5)),
    _Call("c3", _at(2025, 2, 20), _ANNA, "13075550142", _at(2025, 3, 5)),
    _Call("c4", _at(2024, 10, 5), _BRUNO, _CODY, _at(2024, 11, 5)),
    _Call("c5", _at(2026, 3, 28), _BRUNO, "4930" + _ANNA[5:], None),  # not billed yet
    _Call("c6", _at(2025, 12, 11), _CARLA, _CODY, _at(2026, 1, 5)),
    _Call("c7", _at(2026, 2, 10), _ANNA, _CARLA, _at(2026, 3, 5)),
)
_SENT: Final = (  # what customers' services carried: a request goes to the customer
    (1, _at(2025, 12, 10), _ANNA, _BRUNO, "The pallets leave at noon.", "Albrecht Logistik"),
    (2, _at(2025, 12, 11), _BRUNO, _CODY, "Merci, see you on Monday.", "Brun Conseil SAS"),
    (3, _at(2025, 12, 12), _CARLA, _CODY, "Your order is ready.", "Conrad OHG"),
)
_ASKED: Final = (
    ("T-1", _at(2025, 5, 30), _at(2025, 6, 2), "C-7001", "Echo", "I hear myself."),
    ("T-2", _at(2026, 3, 20), None, "C-7001", "Porting", "Please port my number."),
    ("T-3", _at(2023, 4, 3), _at(2023, 4, 5), "C-7002", "Bill", "This is not mine."),
    ("T-4", _at(2025, 1, 8), _at(2025, 1, 9), "C-7003", "Headset", "Which one fits?"),
)
_CONSENTED: Final = (  # who, since when, last active
    ("a.albrecht@albrecht.example", "Anna", _at(2025, 2, 1), _at(2026, 3, 1)),
    ("bruno@brun.example", "Bruno", _at(2020, 2, 1), _at(2023, 4, 5)),
    ("carla@conrad.example", "Carla", _at(2020, 2, 1), _at(2026, 3, 1)),
)
_SEEN: Final = (  # the first is anonymised, as are all from before 2025-02-05
    (1, _at(2024, 2, 5), None, None, None, None, "/pricing"),
    (2, _at(2025, 2, 5), "C-7001", "v-5a01", "198.51.100.41", "Firefox/134 A", "/login"),
    (3, _at(2026, 3, 1), "C-7001", "v-5a01", "198.51.100.41", "Firefox/135 A", "/help"),
    (4, _at(2025, 11, 3), "C-7002", "v-5a02", "198.51.100.42", "Safari/18 B", "/cancel"),
    (5, _at(2025, 11, 4), "C-7003", "v-5a03", "198.51.100.43", "Chrome/130 C", "/login"),
    (6, _at(2026, 2, 28), None, "v-5a01", "198.51.100.41", "Firefox/135 A", "/"),  # not logged in
)
_RATED: Final = (
    (1, _at(2026, 3, 20), "C-7001", 12, "usual"),
    (2, _at(2026, 3, 6), "C-7002", 71, "night calls abroad"),
    (3, _at(2026, 3, 20), "C-7003", 10, "usual"),
)


def fill(url: str) -> None:
    """Fill the database at `url`."""
    engine = sa.create_engine(url, poolclass=NullPool)
    _META.create_all(engine)
    with engine.begin() as db:
        for number, person in enumerate(_PEOPLE, 1):
            db.execute(_ACCOUNTS.insert(), _customer(number, person))
        for bill in _BILLS:
            db.execute(_INVOICES.insert(), _invoice(*bill))
        for call in _MADE:
            db.execute(_CALLS.insert(), _row(_CALLS, call.id, call.at, 65, *call[2:]))
        for message in _SENT:
            db.execute(_MESSAGES.insert(), _row(_MESSAGES, *message))
        for ticket in _ASKED:
            db.execute(_TICKETS.insert(), _row(_TICKETS, *ticket))
        for visit in _SEEN:
            db.execute(_VISITS.insert(), _row(_VISITS, *visit))
        for score in _RATED:
            db.execute(_SCORES.insert(), _row(_SCORES, *score))
        for number, (email, name, since, active) in enumerate(_CONSENTED, 1):
            db.execute(
                _SUBSCRIBERS.insert(), _row(_SUBSCRIBERS, number, email, name, since, active)
            )


def _row(table: sa.Table, *values: object) -> dict[str, object]:
    """Return the values by the table's columns in their order, times as SQLite keeps them.

    The zone is the store's setting. The last column, `blocked`, has its default.
    """
    return {
        column.name: value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value
        for column, value in zip(table.columns, values, strict=False)
    }


def _customer(number: int, each: _Customer) -> dict[str, object]:
    return _row(_ACCOUNTS, number, *each[:5], SECRET, *each[5:])


def _invoice(number: str, sent: dt.date, supplied: dt.date, account: str) -> dict[str, object]:
    (person,) = (each for each in _PEOPLE if each.account == account)
    named = (account, person.company, person.name, person.address)
    return _row(_INVOICES, number, sent, supplied, *named, 4900)


def facts(url: str) -> dict[str, set[str]]:
    """Return what the raw tables say of Anna, of Bruno, and of everybody else.

    What a message says is both people's and a customer's: it stands in `others`.
    """
    found: dict[str, set[str]] = {"Anna": set(), "Bruno": set(), "others": set()}
    for owner, fact in (*_customers(url), *_parties(url), *_traces(url)):
        found[owner].add(fact)
    return found


def _read(url: str, table: sa.Table) -> Iterator[Mapping[str, object]]:
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.connect() as db:
        for row in db.execute(sa.select(table)).mappings():
            yield {str(name): value for name, value in row.items()}


def visits(url: str) -> list[Mapping[str, object]]:
    """Return the rows of the web's table, whole."""
    return list(_read(url, _VISITS))


def _customers(url: str) -> Iterator[tuple[str, str]]:
    owners = dict(enumerate((_OWNERS.get(each.account, "others") for each in _PEOPLE), 1))
    for row in _read(url, _ACCOUNTS):
        for name in ("account", "company", "name", "email", "address", "phone"):
            if row[name]:
                yield owners[int(str(row["id"]))], f"account {row['id']} {name}={row[name]}"
    for row in _read(url, _INVOICES):
        yield _BILLED[str(row["number"])], f"{row['number']} {row['name']} {row['address']}"


def _parties(url: str) -> Iterator[tuple[str, str]]:
    for row in _read(url, _CALLS):
        for side in ("src", "dst"):
            if row[side]:
                owner = "others" if row["call_id"] == "c0" else _holder(str(row[side]))
                yield owner, f"{row['call_id']} {row[side]}"
    for row in _read(url, _MESSAGES):
        yield "others", f"message {row['sender']} {row['recipient']} {row['text']}"


def _holder(number: str) -> str:
    ends = {"23125401": "Anna", "199004002": "Bruno"}
    return next((name for end, name in ends.items() if number.endswith(end)), "others")


def _traces(url: str) -> Iterator[tuple[str, str]]:
    for row in _read(url, _TICKETS):
        yield _OWNERS.get(str(row["account"]), "others"), f"{row['number']} {row['text']}"
    for row in _read(url, _SUBSCRIBERS):
        yield _BY_EMAIL[str(row["email"])], f"subscriber {row['email']} {row['name']}"
    for row in _read(url, _VISITS):
        fact = f"visit {row['id']} {row['account']} {row['visitor']} {row['ip']} {row['page']}"
        yield _OWNERS.get(str(row["account"]), "others"), fact
    for row in _read(url, _SCORES):
        yield _OWNERS.get(str(row["account"]), "others"), f"score {row['id']} {row['because']}"
