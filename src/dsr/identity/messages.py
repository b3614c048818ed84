"""The text around a one-time PIN, in the person's language; each fits into one SMS."""

from __future__ import annotations

from typing import Final

__all__ = ["message"]

_TEXTS: Final = {
    "en": "{pin} is the code for your data protection request. It is valid for {minutes} min. "
    "If you made no request, ignore this message.",
    "de": "{pin} ist der Code zu Ihrer Datenschutzanfrage. Er gilt {minutes} min. "
    "Wenn Sie nichts angefragt haben, ignorieren Sie diese Nachricht.",
    "fr": "{pin} est le code de votre demande sur vos données. Il est valable {minutes} min. "
    "Si vous n'avez rien demandé, ignorez ce message.",
}


def message(pin: str, language: str, minutes: int) -> str:
    """Return the text to send, in `language` (`de`, `de-AT`, ...), or else in English."""
    text = _TEXTS.get(language.lower().split("-")[0].split("_")[0], _TEXTS["en"])
    return text.format(pin=pin, minutes=minutes)
