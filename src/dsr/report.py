"""Receipts and tallies as JSON documents, and back; the one place that knows their shape.

The ledger signs and stores receipts in this form, the command line prints it, and whoever has
the public key can check it: `canonical(document)` of the document without its `signature` is
what the signature is over.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from attrs import asdict

from dsr.model import PackageInfo, Receipt, Tally

__all__ = [
    "canonical",
    "receipt_document",
    "receipt_from",
    "signed_part",
    "tallies_document",
    "tallies_from",
]

_LAST: Final = dt.date.max  # an open end sorts last
_A = TypeVar("_A")
_B = TypeVar("_B")


def canonical(document: object) -> bytes:
    """Return the one spelling of a JSON document: sorted names, no white space, UTF-8.

    Raises `ValueError` for what JSON cannot hold (NaN, infinity), `TypeError` for other types.
    """
    text = json.dumps(
        document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    return text.encode()


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as a JSON document; times are in UTC.

    `stores` is as in `tallies_document`, `proved` maps stores to times; `package`, where there
    is one, has `path`, `size` in bytes and `sha256`.
    """
    package = {"package": asdict(receipt.package)} if receipt.package else {}
    return {
        "request": receipt.request,
        "right": receipt.right,
        "status": receipt.state,
        "at": _time(receipt.at),
        "stores": tallies_document(receipt.stores),
        "proved": {store: _time(at) for store, at in receipt.proved.items()},
        **package,
        "signature": receipt.signature,
    }


def receipt_from(document: Mapping[str, Any]) -> Receipt:
    """Return the receipt of a `receipt_document`."""
    package = document.get("package")
    return Receipt(
        request=document["request"],
        right=document["right"],
        state=document["status"],
        at=dt.datetime.fromisoformat(document["at"]),
        stores=tallies_from(document["stores"]),
        proved={s: dt.datetime.fromisoformat(at) for s, at in document["proved"].items()},
        package=PackageInfo(**package) if package else None,
        signature=document["signature"],
    )


def signed_part(receipt: Receipt) -> bytes:
    """Return the bytes that a receipt's signature is over."""
    document = receipt_document(receipt)
    del document["signature"]
    return canonical(document)


def tallies_document(stores: Mapping[str, Mapping[str, Tally]]) -> dict[str, Any]:
    """Return store -> category -> tally as JSON.

    A tally is `{"do": {VERB: n}, "keep": [{"count", "reason", "law", "until"}],
    "gaps": [{"count", "reason"}]}`; `until` is a date or null. Where something was erased, it
    has `"grounds": {GROUND: n}`, too: the point of GDPR Art. 17(1).
    """
    return _each(stores, _tally)


def tallies_from(document: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Tally]]:
    """Return the tallies of a `tallies_document`."""
    return _each(document, _tally_from)


def _each(
    stores: Mapping[str, Mapping[str, _A]], turn: Callable[[_A], _B]
) -> dict[str, dict[str, _B]]:
    return {
        store: {category: turn(tally) for category, tally in categories.items()}
        for store, categories in stores.items()
    }


def _tally(tally: Tally) -> dict[str, Any]:
    keep = sorted(tally.keep.items(), key=lambda item: (*item[0][:2], item[0][2] or _LAST))
    return {
        "do": dict(tally.do),
        "keep": [
            {
                "count": count,
                "reason": reason,
                "law": law,
                "until": until.isoformat() if until else None,
            }
            for (reason, law, until), count in keep
        ],
        "gaps": [
            {"count": count, "reason": reason} for reason, count in sorted(tally.gaps.items())
        ],
        **({"grounds": dict(sorted(tally.grounds.items()))} if tally.grounds else {}),
    }


def _tally_from(document: Mapping[str, Any]) -> Tally:
    return Tally(
        do=dict(document["do"]),
        keep={
            (
                each["reason"],
                each["law"],
                dt.date.fromisoformat(each["until"]) if each["until"] else None,
            ): each["count"]
            for each in document["keep"]
        },
        gaps={each["reason"]: each["count"] for each in document["gaps"]},
        grounds=dict(document.get("grounds", {})),
    )


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat()
