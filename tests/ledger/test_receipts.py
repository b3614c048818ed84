"""Receipts: signed so that anyone with the public key can check them."""

from __future__ import annotations

import base64
import json

import pytest
from attrs import evolve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import create_engine

from dsr.errors import AuditBroken, RequestNotFound
from dsr.ledger import Ledger
from dsr.report import receipt_document
from tests.ledger.people import ERIKA, a_receipt, a_request


def test_a_receipt_comes_back_signed(ledger: Ledger) -> None:
    """The proof outlives the request: the latest is found, also when it is closed."""
    ledger.add(a_request(), ERIKA)
    assert ledger.receipt("r1") is None
    ledger.save_receipt(a_receipt(state="incomplete"))
    signed = ledger.save_receipt(a_receipt())
    ledger.close("r1", "done", signed.at)
    assert signed.signature
    assert evolve(signed, signature="") == a_receipt()
    assert ledger.receipt("r1") == signed


def test_anyone_can_verify_a_receipt(ledger: Ledger) -> None:
    """The signature is Ed25519 over the canonical JSON (sorted, compact, UTF-8) without itself."""
    ledger.add(a_request(), ERIKA)
    document = receipt_document(ledger.save_receipt(a_receipt()))
    signature = base64.b64decode(document.pop("signature"))
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(ledger.public_key()))
    plain = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    public.verify(signature, plain.encode())
    with pytest.raises(InvalidSignature):
        public.verify(signature, plain.replace('"erase":3', '"erase":4').encode())


def test_a_changed_receipt_is_not_handed_out(ledger: Ledger, url: str) -> None:
    """What others wrote into the database is never shown as proof."""
    ledger.add(a_request(), ERIKA)
    ledger.save_receipt(a_receipt())
    engine = create_engine(url)
    with engine.begin() as connection:
        change = "UPDATE dsr_receipts SET document = replace(document, ':3', ':4')"
        assert connection.exec_driver_sql(change).rowcount == 1
    engine.dispose()
    with pytest.raises(AuditBroken, match="r1"):
        ledger.receipt("r1")


def test_a_signature_has_one_spelling(ledger: Ledger, url: str) -> None:
    """Base64 could be written in sixteen ways: another one was written by others."""
    ledger.add(a_request(), ERIKA)
    signature = ledger.save_receipt(a_receipt()).signature
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = letters[letters.index(signature[85]) + 1]
    other = f"{signature[:85]}{last}=="
    assert base64.b64decode(other) == base64.b64decode(signature)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE dsr_receipts SET signature = '{other}'")  # noqa: S608  (base64)
    engine.dispose()
    with pytest.raises(AuditBroken):
        ledger.receipt("r1")
    with pytest.raises(AuditBroken, match="audit entry 1"):
        ledger.verify_audit()


def test_a_receipt_belongs_to_a_request(ledger: Ledger) -> None:
    """No proof of nothing."""
    with pytest.raises(RequestNotFound):
        ledger.save_receipt(a_receipt())
