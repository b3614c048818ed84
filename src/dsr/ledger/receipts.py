"""Receipts in the ledger: signed, and each noted in the audit trail."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve
from sqlalchemy import Connection, Row, insert, select

from dsr.errors import AuditBroken
from dsr.ledger.database import Part
from dsr.ledger.keys import Keys
from dsr.ledger.rows import request_row
from dsr.ledger.tables import receipts
from dsr.model import Receipt
from dsr.report import receipt_from, signed_part

__all__ = ["RECEIPT", "Receipts", "verify_receipts"]

#: The audit event of a receipt: its number is the count, its note the SHA-256 of its document.
RECEIPT: Final = "receipt signed"


class Receipts(Part):
    """The ledger's receipts."""

    def save_receipt(self, receipt: Receipt) -> Receipt:
        """Sign a receipt (Ed25519 over its canonical JSON), store it and return it signed.

        Earlier receipts of the request stay. Raises `RequestNotFound`.
        """
        document = signed_part(receipt)
        signature = self._keys.sign(document)
        row = {"request": receipt.request, "document": document.decode(), "signature": signature}
        with self._database.writing() as unit:
            request_row(unit.connection, receipt.request)
            new = insert(receipts).values(row).returning(receipts.c.number)
            number = unit.connection.execute(new).scalar_one()
            unit.note(
                RECEIPT,
                at=receipt.at,
                request=receipt.request,
                counts={"number": number},
                note=hashlib.sha256(document).hexdigest(),
            )
        return evolve(receipt, signature=signature)

    def receipt(self, id: str) -> Receipt | None:
        """Return the latest receipt of a request, None when it has none.

        Raises `AuditBroken` if its signature does not verify.
        """
        query = select(receipts).where(receipts.c.request == id)
        latest = query.order_by(receipts.c.number.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(latest).one_or_none()
        if row is None:
            return None
        if not _genuine(self._keys, row):
            what = f"the signature of the receipt of request {id} does not verify"
            raise AuditBroken(what, "compare the ledger with its last backup")
        document = json.loads(row.document)
        return receipt_from({**document, "signature": row.signature})

    def public_key(self) -> str:
        """Return the key that receipts can be verified with (Ed25519, base64 of 32 bytes)."""
        return self._keys.public()


def verify_receipts(
    connection: Connection, keys: Keys, entries: Iterable[Mapping[str, Any]]
) -> int:
    """Check the receipts that audit entries speak of, and return how many they are.

    Raises `AuditBroken` that names the first entry whose receipt is missing or was changed.
    """
    noted = {each["counts"]["number"]: each for each in entries if each["event"] == RECEIPT}
    if not noted:
        return 0
    found = connection.execute(select(receipts).where(receipts.c.number.in_(noted)))
    rows = {row.number: row for row in found}
    for number, entry in noted.items():
        row = rows.get(number)
        if (
            row is None
            or row.request != entry["request"]
            or hashlib.sha256(row.document.encode()).hexdigest() != entry["note"]
            or not _genuine(keys, row)
        ):
            what = f"the receipt of audit entry {entry['seq']} is missing or was changed by others"
            raise AuditBroken(what, "compare the ledger with its last backup")
    return len(noted)


def _genuine(keys: Keys, row: Row[Any]) -> bool:
    return keys.signed(row.document.encode(), row.signature)
