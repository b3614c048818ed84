"""Every language says the same things."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from dsr.package.language import LANGUAGES, built_in, language
from tests.package.filling import BERLIN


def catalogue(code: str) -> dict[tuple[str, str], frozenset[str]]:
    """Return the placeholders of each text."""
    text = (files("dsr.package") / "texts" / f"{code}.toml").read_text("utf-8")
    return {
        (section, name): frozenset(re.findall(r"{(\w+)}", each))
        for section, texts in tomllib.loads(text).items()
        for name, each in texts.items()
    }


def texts(code: str) -> dict[tuple[str, str], frozenset[str]]:
    return {key: names for key, names in catalogue(code).items() if key[0] != "words"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_catalogues_match(code: str) -> None:
    """No text and no placeholder is missing in a language, and none is left over."""
    assert texts(code) == texts("en")


def test_words_say_all_that_they_translate() -> None:
    """German and French know the same reasons, and leave no part of one out (Art. 12(1), (4))."""
    german, french = (catalogue(code) for code in ("de", "fr"))
    words = {key: names for key, names in german.items() if key[0] == "words"}
    assert words == {key: names for key, names in french.items() if key[0] == "words"}
    assert all(names == set(re.findall(r"{(\w+)}", key[1])) for key, names in words.items())


def test_numbers_and_dates_follow_the_language() -> None:
    """Plural forms, separators, months and periods are those of the language (CLDR)."""
    at = dt.datetime(2026, 3, 3, 23, 30, tzinfo=dt.UTC)
    english, german, french = (language(code) for code in LANGUAGES)
    assert english.counted("records", 1) == "1 record"
    assert english.counted("records", 0) == "0 records"
    assert french.counted("records", 0) == "0 enregistrement"
    assert german.counted("records", 1234567) == "1.234.567 Datensätze"
    assert english.date(at.date()) == "3 March 2026"
    assert german.time(at, BERLIN) == "04.03.2026, 00:30:00"
    assert french.month(2026, 8) == "août 2026"
    assert german.period("6 months") == "6 Monate"
    assert german.period("until revoked") == "until revoked"
    assert german.country("FR") == "Frankreich"
    assert german.country("XX") == "XX"


def test_words_are_those_that_the_code_says() -> None:
    """A reason that is worded anew in the code is not shown in English for want of its words."""
    root = Path(__file__).parents[2] / "src" / "dsr"
    source = "".join(path.read_text("utf-8") for path in sorted(root.rglob("*.py")))
    source = re.sub(r'"\s*f?"', "", source)
    others = {"marketing", "billing", "restricted at the request of the person concerned"}
    for known in built_in("de")["words"].keys() - others:
        fixed = max(re.split(r"{\w+}", known), key=len)
        assert fixed in source, known


def test_words_within_words_are_translated() -> None:
    """A joined reason is translated piece by piece; what nobody translated stays as it is."""
    german = language("de")
    both = "hold 12 O 3/26: court case; also statutory retention (AO § 147)"
    assert german.word(both) == (
        "Aufbewahrung im Verfahren 12 O 3/26: court case; außerdem gesetzliche"
        " Aufbewahrungspflicht (AO § 147)"
    )
    assert german.word("GDPR Art. 17(3)(e)") == "Art. 17(3)(e) DSGVO"
    assert german.word("something else") == "something else"
    assert language("en").word(both) == both


def test_what_periods_count_from_has_words() -> None:
    """A field, its name in another category, the record's own time; else the field's name."""
    french = language("fr")
    assert french.anchor("invoiced_at", "call_records") == "la facture"
    assert french.anchor("accounts.closed_at", "call_records") == "la fin du contrat"
    assert french.anchor("", "call_records") == "l\u2019appel"
    assert french.anchor("", "blobs") == "la date de l\u2019enregistrement"
    assert french.anchor("zz", "call_records") == "la date figurant dans « zz »"
    assert french.date(dt.date(2034, 1, 1)) == "1er janvier 2034"
    assert french.date(dt.date(2034, 1, 11)) == "11 janvier 2034"
