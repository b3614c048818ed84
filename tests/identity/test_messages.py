"""The text around a PIN."""

from __future__ import annotations

import pytest

from dsr.identity.messages import message

#: GSM 7-bit default alphabet, 3GPP TS 23.038, as far as our languages need it. Anything else
#: makes an SMS of 70 characters.
GSM = set(
    "@£$¥èéùìòÇØøÅåÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà\n\r"
)


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_a_message_is_one_sms(language: str) -> None:
    """The longest PIN and time fit into 160 characters of the GSM alphabet, PIN first."""
    text = message("12345678", language, 10)
    assert set(text) <= GSM
    assert len(text) <= 160
    assert text.startswith("12345678 ")
    assert " 10 " in text


@pytest.mark.parametrize(
    ("language", "same"),
    [("de-AT", "de"), ("DE", "de"), ("fr_CA", "fr"), ("it", "en"), ("", "en"), ("den", "en")],
)
def test_the_person_s_language_is_met(language: str, same: str) -> None:
    """German in Austria, too; English where we have no text."""
    assert message("123456", language, 10) == message("123456", same, 10)


def test_languages_differ() -> None:
    """Three languages, three texts."""
    assert len({message("123456", each, 10) for each in ("en", "de", "fr")}) == 3
