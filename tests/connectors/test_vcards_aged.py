"""What has grown old in address books: `aged` lists it as `find` shows it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from dsr.connectors.vcards import VCards
from dsr.errors import ConfigurationError, StoreUnavailable
from dsr.model import Identifier, Record, Unread
from tests.connectors.test_vcards import card, found, store, write

SUBJECT = Identifier("phone", "+4930901820")
REVISED = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
LATE = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def aged(book: VCards, before: dt.datetime) -> list[Record]:
    return [each for each in book.aged("address_book", "", before) if isinstance(each, Record)]


def test_the_last_revision_counts(tmp_path: Path) -> None:
    """A card revised at that very second is not before it; jCard and vCard alike."""
    write(tmp_path, "a.vcf", card("a", "TEL:1", "REV:2026-03-01T10:00:00Z"))
    write(tmp_path, "b.vcf", card("b", "TEL:2", "REV:20260301T110000+0100"))
    write(
        tmp_path,
        "c.json",
        '["vcard",[["version",{},"text","4.0"],["uid",{},"text","c"],'
        '["rev",{},"timestamp","2026-03-01T10:00:01Z"],["fn",{},"text","Max"]]]',
    )
    book = store(tmp_path, files=["*.vcf", "*.json"])
    assert aged(book, REVISED) == []
    assert [each.data["uid"] for each in aged(book, REVISED + SECOND)] == ["a", "b"]
    assert len(aged(book, REVISED + 2 * SECOND)) == 3


@pytest.mark.parametrize("line", ["NOTE:x", "REV:2026-03-01", "REV:20260301T100000", "REV:soon"])
def test_a_card_without_a_time_is_not_listed(tmp_path: Path, line: str) -> None:
    """No REV, one without a zone or one that is none: the age is not known, and not guessed."""
    write(tmp_path, "a.vcf", card("a", "TEL:1", line))
    assert aged(store(tmp_path), LATE) == []


def test_records_are_those_of_find(tmp_path: Path) -> None:
    """The same keys and fields, also of cards without a UID and of two with the same bytes."""
    rev = "REV:2026-03-01T10:00:00Z"
    twice = card("", "TEL:+4930901820", rev)
    write(tmp_path, "a.vcf", card("a", "TEL:030 901820", rev) + twice + twice)
    book = store(tmp_path)
    assert len(aged(book, LATE)) == 2
    assert aged(book, LATE) == found(book, SUBJECT)


def test_nobody_reads_whose_book_it_is(tmp_path: Path) -> None:
    """The list is made for nobody in particular: it names no owner, as for the card's person."""
    lines = "TEL:1", "SOURCE:https://dav.example.org/eva/1", "REV:2026-03-01T10:00:00Z"
    write(tmp_path, "a.vcf", card("a", *lines))
    (record,) = aged(store(tmp_path), LATE)
    assert "eva" not in str(record.data)


def test_what_is_listed_can_be_erased(tmp_path: Path) -> None:
    """The other card of the file stays, and nothing old is left."""
    young = card("b", "TEL:2", "REV:2026-03-02T10:00:00Z")
    path = write(tmp_path, "a.vcf", card("a", "TEL:1", "REV:2026-03-01T10:00:00Z") + young)
    book = store(tmp_path)
    book.erase([each.key for each in aged(book, REVISED + SECOND)])
    assert aged(book, REVISED + SECOND) == []
    assert path.read_bytes() == young.encode()


def test_a_broken_card_is_told(tmp_path: Path) -> None:
    """What cannot be read may be old: never silently less."""
    write(tmp_path, "a.vcf", "BEGIN:VCARD\r\nREV:2026-03-01T10:00:00Z\r\n")
    (told,) = store(tmp_path).aged("address_book", "", LATE)
    assert isinstance(told, Unread)


def test_a_card_has_no_other_anchor(tmp_path: Path) -> None:
    """A policy that counts from something else is wrong, and hears of it."""
    with pytest.raises(ConfigurationError, match="bday"):
        store(tmp_path).aged("address_book", "bday", LATE)


def test_a_missing_folder_is_no_empty_one(tmp_path: Path) -> None:
    """Nothing old on a disk that is not mounted would be a false proof."""
    with pytest.raises(StoreUnavailable):
        list(store(tmp_path / "unmounted").aged("address_book", "", LATE))
