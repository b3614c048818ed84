"""CardDAV over HTTP: discovery, whom a book belongs to, versions, and servers that are odd."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from carddav_books import SUBJECT, card, found, holding, keys, store, unread
from dsr.connector import Owns
from dsr.connectors.vcards.cards import Card
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.model import Found, Identifier, Unread
from dsr.settings import Context
from dsr_carddav import sabredav
from dsr_carddav.config import from_config
from dsr_carddav.connector import CardDav
from odd_servers import BOOK, Odd, multistatus, odd_server, response
from tests.servers.radicale import Radicale, radicale

__all__ = ["radicale"]

MINE = card("1", "NOTE:mine", "TEL:+49 30 901820")
EVA = Identifier("account", "eva")


@pytest.fixture
def odd() -> Iterator[Odd]:
    """Return a server that answers as it is told."""
    with odd_server() as server:
        yield server


def plain(url: str, **table: Any) -> CardDav:
    whole = {"url": url, "category": "address_book", "books": ["/book/"], **table}
    return from_config("book", whole, Context("DE", Path()))


# where books are


def test_a_user_finds_their_own_books(radicale: Radicale) -> None:
    """Without `books`, discovery goes from the address to the user's principal and home."""
    for book in ("/eva/one/", "/eva/two/", "/bob/one/"):
        radicale.book(book)
        radicale.put(f"{book}a.vcf", MINE)
    (radicale.folder / "evas").write_text("eva-secret\n")
    login: dict[str, Any] = {"user": "eva", "password": f"file:{radicale.folder}/evas"}
    assert len(found(store(radicale, books=[], **login))) == 2
    assert len(found(store(radicale, books=["/bob/"]))) == 1
    assert len(found(store(radicale, books=["/bob/one/", "eva/two/"]))) == 2
    assert len(found(store(radicale))) == 3


def test_books_are_split_one_by_one(radicale: Radicale) -> None:
    """Each book is a part; what stands in the way of finding books is in exactly one part."""
    for book in ("/eva/one/", "/eva/two/", "/bob/one/"):
        radicale.book(book)
    assert [str(each.part) for each in store(radicale).split()] == [
        f"address book {number} of 3" for number in (1, 2, 3)
    ]


def test_a_book_that_may_not_be_read_is_told(radicale: Radicale) -> None:
    """Law 4: books of a user that the login may not see are a gap, which names nobody."""
    radicale.book("/eva/one/")
    radicale.put("/eva/one/a.vcf", MINE)
    radicale.book("/bob/one/")
    (radicale.folder / "evas").write_text("eva-secret\n")
    login: dict[str, Any] = {"user": "eva", "password": f"file:{radicale.folder}/evas"}
    with pytest.raises(StoreUnavailable, match="answers 403") as raised:
        found(store(radicale, books=["/eva/", "/bob/"], **login))
    assert "bob" not in str(raised.value)


def test_a_home_that_may_not_be_read_is_told(odd: Odd) -> None:
    """Law 4: one user's books that cannot be listed do not hide those of others."""
    home = "<c:addressbook-home-set><d:href>{}</d:href></c:addressbook-home-set>"
    kind = "<d:resourcetype><d:collection/></d:resourcetype>"
    users = [response(f"/p/{each}/", kind + home.format(f"/h/{each}/")) for each in "ab"]
    own = response("/p/", kind)
    odd.answer("PROPFIND", "/p/", 207, multistatus(own), depth="0")
    odd.answer("PROPFIND", "/p/", 207, multistatus(own, *users), depth="1")
    for name, each in zip("ab", users, strict=True):
        odd.answer("PROPFIND", f"/p/{name}/", 207, multistatus(each))
    odd.answer("PROPFIND", "/h/a/", 403)
    odd.answer("PROPFIND", "/h/b/", 207, multistatus(response("/h/b/x/", BOOK)))
    odd.answer("PROPFIND", "/h/b/x/", 207, multistatus(response("/h/b/x/", BOOK)))
    book = plain(odd.url, books=["/p/"])
    assert unread(book) == ["the books of a user: the server answers 403"]
    assert [each.text for each in book.check() if each.kind == "right"] == unread(book)
    parts = book.split()
    assert sorted(each for part in parts for each in unread(part)) == unread(book)
    with pytest.raises(Refused, match="not all address books"):
        book.erase(["0123456789abcdef-0123456789abcdef"])


def test_an_address_that_leads_to_no_book(odd: Odd) -> None:
    """A wrong address is not a server without cards."""
    kind = "<d:resourcetype><d:collection/></d:resourcetype>"
    odd.answer("PROPFIND", "/files/", 207, multistatus(response("/files/", kind)))
    with pytest.raises(StoreUnavailable, match="leads to no address book"):
        found(plain(odd.url, books=["/files/"]))
    with pytest.raises(StoreUnavailable, match="answers 404"):
        found(plain(odd.url, books=["/nowhere/"]))


# whose books they are


def test_an_owner_finds_the_book_and_a_mention_does_not_tell_whose(radicale: Radicale) -> None:
    """Rule 27 (GDPR Art. 20(4)): no key, data, error, repr or gap names another owner."""
    radicale.book("/eva/contacts/")
    source = "SOURCE:http://127.0.0.1/eva/contacts/a.vcf"
    radicale.put("/eva/contacts/a.vcf", card("1", source, "TEL:030901820"))
    radicale.put("/eva/contacts/b.vcf", card("2", "NOTE:call 030 901820 at home", "TEL:1234"))
    place = radicale.storage / "collection-root/eva/contacts"
    (place / ".Radicale.cache/history/030901820.vcf").write_bytes(b"")
    book = store(radicale, owner="{account}/{any}")
    assert len({each.key for each in found(book, EVA)}) == 3
    told = list(book.find([SUBJECT]))
    assert len(told) == 3
    for each in told:
        assert isinstance(each, Found)
        shown = f"{each!r} {each.record.key} {dict(each.record.data)}"
        assert "eva" not in shown
        assert "contacts" not in shown
        assert "1234" not in shown  # whose card mentions the person
    assert "eva" not in repr(book) + repr(book.split())
    assert EVA.kind not in store(radicale).accepts


def test_a_mention_is_covered_and_the_card_stays(radicale: Radicale) -> None:
    """Law 7: of another person's card only the mention goes; a picture and all else stay."""
    radicale.book("/eva/contacts/")
    text = card("2", "NOTE:call 030 901820 at home", "TEL:1234")
    radicale.put("/eva/contacts/b.vcf", text)
    book = store(radicale)
    (record,) = found(book)
    assert record.data == {"note": "call 030 901820 at home"}
    book.erase([record.key])
    book.erase([record.key])
    _, raw = radicale.send("GET", "/eva/contacts/b.vcf")
    assert raw.decode() == text.replace("030 901820", "xxx xxxxxx")
    assert holding(radicale, "901820") == []
    with pytest.raises(Refused, match="a mention is no card"):
        book.rectify(record.key, {"note": "x"})


# versions


def test_somebody_else_changes_the_card_meanwhile(
    radicale: Radicale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card is written in the version that was read: another client's change is not lost."""
    radicale.book("/eva/contacts/")
    path = "/eva/contacts/a.vcf"
    radicale.put(path, card("1", "EMAIL:old@x.de", "NOTE:mine", "TEL:+49 30 901820"))
    book = store(radicale)
    (key,) = keys(book)
    tries = [1]

    def slow(each: Card, changes: Mapping[str, str]) -> Card:
        if tries:  # between our reading and our writing
            tries.pop()
            radicale.put(path, each.changed("email", ["new@x.de"]).raw.decode())
        return each.changed("note", [changes["note"]])

    monkeypatch.setattr("dsr_carddav.connector.rectified", slow)
    book.rectify(key, {"note": "hers"})
    (record,) = found(book)
    assert (record.data["email"], record.data["note"]) == ("new@x.de", "hers")


def test_somebody_else_keeps_changing_the_card(odd: Odd) -> None:
    """A card whose version is always another one is refused, and not overwritten."""
    odd.book(response("/book/a.vcf", '<d:getetag>"1"</d:getetag><d:resourcetype/>'))
    odd.answer("REPORT", "/book/", 405)
    odd.answer("GET", "/book/a.vcf", 200, MINE, etag='"1"')
    odd.answer("PUT", "/book/a.vcf", 412)
    odd.answer("DELETE", "/book/a.vcf", 412)
    book = plain(odd.url)
    (key,) = keys(book)
    redact = partial(book.redact, {key: frozenset({"note"})})
    for call in (partial(book.erase, [key]), redact):
        with pytest.raises(Refused, match="somebody else keeps changing"):
            call()
    written = [each for each in odd.asked if each[0] in {"PUT", "DELETE"}]
    assert {each[2]["if-match"] for each in written} == {'"1"'}
    assert len(written) == 10


def test_a_weak_version_is_not_named(odd: Odd) -> None:
    """A weak entity tag never fits If-Match (RFC 9110, 13.1.1): without one a card still goes."""
    odd.book(response("/book/a.vcf", '<d:getetag>W/"1"</d:getetag><d:resourcetype/>'))
    odd.answer("REPORT", "/book/", 405)
    odd.answer("GET", "/book/a.vcf", 200, MINE)
    odd.answer("DELETE", "/book/a.vcf", 204)
    book = plain(odd.url)
    book.erase(keys(book))
    assert "if-match" not in odd.asked[-1][2]


def test_gone_is_success(odd: Odd) -> None:
    """Twice is success: a card that somebody else deleted meanwhile is erased."""
    odd.book(response("/book/a.vcf", '<d:getetag>"1"</d:getetag><d:resourcetype/>'))
    odd.answer("GET", "/book/a.vcf", 200, MINE)
    odd.answer("DELETE", "/book/a.vcf", 404)
    book = plain(odd.url)
    book.erase(keys(book))
    odd.answers["GET", "/book/a.vcf"] = [(404, {}, "")]
    assert found(book) == []
    book.redact({"x": frozenset({"tel"})})


# reading


def test_many_cards_and_odd_ones(radicale: Radicale) -> None:
    """Every card of a large book is read and erased, whatever the name of its file."""
    radicale.book("/eva/contacts/")
    folder = radicale.storage / "collection-root/eva/contacts"
    for number in range(230):
        (folder / f"{number}.vcf").write_bytes(card(f"u{number}", "TEL:030901820").encode())
    (folder / "odd & <one>%25.vcf").write_bytes(card("odd", "TEL:030901820").encode())
    book = store(radicale)
    records = found(book)
    assert len(records) == len({each.key for each in records}) == 231
    assert unread(book) == []
    book.erase([each.key for each in records])
    assert found(book) == []
    assert holding(radicale, "901820") == []


def test_cards_that_do_not_come_together_are_asked_for_one_by_one(odd: Odd) -> None:
    """One card with a sign that XML cannot hold spoils the answer: none goes missing, or twice."""
    props = '<d:getetag>"1"</d:getetag>'
    names = [f"/book/{number}.vcf" for number in range(4)]
    odd.book(*(response(each, props) for each in names))
    bell = MINE.replace("mine", "bell \x07")
    given = [response(each, f"<c:address-data>{MINE}</c:address-data>") for each in names[:2]]
    spoilt = response(names[2], f"<c:address-data>{bell}</c:address-data>")
    odd.answer("REPORT", "/book/", 207, multistatus(*given, spoilt))
    for each in names:
        odd.answer("GET", each, 200, bell if each == names[2] else MINE)
    records = found(plain(odd.url))
    assert len({each.key for each in records}) == len(records) == 4
    assert sorted({str(each.data["note"]) for each in records}) == ["bell \x07", "mine"]
    assert {str(each.data["vcard"]) for each in records} == {MINE, bell}


def test_the_record_is_the_card(radicale: Radicale) -> None:
    """Right of access: the whole card with its picture, each property, and when it was changed."""
    radicale.book("/eva/contacts/")
    text = card(
        "1", "ORG:a", "ORG:b", "PHOTO;ENCODING=b:AAAA", "REV:20260102T030405Z",
        "TEL:030901820", "TITLE:",
    )  # fmt: skip
    radicale.put("/eva/contacts/a.vcf", text)
    (record,) = found(store(radicale))
    assert record.data == {
        "vcard": text,
        "version": "3.0",
        "uid": "1",
        "fn": "Somebody",
        "n": "Body;Some;;;",
        "org": ["a", "b"],
        "rev": "20260102T030405Z",
        "tel": "030901820",
        "title": "",
    }
    assert record.personal == {"vcard", "fn", "n", "org", "tel"}
    assert record.at == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def test_what_is_no_whole_card_is_told(odd: Odd) -> None:
    """Law 4: neither half a card nor two cards nor an answer 500 is a card without data."""
    bodies = [MINE[:40], MINE + MINE, "", MINE]
    props = '<d:getetag>"1"</d:getetag>'
    odd.book(*(response(f"/book/{number}.vcf", props) for number in range(5)))
    for number, body in enumerate(bodies):
        odd.answer("GET", f"/book/{number}.vcf", 200, body)
    odd.answer("GET", "/book/4.vcf", 500)
    book = plain(odd.url)
    assert len(found(book)) == 1
    place = "address book 1 of 1: "
    assert unread(book) == [
        *[f"{place}something in it is not one whole card"] * 3,
        f"{place}a card: the server answers 500",
    ]


@pytest.mark.parametrize(
    "cut",
    [
        response("/book/", status=507),
        response("/book/b.vcf", status=500),
        "<d:response><d:href>/book/a",
    ],
)
def test_a_listing_that_is_cut_off_is_not_a_short_one(odd: Odd, cut: str) -> None:
    """Law 4: a server that does not list all of a book (RFC 6578, 3.6) makes a gap."""
    props = '<d:getetag>"1"</d:getetag>'
    odd.book(response("/book/a.vcf", props), cut)
    odd.answer("GET", "/book/a.vcf", 200, MINE)
    try:
        told = list(plain(odd.url).find([SUBJECT]))
    except StoreUnavailable as error:
        assert "cannot be read" in str(error)  # noqa: PT017  (one of the two)
    else:
        assert any(isinstance(each, Unread) for each in told)


def test_a_document_type_is_refused(odd: Odd) -> None:
    """Entities in an answer could grow without end, or read files: there are none."""
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    body = multistatus(response("/book/", BOOK)).replace("<d:multi", f"{bomb}<d:multi", 1)
    odd.answer("PROPFIND", "/book/", 207, body)
    with pytest.raises(StoreUnavailable, match="document type"):
        found(plain(odd.url))


# the server


def test_a_server_that_is_busy_is_asked_again(odd: Odd) -> None:
    """503 is tried again, and a part of the store does not go missing."""
    odd.answer("PROPFIND", "/book/", 503)
    odd.answer("PROPFIND", "/book/", 503)
    odd.answer("PROPFIND", "/book/", 207, multistatus(response("/book/", BOOK)))
    assert found(plain(odd.url)) == []
    assert len(odd.asked) == 4


def test_a_redirect_stays_on_its_host(odd: Odd) -> None:
    """A moved book is followed on the same server; elsewhere the password would go along."""
    odd.answer("PROPFIND", "/book/", 301, location="/moved/")
    odd.answer("PROPFIND", "/moved/", 207, multistatus(response("/book/", BOOK)))
    assert found(plain(odd.url)) == []
    with odd_server() as other:
        odd.answers["PROPFIND", "/book/"] = [(302, {"location": f"{other.url}book/"}, "")]
        with pytest.raises(StoreUnavailable, match="redirects to another host"):
            found(plain(odd.url))
        assert other.asked == []
    odd.answers["PROPFIND", "/book/"] = [(302, {"location": "/book/"}, "")]
    with pytest.raises(StoreUnavailable, match="in a circle"):
        found(plain(odd.url))


def test_the_login_stays_secret(radicale: Radicale, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that is refused or missing is told without the login."""
    monkeypatch.setenv("DAV_PASSWORD", "wrong-secret")
    book = store(radicale, password="env:DAV_PASSWORD")
    for name in ("DAV_PASSWORD", "UNSET"):
        book = store(radicale, password=f"env:{name}")
        with pytest.raises(StoreUnavailable) as raised:
            found(book)
        assert "secret" not in f"{raised.value!r}{book!r}"
        assert "login is not accepted" in str(raised.value) or "cannot be read" in str(raised.value)


def test_certificates_are_verified(tmp_path: Path) -> None:
    """An unknown certificate ends the connection; a private authority can be named."""
    certificate = tmp_path / "server.pem"
    certificate.write_bytes(self_signed())
    with odd_server(certificate) as server:
        server.answer("PROPFIND", "/book/", 207, multistatus(response("/book/", BOOK)))
        with pytest.raises(StoreUnavailable, match="authority"):
            found(plain(server.url))
        assert found(plain(server.url, authority=str(certificate))) == []


def self_signed() -> bytes:
    """Return a key and a certificate of 127.0.0.1 as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + made.public_bytes(serialization.Encoding.PEM)


def test_a_book_that_may_only_be_read(radicale: Radicale) -> None:
    """`check` names it by its place before any request; an erasure in it is refused."""
    radicale.book("/eva/contacts/")
    radicale.put("/eva/contacts/a.vcf", MINE)
    (radicale.folder / "readers").write_text("reader-secret\n")
    login: dict[str, Any] = {"user": "reader", "password": f"file:{radicale.folder}/readers"}
    book = store(radicale, **login)
    told = [each.text for each in book.check() if each.kind in {"right", "fault"}]
    assert told == ["address book 1 of 1: the login may only read it"]
    (key,) = keys(book)
    redact = partial(book.redact, {key: frozenset({"note"})})
    for call in (partial(book.erase, [key]), redact):
        with pytest.raises(Refused, match="a card: the server answers 403"):
            call()
    assert radicale.send("GET", "/eva/contacts/a.vcf")[1] == MINE.encode()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"url": "http://dav.example.org/"}, r"stores\.book\.url: write an address with https"),
        ({"url": "https://eva:secret@dav.example.org/"}, "without a login"),
        ({"url": "https://dav.example.org:x/"}, "write an address"),
        ({"password": "secret"}, r"stores\.book\.password: .*env:NAME"),
        ({"books": ["https://other.example.org/"]}, r"stores\.book\.books\[0\]"),
        ({"owner": "{nobody}/{any}"}, r"stores\.book\.owner: "),
        ({"radicale_cache_folder": "x"}, r"stores\.book\.radicale_cache_folder"),
        ({"buks": []}, 'did you mean "books"'),
    ],
)
def test_wrong_settings_are_named(table: dict[str, Any], message: str) -> None:
    """An error names the key that is wrong, and shows no value."""
    whole = {"url": "https://dav.example.org/", "category": "x", **table}
    with pytest.raises(ConfigurationError, match=message) as raised:
        from_config("book", whole, Context("DE", Path()))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("owner", ["", "{account}/{any}"])
def test_a_path_tells_whose_a_card_is(owner: str) -> None:
    """Law 7: the number in a card tells whom it is about; the path, if it names one, the owner."""
    http = plain("https://dav.example.org/", owner=owner)
    tables = {"url": "sqlite://", "category": "address_book", "owner": owner}
    for book in (http, sabredav.from_config("book", tables, Context("DE", Path()))):
        assert isinstance(book, Owns)
        assert book.owners("address_book") == ({"account"} if owner else set())
        assert book.owners("calls") == frozenset()
