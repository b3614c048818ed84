"""Stores of platforms, filled with what `tests.laws.people` says, and looked at raw.

Asterisk's voicemail on disk and its call records, Kamailio's accounting, and the address books
of sabre/dav.
"""

from __future__ import annotations

import random
import re
from abc import abstractmethod
from collections.abc import Mapping
from hashlib import md5
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from attrs import field, frozen
from sqlalchemy.pool import NullPool

from dsr.connector import Connector
from dsr.connectors import voicemail
from dsr.settings import Context
from dsr_asterisk.database import from_config as asterisk_from_config
from dsr_carddav.sabredav import from_config as sabre_from_config
from dsr_kamailio.database import from_config as kamailio_from_config
from tests.connectors.voicemail_spools import leave
from tests.laws.people import digits
from tests.laws.stores import Raw, Side, bare

__all__ = ["Accounting", "CallRecords", "Contacts", "Messages"]

_MAILBOX: Final = 100  # messages that Asterisk lets a mailbox hold
_MESSAGE: Final = re.compile(r"^callerid=(.*)\n(?s:.*)^msg_id=\d+-(\d+)$", re.MULTILINE)


@frozen
class Messages(Raw):
    """Voicemail that callers left in mailboxes of others."""

    sides: ClassVar[tuple[str, ...]] = ("src",)
    name: ClassVar[str] = "messages"

    def fill(self) -> None:
        for n, each in enumerate(self.calls):
            stamp = int(each.at.timestamp())
            leave(
                self.folder / "default" / f"{100 + n // _MAILBOX}" / "INBOX",
                each.src_text,
                n,
                origtime=str(stamp),
                msg_id=f"{stamp}-{n:08}",
            )

    @property
    def connector(self) -> Connector:
        settings = {"path": "", "category": self.name}
        return voicemail.from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        found = {}
        for path in self.folder.rglob("msg*.txt"):
            told = _MESSAGE.search(path.read_text())
            assert told is not None
            sound = path.with_suffix(".wav").read_bytes()
            found[int(told[2]), "src"] = f"{told[1]} {md5(sound).hexdigest()}".encode()  # noqa: S324
        return found

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        del about
        return int(str(data["msg_id"]).partition("-")[2]), "src"


@frozen
class _Tables(Raw):
    """Tables of a platform in SQLite; `url` is theirs."""

    url: str = field(repr=False, kw_only=True)
    create: ClassVar[tuple[str, ...]]
    table: ClassVar[str]

    def fill(self) -> None:
        rows = [self.row(n) for n in range(len(self.calls))]
        names = ", ".join(f'"{name}"' for name in rows[0])
        marks = ", ".join(f":{name}" for name in rows[0])
        with self.open() as db:
            for each in self.create:
                db.execute(sa.text(each))
            db.execute(sa.text(f"INSERT INTO {self.table} ({names}) VALUES ({marks})"), rows)  # noqa: S608

    @abstractmethod
    def row(self, n: int) -> dict[str, Any]:
        """Return the row of a call."""

    def open(self) -> Any:
        return sa.create_engine(self.url, poolclass=NullPool).begin()

    def read(self, columns: str) -> list[Any]:
        with self.open() as db:
            return list(db.execute(sa.text(f"SELECT {columns} FROM {self.table}")))  # noqa: S608


@frozen
class CallRecords(_Tables):
    """Asterisk's `cdr`: no key, and each number in more than one column."""

    name: ClassVar[str] = "call_records"
    table: ClassVar[str] = "cdr"
    create: ClassVar[tuple[str, ...]] = (
        (
            "CREATE TABLE cdr (accountcode TEXT, src TEXT, dst TEXT, dcontext TEXT, clid TEXT,"
            " channel TEXT, dstchannel TEXT, lastapp TEXT, lastdata TEXT, start TIMESTAMP,"
            ' answer TIMESTAMP, "end" TIMESTAMP, duration INT, billsec INT, disposition TEXT,'
            " amaflags TEXT, userfield TEXT, uniqueid TEXT, linkedid TEXT, peeraccount TEXT,"
            " sequence INT)"
        ),
        "CREATE INDEX cdr_src ON cdr (src)",
        "CREATE INDEX cdr_dst ON cdr (dst)",
    )

    def row(self, n: int) -> dict[str, Any]:
        each, rng = self.calls[n], random.Random(n)
        return {
            "src": each.src_text,
            "dst": each.dst_text,
            "clid": f'"Somebody" <{bare(each.src_text)}>',
            "channel": f"PJSIP/{digits(rng, *each.src)}-{n:08x}",
            "dstchannel": f"PJSIP/{digits(rng, *each.dst)}-{n:08x}",
            "start": each.at.replace(tzinfo=None).isoformat(" ", "microseconds"),
            "uniqueid": f"1700000000.{n}",
            "sequence": n,
        }

    @property
    def connector(self) -> Connector:
        settings = {"url": self.url, "timezone": "UTC", "parts": ["cdr"]}
        return asterisk_from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        found = {}
        for n, src, clid, channel, dst, peer in self.read(
            "sequence, src, clid, channel, dst, dstchannel"
        ):
            found[n, "src"] = repr((src, clid, channel)).encode()
            found[n, "dst"] = repr((dst, peer)).encode()
        return found

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        side = "src" if about in {"src", "clid", "channel", "accountcode"} else "dst"
        return int(str(data["sequence"])), side


@frozen
class Accounting(_Tables):
    """Kamailio's `acc`, whose users are digits."""

    name: ClassVar[str] = "accounting"
    table: ClassVar[str] = "acc"
    create: ClassVar[tuple[str, ...]] = (
        (
            "CREATE TABLE acc (id INTEGER PRIMARY KEY, method TEXT NOT NULL,"
            " from_tag TEXT NOT NULL, to_tag TEXT NOT NULL, callid TEXT NOT NULL,"
            " sip_code TEXT NOT NULL,"
            " sip_reason TEXT NOT NULL, time TIMESTAMP NOT NULL, src_user TEXT NOT NULL,"
            " src_domain TEXT NOT NULL, src_ip TEXT NOT NULL, dst_ouser TEXT NOT NULL,"
            " dst_user TEXT NOT NULL, dst_domain TEXT NOT NULL)"
        ),
    )

    def row(self, n: int) -> dict[str, Any]:
        each, rng = self.calls[n], random.Random(n)
        fixed = {"method": "INVITE", "sip_code": "200", "sip_reason": "OK", "src_ip": "192.0.2.1"}
        return {
            **fixed,
            "id": n,
            "from_tag": f"f{n}",
            "to_tag": f"t{n}",
            "callid": f"{n}@192.0.2.1",
            "time": each.at.replace(tzinfo=None).isoformat(" ", "microseconds"),
            "src_user": digits(rng, *each.src),
            "src_domain": "sip.example.org",
            "dst_ouser": digits(rng, *each.dst),
            "dst_user": digits(rng, *each.dst),
            "dst_domain": "sip.example.org",
        }

    @property
    def connector(self) -> Connector:
        settings = {
            "url": self.url,
            "timezone": "UTC",
            "domains": ["sip.example.org"],
            "parts": ["acc"],
        }
        return kamailio_from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        found = {}
        for n, src, original, dst in self.read("id, src_user, dst_ouser, dst_user"):
            found[n, "src"], found[n, "dst"] = src.encode(), repr((original, dst)).encode()
        return found

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        side = "src" if about.startswith(("src", "from")) else "dst"
        return int(str(data["id"])), side


@frozen
class Contacts(_Tables):
    """The cards of sabre/dav, each with the caller's number."""

    sides: ClassVar[tuple[str, ...]] = ("src",)
    name: ClassVar[str] = "contacts"
    table: ClassVar[str] = "cards"
    create: ClassVar[tuple[str, ...]] = (
        (
            "CREATE TABLE addressbooks (id INTEGER PRIMARY KEY, principaluri TEXT,"
            " displayname TEXT, uri TEXT, description TEXT, synctoken INTEGER NOT NULL DEFAULT 1)"
        ),
        (
            "CREATE TABLE cards (id INTEGER PRIMARY KEY, addressbookid INTEGER NOT NULL,"
            " carddata BLOB, uri TEXT, lastmodified INTEGER, etag TEXT, size INTEGER NOT NULL)"
        ),
        (
            "CREATE TABLE addressbookchanges (id INTEGER PRIMARY KEY, uri TEXT NOT NULL,"
            " synctoken INTEGER NOT NULL, addressbookid INTEGER NOT NULL, operation INT NOT NULL)"
        ),
        "INSERT INTO addressbooks (id, principaluri, uri) VALUES (1, 'principals/x', 'default')",
    )

    def row(self, n: int) -> dict[str, Any]:
        each = self.calls[n]
        text = (
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{n}\r\nREV:{each.at:%Y%m%dT%H%M%SZ}\r\n"
            f"FN:X\r\nTEL:{bare(each.src_text)}\r\nEND:VCARD\r\n"
        ).encode()
        return {
            "id": n + 1,
            "addressbookid": 1,
            "carddata": text,
            "uri": f"{n}.vcf",
            "lastmodified": 1_772_710_215,
            "etag": md5(text).hexdigest(),  # noqa: S324  (as sabre/dav computes it)
            "size": len(text),
        }

    @property
    def connector(self) -> Connector:
        settings = {"url": self.url, "category": self.name}
        return sabre_from_config(self.name, settings, Context("DE", self.folder))

    def look(self) -> dict[Side, bytes]:
        return {(n - 1, "src"): bytes(card) for n, card in self.read("id, carddata")}

    def place(self, data: Mapping[str, object], about: str = "") -> Side:
        del about
        return int(str(data["uid"])), "src"
