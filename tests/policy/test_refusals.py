"""A refusal cannot exist without what the law wants of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import InputError
from dsr.model import RIGHTS, Right
from dsr.policy.refusals import CONDITIONS, Cause, Condition, Refusal

WHY = "the same copy was handed over last week and nothing has changed since"
WHO = "M. Weber, data protection officer"


@pytest.mark.parametrize(
    "evidence",
    ["", "  ", "14", "14 requests", "he made 14 requests", "14 Anfragen in diesem Jahr", "fois 20"],
)
def test_a_count_is_no_evidence(evidence: str) -> None:
    """Rule 10 (GDPR Art. 12(5); C-526/24): a number of requests alone shows nothing."""
    causes: tuple[Cause, ...] = ("excessive", "unfounded")
    for cause in causes:
        with pytest.raises(InputError, match="a number of requests is none"):
            Refusal(cause, WHY, WHO, evidence=evidence)


@given(count=st.integers(0, 10_000), word=st.sampled_from(["requests", "times", "mal", ""]))
def test_no_count_is_evidence(count: int, word: str) -> None:
    """Rule 10 (C-526/24): however large it is."""
    with pytest.raises(InputError, match="a number of requests is none"):
        Refusal("excessive", WHY, WHO, evidence=f"{count} {word}")


@pytest.mark.parametrize("by", ["", " "])
def test_somebody_decided_it(by: str) -> None:
    """Rule 10 (GDPR Art. 12(5)): a refusal as excessive has a named person behind it."""
    with pytest.raises(InputError, match="a person who decided"):
        Refusal("excessive", WHY, by, evidence="file 7: e-mail of 3 May, demands money to stop")


def test_evidence_and_a_name_are_kept_as_proof() -> None:
    """Rule 10 (GDPR Art. 12(5)): the operator bears the burden of proof: the trail has both."""
    evidence = "file 7: e-mail of 3 May, demands money to stop"
    decision = Refusal("excessive", WHY, WHO, evidence=evidence).decision
    assert evidence in decision
    assert WHO in decision
    assert "GDPR Art. 12(5)(b)" in decision


@given(st.sets(st.sampled_from(CONDITIONS)))
def test_the_german_exception_needs_all_three(confirmed: set[Condition]) -> None:
    """Rule 24 (BDSG s. 34(1) no. 2): retention only, disproportionate, otherwise excluded."""
    if confirmed == set(CONDITIONS):
        Refusal("national law", WHY, WHO, law="BDSG § 34(1) no. 2", confirmed=frozenset(confirmed))
        return
    with pytest.raises(InputError, match="needs all three"):
        Refusal("national law", WHY, WHO, law="BDSG § 34(1) no. 2", confirmed=frozenset(confirmed))


@pytest.mark.parametrize("law", ["", "GDPR Art. 23", "Art. 23 DSGVO"])
def test_national_law_is_cited(law: str) -> None:
    """Rule 24 (GDPR Art. 23): the Regulation itself is no national law."""
    with pytest.raises(InputError, match="cites that law"):
        Refusal("national law", WHY, WHO, law=law)


@pytest.mark.parametrize("right", RIGHTS)
def test_the_german_exception_limits_access_only(right: Right) -> None:
    """Rule 24 (BDSG s. 34): it limits Art. 15; erasure and the others have their own rules."""
    refusal = Refusal(
        "national law", WHY, WHO, law="BDSG § 34(1) no. 2", confirmed=frozenset(CONDITIONS)
    )
    if right == "access":
        refusal.check_right(right)
        return
    with pytest.raises(InputError, match="limits access"):
        refusal.check_right(right)


def test_who_cannot_be_identified_may_object() -> None:
    """Rule 12 (GDPR Art. 11(2)): Arts. 15 to 20 do not apply; Art. 21 does."""
    refusal = Refusal("not identifiable", WHY, WHO)
    refusal.check_right("portability")
    with pytest.raises(InputError, match="right to object"):
        refusal.check_right("objection")


def test_its_repr_tells_nothing_of_a_person() -> None:
    """Law 8: reasons and evidence may name people in spite of all; a repr does not show them."""
    told = repr(Refusal("excessive", WHY, WHO, evidence="file 7, Eva Müller's e-mail of 3 May"))
    assert "Eva" not in told
    assert "Weber" not in told
