"""By which point of its article a request is fulfilled."""

from __future__ import annotations

from typing import Any

import pytest

from dsr.model import Right
from dsr.policy.grounds import GROUNDS, ground_of
from dsr.policy.model import Category
from tests.things import category

CONTRACT = category()
CONSENT = category(basis="consent")
INTEREST = category(basis="legitimate interests")
MARKETING = category(basis="legitimate interests", purposes=("direct marketing",))


@pytest.mark.parametrize(
    ("right", "relied_on", "rules", "ground"),
    [
        ("erasure", "", CONTRACT, "17(1)(a)"),
        ("erasure", "", INTEREST, "17(1)(a)"),
        ("erasure", "", CONSENT, "17(1)(b)"),
        ("erasure", "", MARKETING, "17(1)(c)"),
        ("erasure", "17(1)(d)", CONTRACT, "17(1)(d)"),
        ("erasure", "17(1)(a)", CONSENT, "17(1)(a)"),
        ("erasure", "17(1)(b)", CONSENT, "17(1)(b)"),
        ("erasure", "17(1)(b)", CONTRACT, "17(1)(a)"),
        ("erasure", "17(1)(f)", CONSENT, "17(1)(f)"),
        ("erasure", "17(1)(f)", INTEREST, "17(1)(a)"),
        ("erasure", "17(1)(c)", INTEREST, "17(1)(c)"),
        ("erasure", "17(1)(c)", CONTRACT, "17(1)(a)"),
        ("withdrawal", "", CONSENT, "17(1)(b)"),
        ("objection", "21(1)", INTEREST, "17(1)(c)"),
        ("objection", "21(2)", MARKETING, "17(1)(c)"),
        ("restriction", "18(1)(c)", CONTRACT, ""),
        ("access", "", CONTRACT, ""),
    ],
)
def test_data_is_erased_by_the_ground_that_fits_it(
    right: Right, relied_on: str, rules: Category, ground: str
) -> None:
    """Rule 13 (GDPR Art. 17(1)): the one the person relies on, or the one the policy shows."""
    assert ground_of(right, relied_on, rules) == ground


@pytest.mark.parametrize("basis", ["consent", "contract", "legitimate interests", "public task"])
@pytest.mark.parametrize("purpose", ["billing", "marketing"])
def test_every_category_has_a_ground(basis: Any, purpose: str) -> None:
    """Rule 13 (GDPR Art. 17(1)): whatever is relied on, nothing is erased without a ground."""
    for relied_on in ("", *GROUNDS["erasure"]):
        found = ground_of("erasure", relied_on, category(basis=basis, purposes=(purpose,)))
        assert found in GROUNDS["erasure"]
