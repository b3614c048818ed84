"""Law 10 behind the digits that a site dials before numbers: found, and no bystander with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dsr.connectors.logs import from_config
from dsr.errors import ConfigurationError, InvalidIdentifier
from dsr.match import Matcher
from dsr.model import Identifier
from dsr.phone import dialling, normalise, spellings
from dsr.policy.model import Operator
from dsr.settings import Context, settings
from tests.test_phone import numbers

TABLE = {"name": "x", "country": "DE", "timezone": "UTC", "authority": "x"}

prefixes = st.lists(st.from_regex("[0-9]{1,4}", fullmatch=True), min_size=1, max_size=3)


def found(e164: str, site: str, text: str) -> bool:
    """Return whether both engines find the number in a text; they must agree."""
    who = [Identifier("phone", e164)]
    fast, slow = (Matcher(who, site, engine=each) for each in ("hyperscan", "standard"))
    assert fast.matches(text) == slow.matches(text)
    return bool(fast.matches(text))


@pytest.mark.parametrize(
    ("region", "prefix", "dialled", "e164"),
    [
        ("DE", "9810", "9810972597751739", "+972597751739"),  # as scanners dial, in fail2ban's logs
        ("DE", "500", "50048943556071", "+48943556071"),
        ("DE", "418011", "41801148436701961", "+48436701961"),
        ("DE", "001", "001447441452805", "+447441452805"),
        ("FR", "0", "0972598285108", "+972598285108"),
        ("DE", "9", "9030901820", "+4930901820"),  # an outside line, then as anybody dials
        ("DE", "9", "9004930901820", "+4930901820"),
        ("DE", "77", "77+4930901820", "+4930901820"),
        ("US", "88", "8812025550123", "+12025550123"),
        ("IT", "9", "900390612345678", "+390612345678"),
        ("IT", "9", "90612345678", "+390612345678"),
    ],
)
def test_what_a_site_dials(region: str, prefix: str, dialled: str, e164: str) -> None:
    """A number behind the site's prefix is that number, in text, by equality, and when read."""
    site = dialling(region, ["4711", prefix])
    assert normalise(dialled, site) == e164
    assert dialled in spellings(e164, site)
    assert found(e164, site, f"user [{dialled}@192.0.2.1] from")
    assert not found(e164, site, f"user [{dialled}0@192.0.2.1] from")
    assert not found(e164, site, f"user [1{dialled}@192.0.2.1] from") or "+" in dialled
    if "+" not in dialled:  # the plus says by itself where the number begins
        assert not found(e164, region, f"user [{dialled}@192.0.2.1] from") or prefix == "9"


def test_what_is_a_number_by_itself_is_nobody_elses() -> None:
    """Law 7: 0972… is a number of Germany's plan: there, no prefix 0 makes Israel's of it."""
    site = dialling("DE", ["0"])
    assert normalise("0972598285108", site) == "+49972598285108"
    assert not found("+972598285108", site, "extension '0972598285108'")
    assert found("+49972598285108", site, "extension '0972598285108'")


@given(number=numbers(), some=prefixes)
def test_nothing_that_was_found_is_lost(number: tuple[str, str, str, str], some: list[str]) -> None:
    """Law 10: prefixes only add spellings, and each is read as that number again."""
    region, code, _, national = number
    e164 = f"+{code}{national}"
    site = dialling(region, some)
    plain = set(spellings(e164, region))
    assert plain <= set(spellings(e164, site))
    for each in set(spellings(e164, site)) - plain:
        assert each.startswith(tuple(some))
        assert normalise(each, site) == e164


@given(one=numbers(), other=numbers(), some=prefixes)
def test_no_spelling_is_a_bystanders(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str], some: list[str]
) -> None:
    """Law 7: whatever is dialled before them, no spelling of one number is found for another."""
    region = one[0]
    first, second = (f"+{code}{national}" for _, code, _, national in (one, other))
    assume(first != second)
    site = dialling(region, some)
    new = set(spellings(second, site)) - set(spellings(second, region))
    for each in new:
        assert not found(first, site, f"<{each}>")
    assert not (set(spellings(first, site)) - set(spellings(first, region))) & set(
        spellings(second, region)
    )


@pytest.mark.parametrize("wrong", ["", "+9", "9 8", "\u0661", "123456789"])
def test_a_wrong_prefix_is_told(wrong: str) -> None:
    """A mistake in dsr.toml is named before anything is searched."""
    with pytest.raises(ConfigurationError, match=r"operator\.dial_prefixes"):
        settings(Operator, {**TABLE, "dial_prefixes": [wrong]}, "operator")


def test_the_setting_reaches_a_store(tmp_path: Path) -> None:
    """What `[operator]` says holds in every store, for it is a part of the home region."""
    operator = settings(Operator, {**TABLE, "dial_prefixes": ["9810"]}, "operator")
    (tmp_path / "a.log").write_text("2026-03-01 10:00:00 for [9810972597751739@::1]\n")
    table = {"path": ".", "category": "logs", "timezone": "UTC", "files": ["*.log"]}
    who = [Identifier("phone", "+972597751739")]
    assert len(list(from_config("logs", table, Context(operator.region, tmp_path)).find(who))) == 1
    assert list(from_config("logs", table, Context("DE", tmp_path)).find(who)) == []


def test_without_prefixes_nothing_changes() -> None:
    """A region without prefixes is the region itself."""
    assert dialling("DE", []) == "DE"
    with pytest.raises(InvalidIdentifier):
        normalise("9810972597751739", "DE")
