"""What law forbids in a policy is an error that stops it; what counsel should see is a warning."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pytest
from attrs import evolve

from dsr.model import Hold
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
        ({"retention": "logs are automatically rotated"}, ".retention", "15(1)(d)"),
        ({"keep": (Retention("18 months", "47 CFR", jurisdiction="US"),)}, ".keep[0]", "17(3)(b)"),
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
        ({"origin": "third party"}, "sources"),
        ({"purposes": ("fraud prevention",)}, "automated"),
        ({"recipients": (Recipient("A", country="US"),)}, "recipients[0].safeguard"),
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
