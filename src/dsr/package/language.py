"""One language: the catalogue of texts, and dates, numbers and countries as it writes them.

The texts are in `texts/LANGUAGE.toml`; every language has the same keys. An operator's file of
the same name, in the folder that `[answers] templates` names, is laid over ours.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from babel.units import format_unit

__all__ = ["LANGUAGES", "OPEN", "Catalogue", "Language", "built_in", "language", "own_texts"]

Catalogue = dict[str, dict[str, str]]

LANGUAGES: Final = ("en", "de", "fr")
#: The sections to which an operator adds keys: words of its policy, dates that periods start at.
OPEN: Final = frozenset({"words", "anchors"})
_LOCALES: Final = {"en": "en_GB"}  # in Europe, a day comes before its month
_UNIT: Final = re.compile(r"(\d+) (day|week|month|year)s?")
_PLACEHOLDER: Final = re.compile(r"\\\{(\w+)\\\}")  # as `re.escape` writes {name}


def built_in(code: str) -> Catalogue:
    """Return our texts of a language by section and name."""
    return tomllib.loads((files("dsr.package") / "texts" / f"{code}.toml").read_text("utf-8"))


def own_texts(code: str, folder: str) -> Catalogue:
    """Return the texts that `folder` words otherwise; nothing where it has no such file.

    Raises `OSError` or `ValueError` when the file cannot be read.
    """
    path = Path(folder) / "texts" / f"{code}.toml"
    return tomllib.loads(path.read_text("utf-8")) if folder and path.exists() else {}


class Language:
    """The texts of one language. `code` is its ISO 639-1 code."""

    def __init__(self, code: str, folder: str = "") -> None:
        """Load the catalogue of `code`, with what `folder` says instead."""
        self.code = code
        self._locale = Locale.parse(_LOCALES.get(code, code))
        own = own_texts(code, folder)
        self._texts = {name: texts | own.get(name, {}) for name, texts in built_in(code).items()}
        self._phrases = [
            (re.compile(_PLACEHOLDER.sub(r"(?P<\1>.+?)", re.escape(known))), said)
            for known, said in self._texts["words"].items()
            if "{" in known
        ]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of `section.name` with its {placeholders} filled in."""
        section, _, name = key.partition(".")
        return self._texts[section][name].format_map(values)

    def counted(self, section: str, n: int, **values: object) -> str:
        """Return the form of a text that goes with the number `n`."""
        forms = self._texts[section]
        form = forms.get(self._locale.plural_form(n), forms["other"])
        return form.format_map({"n": self.number(n), **values})

    def word(self, text: str) -> str:
        """Return how this language says a text of the policy or a reason; else `text` itself.

        What `[words]` knows word by word goes first, then what fits one of its {placeholders};
        what stands in those is translated in turn.
        """
        said = self._texts["words"].get(text)
        if said is not None:
            return said
        for phrase, form in self._phrases:
            if match := phrase.fullmatch(text):
                return form.format_map({k: self.word(v) for k, v in match.groupdict().items()})
        return text

    def words(self, texts: Iterable[str]) -> str:
        """Return the texts as `word` says each, with commas between them."""
        return ", ".join(map(self.word, texts))

    def anchor(self, name: str, category: str) -> str:
        """Return the event that a period of `category` is counted from, for after "after".

        `name` is a field, `category.field`, or empty for the record's own time.
        """
        anchors = self._texts["anchors"]
        for known in (name or category, name.rpartition(".")[2]):
            if known in anchors:
                return anchors[known]
        return self("retention.field", field=name) if name else self("retention.own_time")

    def number(self, n: int) -> str:
        """Write a number."""
        return format_decimal(n, locale=self._locale)

    def date(self, day: dt.date) -> str:
        """Write a day, such as 3 March 2026."""
        return self._first(day, format_date(day, "long", self._locale))

    def short_date(self, day: dt.date) -> str:
        """Write a day where there is little room, such as 3 Mar 2026."""
        return self._first(day, format_date(day, "medium", self._locale))

    def _first(self, day: dt.date, written: str) -> str:
        """Return a date as written, the first of a month as French wants it (CLDR does not)."""
        return re.sub(r"^1 ", "1er ", written) if self.code == "fr" and day.day == 1 else written

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
def _loaded(code: str, folder: str) -> Language:
    return Language(code, folder)


def language(tag: str, folder: str = "") -> Language:
    """Return the language of a tag such as `de` or `de-AT`; English where there is none.

    `folder` is that of the operator's own wording.
    """
    code = tag.replace("_", "-").partition("-")[0].lower()
    return _loaded(code if code in LANGUAGES else "en", folder)
