"""Patterns that say where in a path or object key a person, a call or a date is written.

A pattern is a path with placeholders, matched against the whole path (relative to the store's
root, `/` between folders) without its extensions:

- `{phone}`: a phone number as digits, with or without a plus. Numbers with separators, and any
  number in what `{any}` covers, are found too (`dsr.match` judges them).
- `{sip}`, `{account}`, `{call}`: the identifier as it is, within one folder name or file name.
- `{object}`: what links of kind `object` name: this text, the file's bare name, its path, or
  a longer path or URL that ends in its path. A bare name must be unique in the store. Phone
  numbers are not looked for in it (a random id may hold the digits of somebody's number).
- `{date:FORMAT}`: a date or time in strptime's `%Y %y %m %b %d %j %H %M %S`, or `%s`.
- `{any}`: any text, also none, also several folders. A leading `{any}/` also fits no folder.

All patterns are tried, and a key that can be read in several ways is read in all of them: a
subject's recording is never missed because another reading came first. Extensions (such as
`.wav.json`; see `dsr.connectors.stems`) are ignored, so that a transcript is found with its
recording.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, cast

from attrs import field, frozen

from dsr.connectors.dates import DatePattern
from dsr.connectors.stems import extensions
from dsr.errors import ConfigurationError
from dsr.model import Kind

__all__ = ["IDS", "Pattern", "Reading", "Token", "extensions", "parse", "reads"]

Sort = Literal["text", "any", "date", "phone", "sip", "account", "call", "object"]
IDS: Final[frozenset[Kind]] = frozenset({"sip", "account", "call", "object"})

_PLACEHOLDER: Final = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_PHONE: Final = r"(?:\+|%2[Bb])?\d+"
_MOST_ANY: Final = 3  # each one more multiplies the ways to read a key

Span = tuple[int, int]


@frozen
class Token:
    """One piece of a pattern: a literal text, a date, or a placeholder."""

    sort: Sort
    text: str = ""
    date: DatePattern | None = None

    def regex(self, lazy: str) -> str:
        """Return a group for it; `lazy` is `?` or nothing."""
        match self.sort:
            case "text":
                return f"({re.escape(self.text)})"
            case "date":
                return f"({cast('DatePattern', self.date).regex})"
            case "phone":
                return f"({_PHONE}{lazy})"
            case "any":
                return f"(.*{lazy})"
        return f"([^/]+{lazy})"

    def ends(self, text: str, start: int) -> Iterator[int]:
        """Yield every place where this piece can end that starts at `start`."""
        if self.sort == "any":
            yield from range(start, len(text) + 1)
            return
        longest = re.compile(self.regex("")).match(text, start)
        if longest is None:
            return
        if self.sort in ("text", "date"):
            yield longest.end()
            return
        shortest = re.compile(self.regex("?")).match(text, start)
        yield from range(cast("re.Match[str]", shortest).end(), longest.end() + 1)


@frozen
class Reading:
    """What a pattern reads in one key.

    `ids` are the texts that identifiers may equal, with their kind; `phones` those that phone
    numbers may equal; `prose` is what else numbers are looked for in; `at` the date in the
    key (naive if the pattern does not say otherwise), exact to the second if `timed`.
    """

    ids: tuple[tuple[Kind, str], ...] = field(repr=False)
    phones: tuple[str, ...] = field(repr=False)
    prose: str = field(repr=False)
    at: dt.datetime | None = field(repr=False)
    timed: bool


@frozen
class Pattern:
    """One parsed pattern."""

    tokens: tuple[Token, ...]

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds of identifier that it can find."""
        sorts = {token.sort for token in self.tokens}
        phone: frozenset[Kind] = frozenset({"phone"} if sorts & {"phone", "any"} else ())
        return phone | (IDS & sorts)

    @property
    def dated(self) -> bool:
        """Whether it reads dates that need a time zone."""
        return any(token.date is not None and not token.date.epoch for token in self.tokens)

    def read(self, key: str) -> Reading | None:
        """Return what the pattern reads in `key`; None if it does not fit."""
        stem, *endings = extensions(key)
        text = "/" + stem
        shortest, longest = _expressions(self.tokens)
        first = shortest.fullmatch(text)
        if first is None:
            return None
        last = cast("re.Match[str]", longest.fullmatch(text))
        pieces = range(1, len(self.tokens) + 1)
        spans = [{first.span(piece)} for piece in pieces]
        if any(last.span(piece) not in spans[piece - 1] for piece in pieces):
            spans = _all_spans(self.tokens, text)  # there is more than one way to read it
        return self._reading(text, spans, endings)

    def _reading(self, text: str, spans: Sequence[set[Span]], endings: Sequence[str]) -> Reading:
        ids: list[tuple[Kind, str]] = []
        phones: list[str] = []
        opaque: list[Span] = []
        fields: dict[str, int] = {}
        for token, places in zip(self.tokens, spans, strict=True):
            for start, end in sorted(places):
                piece = text[start:end]
                if token.date is not None:
                    fields |= token.date.fields(piece)
                    opaque.append((start, end))
                elif token.sort == "phone":
                    phones.append(piece)
                elif token.sort in IDS:
                    kind = cast("Kind", token.sort)
                    ids.append((kind, piece))
                    if end == len(text):  # what looks like an extension may be part of it
                        ids += [(kind, piece + ending) for ending in endings]
                    if len(places) == 1:
                        opaque.append((start, end))
        prose = _without(text, opaque) if "phone" in self.accepts else ""
        return Reading(tuple(ids), tuple(phones), prose, DatePattern.value(fields), "H" in fields)


def parse(text: str) -> Pattern:
    """Return the pattern that `text` writes. Raises `ConfigurationError`, which shows it."""
    bare = text.lstrip("/")
    stem = extensions(bare)[0] if not bare.endswith("}") else bare
    tokens = list(_tokens(stem, text))
    if not stem.startswith("{any}/"):
        tokens.insert(0, Token("text", "/"))
    sorts = [token.sort for token in tokens]
    loose = [sort not in ("text", "date") for sort in sorts]
    if any(a and b for a, b in pairwise(loose)):
        raise _wrong(text, "put text between two placeholders")
    if sorts.count("any") > _MOST_ANY:
        raise _wrong(text, f"use {{any}} at most {_MOST_ANY} times")
    pattern = Pattern(tuple(tokens))
    if not pattern.accepts:
        raise _wrong(text, "it can find nobody: add {phone}, {call}, {object}, … or {any}")
    return pattern


def reads(patterns: Sequence[str]) -> tuple[Pattern, ...]:
    """Return the parsed patterns of a store, at least one. Raises `ConfigurationError`."""
    if not patterns:
        what = "no pattern is given"
        raise ConfigurationError(what, 'write at least one, such as "{any}"')
    return tuple(_parsed(each) for each in patterns)


_parsed = lru_cache(maxsize=256)(parse)


def _tokens(stem: str, shown: str) -> Iterator[Token]:
    at = 0
    for found in _PLACEHOLDER.finditer(stem):
        yield from _literal(stem[at : found.start()], shown)
        yield _placeholder(found[1], found[2], shown)
        at = found.end()
    yield from _literal(stem[at:], shown)


def _literal(text: str, shown: str) -> Iterator[Token]:
    if "{" in text or "}" in text:
        raise _wrong(shown, "a brace is open")
    if text:
        yield Token("text", text)


def _placeholder(name: str, layout: str | None, shown: str) -> Token:
    if name == "date" and layout:
        return Token("date", date=DatePattern.of(layout))
    if layout is not None or name not in {"any", "phone", *IDS}:
        known = "{phone} {sip} {account} {call} {object} {date:%Y-%m-%d} {any}"
        raise _wrong(shown, f"{{{name}}} is not known here: use {known}")
    return Token(cast("Sort", name))


def _wrong(pattern: str, why: str) -> ConfigurationError:
    what = f'the pattern "{pattern}" cannot be used'
    return ConfigurationError(what, why)


@lru_cache(maxsize=256)
def _expressions(tokens: tuple[Token, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return an expression that finds the first way to read a key, and one for the last."""
    lazy, greedy = ("".join(token.regex(mark) for token in tokens) for mark in ("?", ""))
    return re.compile(lazy, re.DOTALL), re.compile(greedy, re.DOTALL)


def _all_spans(tokens: Sequence[Token], text: str) -> list[set[Span]]:
    """Return for each piece every span that it has in some way to read `text`."""
    spans: list[set[Span]] = []
    starts = {0}
    for token in tokens:
        spans.append({(start, end) for start in starts for end in token.ends(text, start)})
        starts = {end for _, end in spans[-1]}
    ends = {len(text)}
    for at in range(len(tokens) - 1, -1, -1):
        spans[at] = {span for span in spans[at] if span[1] in ends}
        ends = {start for start, _ in spans[at]}
    return spans


def _without(text: str, opaque: Sequence[Span]) -> str:
    """Return `text` with line breaks for folders and opaque pieces: no number crosses them."""
    pieces, at = [], 0
    for start, end in sorted(opaque):
        pieces.append(text[at:start])
        at = max(at, end)
    pieces.append(text[at:])
    return "\n".join(pieces).replace("/", "\n")
