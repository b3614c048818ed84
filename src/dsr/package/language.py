"""One language: the catalogue of texts, and dates, numbers and countries as it writes them.

The texts are in `texts/LANGUAGE.toml`; every language has the same keys.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from babel.units import format_unit

__all__ = ["LANGUAGES", "Language", "language"]

LANGUAGES: Final = ("en", "de", "fr")
_LOCALES: Final = {"en": "en_GB"}  # in Europe, a day comes before its month
_UNIT: Final = re.compile(r"(\d+) (day|week|month|year)s?")


class Language:
    """The texts of one language. `code` is its ISO 639-1 code."""

    def __init__(self, code: str) -> None:
        """Load the catalogue of `code`."""
        self.code = code
        self._locale = Locale.parse(_LOCALES.get(code, code))
        text = (files("dsr.package") / "texts" / f"{code}.toml").read_text("utf-8")
        self._texts: dict[str, dict[str, str]] = tomllib.loads(text)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of `section.name` with its {placeholders} filled in."""
        section, _, name = key.partition(".")
        return self._texts[section][name].format_map(values)

    def counted(self, section: str, n: int, **values: object) -> str:
        """Return the form of a text that goes with the number `n`."""
        forms = self._texts[section]
        form = forms.get(self._locale.plural_form(n), forms["other"])
        return form.format_map({"n": self.number(n), **values})

    def number(self, n: int) -> str:
        """Write a number."""
        return format_decimal(n, locale=self._locale)

    def date(self, day: dt.date) -> str:
        """Write a day, such as 3 March 2026."""
        return format_date(day, "long", self._locale)

    def short_date(self, day: dt.date) -> str:
        """Write a day where there is little room, such as 3 Mar 2026."""
        return format_date(day, "medium", self._locale)

    def time(self, at: dt.datetime, zone: ZoneInfo) -> str:
        """Write a time to the second, as it was in `zone`."""
        return format_datetime(at, "medium", zone, self._locale)

    def month(self, year: int, month: int) -> str:
        """Write a month, such as March 2026."""
        return format_date(dt.date(year, month, 1), "LLLL y", self._locale)

    def short_month(self, month: int) -> str:
        """Write a month's short name."""
        return str(self._locale.months["stand-alone"]["abbreviated"][month]).rstrip(".")

    def country(self, code: str) -> str:
        """Write a country's name; the code where it has none."""
        name: Any = self._locale.territories.get(code)
        return str(name or code)

    def period(self, text: str) -> str:
        """Write a period of the policy, such as `6 months`."""
        match = _UNIT.fullmatch(text)
        if match is None:
            return text
        return format_unit(int(match[1]), f"duration-{match[2]}", "long", locale=self._locale)


@cache
def _loaded(code: str) -> Language:
    return Language(code)


def language(tag: str) -> Language:
    """Return the language of a tag such as `de` or `de-AT`; English where there is none."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    return _loaded(code if code in LANGUAGES else "en")
