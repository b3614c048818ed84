"""What a person reads or hears with a one-time PIN, in their language; what is read is one SMS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import Attribute, frozen

from dsr.identity.templates import fill, placeholders

__all__ = ["fitting", "greeting", "message", "one_sms", "spoken", "voice"]

_TEXTS: Final[Mapping[str, str]] = {
    "en": "{pin} is the code for your data protection request. It is valid for {minutes} min. "
    "If you made no request, ignore this message.",
    "de": "{pin} ist der Code zu Ihrer Datenschutzanfrage. Er gilt {minutes} min. "
    "Wenn Sie nichts angefragt haben, ignorieren Sie diese Nachricht.",
    "fr": "{pin} est le code de votre demande sur vos données. Il est valable {minutes} min. "
    "Si vous n'avez rien demandé, ignorez ce message.",
}
_NAMES: Final = frozenset({"pin", "minutes"})
_LONGEST: Final = {"pin": "0" * 8, "minutes": "10"}  # what `OneTimePin` allows

#: The GSM 7-bit default alphabet, and its extension: two septets each (3GPP TS 23.038, 6.2.1).
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
_SEPTETS: Final = 160
_UNITS: Final = 70  # of UTF-16, in an SMS with any other character


@frozen
class _Speech:
    """What is said on the phone; commas and full stops are the pauses."""

    greeting: str
    code: str
    digits: tuple[str, ...]
    minute: str
    minutes: str


_SPEECH: Final[Mapping[str, _Speech]] = {
    "en": _Speech(
        "Hello. You asked for a code for your data protection request. To hear it, press {key}. "
        "If you made no request, hang up.",
        "Your code is: {pin}. Once more: {pin}. It is valid for {minutes}.",
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        "one minute",
        "{minutes} minutes",
    ),
    "de": _Speech(
        "Guten Tag. Sie haben einen Code zu Ihrer Datenschutzanfrage angefordert. Um ihn zu hören, "
        "drücken Sie {key}. Wenn Sie nichts angefragt haben, legen Sie auf.",
        "Ihr Code lautet: {pin}. Noch einmal: {pin}. Er gilt {minutes}.",
        ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
        "eine Minute",
        "{minutes} Minuten",
    ),
    "fr": _Speech(
        "Bonjour. Vous avez demandé un code pour votre demande sur vos données. Pour l'écouter, "
        "tapez {key}. Si vous n'avez rien demandé, raccrochez.",
        "Votre code est : {pin}. Je répète : {pin}. Il est valable {minutes}.",
        ("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
        "une minute",
        "{minutes} minutes",
    ),
}


def _primary(language: str) -> str:
    """Return the language of `de-AT` or `de_AT`: `de`."""
    return language.lower().split("-")[0].split("_")[0]


def message(pin: str, language: str, minutes: int, texts: Mapping[str, str] | None = None) -> str:
    """Return the text to send, in `language` (`de`, `de-AT`, ...), or else in English.

    `texts` are the operator's own, by language; they come before ours.
    """
    known = {**_TEXTS, **(texts or {})}
    text = known.get(_primary(language), known["en"])
    return fill(text, {"pin": pin, "minutes": minutes})


def one_sms(text: str) -> bool:
    """Return whether `text` fits into one SMS: 160 septets of GSM's alphabet, else 70 of UCS-2."""
    if all(each in _BASIC or each in _EXTENSION for each in text):
        return len(text) + sum(each in _EXTENSION for each in text) <= _SEPTETS
    return len(text.encode("utf-16-be", "surrogatepass")) // 2 <= _UNITS


def fitting(_: object, attribute: Attribute[Mapping[str, str]], texts: Mapping[str, str]) -> None:
    """Raise `ValueError` unless each of an operator's texts can be sent: a validator of attrs.

    Each belongs to a language (`de`), has `{pin}` and `{minutes}`, no other placeholder, and is
    one SMS with the longest of both.
    """
    for language, text in texts.items():
        place = f"{attribute.name}.{language}"
        if not (language.isascii() and language.isalpha() and language.islower()):
            msg = f"{attribute.name} has a text for what is no language: write one such as de"
            raise ValueError(msg)
        try:
            names = placeholders(text)
        except ValueError as error:
            msg = f"{place}: {error}"
            raise ValueError(msg) from None
        if names != _NAMES:
            msg = f"{place} needs {{pin}} and {{minutes}}, and no other placeholder"
            raise ValueError(msg)
        if not one_sms(fill(text, _LONGEST)):
            msg = (
                f"{place} is longer than one SMS: {_SEPTETS} characters with 8 digits and 10"
                f" minutes filled in, or {_UNITS} if one of them is not in GSM's alphabet"
            )
            raise ValueError(msg)


def voice(language: str) -> str:
    """Return the language in which a call to a person of `language` is spoken: en, de or fr."""
    primary = _primary(language)
    return primary if primary in _SPEECH else "en"


def greeting(key: str, language: str) -> str:
    """Return what a call says first: which digits to press to hear the code."""
    speech = _SPEECH[voice(language)]
    return fill(speech.greeting, {"key": _digits(speech, key)})


def spoken(pin: str, language: str, minutes: int) -> str:
    """Return what a call says once they are pressed: the code digit by digit, twice."""
    speech = _SPEECH[voice(language)]
    time = speech.minute if minutes == 1 else fill(speech.minutes, {"minutes": minutes})
    return fill(speech.code, {"pin": _digits(speech, pin), "minutes": time})


def _digits(speech: _Speech, digits: str) -> str:
    return ", ".join(speech.digits[int(each)] for each in digits)
