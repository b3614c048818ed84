"""Address books on a real Radicale, and the connector that reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from dsr.model import Found, Identifier, Record, Unread
from dsr.settings import Context
from dsr.testing import Harness
from dsr_carddav.config import from_config
from dsr_carddav.connector import CardDav
from tests.servers.radicale import Radicale

SUBJECT: Final = Identifier("phone", "+4930901820")
BYSTANDER: Final = Identifier("phone", "+4930901821")

#: A picture is a property whose value is no text.
PHOTO: Final = "PHOTO;ENCODING=b;TYPE=JPEG:" + "/9j/4AAQ" * 20


def card(uid: str, *lines: str, version: str = "3.0") -> str:
    """Return a card as Radicale writes it, so that it stays as it is."""
    text = ["BEGIN:VCARD", f"VERSION:{version}", f"UID:{uid}", "FN:Somebody", "N:Body;Some;;;"]
    return "\r\n".join([*text, *lines, "END:VCARD", ""])


def store(server: Radicale, **table: Any) -> CardDav:
    """Return the connector with the login of the test server's administrator."""
    whole = {
        "url": server.url,
        "category": "address_book",
        "user": "dsr",
        "password": f"file:{server.folder}/password",
        "books": ["/"],
        "radicale_folder": str(server.storage),
        **table,
    }
    (server.folder / "password").write_text("dsr-secret\n")
    return from_config("book", whole, Context("DE", server.folder))


def found(book: CardDav, *who: Identifier) -> list[Record]:
    everything = book.find(who or [SUBJECT])
    return [each.record for each in everything if isinstance(each, Found)]


def keys(book: CardDav, *who: Identifier) -> list[str]:
    return [each.key for each in found(book, *who)]


def unread(book: CardDav) -> list[str]:
    return [each.reason for each in book.find([SUBJECT]) if isinstance(each, Unread)]


def holding(server: Radicale, text: str) -> list[str]:
    """Return which files below the storage hold `text`, in their bytes or in their names."""
    return [
        str(path.relative_to(server.storage))
        for path in files(server)
        if text.encode() in path.read_bytes() or text in str(path)
    ]


def files(server: Radicale) -> Iterator[Path]:
    return (path for path in sorted(server.storage.rglob("*")) if path.is_file())


def sync(server: Radicale, book: str, token: str = "") -> tuple[int, str, dict[str, int]]:
    """Ask what changed since `token`: status, new token, and each card's name with its status."""
    body = (
        f'<sync-collection xmlns="DAV:"><sync-token>{token}</sync-token>'
        "<sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"
    )
    status, answer = server.send("REPORT", book, body, content_type="text/xml")
    text = answer.decode()
    cards = re.findall(r"<response><href>[^<]*/([^/<]+)</href>(.*?)</response>", text, re.DOTALL)
    told = {name: 404 if "404" in rest else 200 for name, rest in cards}
    new = re.search(r"<sync-token>([^<]*)</sync-token>", text)
    return status, new[1] if new else "", told


class RadicaleHarness(Harness):
    """Three users' books; one client synchronises, so that there are caches and histories."""

    subject = SUBJECT
    bystander = BYSTANDER
    entry = "carddav"
    server = "Radicale"
    verbs = frozenset({"erase", "redact", "rectify", "split", "check"})
    derived = frozenset({"vcard", "etag"})

    def __init__(self, server: Radicale, **table: Any) -> None:
        """Take an empty server."""
        self.radicale = server
        self.connector = store(server, **table)

    def seed(self) -> int:
        for book in ("/eva/contacts/", "/bob/work/", "/bob/home/"):
            self.radicale.book(book)
        put = self.radicale.put
        put("/eva/contacts/own-1.vcf", card("1", "NOTE:mine-1", "TEL;TYPE=work:+49 30 901820"))
        put("/eva/contacts/own-2.vcf", card("2", "NOTE:mine-2", PHOTO, "TEL:030/901820"))
        put("/bob/work/own%25%203.vcf", card("3", "EMAIL:e@x.de", "NOTE:mine-3", "TEL:03090182 0"))
        uri = "TEL;VALUE=uri:tel:+49-30-901820"
        put("/bob/home/own-4.vcf", card("4", "NOTE:mine-4", uri, version="4.0"))
        put("/eva/contacts/other-1.vcf", card("5", "TEL:030 901821"))
        put("/bob/home/other-2.vcf", card("6", PHOTO, "TEL:+49 30 9018200"))
        put("/bob/home/other-3.vcf", card("7", "NOTE:her boss: 0049 30 901820", "TEL:030901821"))
        for book in ("/eva/contacts/", "/bob/work/", "/bob/home/"):
            sync(self.radicale, book)
        return 5

    def count(self) -> int:
        marks: set[bytes] = set()
        for path in files(self.radicale):
            raw = path.read_bytes()
            marks |= {*re.findall(rb"mine-\d", raw), *re.findall(rb"0049 30 901820", raw)}
        return len(marks)

    def others(self) -> bytes:
        cards = [path.read_bytes() for path in files(self.radicale) if "other-" in path.name]
        live = [raw for raw in cards if raw.startswith(b"BEGIN")]
        return b"".join(re.sub(rb"00\w\w \w\w \w{6}|xx\w\w xx x{6}", b"", each) for each in live)

    def changes(self, record: Record) -> Mapping[str, object]:
        if "email" not in record.data:
            return {}
        return {"fn": "Müller, Eva; " + "x" * 80, "email": "new@example.org"}

    def unreachable(self) -> CardDav:
        return store(self.radicale, url="http://127.0.0.1:9/")
