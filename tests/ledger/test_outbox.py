"""Messages in the ledger: sealed, alike, claimed once, and gone in time."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import event, func, select

from dsr.errors import LedgerError, RequestError, RequestNotFound
from dsr.ledger import Ledger, Message
from dsr.ledger.tables import outbox
from tests.ledger.people import ERIKA, KEY, NOW, PHONE, a_request, everything

PIN: Final = "048213"
DOCUMENT: Final = json.dumps({"number": PHONE, "pin": PIN}).encode()
MINUTE: Final = dt.timedelta(minutes=1)
EXPIRES: Final = NOW + 10 * MINUTE


@pytest.fixture(autouse=True)
def opened(ledger: Ledger) -> None:
    """Open two requests."""
    ledger.add(a_request("r1"), ERIKA)
    ledger.add(a_request("r2"), ERIKA)


def _rows(ledger: Ledger) -> int:
    with ledger._database.reading() as connection:
        return connection.execute(select(func.count()).select_from(outbox)).scalar_one()


def _claim(ledger: Ledger, at: dt.datetime = NOW) -> Message:
    (message,) = ledger.claim(at)
    return message


def test_a_message_comes_back_once(ledger: Ledger) -> None:
    """As it was put; nobody gets it a second time while it is being sent."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    message = _claim(ledger)
    assert (message.request, message.document) == ("r1", DOCUMENT)
    assert message.expires == EXPIRES
    assert ledger.claim(NOW) == []
    ledger.sent(message.number)
    ledger.sent(message.number)
    assert _rows(ledger) == 0


def test_a_message_shows_nobody(ledger: Ledger) -> None:
    """Law 8: not in a log, a traceback or the audit trail."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    message = _claim(ledger)
    ledger.failed(message.number, NOW)
    ledger.expire(EXPIRES)
    shown = repr(message) + repr(list(ledger.entries()))
    assert PHONE[3:] not in shown
    assert PIN not in shown


@pytest.mark.parametrize("document", [b"", b"\0", b"\x80", b"\0\x80\0", b"x" * 510, None])
def test_any_document_comes_back(ledger: Ledger, document: bytes | None) -> None:
    """What fills it up is told from what was in it, and nobody from an empty document."""
    ledger.put("r1", document, EXPIRES, NOW)
    assert _claim(ledger).document == document


def test_a_document_that_is_too_long_is_refused(ledger: Ledger) -> None:
    """It would stand out."""
    with pytest.raises(ValueError, match="at most 510 bytes"):
        ledger.put("r1", b"x" * 511, EXPIRES, NOW)
    assert _rows(ledger) == 0


# --- nothing tells somebody from nobody ---------------------------------------------------------


@contextmanager
def _statements(ledger: Ledger) -> Iterator[list[str]]:
    done: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        done.append(statement)

    event.listen(ledger._database.engine, "before_cursor_execute", note)
    try:
        yield done
    finally:
        event.remove(ledger._database.engine, "before_cursor_execute", note)


def test_a_message_to_nobody_is_the_same_work(ledger: Ledger) -> None:
    """Rule 11 (GDPR Art. 15(1)): the same statements, and rows of the same size."""
    with _statements(ledger) as somebody:
        ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    with _statements(ledger) as nobody:
        ledger.put("r2", None, EXPIRES, NOW)
    assert somebody == nobody
    assert len(somebody) > 3
    with ledger._database.reading() as connection:
        rows = connection.execute(select(outbox)).all()
    assert len({len(row.document) for row in rows}) == 1
    assert {row.tries for row in rows} == {0}


def test_neither_number_nor_pin_is_at_rest(ledger: Ledger, url: str, tmp_path: Path) -> None:
    """Rule 45: who copies the database learns nothing, before, while and after it is sent."""

    def found() -> list[bytes]:
        dump = everything(url, tmp_path)
        assert b"r1" in dump, "the dump shows what is in the database"
        spellings = [each.encode() for each in (PHONE, PHONE[1:], PHONE[3:], PIN)]
        return [
            each for each in (*spellings, *(it.hex().encode() for it in spellings)) if each in dump
        ]

    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    assert found() == []
    message = _claim(ledger)
    assert found() == []
    ledger.failed(message.number, NOW)
    assert found() == []
    with ledger._database.reading() as connection:
        sealed = connection.execute(select(outbox.c.document)).scalar_one()
    ledger.sent(message.number)
    assert found() == []
    ledger.dispose()  # SQLite moves its log into the database
    dump = everything(url, tmp_path)
    assert sealed not in dump
    assert sealed.hex().encode() not in dump


def test_a_message_opens_for_its_own_request_only(ledger: Ledger) -> None:
    """Who can write to the database cannot have one person's code sent for another's request."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    with ledger._database.writing() as unit:
        unit.connection.execute(outbox.update().values(request="r2"))
    with pytest.raises(LedgerError, match="does not open"):
        ledger.claim(NOW)


# --- how long it waits --------------------------------------------------------------------------


def test_a_message_is_tried_three_times(ledger: Ledger) -> None:
    """Then it is given up."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    results = []
    for minute in range(3):
        at = NOW + minute * MINUTE
        message = _claim(ledger, at)
        results.append(ledger.failed(message.number, at))
    assert results == [True, True, False]
    assert _rows(ledger) == 0
    assert not ledger.failed(message.number, NOW)


def test_a_failure_counts_once(ledger: Ledger) -> None:
    """Told twice, it is still the first of three."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    message = _claim(ledger)
    assert ledger.failed(message.number, NOW)
    assert ledger.failed(message.number, NOW)
    assert _claim(ledger) == message
    assert ledger.failed(message.number, NOW)
    assert _claim(ledger) == message


def test_an_expired_message_is_not_sent(ledger: Ledger) -> None:
    """Rule 41: a code that is over reaches nobody; it is forgotten, which the audit trail tells."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    assert ledger.claim(EXPIRES) == []
    assert ledger.expire(EXPIRES - dt.timedelta(microseconds=1)) == 0
    assert ledger.expire(EXPIRES) == 1
    assert ledger.expire(EXPIRES) == 0
    assert _rows(ledger) == 0
    (entry,) = [each for each in ledger.entries() if each.event == "message expired"]
    assert entry.request == "r1"
    ledger.verify_audit()


def test_a_failure_at_the_end_is_the_last(ledger: Ledger) -> None:
    """What failed as late as that does not wait."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    message = _claim(ledger)
    assert not ledger.failed(message.number, EXPIRES)
    assert _rows(ledger) == 0


def test_a_message_whose_sender_died_is_not_sent_again(ledger: Ledger) -> None:
    """It may be on its way. It is forgotten when it expires, also when nobody sends any more."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    _claim(ledger)
    assert ledger.claim(EXPIRES - MINUTE) == []
    ledger.put("r2", DOCUMENT, EXPIRES + 10 * MINUTE, EXPIRES)
    assert _claim(ledger, EXPIRES).request == "r2"
    assert _rows(ledger) == 1


def test_a_new_message_takes_the_place_of_the_last(ledger: Ledger) -> None:
    """Rule 41: a new code makes the old one void; what is being sent is not tried again."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    old = _claim(ledger)
    ledger.put("r1", b"new", EXPIRES, NOW)
    assert not ledger.failed(old.number, NOW)
    ledger.sent(old.number)
    new = _claim(ledger)
    assert (new.document, new.number == old.number) == (b"new", False)
    ledger.put("r1", b"newer", EXPIRES, NOW)
    assert _claim(ledger).document == b"newer"


def test_the_first_to_expire_is_sent_first(ledger: Ledger) -> None:
    """One at a time, too."""
    ledger.put("r2", b"late", EXPIRES + MINUTE, NOW)
    ledger.put("r1", b"soon", EXPIRES, NOW)
    assert [each.document for _ in range(3) for each in ledger.claim(NOW, most=1)] == [
        b"soon",
        b"late",
    ]


def test_nothing_waits_for_a_request_that_is_over(ledger: Ledger) -> None:
    """Nor for one that is not there; and what waited is not sent."""
    ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    ledger.close("r1", "refused", NOW)
    assert ledger.claim(NOW) == []
    with pytest.raises(RequestError, match="is closed"):
        ledger.put("r1", DOCUMENT, EXPIRES, NOW)
    with pytest.raises(RequestNotFound):
        ledger.put("r9", DOCUMENT, EXPIRES, NOW)


def test_a_put_that_is_undone_leaves_nothing(ledger: Ledger) -> None:
    """It stands and falls with the challenge that it belongs to."""

    def challenge() -> None:
        with ledger.transaction():
            ledger.put("r1", DOCUMENT, EXPIRES, NOW)
            raise KeyError

    with pytest.raises(KeyError):
        challenge()
    assert _rows(ledger) == 0


# --- several processes --------------------------------------------------------------------------


_start: list[Barrier] = []  # of this process


def _begin(start: Barrier) -> None:
    _start.append(start)


def _claim_all(url: str, settle: bool) -> list[str]:
    """Claim one by one, from a process of its own, all at the same moment."""
    taken = []
    with Ledger.open(url, KEY) as ledger:
        _start[0].wait(60)
        while messages := ledger.claim(NOW, most=1):
            for each in messages:
                taken.append(each.request)
                if settle:
                    ledger.sent(each.number)
    return taken


@pytest.mark.parametrize("settle", [True, False])
def test_processes_share_the_messages(ledger: Ledger, url: str, settle: bool) -> None:
    """Each message is claimed by one of them, and none is forgotten."""
    requests = [f"s{number}" for number in range(60)]
    for each in requests:
        ledger.add(a_request(each), ERIKA)
        ledger.put(each, DOCUMENT, EXPIRES, NOW)
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    with ProcessPoolExecutor(3, spawn, initializer=_begin, initargs=(start,)) as pool:
        jobs = [pool.submit(_claim_all, url, settle) for _ in range(3)]
        taken = [each for job in jobs for each in job.result()]
    assert sorted(taken) == sorted(requests)
    assert _rows(ledger) == (0 if settle else len(requests))
