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


#: How often: numbers and words that stand for one.
COUNTS = (
    *("2", "14", "100", "14x", "14th", "two", "fourteen", "twenty-one", "a hundred", "dozens of"),
    *("many", "too many", "countless", "several", "numerous", "repeated", "so many"),
    *("zwei", "vierzehn", "einundzwanzig", "dreißig", "viele", "zu viele", "unzählige", "mehrere"),
    *("zahlreiche", "dutzende", "wiederholte", "zwölfmal", "hundertfünfzig"),
    *("deux", "quatorze", "vingt-et-une", "quatre-vingt-dix", "de nombreuses", "plusieurs"),
    *("beaucoup de", "trop de", "une quinzaine de", "des dizaines de", "innombrables"),
)
#: What was made so often, if that is said at all.
ACTS = (
    *("", "requests", "times", "e-mails", "access requests", "he asked", "she asks"),
    *("Anfragen", "Anträge", "mal", "Mal", "E-Mails", "Auskunftsersuchen", "er fragte"),
    *("demandes", "fois", "demandes d'accès", "courriels", "il a demandé"),
)
#: And since when, or how.
WHENS = (
    *("", "this year", "since May", "again and again", "in a row", "within 3 weeks", "every day"),
    *("in diesem Jahr", "seit Mai", "immer wieder", "schon wieder", "jede Woche", "2026"),
    *("cette année", "depuis mai", "à répétition", "encore et encore", "sans cesse", "en 2026"),
)
#: What somebody can look at. Each makes a count evidence: it tells more than how often.
FACTS = (
    *(
        "file 7: threatens our staff",
        "he demands 500 EUR to stop",
        "identical copy of 3 May on file",
    ),
    *("Akte 7: droht mit Gewalt", "bietet an, gegen Geld zu verzichten", "Ticket A-17"),
    *("dossier 12 : menaces", "il exige de l'argent", "pièce n° 3, chantage"),
)


@pytest.mark.parametrize(
    "evidence",
    [
        *("", "  ", "14", "14 requests", "he made 14 requests", "14 Anfragen in diesem Jahr"),
        *(
            "fois 20",
            "fourteen requests",
            "many requests",
            "he asked again and again",
            "immer wieder",
        ),
        *(
            "à répétition",
            "de nombreuses demandes",
            "viele Anfragen",
            "she keeps asking, every week",
        ),
        *("FOURTEEN REQUESTS!", "Er fragt ständig.", "il demande toujours"),
    ],
)
def test_a_count_is_no_evidence(evidence: str) -> None:
    """Rule 10 (GDPR Art. 12(5); C-526/24): a number of requests alone shows nothing."""
    causes: tuple[Cause, ...] = ("excessive", "unfounded")
    for cause in causes:
        with pytest.raises(InputError, match="a number of requests is none"):
            Refusal(cause, WHY, WHO, evidence=evidence)


@given(count=st.integers(0, 10_000_000), word=st.sampled_from(ACTS), when=st.sampled_from(WHENS))
def test_no_count_is_evidence(count: int, word: str, when: str) -> None:
    """Rule 10 (C-526/24): however large it is."""
    with pytest.raises(InputError, match="a number of requests is none"):
        Refusal("excessive", WHY, WHO, evidence=f"{count} {word} {when}")


@given(
    parts=st.tuples(st.sampled_from(COUNTS), st.sampled_from(ACTS), st.sampled_from(WHENS)),
    order=st.permutations(range(3)),
    upper=st.booleans(),
)
def test_no_count_in_words_is_evidence(
    parts: tuple[str, str, str], order: list[int], upper: bool
) -> None:
    """Rule 10 (C-526/24): in words as in digits, in each language that dsr answers in."""
    text = " ".join(parts[each] for each in order)
    with pytest.raises(InputError, match="a number of requests is none"):
        Refusal("excessive", WHY, WHO, evidence=text.upper() if upper else text)


@given(
    fact=st.sampled_from(FACTS),
    around=st.lists(st.sampled_from([*COUNTS, *ACTS, *WHENS]), max_size=4),
    first=st.booleans(),
)
def test_evidence_beside_a_count_is_evidence(fact: str, around: list[str], first: bool) -> None:
    """Rule 10 (GDPR Art. 12(5)): the burden of proof is met by a fact, with a count or without."""
    told = [fact, *around] if first else [*around, fact]
    assert Refusal("excessive", WHY, WHO, evidence=", ".join(told)).evidence


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
