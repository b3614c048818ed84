"""The tables of sabre/dav: what clients learn of an erasure, and what the database does for it."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.model import Identifier, Unread
from dsr.settings import Context
from dsr_carddav.sabredav import from_config
from sabredav_stores import (
    BYSTANDER,
    SERVERS,
    SUBJECT,
    Client,
    Dav,
    card,
    dav,
    found,
    keys,
)

MINE = card("1", "NOTE:mine", "TEL:+49 30 901820")
OTHER = card("2", "TEL:030901821")
EVA = Identifier("account", "eva")


@pytest.fixture(params=sorted(SERVERS))
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dav]:
    """Return a database with two empty books, of `eva` and of `bob`."""
    with dav(request.param, tmp_path) as made:
        made.book(1, "eva")
        made.book(2, "bob")
        yield made


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Dav]:
    """Return the same on SQLite alone."""
    with dav("sqlite", tmp_path) as made:
        made.book(1, "eva")
        made.book(2, "bob")
        yield made


@pytest.fixture(params=sorted(SERVERS))
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dav]:
    """Return a database of Nextcloud."""
    with dav(request.param, tmp_path, nextcloud=True) as made:
        made.book(1, "users/eva")
        yield made


@contextmanager
def counted() -> Iterator[list[str]]:
    """Note every statement that any engine sends, one entry for each time it is sent."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, rows: Any, _x: Any, many: bool) -> None:
        sent.extend([statement] * (len(rows) if many else 1))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


# what clients learn


def test_clients_drop_an_erased_card(books: Dav) -> None:
    """A client that synchronises after the erasure, from any token, has no copy of the card."""
    clients = [Client(books, 1)]
    for uri, text in {"x.vcf": OTHER, "a.vcf": MINE, "b.vcf": card("3", "TEL:030901820")}.items():
        books.put(1, {uri: text})
        clients.append(Client(books, 1))
        clients[-1].sync()
    book = books.store()
    book.erase(keys(book))
    for client in clients:
        client.sync()
        assert client.copy == {"x.vcf": OTHER}
        assert client.sync() == set(), "nothing changed since"
    assert clients[-1].token == 6  # three cards, two deletions, from one on


def test_clients_take_a_redacted_card(books: Dav) -> None:
    """A client gets the new card; its change to the old one names a version that is no more."""
    books.put(1, {"a.vcf": MINE, "x.vcf": OTHER})
    client = Client(books, 1)
    client.sync()
    book = books.store()
    (key,) = keys(book)
    book.redact({key: frozenset({"tel", "note", "fn"})})
    assert client.sync() == {"a.vcf"}
    assert client.copy["a.vcf"] == "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:\r\nEND:VCARD\r\n"
    (row,) = [each for each in books.rows("cards") if each["uri"] == "a.vcf"]
    raw = client.copy["a.vcf"].encode()
    assert row["etag"] == md5(raw, usedforsecurity=False).hexdigest()
    assert row["size"] == len(raw)
    assert row["lastmodified"] > 1_772_710_215
    book.redact({key: frozenset({"tel", "note", "fn"})})
    assert client.sync() == set(), "twice changes nothing"


def test_changes_are_noted_as_the_server_does(books: Dav) -> None:
    """Each change has a token of its own, in its own book; the book's is the next one."""
    books.put(1, {f"{number}.vcf": MINE for number in range(3)})
    books.put(2, {"0.vcf": MINE, "1.vcf": OTHER})
    book = books.store()
    book.erase(keys(book))
    changes = [
        (row["addressbookid"], row["synctoken"], row["uri"], row["operation"])
        for row in books.rows("addressbookchanges")[5:]
    ]
    assert sorted(changes) == [
        (1, 4, "0.vcf", 3),
        (1, 5, "1.vcf", 3),
        (1, 6, "2.vcf", 3),
        (2, 3, "0.vcf", 3),
    ]
    assert [row["synctoken"] for row in books.rows("addressbooks")] == [7, 4]


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["put", "mine", "erase", "redact", "sync"]), max_size=12))
def test_no_client_keeps_what_the_server_has_not(
    tmp_path_factory: pytest.TempPathFactory, story: list[str]
) -> None:
    """Whatever happens between them, two clients that synchronise at the end hold the book."""
    with dav("sqlite", tmp_path_factory.mktemp("dav")) as made:
        made.book(1, "eva")
        early, late = Client(made, 1), Client(made, 1)
        early.sync()
        book = made.store()
        for number, step in enumerate(story):
            if step == "sync":
                early.sync()
            elif step in {"put", "mine"}:
                made.put(1, {f"{number}.vcf": MINE if step == "mine" else OTHER})
            elif step == "erase":
                book.erase(keys(book)[:2])
            else:
                book.redact(dict.fromkeys(keys(book)[:2], frozenset({"tel"})))
        held = {row["uri"]: row["carddata"] for row in made.rows("cards")}
        for client in (early, late):
            client.sync()
            assert client.copy == held


# sets


def test_statements_of_a_large_erasure(books: Dav) -> None:
    """10,000 erased cards take at most 50 statements, and only they go."""
    for number in (1, 2):
        cards = {f"{each}.vcf": card(f"u{each}", "TEL:030901820") for each in range(5_000)}
        books.put(number, cards | {"x.vcf": OTHER})
    for number in range(3, 40):  # a person is in many books, once
        books.book(number, f"user{number}")
        books.put(number, {"a.vcf": MINE, "x.vcf": OTHER})
    book = books.store()
    own = keys(book)
    assert len(own) == 10_037
    with counted() as sent:
        book.erase(own[:10_000])
    assert len(sent) <= 50
    assert len(books.rows("cards")) == 39 + 37
    book.erase(own)
    assert [row["uri"] for row in books.rows("cards")] == ["x.vcf"] * 39
    tokens = [row["synctoken"] for row in books.rows("addressbooks")]
    assert tokens == [10_002, 10_002, *[4] * 37]


def test_rows_are_read_in_portions(lite: Dav) -> None:
    """A book larger than a portion is read to its end, each card once; so are the parts."""
    lite.put(1, {f"{each}.vcf": MINE if each % 10 == 0 else OTHER for each in range(2_100)})
    book = lite.store()
    whole = keys(book)
    assert len(set(whole)) == len(whole) == 210
    first, rest = evolve(book, rows=(1, 1_201)), evolve(book, rows=(1_201, 9_999))
    assert len(keys(first)) == 120
    assert keys(first) + keys(rest) == whole
    assert [each.rows for each in book.split()] == [(1, 20_001)]


def test_memory_does_not_grow_with_the_cards(lite: Dav) -> None:
    """Law 9: eight times as many cards with pictures need no more memory."""
    photo = "PHOTO;ENCODING=b:" + "A" * 20_000
    text = card("1", "TEL:030901820", photo)
    book = lite.store()
    peaks = []
    for count in (50, 350):
        lite.put(1, {f"{count}-{each}.vcf": text for each in range(count)})
        tracemalloc.start()
        number = sum(1 for _ in book.find([SUBJECT]))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert number == 400
    assert peaks[1] < peaks[0] + 500_000


def test_a_number_that_a_new_card_got_again(lite: Dav) -> None:
    """SQLite gives the number of the last card again: the new card is not the one that was."""
    lite.put(1, {"a.vcf": MINE})
    book = lite.store()
    (key,) = keys(book)
    with lite.engine.begin() as connection:
        connection.execute(sa.delete(lite.table("cards")))
    lite.put(1, {"b.vcf": OTHER})
    assert lite.rows("cards")[0]["id"] == 1
    book.erase([key])
    book.redact({key: frozenset({"tel"})})
    with pytest.raises(Refused, match="not there any more"):
        book.rectify(key, {"fn": "x"})
    assert [row["carddata"] for row in lite.rows("cards")] == [OTHER]


# whose


def test_an_owner_finds_the_book(books: Dav) -> None:
    """Rule 27 (GDPR Art. 20(4)): the principal names whose book it is.

    For everybody else nothing does.
    """
    books.put(1, {"a.vcf": MINE, "b.vcf": OTHER})
    books.put(2, {"c.vcf": card("3", "NOTE:ask 030 901820", "TEL:1")})
    book = books.store(owner="principals/{account}")
    assert len(keys(book, EVA)) == 2
    assert len(found(book, SUBJECT)) == 2
    told = "".join(f"{each!r}{each.key}{dict(each.data)}" for each in found(book, SUBJECT))
    assert not any(word in told for word in ("eva", "bob", "principals", "default"))
    assert "account" not in books.store().accepts
    with pytest.raises(ConfigurationError, match=r"stores\.book\.owner"):
        books.store(owner="{nobody}")


def test_every_spelling_and_encoding(lite: Dav) -> None:
    """Law 10: folded, quoted, in a URI or in UTF-8 text columns, a number is found."""
    lines = [
        "TEL:+49 30 90\r\n 18\r\n 20",
        "TEL;VALUE=uri:tel:+49-30-901820;ext=12",
        "item1.TEL;type=CELL:(030) 90 18 20",
        "TEL;ENCODING=QUOTED-PRINTABLE:=30=33=30=39=30=31=38=32=30",
        "IMPP:sip:4930901820@example.org",
    ]
    cards = {f"{number}.vcf": card(str(number), line) for number, line in enumerate(lines)}
    lite.put(1, {**cards, "x.vcf": card("x", "TEL:+49 30 9018205"), "y.vcf": OTHER})
    book = lite.store()
    assert {each.data["uid"] for each in found(book)} == {str(n) for n in range(len(lines))}
    with lite.engine.begin() as connection:  # as some programs fill SQLite
        connection.execute(sa.text("UPDATE cards SET carddata = CAST(carddata AS TEXT)"))
    assert len(found(book)) == len(lines)
    book.redact(dict.fromkeys(keys(book), frozenset({"tel", "impp"})))
    assert found(book) == []
    with lite.engine.begin() as connection:
        kinds = connection.execute(sa.text("SELECT DISTINCT typeof(carddata) FROM cards"))
        assert list(kinds.scalars()) == ["text"]


def test_what_is_no_card_is_told(lite: Dav) -> None:
    """Law 4: a row that holds half a card is a gap, and an empty one nothing."""
    lite.put(1, {"a.vcf": MINE[:40], "b.vcf": MINE})
    with lite.engine.begin() as connection:
        values = {"addressbookid": 9, "uri": "c.vcf", "carddata": None, "size": 0}
        connection.execute(sa.insert(lite.table("cards")), [values])
    told = [each for each in lite.store().find([SUBJECT]) if isinstance(each, Unread)]
    assert [each.reason for each in told] == ["a card is not one whole card"]
    assert len(found(lite.store())) == 1


def test_a_card_without_a_book_goes(books: Dav) -> None:
    """Rows that a deleted book left behind are found and erased like others."""
    books.put(1, {"a.vcf": MINE})
    with books.engine.begin() as connection:
        connection.execute(sa.delete(books.table("addressbooks")))
    book = books.store(owner="principals/{account}")
    book.erase(keys(book))
    assert books.rows("cards") == []


# Nextcloud


def test_nextcloud_repeats_no_value(cloud: Dav) -> None:
    """`oc_cards_properties` repeats values of cards: erased and redacted ones go from it, too."""
    shared = card("3", "NOTE:ask 030 901820", "TEL:1", "EMAIL:c@x.de")
    cards = {"a.vcf": MINE, "b.vcf": card("4", "EMAIL:e@x.de", "TEL:030901820"), "c.vcf": shared}
    cloud.put(1, {**cards, "x.vcf": OTHER})
    repeated = [
        {"addressbookid": 1, "cardid": number, "name": name, "value": value}
        for number, name, value in [
            (1, "TEL", "+49 30 901820"), (1, "FN", "Somebody"),
            (2, "TEL", "030901820"), (2, "EMAIL", "e@x.de"), (2, "UID", "4"),
            (3, "NOTE", "ask 030 901820"), (3, "EMAIL", "c@x.de"), (4, "TEL", "030901821"),
        ]
    ]  # fmt: skip
    with cloud.engine.begin() as connection:
        connection.execute(sa.insert(cloud.table("cards_properties")), repeated)
    book = cloud.store()
    one, two, mention = keys(book)
    book.erase([one, mention])
    book.redact({two: frozenset({"tel"})})
    left = [(row["cardid"], row["name"], row["value"]) for row in cloud.rows("cards_properties")]
    assert sorted(left) == [
        (2, "EMAIL", "e@x.de"), (2, "UID", "4"),
        (3, "EMAIL", "c@x.de"), (3, "NOTE", "ask xxx xxxxxx"), (4, "TEL", "030901821"),
    ]  # fmt: skip
    assert all(row["created_at"] > 0 for row in cloud.rows("addressbookchanges")[4:])
    assert [each.text for each in book.check() if each.kind in {"right", "fault"}] == []
    with cloud.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE oc_cards_properties"))
    with pytest.raises(StoreUnavailable, match="no table oc_cards_properties"):
        book.erase([one])


# the database


@pytest.mark.parametrize("books", ["mariadb", "postgresql"], indirect=True)
def test_two_write_at_once(books: Dav) -> None:
    """Changes of the server and of dsr to one book at once never get the same token."""
    rounds = 8
    books.put(1, {f"{number}.vcf": MINE for number in range(rounds)})
    book = books.store()
    own = keys(book)
    _side_by_side(
        *(partial(book.erase, [key]) for key in own[: rounds // 2]),
        *(partial(book.redact, {key: frozenset({"note"})}) for key in own[rounds // 2 :]),
    )
    tokens = [row["synctoken"] for row in books.rows("addressbookchanges")]
    assert sorted(tokens) == list(range(1, 2 * rounds + 1))
    assert books.rows("addressbooks")[0]["synctoken"] == 2 * rounds + 1


@pytest.mark.parametrize("books", ["mariadb", "postgresql"], indirect=True)
def test_the_server_changes_the_card_meanwhile(books: Dav) -> None:
    """A card is changed as it is now: what its owner wrote a moment ago is not lost."""
    books.put(1, {"a.vcf": MINE})
    book = books.store()
    (key,) = keys(book)
    newer = MINE.replace("END", "TITLE:Dr.\r\nEND").encode()
    with ThreadPoolExecutor(1) as pool:
        with books.engine.begin() as connection:
            connection.execute(sa.update(books.table("cards")).values(carddata=newer))
            waiting = pool.submit(book.redact, {key: frozenset({"tel"})})
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
        waiting.result(30)
    (row,) = books.rows("cards")
    assert row["carddata"].encode() == newer.replace(b"TEL:+49 30 901820\r\n", b"")


def _side_by_side(*calls: Callable[[], None]) -> None:
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(call) for call in calls]:
            each.result()


def test_a_failed_batch_changes_nothing(lite: Dav) -> None:
    """Card, change and token go together: what cannot be noted is not deleted."""
    lite.put(1, {"a.vcf": MINE})
    with lite.engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TRIGGER no BEFORE INSERT ON addressbookchanges"
                " BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )
    book = lite.store()
    before = [lite.rows(each) for each in ("cards", "addressbooks", "addressbookchanges")]
    (key,) = keys(book)
    redact = partial(book.redact, {key: frozenset({"tel"})})
    for call in (partial(book.erase, [key]), redact):
        with pytest.raises(Refused):
            call()
    after = [lite.rows(each) for each in ("cards", "addressbooks", "addressbookchanges")]
    assert after == before


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("ALTER TABLE addressbookchanges RENAME TO other", "no table addressbookchanges"),
        ("ALTER TABLE cards RENAME COLUMN etag TO other", "no column etag"),
        ("ALTER TABLE addressbooks RENAME COLUMN synctoken TO ctag", "before 3.0"),
    ],
)
def test_other_tables_are_told(lite: Dav, statement: str, message: str) -> None:
    """A database of something else, or of sabre/dav 2, is an error before any reading."""
    with lite.engine.begin() as connection:
        connection.execute(sa.text(statement))
    for call in (lambda: keys(lite.store()), lite.store().check):
        with pytest.raises(StoreUnavailable, match=message):
            call()


@pytest.mark.parametrize("books", ["mariadb", "postgresql"], indirect=True)
def test_missing_rights_are_told(books: Dav) -> None:
    """`check` names each right that a verb would lack, and nothing when the README's are given."""
    user = f"u{random.randrange(10**9)}"
    url = sa.make_url(books.url).set(username=user, password="p")
    text = url.render_as_string(hide_password=False)
    book = from_config("book", {"url": text, "category": "x"}, Context("DE", Path()))
    with _user(books, user) as grant:
        grant("SELECT", "cards", "addressbooks", "addressbookchanges")
        told = {each.text for each in book.check() if each.kind == "right"}
        assert {"table cards: grant DELETE", "table cards: grant UPDATE"} < told
        assert "table addressbooks: grant UPDATE" in told
        assert "table addressbookchanges: grant INSERT" in told
        grant("UPDATE, DELETE", "cards")
        grant("UPDATE", "addressbooks")
        grant("INSERT", "addressbookchanges")
        if books.url.startswith("postgresql"):
            (last,) = [each.text for each in book.check() if each.kind == "right"]
            assert last == "table addressbookchanges: grant USAGE on the sequence of its id"
            with books.engine.begin() as connection:
                given = f"GRANT USAGE ON SEQUENCE addressbookchanges_id_seq TO {user}"
                connection.execute(sa.text(given))
        assert [each.text for each in book.check() if each.kind == "right"] == []
        books.put(1, {"a.vcf": MINE, "b.vcf": MINE})
        one, two = keys(book)
        book.erase([one])
        book.redact({two: frozenset({"tel"})})
        assert keys(book) == []


@contextmanager
def _user(books: Dav, user: str) -> Iterator[Callable[..., None]]:
    maria = books.url.startswith("mysql")
    name = f"'{user}'@'127.0.0.1'" if maria else user
    made = f"CREATE USER {name} IDENTIFIED BY 'p'" if maria else f"CREATE ROLE {user} LOGIN"

    def run(statement: str) -> None:
        with books.engine.begin() as connection:
            connection.execute(sa.text(statement))

    def grant(rights: str, *tables: str) -> None:
        for table in tables:
            run(f"GRANT {rights} ON {table} TO {name}")

    run(made)
    try:
        yield grant
    finally:
        if not maria:
            run(f"DROP OWNED BY {user}")
        run(f"DROP USER {name}" if maria else f"DROP ROLE {user}")


def test_what_stays_behind_is_told(books: Dav) -> None:
    """`check` says where erased rows live on: change rows, phones, the database's own files."""
    told = " ".join(each.text for each in books.store().check() if each.kind == "left")
    assert "addressbookchanges" in told
    assert "phones" in told
    assert "backups" in told
    assert "photocache" not in told
    assert BYSTANDER.value not in told


def test_what_nextcloud_keeps_besides_is_told(cloud: Dav) -> None:
    """Copies of pictures on disk, and of cards in the table of another app."""
    with cloud.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE oc_recent_contact (id INTEGER)"))
    told = " ".join(each.text for each in cloud.store().check() if each.kind == "left")
    assert "dav-photocache" in told
    assert "oc_recent_contact" in told
