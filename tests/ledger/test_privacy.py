"""The ledger at rest: who copies the database learns nobody's identifiers."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from dsr.errors import LedgerError
from dsr.ledger import Confirmed, Ledger, Limits
from dsr.ledger.keys import Keys
from dsr.ledger.tables import metadata
from dsr.model import Hold
from tests.ledger.people import EMAIL, ERIKA, KEY, NOW, PHONE, a_receipt, a_request, everything

LIMITS = Limits(attempts=5, per_number=10, overall=1_000, hard=100)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NAME = "Musterfrau-Schmidt"


def _spellings() -> list[bytes]:
    plain = [PHONE, PHONE[1:], PHONE[3:], EMAIL, EMAIL.split("@")[0], NAME, SECRET]
    raw = [each.encode() for each in plain]
    hashes = [hashlib.sha256(each).digest() for each in raw]  # a hash without key is no secret
    return [*raw, *(each.hex().encode() for each in raw), *hashes]


def _use(ledger: Ledger) -> None:
    ledger.add(a_request(right="rectification", changes={"name": NAME}), ERIKA)
    ledger.reseal("r1", ERIKA)
    ledger.add_hold(Hold("h1", "a case", "a claim", "Art. 17(3)(e)", subject=ERIKA), NOW)
    ledger.save_challenge(
        "r1",
        secret=SECRET,
        number=PHONE,
        real=True,
        expires=NOW + dt.timedelta(minutes=10),
        limits=LIMITS,
        at=NOW,
    )
    ledger.take_attempt("r1", LIMITS, NOW)
    ledger.save_plan(
        "r1", Confirmed("t", NOW, {}, {"cdr": ledger.digest(PHONE).to_bytes(8, "big")})
    )
    ledger.save_receipt(a_receipt())


def test_no_identifier_is_in_the_database(ledger: Ledger, url: str, tmp_path: Path) -> None:
    """Not while the request is open, not after it closed; not in SQLite's log, either."""
    for step in (
        _use,
        lambda it: it.close("r1", "done", NOW),
        lambda it: it.release_hold("h1", NOW),
    ):
        step(ledger)
        found = everything(url, tmp_path)
        assert b"TDDDG" in found, "the dump shows what is in the database"
        assert [each for each in _spellings() if each in found] == []


def test_what_was_sealed_is_gone_after_closing(ledger: Ledger, url: str, tmp_path: Path) -> None:
    """Not even the ciphertext stays: a key that leaks later opens nothing of it."""
    _use(ledger)
    with ledger._database.reading() as connection:
        rows = [
            *connection.execute(metadata.tables["dsr_requests"].select()).mappings(),
            *connection.execute(metadata.tables["dsr_challenges"].select()).mappings(),
            *connection.execute(metadata.tables["dsr_plan_parts"].select()).mappings(),
            *connection.execute(metadata.tables["dsr_holds"].select()).mappings(),
        ]
    names = ("subject", "changes", "secret", "digests")
    sealed = [row[name] for row in rows for name in names if row.get(name)]
    assert len(sealed) == 5
    ledger.close("r1", "done", NOW)
    ledger.release_hold("h1", NOW)
    ledger.dispose()  # SQLite moves its log into the database
    found = everything(url, tmp_path)
    assert [each for each in sealed if each in found or each.hex().encode() in found] == []


def test_a_seal_opens_only_in_its_place() -> None:
    """Who can write to the database cannot put one person's seal into another's request."""
    keys = Keys.of(KEY)
    sealed = keys.seal(b"a person", "subject of request r1")
    assert keys.unseal(sealed, "subject of request r1") == b"a person"
    for other, place in (
        (sealed, "subject of request r2"),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), "subject of request r1"),
        (sealed[:5], "subject of request r1"),
        (b"", "subject of request r1"),
    ):
        with pytest.raises(LedgerError, match="does not open"):
            keys.unseal(other, place)
    with pytest.raises(LedgerError, match="does not open"):
        Keys.of(bytes(32)).unseal(sealed, "subject of request r1")


def test_equal_texts_are_sealed_differently() -> None:
    """The database does not show that two requests are about one person's data."""
    keys = Keys.of(KEY)
    assert keys.seal(b"a person", "here") != keys.seal(b"a person", "here")


def test_keyed_hashes_do_not_shift() -> None:
    """(`ab`, `c`) and (`a`, `bc`) are two things."""
    keys = Keys.of(KEY)
    assert keys.hash("ab", "c") != keys.hash("a", "bc")


def test_repr_shows_no_key() -> None:
    """A ledger in a traceback shows nothing of its key."""
    keys = Keys.of(KEY)
    assert repr(keys) == "Keys()"
