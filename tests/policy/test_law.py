"""Whose law a citation names, and which exception of Art. 17(3) GDPR: what is told, what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import InputError
from dsr.policy.law import (
    EEA,
    EXCEPTIONS,
    check_jurisdiction,
    ground_of,
    is_foreign,
    is_member_state_law,
    is_union_law,
)


@pytest.mark.parametrize(
    "law",
    [
        "GDPR Art. 17(3)(e)",
        "Art. 17(3)(e)",
        "GDPR Article 17 (3) (e)",
        "Art. 17 Abs. 3 lit. e DSGVO",
        "Art. 17 Abs. 3 Buchst. e) DS-GVO",
        "DSGVO Artikel 17 Absatz 3 Buchstabe e",
        "article 17, paragraphe 3, point e), du RGPD",
        "RGPD, art. 17 § 3 e)",
        "GDPR art. 17.3.e",
        "Art. 17 para. 3 point (e) GDPR; ZPO § 142",
    ],
)
def test_a_citation_tells_its_ground(law: str) -> None:
    """Rule 13 (GDPR Art. 17(3)): who cites the exception need not name it again."""
    assert ground_of(law, None) == "17(3)(e)"
    assert ground_of(law, "17(3)(e)") == "17(3)(e)"
    with pytest.raises(InputError, match="another exception"):
        ground_of(law, "17(3)(b)")


@pytest.mark.parametrize(
    "law",
    [
        "",
        "47 CFR s. 42.6",
        "AO § 147",
        "lawsuit",
        "GDPR",
        "GDPR Art. 17(1)(e)",
        "GDPR Art. 17(3)",
        "GDPR Art. 117(3)(e)",
        "GDPR Art. 17(3)(b), 17(3)(e)",
        "Art. 17(3) every claim",
    ],
)
def test_what_tells_no_ground_needs_it(law: str) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): nobody's duty becomes a claim because nothing was said."""
    with pytest.raises(InputError, match="tell its ground"):
        ground_of(law, None)


@given(law=st.text(st.characters(exclude_characters="17")), told=st.sampled_from(EXCEPTIONS))
def test_a_ground_that_is_told_is_kept(law: str, told: str) -> None:
    """Rule 13 (GDPR Art. 17(3)): it is never replaced by one that dsr guessed."""
    assert ground_of(law, told) == told


def test_only_exceptions_are_grounds() -> None:
    """Rule 13 (GDPR Art. 17(3)): of necessity (17(1)(a)) a policy speaks, no hold."""
    with pytest.raises(InputError, match="no exception"):
        ground_of("lease", "still necessary")


@pytest.mark.parametrize(
    "law",
    [
        "47 CFR s. 42.6",
        "47 C.F.R. § 42.6",
        "47 cfr 42.6",
        "18 U.S.C. § 2703(f)",
        "18 USC 2703",
        "FCC records rule",
        "Communications Act of 1934, as amended",
        "Sarbanes-Oxley s. 802",
        "Wyo. Stat. § 37-2-101",
        "US telecommunications regulations",
        "U.S. federal law",
        "Investigatory Powers Act 2016",
        "Companies Act 2006 s. 388",
        "UK Finance Act",
        "UK GDPR Art. 17(3)(b)",
        "GDPR Art. 17(3)(e); 47 CFR s. 42.6",
        "BÜPF Art. 26",
        "Swiss Code of Obligations Art. 958f",
        "PIPEDA s. 8",
    ],
)
def test_foreign_statutes_are_known(law: str) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): the citations that an operator's lawyers abroad write."""
    assert is_foreign(law)


@pytest.mark.parametrize(
    "law",
    [
        "GDPR Art. 17(3)(e)",
        "Art. 17 Abs. 3 lit. e DSGVO",
        "AO § 147",
        "HGB s. 257, AO s. 147",
        "TDDDG § 10",
        "CPCE L34-1, L34-2 (unverified)",
        "Code de commerce L123-22",
        "VAT Directive 2006/112/EC Art. 369(2)",
        "Regulation (EU) 2022/2065 (Digital Services Act)",
        "the customer asks us to keep by our rules",
        "records rule",
    ],
)
def test_the_law_of_the_union_is_not_taken_for_foreign(law: str) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): a lawful hold is not refused for how it is written."""
    assert not is_foreign(law)
    assert not is_foreign(law, "DE")
    assert is_foreign(law, "US")


def test_an_act_may_be_irish_if_that_is_said() -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): acts are cited alike in London and Dublin; codes are not."""
    assert is_foreign("Companies Act 2014")
    assert not is_foreign("Companies Act 2014", "IE")
    assert is_foreign("47 CFR s. 42.6", "IE")


@pytest.mark.parametrize(
    ("law", "union"),
    [
        ("GDPR Art. 17(3)(b)", True),
        ("VAT Directive 2006/112/EC", True),
        ("Regulation (EU) 2016/679", True),
        ("Richtlinie 2006/112/EG", True),
        ("ePrivacy Directive Art. 6(2)", True),
        ("UK GDPR Art. 17(3)(b)", False),
        ("AO § 147", False),
        ("records rule", False),
    ],
)
def test_acts_of_the_union_are_known(law: str, union: bool) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): these need nobody to say whose law they are."""
    assert is_union_law(law) is union


@given(st.text())
def test_whose_law_is_a_country_or_the_union(text: str) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): a jurisdiction that counts is one that may be written."""
    if is_member_state_law(text.strip()) and text == text.strip():
        check_jurisdiction(text)
    for each in (*EEA, "EU", "US", ""):
        check_jurisdiction(each)
    with pytest.raises(InputError, match="two letters"):
        check_jurisdiction("D" + text + "E1")
