"""Rows of Asterisk's smaller tables, for the laws of every connector: each speaks of one person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import md5, sha256
from typing import Any, Final

from attrs import frozen

from asterisk_rows import ALICE, ALICE_DESK, BOB, BOB_DESK
from dsr.model import Credential, Identifier

__all__ = ["DESK", "PHONE", "SMALL", "VERBS", "WHOLE", "Row", "Seed"]

Row = Mapping[str, object]

PHONE: Final = re.compile(r"30 ?901820(?!\d)")
DESK: Final = re.compile(r"(?<![\d.])1001(?!\d)")
#: Where the person is the key of the row, which cannot be emptied.
WHOLE: Final = frozenset({"erase", "rectify", "split", "check", "credentials"})
VERBS: Final = WHOLE | {"redact"}


@frozen
class Seed:
    """A table's rows, by what `number` says of each.

    hers     rows that speak of Alice alone
    shared   in rows that speak of others, too: the columns about Alice
    pieces   columns in which only a piece is hers
    named    what the raw text of a value about her matches
    vouched  whose password hashes are in them
    """

    table: str
    number: str
    rows: Sequence[Row]
    hers: frozenset[object]
    named: re.Pattern[str]
    change: Mapping[str, object]
    shared: Mapping[object, frozenset[str]] = {}
    pieces: Mapping[object, frozenset[str]] = {}
    settings: Mapping[str, Any] = {}
    verbs: frozenset[str] = VERBS
    vouched: Mapping[Identifier, Sequence[Credential]] = {}


def _numbers(table: str, number: str, *rows: Row, **more: Any) -> Seed:
    """Return rows of which the first two have Alice's number, and the others Bob's."""
    hers = frozenset(row[number] for row in rows[:2])
    return Seed(table, number, rows, hers, PHONE, **more)


def _desks(table: str, number: str, *rows: Row, **more: Any) -> Seed:
    """Return rows of which the first two are those of extension 1001, and the others of 10010."""
    hers = frozenset(row[number] for row in rows[:2])
    return Seed(table, number, rows, hers, DESK, **more)


def endpoints() -> Seed:
    """Two endpoints of one number: in a table of one party, everything is hers."""
    return _numbers(
        "ps_endpoints",
        "id",
        {"id": "1001", "callerid": '"Alice" <+4930901820>', "mailboxes": "1001@default"},
        {"id": "1001-mobile", "callerid": "030901820"},
        {"id": "10010", "callerid": '"Bob" <+49309018200>', "mailboxes": "10010@default"},
        change={"accountcode": "corrected"},
        verbs=WHOLE,
    )


def contacts() -> Seed:
    """Where her telephones are registered from."""
    return _desks(
        "ps_contacts",
        "id",
        {"id": "a;@1", "endpoint": "1001", "uri": "sip:1001@192.0.2.7", "via_addr": "192.0.2.7"},
        {"id": "b;@2", "endpoint": None, "uri": "sip:1001@192.0.2.8", "via_addr": "192.0.2.8"},
        {"id": "c;@3", "endpoint": "10010", "uri": "sip:10010@192.0.2.9", "via_addr": "192.0.2.9"},
        change={"user_agent": "corrected"},
        verbs=WHOLE,
    )


def _hash(user: str, algorithm: str = "MD5") -> str:
    text = f"{user}:asterisk:secret".encode()
    return (md5 if algorithm == "MD5" else sha256)(text).hexdigest()


def auths() -> Seed:
    """Credentials, two of hers: an old hash, and a newer one beside the password."""
    new = _hash("1001", "SHA-256")
    return _desks(
        "ps_auths",
        "id",
        {"id": "1001", "auth_type": "md5", "username": "1001", "md5_cred": _hash("1001")},
        {"id": "1001-2", "username": "1001", "password_digest": f"SHA-256:{new}", "password": "s"},
        {"id": "10010", "auth_type": "md5", "username": "10010", "md5_cred": _hash("10010")},
        change={"realm": "corrected"},
        verbs=WHOLE,
        vouched={
            ALICE_DESK: [
                Credential("1001", "asterisk", "MD5", _hash("1001")),
                Credential("1001", "asterisk", "SHA-256", new),
            ],
            BOB_DESK: [Credential("10010", "asterisk", "MD5", _hash("10010"))],
        },
    )


def aors() -> Seed:
    """Addresses of record."""
    return _desks(
        "ps_aors",
        "id",
        {"id": "1001", "contact": "sip:1001@192.0.2.7", "mailboxes": "1001@default"},
        {"id": "mobile", "contact": "sip:1001@192.0.2.8"},
        {"id": "10010", "contact": "sip:10010@192.0.2.9", "mailboxes": "10010@default"},
        change={"mailboxes": "1001@corrected"},
        verbs=WHOLE,
    )


def users() -> Seed:
    """Extensions of FreePBX that show her number."""
    return _numbers(
        "users",
        "extension",
        {"extension": "1001", "name": "Alice", "outboundcid": '"Alice" <+4930901820>'},
        {"extension": "1002", "name": "Alice's door", "outboundcid": "030901820"},
        {"extension": "10010", "name": "Bob", "outboundcid": "+49309018200"},
        change={"name": "Corrected"},
        verbs=WHOLE,
    )


def people() -> Seed:
    """Users of FreePBX's User Manager."""
    return _numbers(
        "userman_users",
        "id",
        {"id": 1, "displayname": "Alice", "work": "+4930901820"},
        {"id": 2, "displayname": "Alice on the way", "cell": "030 901820"},
        {"id": 3, "displayname": "Bob", "home": "+49309018200"},
        change={"displayname": "Corrected"},
    )


def devices() -> Seed:
    """Telephones of FreePBX that show her number in an emergency."""
    return _numbers(
        "devices",
        "id",
        {"id": "1001", "description": "Alice", "emergency_cid": "+4930901820"},
        {"id": "1002", "description": "Alice", "emergency_cid": "030901820"},
        {"id": "10010", "description": "Bob", "emergency_cid": "+49309018200"},
        change={"description": "Corrected"},
        verbs=WHOLE,
    )


def members() -> Seed:
    """Her telephones in two queues."""
    return _desks(
        "queue_members",
        "uniqueid",
        {"uniqueid": 1, "queue_name": "sales", "interface": "PJSIP/1001"},
        {"uniqueid": 2, "queue_name": "help", "interface": "Local/1001@from-queue/n"},
        {"uniqueid": 3, "queue_name": "sales", "interface": "PJSIP/10010"},
        change={"queue_name": "corrected"},
    )


def holders() -> Seed:
    """Mailboxes that are called as her numbers."""
    box = {"context": "default", "password": "4711"}
    return _numbers(
        "voicemail",
        "uniqueid",
        {"uniqueid": 1, "mailbox": "030901820", **box},
        {"uniqueid": 2, "mailbox": "4930901820", **box},
        {"uniqueid": 3, "mailbox": "0309018200", **box},
        change={"fullname": "Corrected"},
    )


#: Each with whom it is searched for, and who is no match.
SMALL: Final = [
    (made, *((ALICE_DESK, BOB_DESK) if made.named is DESK else (ALICE, BOB)))
    for made in (
        endpoints(),
        contacts(),
        auths(),
        aors(),
        users(),
        people(),
        devices(),
        members(),
        holders(),
    )
]
