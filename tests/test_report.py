"""Receipts as JSON: one shape, for the ledger and for scripts."""

from __future__ import annotations

import datetime as dt
import json

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dsr.model import RIGHTS, STATES, VERBS, PackageInfo, Receipt, Tally
from dsr.report import (
    canonical,
    receipt_document,
    receipt_from,
    signed_part,
    tallies_document,
    tallies_from,
)

_BERLIN = dt.timezone(dt.timedelta(hours=1))
_COUNT = st.integers(0, 10**9)
_NAME = st.text(max_size=8)
_TIMES = st.datetimes(timezones=st.sampled_from([dt.UTC, _BERLIN]))
_TALLIES = st.builds(
    Tally,
    do=st.dictionaries(st.sampled_from(VERBS), _COUNT),
    keep=st.dictionaries(st.tuples(_NAME, _NAME, st.none() | st.dates()), _COUNT, max_size=4),
    gaps=st.dictionaries(_NAME, _COUNT, max_size=4),
    grounds=st.dictionaries(_NAME, _COUNT, max_size=2),
)
_STORES = st.dictionaries(_NAME, st.dictionaries(_NAME, _TALLIES, max_size=3), max_size=3)
_RECEIPTS = st.builds(
    Receipt,
    request=_NAME,
    right=st.sampled_from(RIGHTS),
    state=st.sampled_from(STATES),
    at=_TIMES,
    stores=_STORES,
    proved=st.dictionaries(_NAME, _TIMES, max_size=3),
    package=st.none() | st.builds(PackageInfo, path=_NAME, size=_COUNT, sha256=_NAME),
    signature=_NAME,
)

RECEIPT = Receipt(
    request="5f1c",
    right="erasure",
    state="incomplete",
    at=dt.datetime(2026, 3, 5, 10, 0, 0, 7, tzinfo=_BERLIN),
    stores={
        "cdr": {
            "call_records": Tally(
                do={"erase": 3, "redact": 2},
                keep={
                    ("pending claim", "Art. 17(3)(e)", None): 1,
                    ("billing", "TDDDG § 10", dt.date(2026, 9, 5)): 4,
                },
                gaps={"the store refused": 5},
            )
        }
    },
    proved={"book": dt.datetime(2026, 3, 5, 9, 0, tzinfo=dt.UTC)},
    package=PackageInfo("out/5f1c.zip", 1024, "ab" * 32),
    signature="c2ln",
)


def test_a_receipt_has_this_shape() -> None:
    """Scripts depend on it: names, nesting, order of lists, times in UTC."""
    assert receipt_document(RECEIPT) == {
        "request": "5f1c",
        "right": "erasure",
        "status": "incomplete",
        "at": "2026-03-05T09:00:00.000007+00:00",
        "stores": {
            "cdr": {
                "call_records": {
                    "do": {"erase": 3, "redact": 2},
                    "keep": [
                        {
                            "count": 4,
                            "reason": "billing",
                            "law": "TDDDG § 10",
                            "until": "2026-09-05",
                        },
                        {
                            "count": 1,
                            "reason": "pending claim",
                            "law": "Art. 17(3)(e)",
                            "until": None,
                        },
                    ],
                    "gaps": [{"count": 5, "reason": "the store refused"}],
                }
            }
        },
        "proved": {"book": "2026-03-05T09:00:00+00:00"},
        "package": {"path": "out/5f1c.zip", "size": 1024, "sha256": "ab" * 32},
        "signature": "c2ln",
    }


def test_without_a_package_there_is_none() -> None:
    """An erasure's receipt speaks of no package."""
    assert "package" not in receipt_document(evolve(RECEIPT, package=None))


@given(_RECEIPTS)
def test_a_receipt_survives_json(receipt: Receipt) -> None:
    """Rule 9 (GDPR Art. 15(3)): the ledger gives back what was signed, exactly."""
    again = receipt_from(json.loads(json.dumps(receipt_document(receipt))))
    assert again == receipt
    assert signed_part(again) == signed_part(receipt)


@given(_STORES)
def test_tallies_survive_json(stores: dict[str, dict[str, Tally]]) -> None:
    """The same for plans."""
    assert tallies_from(json.loads(canonical(tallies_document(stores)))) == stores


def test_canonical_json_has_one_spelling() -> None:
    """Sorted names, nothing between, UTF-8: two writers sign the same bytes."""
    document = {"b": [1, None], "a": {"ü": "§", "c": True}}
    assert canonical(document) == '{"a":{"c":true,"ü":"§"},"b":[1,null]}'.encode()


def test_a_signature_is_over_everything_else() -> None:
    """All of the document but the signature itself."""
    document = receipt_document(RECEIPT)
    del document["signature"]
    assert signed_part(RECEIPT) == canonical(document)


def test_a_receipt_without_grounds_reads_as_before() -> None:
    """Law 11: what was signed before grounds were told has the same bytes, and still verifies."""
    assert b"grounds" not in signed_part(RECEIPT)
