"""What Radicale remembers of cards, and what of it an erasure leaves: nothing."""

from __future__ import annotations

import fcntl
import pickle
import threading
from pathlib import Path

import pytest

from carddav_books import (
    SUBJECT,
    card,
    files,
    found,
    holding,
    keys,
    store,
    sync,
    unread,
)
from dsr.errors import StoreUnavailable
from dsr.model import Identifier
from dsr_carddav.writing import Writer
from tests.servers.radicale import Radicale, radicale

__all__ = ["radicale"]

BOOK = "/eva/contacts/"
MINE = card("1", "NOTE:Hoppenstedt", "TEL:+49 30 901820")
OTHER = card("2", "TEL:030901821")


def seeded(server: Radicale) -> str:
    """Fill a book, with a card whose file is named after the person; return a client's token."""
    server.book(BOOK)
    server.put(f"{BOOK}hoppenstedt.vcf", MINE)
    server.put(f"{BOOK}other.vcf", OTHER)
    _, token, told = sync(server, BOOK)
    assert told == {"hoppenstedt.vcf": 200, "other.vcf": 200}
    return token


def test_an_erasure_leaves_no_trace(radicale: Radicale) -> None:
    """No file below the storage holds the number, the name or the file's name afterwards."""
    seeded(radicale)
    places = {Path(each).parent.name for each in holding(radicale, "hoppenstedt")}
    assert places == {"contacts", "item", "history", "sync-token"}, "the traps are not there"
    book = store(radicale)
    book.erase(keys(book))
    assert holding(radicale, "hoppenstedt") == []
    assert holding(radicale, "Hoppenstedt") == []
    assert holding(radicale, "901820") == []
    assert found(book) == []
    assert radicale.send("GET", f"{BOOK}other.vcf")[1] == OTHER.encode()


def test_http_alone_leaves_the_name_of_the_file(radicale: Radicale) -> None:
    """Why `radicale_folder` is there: over HTTP the file's name stays, and `check` says so."""
    seeded(radicale)
    book = store(radicale, radicale_folder="")
    book.erase(keys(book))
    left = holding(radicale, "hoppenstedt")
    assert {Path(each).parent.name for each in left} == {"history", "sync-token"}
    assert holding(radicale, "Hoppenstedt") == holding(radicale, "901820") == []
    assert any("file names" in each.text for each in book.check() if each.kind == "left")
    assert not any("file names" in each.text for each in store(radicale).check())


def test_a_client_drops_its_copy_and_does_not_bring_it_back(radicale: Radicale) -> None:
    """A client with an old token must compare everything anew, and does not see the card."""
    token = seeded(radicale)
    book = store(radicale)
    book.erase(keys(book))
    status, _, _ = sync(radicale, BOOK, token)
    assert status == 403  # valid-sync-token (RFC 6578, 3.2): begin anew
    status, fresh, told = sync(radicale, BOOK)
    assert (status, told) == (207, {"other.vcf": 200})
    assert sync(radicale, BOOK, fresh) == (207, fresh, {})
    # its upload of a change to the old version is refused
    etag = {"if_match": '"any"', "content_type": "text/vcard"}
    assert radicale.send("PUT", f"{BOOK}hoppenstedt.vcf", MINE, **etag)[0] == 412


def test_a_copy_outlives_a_file_that_was_removed_by_hand(radicale: Radicale) -> None:
    """Removing the `.vcf` leaves the whole card in Radicale's cache: it is found and goes."""
    seeded(radicale)
    (radicale.storage / "collection-root/eva/contacts/hoppenstedt.vcf").unlink()
    book = store(radicale)
    (record,) = found(book)
    assert record.data["note"] == "Hoppenstedt"
    assert record.data["trace"] == "hoppenstedt.vcf"
    assert record.personal == {"fn", "n", "note", "tel", "trace"}
    book.erase([record.key])
    assert holding(radicale, "oppenstedt") == holding(radicale, "901820") == []
    assert found(book) == []


@pytest.mark.parametrize("kind", ["history", "sync-token"])
def test_a_remembered_file_name_that_is_a_number(radicale: Radicale, kind: str) -> None:
    """A card that its owner deleted last week is found by the number in its file's name."""
    seeded(radicale)
    radicale.put(f"{BOOK}004930901820.vcf", OTHER.replace("UID:2", "UID:3"))
    sync(radicale, BOOK)
    radicale.send("DELETE", f"{BOOK}004930901820.vcf")
    for path in files(radicale):
        if path.parent.name in {"history", "sync-token"} - {kind} and b"004930901820" in (
            path.read_bytes() + path.name.encode()
        ):
            path.unlink()
    book = store(radicale)
    before = {record.key: record for record in found(book)}
    (name,) = [key for key, each in before.items() if dict(each.data).keys() == {"trace"}]
    book.redact({name: frozenset({"trace"})})
    assert holding(radicale, "004930901820") == []
    assert set(keys(book)) == before.keys() - {name}


def test_a_card_is_found_until_it_is_gone(radicale: Radicale) -> None:
    """Law 2: a run that stops between the caches and the card finds the card again."""
    seeded(radicale)
    book = store(radicale)
    (part,) = [each.part for each in book.split() if each.part]
    assert part.book is not None
    assert book.radicale is not None
    before = keys(book)
    book.radicale.forget(part.book, {each.partition("-")[2] for each in before})
    assert keys(book) == before
    book.erase(before)
    assert holding(radicale, "oppenstedt") == []


def test_a_run_that_dies_leaves_nothing_that_nobody_finds(
    radicale: Radicale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 2: right after the card went, nothing of it is left, though the run goes no further."""
    seeded(radicale)
    book = store(radicale)
    whole = Writer.delete

    def die(writer: Writer, digests: set[str]) -> None:
        whole(writer, digests)
        raise KeyboardInterrupt

    monkeypatch.setattr(Writer, "delete", die)
    with pytest.raises(KeyboardInterrupt):
        book.erase(keys(book))
    assert holding(radicale, "oppenstedt") == holding(radicale, "901820") == []


def test_a_client_that_asks_in_between(radicale: Radicale, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server notes again while the card goes is removed again."""
    token = seeded(radicale)
    book = store(radicale)
    whole = Writer.delete

    def disturbed(writer: Writer, digests: set[str]) -> None:
        assert sync(radicale, BOOK, token)[0] == 403
        sync(radicale, BOOK)
        whole(writer, digests)
        sync(radicale, BOOK)

    monkeypatch.setattr(Writer, "delete", disturbed)
    book.erase(keys(book))
    assert holding(radicale, "oppenstedt") == holding(radicale, "901820") == []


def test_the_caches_change_while_the_server_waits(radicale: Radicale) -> None:
    """Nothing of the caches is removed while the server holds its lock."""
    seeded(radicale)
    book = store(radicale)
    before = keys(book)
    with (radicale.storage / ".Radicale.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # as a request that reads
        eraser = threading.Thread(target=book.erase, args=(before,))
        eraser.start()
        eraser.join(0.3)
        assert eraser.is_alive()
        assert len(holding(radicale, "hoppenstedt")) == 4
        fcntl.flock(lock, fcntl.LOCK_UN)
    eraser.join(30)
    assert holding(radicale, "hoppenstedt") == []


def test_caches_beside_the_books(radicale: Radicale) -> None:
    """With `use_cache_subfolder_for_…` the caches lie in a tree of their own."""
    seeded(radicale)
    other = radicale.folder / "elsewhere"
    caches = other / "collection-cache/eva/contacts/.Radicale.cache"
    caches.mkdir(parents=True)
    old = radicale.storage / "collection-root/eva/contacts"
    for kind in ("item", "history", "sync-token"):
        (old / ".Radicale.cache" / kind).rename(caches / kind)
    (old / "hoppenstedt.vcf").unlink()
    assert found(store(radicale)) == []
    book = store(radicale, radicale_cache_folder=str(other))
    (record,) = found(book)
    assert record.data["note"] == "Hoppenstedt"
    book.erase([record.key])
    assert not [each for each in other.rglob("*") if "hoppenstedt" in each.name]
    assert not [
        each for each in other.rglob("*") if each.is_file() and b"hoppen" in each.read_bytes()
    ]


def test_a_cache_runs_no_code(radicale: Radicale, tmp_path: Path) -> None:
    """Radicale's caches are pickles: what in them would call anything is not read."""
    seeded(radicale)
    victim = tmp_path / "victim"
    place = radicale.storage / "collection-root/eva/contacts/.Radicale.cache/item/evil.vcf"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (victim,)

    place.write_bytes(pickle.dumps(Evil()))
    book = store(radicale)
    assert len(found(book)) == 1
    assert not victim.exists()


def test_a_storage_that_is_not_there(radicale: Radicale, tmp_path: Path) -> None:
    """Law 4: a folder that is not mounted is not one without traces; nothing is erased."""
    seeded(radicale)
    before = keys(store(radicale))
    book = store(radicale, radicale_folder=str(tmp_path))
    for call in (lambda: book.erase(before), lambda: found(book), book.check):
        with pytest.raises(StoreUnavailable, match="radicale_folder"):
            call()
    assert radicale.send("GET", f"{BOOK}hoppenstedt.vcf")[0] == 200
    assert unread(store(radicale)) == []


def test_what_is_wrong_with_the_folder_is_told(radicale: Radicale, tmp_path: Path) -> None:
    """`check` tells of another server's folder, and of copies that a crash left."""
    seeded(radicale)
    assert [each for each in store(radicale).check() if each.kind != "left"] == []
    other = tmp_path / "collection-root"
    other.mkdir()
    told = list(store(radicale, radicale_folder=str(tmp_path)).check())
    assert [each.kind for each in told if "root" in each.text] == ["fault"]
    place = radicale.storage / "collection-root/eva/contacts/.Radicale.tmp-x"
    place.mkdir()
    told = [each for each in store(radicale).check() if each.kind == "fault"]
    assert [each.text.partition(":")[0] for each in told] == ["address book 1 of 1"]


def test_the_owner_gets_all_that_is_remembered(radicale: Radicale) -> None:
    """The whole book is its owner's, with what is remembered of it."""
    seeded(radicale)
    radicale.send("DELETE", f"{BOOK}other.vcf")
    book = store(radicale, owner="{account}/{any}")
    eva = Identifier("account", "eva")
    assert len(found(book, eva)) == 2
    book.erase(keys(book, eva))
    assert found(book, eva, SUBJECT) == []
    assert holding(radicale, "other.vcf") == holding(radicale, "hoppenstedt") == []
