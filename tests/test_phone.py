"""Phone numbers: every spelling is one number, and nothing else is.

What is expected comes from the numbering plans, RFC 3966, RFC 3261 and from the spellings seen
in real stores, put together here by hand; not from the library that `dsr.phone` uses.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import ConfigurationError, InvalidIdentifier
from dsr.phone import check_region, compact, normalise, spellings

#: Region: country code, trunk prefix, and some of its national numbers (without trunk prefix).
PLANS = {
    "DE": ("49", "0", r"30[2-9]\d{6,7}|40[2-9]\d{6,7}|151[1-7]\d{7}|171\d{7}"),
    "FR": ("33", "0", r"1[45]\d{7}|47[2-8]\d{6}|6[1-5]\d{7}"),
    "GB": ("44", "0", r"207946\d{4}|7400\d{6}"),
    "US": ("1", "1", r"(?:202|212|415)[2-9][02-9]\d{5}"),
    "IT": ("39", "", r"06[2-9]\d{7}|02[2-9]\d{7}|34[789]\d{7}"),  # the zero is part of it
    "AT": ("43", "0", r"1[2-8]\d{6}|664\d{7}"),
    "CH": ("41", "0", r"44[2-9]\d{6}|79[2-9]\d{6}"),
}


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """Draw (region, country code, trunk prefix, national number)."""
    region = draw(st.sampled_from(sorted(PLANS)))
    code, trunk, plan = PLANS[region]
    # ASCII digits only: `\d` alone means those of every script
    national = draw(st.from_regex(re.compile(plan, re.ASCII), fullmatch=True))
    return region, code, trunk, national


def _as_stored(code: str, trunk: str, national: str) -> set[str]:
    """Return the spellings seen in real stores, without separators."""
    return {
        f"+{code}{national}",
        f"00{code}{national}",
        f"{code}{national}",
        f"{trunk}{national}",
        national,
        f"9011+{code}{national}",
        f"++{code}{national}",
        f"0+{code}{national}",
    }


@given(number=numbers())
def test_every_stored_spelling_is_searched_for(number: tuple[str, str, str, str]) -> None:
    """Law 10: 100 % recall: what stores are known to write is among the spellings."""
    region, code, trunk, national = number
    assert _as_stored(code, trunk, national) <= set(spellings(f"+{code}{national}", region))


@given(number=numbers())
def test_every_spelling_is_read_as_the_number(number: tuple[str, str, str, str]) -> None:
    """Law 10: however a store or a person spells it, it is one number."""
    region, code, trunk, national = number
    e164 = f"+{code}{national}"
    assert {normalise(each, region) for each in _as_stored(code, trunk, national)} == {e164}
    wrapped = (
        f"tel:{e164}",
        f"tel:{e164};ext=12",
        f"sip:{e164}@pbx.example;user=phone",
        f"sips:{trunk}{national}@192.0.2.1:5061",
        f"sip:%2B{code}{national}@pbx.example",
        f'"Anna Meier" <{trunk}{national}>',
        f'"{national}9" <sip:{e164}@pbx.example>',  # the display name is another number
        f"  {e164}\n",
    )
    assert {normalise(each, region) for each in wrapped} == {e164}


@given(number=numbers(), data=st.data())
def test_separators_do_not_matter(number: tuple[str, str, str, str], data: st.DataObject) -> None:
    """ITU-T E.123, RFC 3966: spaces, dashes, dots, slashes and brackets only help to read."""
    region, code, trunk, national = number
    separator = data.draw(st.sampled_from([" ", "-", ".", "/", "\u00a0", "\u2011", " - "]))
    cut = data.draw(st.integers(2, len(national) - 2))
    area, rest = national[:cut], national[cut:]
    e164 = f"+{code}{national}"
    assert normalise(f"+{code}{separator}{area}{separator}{rest}", region) == e164
    assert normalise(f"{trunk}{area}{separator}{rest}", region) == e164
    assert normalise(f"({trunk}{area}) {rest}", region) == e164
    if trunk == "0":
        assert normalise(f"+{code} (0){area} {rest}", region) == e164


@given(number=numbers(), abroad=st.sampled_from(sorted(PLANS)))
def test_e164_means_the_same_everywhere(number: tuple[str, str, str, str], abroad: str) -> None:
    """With its country code a number does not depend on the region; E.164 is a fixed point."""
    _, code, _, national = number
    assert normalise(f"+{code}{national}", abroad) == f"+{code}{national}"
    assert normalise(f"00{code}{national}", abroad) == f"+{code}{national}"


@given(number=numbers(), abroad=st.sampled_from(sorted(PLANS)))
def test_no_spelling_is_somebody_elses(number: tuple[str, str, str, str], abroad: str) -> None:
    """Law 10: 0 bystanders: a spelling is the whole number; abroad always with country code."""
    region, code, trunk, national = number
    found = spellings(f"+{code}{national}", abroad)
    tail = national if abroad == region else code + national
    assert all(each.endswith(tail) for each in found)
    assert all(re.fullmatch("[+0-9]+", each) for each in found)
    if abroad != region:
        assert not {national, f"{trunk}{national}"} & (set(found) - {f"{code}{national}"})


@given(number=numbers())
def test_spellings_are_in_a_fixed_order(number: tuple[str, str, str, str]) -> None:
    """Statements that ask a database for them stay the same text, so that plans are cached."""
    region, code, _, national = number
    found = spellings(f"+{code}{national}", region)
    assert list(found) == sorted(set(found))


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("tel:+1-201-555-0123", "DE", "+12015550123"),  # RFC 3966 s. 6
        ("tel:+49-30-901820;ext=12", "DE", "+4930901820"),  # RFC 6350 s. 6.4.1, as vCards do
        ("sip:+12125551212@example.com;user=phone", "DE", "+12125551212"),  # RFC 3261 s. 19.1.6
        ("sip:+1-212-555-1212:1234@gateway.com;user=phone", "DE", "+12125551212"),  # s. 19.1.3
        ("9011+447400123456", "US", "+447400123456"),
        ("9011+447400123456", "DE", "+447400123456"),
        ("011442079460123", "US", "+442079460123"),
        ("(202) 555-1234", "US", "+12025551234"),
        ("1-202-555-1234", "US", "+12025551234"),
        ("+39 06 6981 2345", "IT", "+390669812345"),  # Rome keeps its zero abroad
        ("06 6981 2345", "IT", "+390669812345"),
        ("0049(0)30 901820", "DE", "+4930901820"),
        ("01 42 68 53 00", "FR", "+33142685300"),
        ("0041 44 668 18 00", "DE", "+41446681800"),
        ("٠٣٠٩٠١٨٢٠", "DE", "+4930901820"),  # digits of another script
    ],
)
def test_known_examples(text: str, region: str, e164: str) -> None:
    """Examples of the standards, and of numbers as stores and letters write them."""
    assert normalise(text, region) == e164


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        # 04917, 04936 and 0493 are area codes as well, but systems write E.164 without its plus,
        # and nobody writes a national number without its zero if it starts with 49
        ("491711234567", "+491711234567"),
        ("493611234567", "+493611234567"),
        ("4936112345", "+4936112345"),
        ("0491 71123", "+4949171123"),  # with its zero it is Leer in East Frisia
        ("30901820", "+4930901820"),  # Berlin, not Greece
        ("33142685300", "+4933142685300"),  # Potsdam; a caller from Paris needs a plus or 00
    ],
)
def test_bare_digits_are_read_as_systems_write_them(text: str, e164: str) -> None:
    """Law 7: digits that could mean two people's numbers mean the one that stores write so."""
    assert normalise(text, "DE") == e164


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+",
        "++",
        "+49",
        "00",
        "00000",
        "anonymous",
        "unknown",
        "Anna Meier",
        "sip:alice@example.org",
        "sip:anonymous@anonymous.invalid",
        '"+4930901820" <anonymous>',
        "2501",  # an extension
        "901820",  # Berlin's, but without its area code
        "110",  # the police
        "112",
        "*98",
        "030 1234x67",
        "+49 30 901820 +49 30 901821",  # two numbers: which?
        "+4930901820,30,tT",  # Asterisk's Dial arguments
        "+999 1234567",  # no country has this code
        "+49 30 12345678901234",  # more than E.164's 15 digits
        "12345678901234567890",
        "2026-03-01T12:00:00Z",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    """Nobody's number is guessed: neither from a name nor from half a number."""
    with pytest.raises(InvalidIdentifier):
        normalise(text, "DE")


@given(text=st.text(max_size=30))
def test_anything_is_read_or_refused(text: str) -> None:
    """Whatever comes in is a number in E.164, or `InvalidIdentifier`; never another error."""
    try:
        read = normalise(text, "DE")
    except InvalidIdentifier:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{1,14}", read)


@given(text=st.text(max_size=30) | st.from_regex(r"\+?[0-9 ]{1,24}x", fullmatch=True))
def test_a_refusal_never_repeats_the_input(text: str) -> None:
    """Law 8: all refusals read alike, down to the chain of causes, whatever was refused."""
    error = _refusal(text)
    assert error is None or (error.args, error.__cause__, error.__context__) == (
        ("this is not a phone number", "write it with country code, such as +49 30 123456"),
        None,
        None,
    )


def _refusal(text: str) -> InvalidIdentifier | None:
    try:
        normalise(text, "DE")
    except InvalidIdentifier as error:
        return error
    return None


def test_compact_keeps_digits_and_plusses() -> None:
    """The form that spellings are compared in."""
    assert compact(" +49 (0)30/901-820") == "+49030901820"


@pytest.mark.parametrize("region", ["DE", "US", "CH"])
def test_a_region_is_a_country_with_numbers(region: str) -> None:
    """ISO 3166-1 alpha-2, as the configuration has it."""
    assert check_region(region) == region


@pytest.mark.parametrize("region", ["", "de", "DEU", "49", "XX", "Germany"])
def test_a_wrong_region_is_told(region: str) -> None:
    """Without the right home region every national spelling would be missed in silence."""
    with pytest.raises(ConfigurationError, match="two-letter country code"):
        check_region(region)
