"""Law 9: what a reading holds does not grow with the number of records."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dsr.connectors import vcards, voicemail
from dsr.connectors.s3 import listing as s3_listing
from dsr.connectors.vcards import marks
from dsr.model import Found, Identifier
from dsr.settings import Context
from tests.connectors.s3_buckets import make_bucket, put, store
from tests.connectors.voicemail_spools import leave
from tests.servers.rgw import Rgw, rgw

__all__ = ["rgw"]

EVA = Identifier("phone", "+4930901820")
CARD = "BEGIN:VCARD\nVERSION:3.0\nUID:{}\nTEL:030901820\nNOTE:{}\nEND:VCARD\n"


def grows(make: Callable[[int], Any], small: int, factor: int = 4) -> float:
    """Return how much more memory a reading of `factor` times the records takes at its peak."""
    peaks = []
    for count in (small, factor * small):
        connector = make(count)
        for _ in range(2):  # the first reading fills caches
            tracemalloc.start()
            found = sum(isinstance(each, Found) for each in connector.find([EVA]))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert found == count
        peaks.append(peak)
    return peaks[1] / peaks[0]


def book(root: Path) -> vcards.VCards:
    table = {"path": str(root), "category": "book"}
    return vcards.from_config("book", table, Context("DE", root))


def test_books_of_many_files(tmp_path: Path) -> None:
    """Four times the files, in as many more folders."""

    def make(count: int) -> vcards.VCards:
        for number in range(count):
            path = tmp_path / f"{number // 400}" / f"{number // 20 % 20}" / f"{number}.vcf"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(CARD.format(number, "x" * 200))
        return book(tmp_path)

    assert grows(make, 200) < 1.5


def test_a_book_of_many_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the cards in one file, which are told apart by their UIDs or their bytes."""
    monkeypatch.setattr(marks, "_FEW", 20)

    def make(count: int) -> vcards.VCards:
        uids = [number if number % 3 else "same" for number in range(count)]
        texts = (CARD.format(uid, number) for number, uid in enumerate(uids))
        (tmp_path / "all.vcf").write_text("".join(texts))
        return book(tmp_path)

    assert grows(make, 200, 10) < 1.5


def test_many_cards_are_told_apart_as_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the marks are remembered, each card has the same key, and goes alone."""
    texts = [CARD.format(number % 40, number % 45) for number in range(90)]
    found = []
    for few in (1, 7, 10_000):
        monkeypatch.setattr(marks, "_FEW", few)
        (tmp_path / "all.vcf").write_text("".join(texts))
        reading = [each for each in book(tmp_path).find([EVA]) if isinstance(each, Found)]
        keys = [each.record.key for each in reading]
        assert len(keys) == len(set(keys)) == len(set(texts))
        book(tmp_path).erase(keys[::2])
        found.append((keys, (tmp_path / "all.vcf").read_bytes()))
    assert found[0] == found[1] == found[2]


def test_many_mailboxes(tmp_path: Path) -> None:
    """Four times the messages, in as many more mailboxes."""

    def make(count: int) -> voicemail.Voicemail:
        for number in range(count):
            folder = tmp_path / "default" / f"{number // 10 + 100}" / "INBOX"
            if not (folder / f"msg{number % 10:04}.txt").exists():
                leave(folder, '"X" <030901820>', number)
        return voicemail.from_config("voicemail", {"path": ""}, Context("DE", tmp_path))

    assert grows(make, 100) < 1.5


def test_buckets_of_many_objects(rgw: Rgw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the objects: a page of the listing is in memory, and no more."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", rgw.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", rgw.secret_key)
    monkeypatch.setattr(s3_listing, "_PAGE", 100)
    bucket = make_bucket(rgw, versions=True)
    written = itertools.count()

    def make(count: int) -> Any:
        missing = range(next(written) and count // 4, count)
        keys = [f"rec/{number:05}_030901820.wav" for number in missing]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: put(rgw, bucket, key), keys))
        return store(rgw.endpoint, bucket)

    assert grows(make, 400) < 1.5
