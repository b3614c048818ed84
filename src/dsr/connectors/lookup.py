"""Whom a path or object key belongs to: a batch of identifiers looked up in one pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo, available_timezones

from attrs import define, field, frozen

from dsr.connectors.keys import Pattern, Reading, reads
from dsr.connectors.stems import extensions, stem_of, whole
from dsr.errors import ConfigurationError
from dsr.match import Matcher
from dsr.model import Identifier, Kind
from dsr.phone import spellings
from dsr.settings import Context

__all__ = ["Hit", "Keys", "Lookup"]


@frozen
class Hit:
    """Whom a key speaks of, and its date."""

    who: tuple[Identifier, ...]
    at: dt.datetime | None = field(repr=False)  # naive: in the store's time zone
    timed: bool = False  # `at` is more than a day

    def time(self, modified: dt.datetime, zone: str) -> dt.datetime:
        """Return when the record is from; `modified` is when the store last wrote it.

        The date in the key wins. Where it names only a day, `modified` gives the hour if it
        lies on that day, and midnight is taken if not. Without a date it is `modified`: a
        recording is written during its call.
        """
        if self.at is None:
            return modified
        at = self.at if self.at.tzinfo else self.at.replace(tzinfo=ZoneInfo(zone))
        same_day = modified.astimezone(at.tzinfo).date() == at.date()
        return modified if same_day and not self.timed else at


@frozen
class Keys:
    """The patterns of one store, the zone of the dates in them, and the home region.

    A store that finds its records in another way as well may have no patterns.
    """

    patterns: tuple[str, ...]
    timezone: str
    region: str

    @classmethod
    def of(cls, patterns: Sequence[str], timezone: str, context: Context, where: str) -> Keys:
        """Check the settings `keys` and `timezone` of the table `where`.

        Raises `ConfigurationError` that names the wrong one.
        """
        try:
            parsed = reads(patterns)
        except ConfigurationError as error:
            what = f"{where}.keys: {error.what}"
            raise ConfigurationError(what, error.fix) from None
        if timezone and timezone not in available_timezones():
            what = f"{where}.timezone names no time zone"
            raise ConfigurationError(what, 'write one such as "Europe/Berlin"')
        if any(each.dated for each in parsed) and not timezone:
            what = f"{where}.timezone is missing"
            raise ConfigurationError(what, 'keys hold dates: name their zone ("Europe/Berlin")')
        return cls(tuple(patterns), timezone, context.region)

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds of identifier that the patterns can find."""
        return frozenset[Kind]().union(*(each.accepts for each in self.parsed))

    @property
    def parsed(self) -> tuple[Pattern, ...]:
        """The patterns, ready to read keys."""
        return reads(self.patterns) if self.patterns else ()


@define
class Lookup:
    """Finds any of `who` in keys. Made once for a reading."""

    keys: Keys
    who: Sequence[Identifier] = field(repr=False)
    _patterns: tuple[Pattern, ...] = field(init=False, repr=False)
    _texts: dict[tuple[Kind, str], Identifier] = field(factory=dict, init=False, repr=False)
    _phones: dict[str, set[Identifier]] = field(factory=dict, init=False, repr=False)
    _objects: dict[str, list[Identifier]] = field(factory=dict, init=False, repr=False)
    _matcher: Matcher | None = field(default=None, init=False, repr=False)
    _addresses: Matcher | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Index the identifiers by what a key can hold of them."""
        self._patterns = self.keys.parsed
        phones = [each for each in self.who if each.kind == "phone"]
        for each in self.who:
            if each.kind == "phone":
                for spelling in spellings(each.value, self.keys.region):
                    self._phones.setdefault(spelling, set()).add(each)
            elif each.kind == "object":
                for name in _names(_link(each.value)):
                    self._objects.setdefault(name, []).append(each)
            elif each.value:
                self._texts[each.kind, _plain(each.kind, each.value)] = each
        if phones:
            self._matcher = Matcher(phones, self.keys.region)
        addresses = [each for each in self.who if each.kind in {"phone", "sip", "email", "ip"}]
        if addresses:
            self._addresses = Matcher(addresses, self.keys.region)

    def match(self, key: str) -> Hit | None:
        """Return whom the key belongs to; None if to none of the batch."""
        hit = self.read(key)
        return hit if hit.who else None

    def read(self, key: str, also: Iterable[Identifier] = ()) -> Hit:
        """Return whom the key belongs to, `also` these, and its date."""
        who = set(also)
        dates: list[tuple[bool, dt.datetime]] = []
        for name in {key, whole(key)}:
            for pattern in self._patterns:
                reading = pattern.read(name)
                if reading is None:
                    continue
                who.update(self._people(reading, name))
                if reading.at is not None:
                    dates.append((reading.timed, reading.at))
        timed, at = max(dates, key=lambda each: each[0], default=(False, None))
        return Hit(tuple(sorted(who, key=lambda each: (each.kind, each.value))), at, timed)

    def beside(self, key: str) -> Iterator[Identifier]:
        """Yield the objects of the batch whose stem the key shares, in their folder if known.

        Whatever the patterns say: a transcript lies beside its recording, or in a folder that
        no pattern names.
        """
        if self._objects:
            yield from self._linked(stem_of(key), key)

    def value(self, kind: Kind, text: str) -> Iterator[Identifier]:
        """Yield those of the batch that a text names which holds an identifier of `kind`."""
        if kind == "object":
            yield from self._objects.get(text, ())
        elif (kind, _plain(kind, text)) in self._texts:
            yield self._texts[kind, _plain(kind, text)]
        elif kind in {"phone", "sip", "email", "ip"} and self._addresses is not None:
            found = set(self._addresses.matches(text))
            if kind == "phone":
                found |= self._phones.get(text.strip(), set())
            yield from (each for each in found if each.kind == kind)

    def _people(self, reading: Reading, key: str) -> Iterator[Identifier]:
        for kind, text in reading.ids:
            if kind == "object":
                yield from self._linked(text, key)
            elif (kind, _plain(kind, text)) in self._texts:
                yield self._texts[kind, _plain(kind, text)]
        if self._matcher is not None:
            for digits in reading.phones:
                yield from self._phones.get(digits.replace("%2B", "+").replace("%2b", "+"), ())
            if reading.prose:
                yield from self._matcher.matches(reading.prose)

    def _linked(self, text: str, key: str) -> Iterator[Identifier]:
        for name in {text, *_stems(key.rpartition("/")[2])}:
            for each in self._objects.get(name, ()):
                if _same_place(_link(each.value), PurePosixPath(key).parent):
                    yield each


def _plain(kind: Kind, text: str) -> str:
    """Return the form in which texts of this kind are compared."""
    match kind:
        case "sip":
            return text.lower().removeprefix("sip:")
        case "email":
            return text.lower()
    return text


def _names(link: PurePosixPath) -> set[str]:
    """Return the names that stand for a link: its own, and without its last extension.

    A link to one half of a call (`…-in.wav`) stands for the whole.
    """
    names = {link.name, whole(link.name)}
    for name in tuple(names):
        endings = extensions(name)[1:]
        last = endings[-1][endings[-1].rindex(".") :] if endings else ""
        names.add(name.removesuffix(last))
    return names


def _stems(name: str) -> set[str]:
    """Return a file name with and without its extensions."""
    stem, *endings = extensions(name)
    return {stem, *(stem + ending for ending in endings)}


def _link(value: str) -> PurePosixPath:
    """Return the path that a link names; absolute for an absolute path or a URL."""
    scheme, separator, rest = value.partition("://")
    return PurePosixPath("/" + rest if separator else scheme)


def _same_place(link: PurePosixPath, folder: PurePosixPath) -> bool:
    """Return whether the folders that a link names agree with where a file is."""
    here = folder.parts
    there = link.parent.parts
    if link.is_absolute():  # the store's root lies somewhere on that path
        return there[len(there) - len(here) :] == here
    return not there or here[-len(there) :] == there
