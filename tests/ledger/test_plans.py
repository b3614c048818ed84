"""Confirmed plans, and the digests that they are made of."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from dsr.ledger import Confirmed, Ledger
from dsr.ledger.keys import Keys
from tests.ledger.people import ERIKA, KEY, NOW, a_request


def test_a_plan_comes_back_whole(ledger: Ledger) -> None:
    """What is carried out is what was confirmed: every digest, count and the token."""
    ledger.add(a_request(), ERIKA)
    plan = Confirmed(
        "4f2a",
        NOW,
        {"cdr": {"calls": {"erase": 2, "redact": 1}}, "book": {}},
        {"cdr": bytes(range(256)) * 4_000, "book": b""},
    )
    assert ledger.plan("r1") is None
    ledger.save_plan("r1", plan)
    assert ledger.plan("r1") == plan


def test_a_new_plan_takes_the_place_of_the_old(ledger: Ledger) -> None:
    """No part of an earlier plan can be carried out."""
    ledger.add(a_request(), ERIKA)
    ledger.save_plan("r1", Confirmed("one", NOW, {}, {"cdr": bytes(8), "book": bytes(8)}))
    second = Confirmed("two", NOW + dt.timedelta(hours=1), {}, {"cdr": bytes(16)})
    ledger.save_plan("r1", second)
    assert ledger.plan("r1") == second


def test_repr_shows_no_digests() -> None:
    """Digests are of keys: they stay out of logs (law 8)."""
    plan = Confirmed("t", NOW, {}, {"cdr": b"8 bytes!"})
    assert "8 bytes!" not in repr(plan)


def _derived(purpose: str) -> bytes:
    """HKDF-SHA-256 (RFC 5869) for one block, written out."""
    extracted = hmac.digest(bytes(32), KEY, "sha256")
    return hmac.digest(extracted, f"dsr ledger, {purpose}".encode() + b"\x01", "sha256")


@given(st.text() | st.binary())
def test_a_digest_is_keyed_blake2b(text: str | bytes) -> None:
    """Stored plans stay readable: 64-bit blake2b under a key derived by RFC 5869."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    expected = hashlib.blake2b(raw, digest_size=8, key=_derived("digest")).digest()
    assert Keys.of(KEY).digester()(text) == int.from_bytes(expected, "big")


def test_a_digest_takes_any_name() -> None:
    """Keys of files hold bytes that are no text: they have digests, too, and different ones."""
    digest = Keys.of(KEY).digester()
    names = [b"\xff.wav".decode("utf-8", "surrogateescape"), "\ud800.wav", "ÿ.wav"]
    assert len({digest(each) for each in names}) == 3


def test_digests_of_two_ledgers_differ() -> None:
    """Without the ledger's key a digest says nothing."""
    assert Keys.of(KEY).digester()("cdr\0key") != Keys.of(bytes(32)).digester()("cdr\0key")
