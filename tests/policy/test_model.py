"""Policy values: periods, the portability rule, and what a policy may not say."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from dsr.errors import ConfigurationError
from dsr.policy.model import Basis, Category, Operator, Origin, Retention, period
from dsr.settings import settings

OPERATOR = {
    "name": "Example Telekom GmbH",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "authority": "BfDI",
}


@pytest.mark.parametrize(
    ("start", "text", "end"),
    [
        ("2026-01-31", "1 month", "2026-02-28"),  # Reg. (EEC) 1182/71 Art. 3(2)(c)
        ("2028-01-31", "1 month", "2028-02-29"),
        ("2026-03-05", "1 month", "2026-04-05"),
        ("2026-08-31", "6 months", "2027-02-28"),
        ("2026-03-15", "8 years", "2034-03-15"),
        ("2028-02-29", "1 year", "2029-02-28"),
        ("2026-12-28", "7 days", "2027-01-04"),
        ("2026-12-28", "1 week", "2027-01-04"),
        ("2026-03-01", "0 days", "2026-03-01"),
    ],
)
def test_a_period_is_counted_by_the_calendar(start: str, text: str, end: str) -> None:
    """A month ends on the same date of the next one, or on its last day."""
    assert dt.date.fromisoformat(start) + period(text) == dt.date.fromisoformat(end)


@pytest.mark.parametrize(
    "text",
    ["", "6", "months", "six months", "-6 months", "6months", "6 moons", "6 months ", "1.5 years"],
)
def test_a_period_is_never_guessed(text: str) -> None:
    """A retention that cannot be read is an error of the policy, not no retention."""
    with pytest.raises(ValueError, match="write a period"):
        period(text)
    with pytest.raises(ValueError, match="write a period"):
        Retention(text, "HGB s. 257")


#: GDPR Art. 20(1): data that the person "has provided" (WP242 rev.01: provided or observed, not
#: inferred), processed on consent (6(1)(a)) or contract (6(1)(b)).
BASES: tuple[Basis, ...] = (
    "consent",
    "contract",
    "legal obligation",
    "vital interests",
    "public task",
    "legitimate interests",
)
ORIGINS: tuple[Origin, ...] = ("provided", "observed", "inferred", "third party")
PORTABLE = {
    ("provided", "consent"),
    ("provided", "contract"),
    ("observed", "consent"),
    ("observed", "contract"),
}


def _category(origin: Origin, basis: Basis, *, portable: bool | None = None) -> Category:
    return Category("controller", ("billing",), basis, origin, portable=portable)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_portability_is_as_wide_as_article_20(origin: Origin, basis: Basis) -> None:
    """Rule 25 (GDPR Art. 20(1)): of all origins and bases, four cells are portable."""
    assert _category(origin, basis).is_portable is ((origin, basis) in PORTABLE)


@pytest.mark.parametrize("portable", [True, False])
def test_a_policy_may_say_it_is_portable(portable: bool) -> None:
    """What the operator promises beyond the law, or counsel decides, is what counts."""
    assert _category("inferred", "public task", portable=portable).is_portable is portable
    assert _category("provided", "contract", portable=portable).is_portable is portable


def test_an_operator_has_a_calendar() -> None:
    """Deadlines are days of the operator's time zone."""
    assert settings(Operator, OPERATOR, "operator").zone == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("setting", "value", "fix"),
    [
        ("timezone", "Berlin", "write an IANA time zone"),
        ("timezone", "", "write an IANA time zone"),
        ("timezone", "../../etc/passwd", "write an IANA time zone"),
        ("country", "Germany", "two-letter country code"),
        ("country", "de", "two-letter country code"),
    ],
)
def test_a_wrong_operator_is_told_by_its_key(setting: str, value: str, fix: str) -> None:
    """The reader of the error finds the line in dsr.toml."""
    with pytest.raises(ConfigurationError, match=fix) as caught:
        settings(Operator, OPERATOR | {setting: value}, "operator")
    assert str(caught.value).startswith(f"operator.{setting}")


def test_an_operator_names_its_authority() -> None:
    """GDPR Arts. 13(2)(d), 15(1)(f): no answer is complete without where to complain."""
    with pytest.raises(ConfigurationError, match=r"operator\.authority is missing"):
        settings(Operator, {k: v for k, v in OPERATOR.items() if k != "authority"}, "operator")
