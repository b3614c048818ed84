"""What is read or heard with a PIN."""

from __future__ import annotations

import re

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from dsr.identity.messages import fitting, greeting, message, one_sms, spoken, voice
from dsr.identity.senders import ConsoleSender

#: GSM 7-bit default alphabet, 3GPP TS 23.038 section 6.2.1, by its columns; ESC is no character.
COLUMNS = (
    ("@", "£", "$", "¥", "è", "é", "ù", "ì", "ò", "Ç", "\n", "Ø", "ø", "\r", "Å", "å"),
    ("Δ", "_", "Φ", "Γ", "Λ", "Ω", "Π", "Ψ", "Σ", "Θ", "Ξ", "", "Æ", "æ", "ß", "É"),
    (" ", "!", '"', "#", "¤", "%", "&", "'", "(", ")", "*", "+", ",", "-", ".", "/"),
    ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", ":", ";", "<", "=", ">", "?"),
    ("¡", "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O"),
    ("P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "Ä", "Ö", "Ñ", "Ü", "§"),
    ("¿", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o"),
    ("p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z", "ä", "ö", "ñ", "ü", "à"),
)
GSM = {each for column in COLUMNS for each in column if each}
#: Its extension (6.2.1.1), each by the code that follows ESC.
EXTENSION = {
    chr(0x0C): 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
LANGUAGES = ("en", "de", "fr")


def test_the_alphabet_is_whole() -> None:
    """The table above has the 127 characters of the standard, each once."""
    assert len(GSM) == 127
    assert not GSM & set(EXTENSION)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_is_one_sms(language: str) -> None:
    """The longest PIN and time fit into 160 characters of the GSM alphabet, PIN first."""
    text = message("12345678", language, 10)
    assert set(text) <= GSM
    assert len(text) <= 160
    assert one_sms(text)
    assert text.startswith("12345678 ")
    assert " 10 " in text


@given(st.text(st.sampled_from(sorted(GSM | set(EXTENSION))), max_size=200))
def test_an_sms_of_the_alphabet_has_160_septets(text: str) -> None:
    """A character of the extension takes two."""
    septets = sum(2 if each in EXTENSION else 1 for each in text)
    assert one_sms(text) == (septets <= 160)


@given(st.text(max_size=90), st.characters().filter(lambda it: it not in GSM | set(EXTENSION)))
def test_any_other_sms_has_70_units(text: str, other: str) -> None:
    """One character from outside of the alphabet (ç, ê, ') is enough; an emoji takes two."""
    units = sum(2 if ord(each) > 0xFFFF else 1 for each in other + text)
    assert one_sms(other + text) == (units <= 70)


@pytest.mark.parametrize(
    ("language", "same"),
    [("de-AT", "de"), ("DE", "de"), ("fr_CA", "fr"), ("it", "en"), ("", "en"), ("den", "en")],
)
def test_the_person_s_language_is_met(language: str, same: str) -> None:
    """German in Austria, too; English where we have no text."""
    assert message("123456", language, 10) == message("123456", same, 10)
    assert voice(language) == same
    assert spoken("123456", language, 10) == spoken("123456", same, 10)


def test_languages_differ() -> None:
    """Three languages, three texts."""
    assert len({message("123456", each, 10) for each in LANGUAGES}) == 3
    assert len({greeting("123", each) for each in LANGUAGES}) == 3
    assert len({spoken("123456", each, 10) for each in LANGUAGES}) == 3


# --- the operator's own -------------------------------------------------------------------------


def test_the_operator_s_texts_come_first() -> None:
    """Also in a language that we have none in; the others stay."""
    texts = {"de": "{pin}: {minutes}", "it": "{minutes} / {pin}", "en": "{{{pin}}} {minutes}"}
    assert message("123456", "de-AT", 9, texts) == "123456: 9"
    assert message("123456", "it", 9, texts) == "9 / 123456"
    assert message("123456", "es", 9, texts) == "{123456} 9"
    assert message("123456", "fr", 9, texts) == message("123456", "fr", 9)


FULL = "{pin} {minutes} "  # with 8 digits and 10 minutes: 12 characters


@pytest.mark.parametrize(
    "text",
    [
        "{pin}{minutes}",
        FULL + "x" * 148,
        FULL + "€" * 74,
        FULL + "ç" * 58,
        FULL + "{{}}" * 37,
    ],
)
def test_a_text_that_fits_is_taken(text: str) -> None:
    """Up to the last character."""
    sender = ConsoleSender({"de": text})
    assert one_sms(message("12345678", "de", 10, sender.texts))


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"de": "{pin}"}, "texts.de needs {pin} and {minutes}"),
        ({"de": "{minutes}"}, "texts.de needs {pin} and {minutes}"),
        ({"de": "s3cret"}, "texts.de needs {pin} and {minutes}"),
        ({"de": FULL + "{number}"}, "no other placeholder"),
        ({"de": FULL + "{pin.real}"}, "more than a name"),
        ({"de": FULL + "{pin!r}"}, "more than a name"),
        ({"de": FULL + "{}"}, "more than a name"),
        ({"de": FULL + "{"}, "texts.de: a brace stands alone"),
        ({"de": FULL + "x" * 149}, "texts.de is longer than one SMS"),
        ({"de": FULL + "€" * 75}, "texts.de is longer than one SMS"),
        ({"de": FULL + "ç" * 59}, "texts.de is longer than one SMS"),
        ({"en": FULL, "fr": FULL + "x" * 149}, "texts.fr is longer"),
        ({"de-AT": FULL}, "no language"),
        ({"DE": FULL}, "no language"),
        ({"": FULL}, "no language"),
    ],
)
def test_a_text_that_does_not_fit_is_refused(texts: dict[str, str], told: str) -> None:
    """When it is written, not when somebody waits for it; it is not repeated."""
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        ConsoleSender(texts)
    assert "s3cret" not in str(caught.value)


def test_the_setting_is_named() -> None:
    """As the class that has it calls it."""

    @frozen
    class Other:
        own: dict[str, str] = field(validator=fitting)

    with pytest.raises(ValueError, match=r"own\.de"):
        Other({"de": ""})


# --- spoken -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@given(pin=st.text("0123456789", min_size=6, max_size=8))
def test_a_code_is_spoken_digit_by_digit(language: str, pin: str) -> None:
    """In words, twice: no voice makes a number of them, and none is lost."""
    words = spoken("0123456789", language, 10).split(": ")[1].split(".")[0].split(", ")
    assert len(set(words)) == 10
    said = ", ".join(words[int(each)] for each in pin)
    text = spoken(pin, language, 10)
    assert len(re.findall(rf"(?<!, ){said}\.", text)) == 2
    assert not re.search(r"\d", text.replace("10", ""))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_greeting_asks_for_keys(language: str) -> None:
    """Spoken like the code; and it says what the call is about."""
    words = spoken("0123456789", language, 10).split(": ")[1].split(".")[0].split(", ")
    text = greeting("407", language)
    assert f" {words[4]}, {words[0]}, {words[7]}. " in text
    assert not re.search(r"\d", text)
