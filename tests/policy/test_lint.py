"""What law forbids in a policy is an error that stops it; what counsel should see is a warning."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pytest
from attrs import evolve

from dsr.errors import InputError
from dsr.model import Hold
from dsr.policy.holds import check_hold
from dsr.policy.lint import Problem, lint, must_not_run
from dsr.policy.model import (
    Category,
    Deadlines,
    Operator,
    Policy,
    Recipient,
    Retention,
    Stage,
    Unresolved,
)

TODAY: Final = dt.date(2026, 11, 24)
OPERATOR: Final = Operator("Example Telekom GmbH", "DE", "Europe/Berlin", "BfDI")
CALENDAR: Final = Deadlines(calendar="DE")
CATEGORY: Final = Category(
    "controller", ("support",), "contract", "provided", retention="until the contract ends"
)
HOLD: Final = Hold("h1", "12 O 34/26", "lawsuit", "GDPR Art. 17(3)(e)")


def _problems(
    *holds: Hold, operator: Operator = OPERATOR, deadlines: Deadlines = CALENDAR, **change: Any
) -> list[Problem]:
    policy = Policy(operator, {"tickets": evolve(CATEGORY, **change)}, deadlines)
    return list(lint(policy, holds, TODAY))


def _only(found: list[Problem]) -> Problem:
    assert len(found) == 1, [str(each) for each in found]
    return found[0]


def test_a_lawful_policy_has_no_problem() -> None:
    """What counsel need not see is not told."""
    assert _problems(HOLD) == []


@pytest.mark.parametrize(
    ("change", "place", "source"),
    [
        ({"role": "processor", "retention": ""}, ".controller", "Art. 28"),
        ({"role": "processor", "controller": "{a} of {b}"}, ".controller", "Art. 28"),
        ({"role": "processor", "controller": "{}"}, ".controller", "Art. 28"),
        ({"purposes": ()}, ".purposes", "Art. 15(1)(a)"),
        ({"origin": "inferred", "portable": True}, ".portable", "Art. 20(1)"),
        ({"basis": "consent"}, ".withdraw", "Art. 7(3)"),
        (
            {"retention": "", "keep": (Retention("18 months", "§ 1"),)},
            ".keep",
            "5(1)(e)",
        ),
        ({"retention": "18 months minimum for regulatory compliance"}, ".retention", "5(1)(e)"),
        ({"retention": "logs are automatically rotated"}, ".retention", "15(1)(d)"),
        ({"keep": (Retention("18 months", "47 CFR", jurisdiction="US"),)}, ".keep[0]", "17(3)(b)"),
        ({"keep": (Retention("18 months", "47 CFR s. 42.6"),)}, ".keep[0].j", "17(3)(b)"),
        (
            {"keep": (Retention("18 months", "47 CFR", ground="17(3)(e)"),)},
            ".keep[0].law",
            "17(3)(e)",
        ),
        ({"keep": (Retention("10 weeks", "TKG § 176"),)}, ".keep[0].law", "BVerwG 6 C 6.22"),
        ({"keep": (Retention("10 weeks", "§ 176 TKG"),)}, ".keep[0].law", "BVerwG 6 C 6.22"),
        ({"recipients": (Recipient(kind="carriers"),)}, ".recipients[0].name", "C-154/21"),
        (
            {"recipients": (Recipient("A", country="US", safeguard="EU-U.S. Privacy Shield"),)},
            ".safeguard",
            "C-311/18",
        ),
        (
            {"recipients": (Recipient("A", safeguard="SCC", safeguard_until=TODAY),)},
            ".safeguard",
            "Art. 46",
        ),
        ({"stages": (Stage("7 days", anchor="nobody.left_at"),)}, ".stages[0].anchor", "5(1)(e)"),
        (
            {"stages": (Stage("2 years", "anonymise"), Stage("14 months"))},
            ".stages[1].period",
            "5(1)(e)",
        ),
        ({"stages": (Stage("1 year"), Stage("2 years"))}, ".stages[0]", "5(1)(e)"),
        (
            {"stages": (Stage("6 months"),), "keep": (Retention("8 years", "AO § 147"),)},
            ".keep[0].period",
            "15(1)(d)",
        ),
    ],
)
def test_what_law_forbids_in_a_category(change: dict[str, Any], place: str, source: str) -> None:
    """Each is an error that names the setting and its source, and is the only one told."""
    found = _only(_problems(**change))
    assert found.kind == "error"
    assert found.place.startswith("categories.tickets")
    assert place in found.place
    assert source in found.source


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"retention": ""}, "retention"),
        (
            {"retention": "regulatory compliance", "keep": (Retention("18 months", "§ 1"),)},
            "retention",
        ),
        ({"origin": "third party"}, "sources"),
        ({"purposes": ("fraud prevention",)}, "automated"),
        ({"recipients": (Recipient("A", country="US"),)}, "recipients[0].safeguard"),
        ({"stages": (Stage("14 months", "anonymise"),)}, "stages"),
    ],
)
def test_what_counsel_should_see(change: dict[str, Any], place: str) -> None:
    """A warning stops nothing."""
    found = _only(_problems(**change))
    assert (found.kind, found.place) == ("warning", f"categories.tickets.{place}")


@pytest.mark.parametrize(
    ("change", "fine"),
    [
        ({"basis": "consent", "withdraw": "in the portal"}, True),
        ({"keep": (Retention("8 years", "AO § 147", jurisdiction="EU"),)}, True),
        ({"keep": (Retention("2 years", "lease", ground="still necessary"),)}, True),
        ({"recipients": (Recipient(kind="called carriers", impossible="they vary"),)}, True),
        (
            {
                "recipients": (
                    Recipient("A", safeguard="SCC", safeguard_until=dt.date(2026, 11, 25)),
                )
            },
            True,
        ),
        ({"retention": "rotated after 30 days"}, True),
        ({"stages": (Stage("14 months", "anonymise"), Stage("26 months"))}, True),
        ({"keep": (Retention("1 year", "TKG § 17"),)}, True),
    ],
)
def test_what_is_lawful_is_not_refused(change: dict[str, Any], fine: bool) -> None:
    """The other side of each border."""
    assert (not _problems(**change)) is fine


@pytest.mark.parametrize(
    ("told", "ends"),
    [
        ("18 months minimum for regulatory compliance", False),
        ("at least 18 months", False),
        ("a minimum of two years", False),
        ("min. 18 months", False),
        ("no less than a year", False),
        ("18+ months", False),
        ("18 months or longer", False),
        ("at least until the contract ends", False),
        ("at least 18 months and as long as necessary", False),
        ("at least 18 months, until further notice", False),
        ("mindestens 18 Monate", False),
        ("mindestens bis zum Ende des Vertrags", False),
        ("Mindestaufbewahrung 18 Monate, solange es erforderlich ist", False),
        ("nicht weniger als ein Jahr", False),
        ("au moins 18 mois", False),
        ("18 mois au minimum", False),
        ("au moins jusqu'à la fin du contrat", False),
        ("18 months", True),
        ("minimum 18 months, maximum 3 years", True),
        ("at least 18 months, at most 3 years", True),
        ("no less than 18 and no more than 36 months", True),
        ("at least 18 months, then deleted", True),
        ("at least 18 months, and until the dispute is settled", True),
        ("mindestens 18 Monate, höchstens 3 Jahre", True),
        ("mindestens 18 Monate, danach gelöscht", True),
        ("mindestens 18 Monate, bis die Rechnung bezahlt ist", True),
        ("au moins 18 mois, au plus 3 ans", True),
        ("au moins 18 mois, puis supprimé", True),
        ("as long as the contract runs", True),
    ],
)
def test_a_minimum_needs_an_end(told: str, ends: bool) -> None:
    """Rule 14 (GDPR Arts. 5(1)(e), 15(1)(d)): a maximum, or how the end is decided.

    "As long as necessary" decides nothing (WP260 rev.01). With stages there is an end anyway.
    """
    found = _problems(retention=told)
    assert [each.place for each in found] == ([] if ends else ["categories.tickets.retention"])
    keep = (Retention("18 months", "AO § 147"),)
    assert _problems(retention=told, keep=keep) == found
    assert not _problems(retention=told, stages=(Stage("3 years"),))


KEPT: Final = Retention("8 years", "AO § 147", anchor="closed_at", whole_years=True)


@pytest.mark.parametrize(
    ("stage", "keep", "kind"),
    [
        (Stage("8 years", anchor="closed_at", whole_years=True), {}, None),
        (Stage("9 years", anchor="closed_at"), {}, None),
        (Stage("8 years", anchor="closed_at"), {}, "error"),  # the year's end comes later
        (Stage("6 months", anchor="closed_at"), {}, "error"),
        (Stage("6 months", anchor="closed_at"), {"fields": ("name",)}, "warning"),
        (Stage("6 months"), {}, None),  # counted from another day
        (Stage("6 months", "anonymise", "closed_at", fields=("email",)), {}, "error"),
        (
            Stage("6 months", "anonymise", "closed_at", fields=("email",)),
            {"fields": ("name",)},
            None,
        ),
        (
            Stage("6 months", "anonymise", "closed_at", fields=("email", "name")),
            {"fields": ("name",)},
            "error",
        ),
        (Stage("6 months", "anonymise", "closed_at"), {"fields": ("name",)}, "warning"),
        (Stage("31 days", anchor="closed_at"), {"period": "1 month", "whole_years": False}, None),
        (
            Stage("30 days", anchor="closed_at"),
            {"period": "1 month", "whole_years": False},
            "error",
        ),
    ],
)
def test_what_is_kept_does_not_outlast_its_end(
    stage: Stage, keep: dict[str, Any], kind: str | None
) -> None:
    """Rule 15 (GDPR Arts. 5(1)(e), 15(1)(d)): what people are told of the end is true.

    A duty to keep wins over a stage; so one that is longer makes the stage's end untrue. Where
    only some fields stay, the others do go then: counsel should see it.
    """
    stages = (stage, Stage("50 years")) if stage.act == "anonymise" else (stage,)
    found = _problems(stages=stages, keep=(evolve(KEPT, **keep),))
    assert [each.kind for each in found] == ([kind] if kind else [])
    assert all(each.place == "categories.tickets.keep[0].period" for each in found)


def test_what_is_never_deleted_must_be_anonymous() -> None:
    """Rule 20 (GDPR Recital 26): what a stage leaves stays for ever; it names the rest."""
    stages = (
        Stage("6 months", "anonymise", fields=("email",)),
        Stage("14 months", "anonymise", fields=("name", "email")),
    )
    assert "all but email, name stays for ever" in _only(_problems(stages=stages)).text
    whole = (Stage("14 months", "anonymise"),)
    assert "what speaks of nobody" in _only(_problems(stages=whole)).text
    assert not _problems(stages=(*whole, Stage("26 months")))


@pytest.mark.parametrize(
    "name",
    [
        "EU-U.S. Privacy Shield",
        "Privacy-Shield",
        "EU-US-Datenschutzschild",
        "Datenschutz-Schild",
        "bouclier de protection des données UE-États-Unis",
        "Bouclier vie privée",
        "Escudo de la privacidad UE-EE. UU.",
        "Escudo de Proteção da Privacidade",
        "scudo UE-USA per la privacy",
        "EU-VS-privacyschild",
        "Tarcza Prywatności UE-USA",
        "Decision (EU) 2016/1250",
    ],
)
def test_the_privacy_shield_by_any_name(name: str) -> None:
    """Rule 7 (CJEU C-311/18): what is void in one language is void in all."""
    found = _only(_problems(recipients=(Recipient("A", country="US", safeguard=name),)))
    assert (found.kind, found.source) == ("error", "CJEU C-311/18")


@pytest.mark.parametrize(
    "name",
    [
        "EU-U.S. Data Privacy Framework, Decision (EU) 2023/1795",
        "Standardvertragsklauseln (Datenschutz), Beschluss (EU) 2021/914",
        "clauses types de protection des données",
        "binding corporate rules",
    ],
)
def test_other_safeguards_are_not_the_shield(name: str) -> None:
    """Rule 7 (GDPR Art. 46): safeguards that stand are told as such."""
    assert not _problems(recipients=(Recipient("A", country="US", safeguard=name),))


@pytest.mark.parametrize(
    ("promise", "capped", "refused"),
    [
        ("28 days", False, False),
        ("4 weeks", False, False),
        ("1 month", False, False),
        ("29 days", False, True),
        ("30 days", False, True),
        ("5 weeks", False, True),
        ("2 months", False, True),
        ("30 days", True, False),
        ("", False, False),
    ],
)
def test_a_promise_over_28_days_needs_the_cap(
    promise: str,
    capped: bool,
    refused: bool,
) -> None:
    """February has 28 days: 30 days from 30 January end after the month of Art. 12(3)."""
    found = _problems(deadlines=Deadlines(promise, capped, "DE"))
    assert [each.place for each in found] == (["deadlines.promise"] if refused else [])


def test_no_calendar_and_no_representative_are_warnings() -> None:
    """Earlier is safe; whether a foreign operator needs a representative is counsel's question."""
    operator = evolve(OPERATOR, country="US", timezone="America/Denver")
    found = _problems(operator=operator, deadlines=Deadlines())
    assert [(each.kind, each.place) for each in found] == [
        ("warning", "operator.representative"),
        ("warning", "deadlines.calendar"),
    ]


def test_an_answer_without_an_authority_is_no_answer() -> None:
    """Arts. 12(4), 77: no complaint text, no answer."""
    found = _only(_problems(operator=evolve(OPERATOR, authority=" ")))
    assert (found.kind, found.place) == ("error", "operator.authority")


@pytest.mark.parametrize(
    ("country", "span", "warned"),
    [
        ("DE", "6 months", False),
        ("DE", "7 months", True),
        ("FR", "1 year", False),
        ("FR", "3 years", True),
        ("AT", "3 years", False),
    ],
)
def test_traffic_data_for_billing(country: str, span: str, warned: bool) -> None:
    """National law limits how long traffic data is kept for bills."""
    operator = evolve(OPERATOR, country=country)
    change: dict[str, Any] = {
        "origin": "observed",
        "purposes": ("billing",),
        "stages": (Stage(span),),
    }
    found = _problems(operator=operator, **change)
    assert [each.kind for each in found] == (["warning"] if warned else [])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"law": "TKG § 176"}, "does not apply"),
        ({"ground": "17(3)(b)", "jurisdiction": "US"}, "keeps nothing"),
        ({"ground": "17(3)(b)", "law": "47 CFR s. 42.6", "jurisdiction": "DE"}, "keeps nothing"),
        ({"ground": "17(3)(b)", "law": "records rule"}, "until its jurisdiction says so"),
        ({"law": "47 CFR s. 42.6"}, "foreign law is none of the grounds"),
        ({"law": "claims", "jurisdiction": "US"}, "foreign law is none of the grounds"),
        (
            {
                "since": dt.datetime(2026, 2, 1, tzinfo=dt.UTC),
                "before": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            },
            "ends before it begins",
        ),
    ],
)
def test_holds_that_cannot_be(change: dict[str, Any], text: str) -> None:
    """A hold under no law of the Union, or one that covers nothing, is an error."""
    found = _only(_problems(evolve(HOLD, **change)))
    assert found.kind == "error"
    assert text in found.text


def test_holds_that_contradict_each_other() -> None:
    """One case cannot end on two days; another scope, or the same end, is no contradiction."""
    until = dt.date(2027, 1, 1)
    assert "contradicts" in _only(_problems(HOLD, evolve(HOLD, id="h2", until=until))).text
    assert not _problems(HOLD, evolve(HOLD, id="h2"))
    other = evolve(HOLD, id="h2", until=until, categories=frozenset({"calls"}))
    assert not _problems(HOLD, other)
    assert not _problems(evolve(HOLD, until=TODAY), evolve(HOLD, id="h2"))  # the first is over


def test_what_would_stop_every_run_is_not_placed() -> None:
    """GDPR Art. 17(3): `check_hold` refuses what lint calls an error, by the other hold's name."""
    check_hold(HOLD, (), TODAY)
    check_hold(evolve(HOLD, id="h2"), (HOLD,), TODAY)
    second = evolve(HOLD, id="h2", until=dt.date(2027, 1, 1))
    with pytest.raises(InputError, match="contradicts hold h1"):
        check_hold(second, (HOLD,), TODAY)
    with pytest.raises(InputError, match="foreign law"):
        check_hold(evolve(HOLD, law="47 CFR s. 42.6"), (), TODAY)


def test_what_nobody_decided_stops_the_policy() -> None:
    """An open point is as good as an error until somebody has decided it, by name."""
    open_point = Unresolved("six months from the call, or from the bill?")
    policy = Policy(OPERATOR, {"tickets": CATEGORY}, CALENDAR, {"anchor": open_point})
    (told,) = must_not_run(policy, (), TODAY)
    assert told == "unresolved.anchor: six months from the call, or from the bill?"
    for change in ({"decision": "from the bill"}, {"by": "counsel"}):
        half = evolve(policy, unresolved={"anchor": evolve(open_point, **change)})
        assert must_not_run(half, (), TODAY)
    decided = evolve(open_point, decision="from the bill", by="counsel")
    assert not must_not_run(evolve(policy, unresolved={"anchor": decided}), (), TODAY)
