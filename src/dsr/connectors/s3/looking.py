"""What a listing does not show of an object: metadata, tags, locks. A request or more each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import partial
from typing import TypeVar

from attrs import define, field, frozen
from botocore.exceptions import ClientError

from dsr.connectors.lookup import Hit, Lookup
from dsr.connectors.s3.bucket import GONE, Bucket, code, of_one_object
from dsr.connectors.s3.listing import Kept
from dsr.connectors.s3.locks import Locks
from dsr.connectors.s3.marks import RESTRICTED, Version
from dsr.model import Identifier, Kind, Lock

__all__ = ["Labels", "Look", "Looked"]

T = TypeVar("T")


@frozen
class Labels:
    """Which user metadata and which tags of objects hold identifiers: names with their kinds."""

    metadata: tuple[tuple[str, Kind], ...] = ()
    tags: tuple[tuple[str, Kind], ...] = ()

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds that they hold."""
        return frozenset(kind for _, kind in (*self.metadata, *self.tags))

    def __bool__(self) -> bool:
        """Return whether there are any: then every object must be asked for them."""
        return bool(self.metadata or self.tags)


@define
class Looked:
    """An object with all that was asked of it.

    `metadata` and `tags` are the configured ones, those of newer versions first. `unread` names
    each part that could not be read, and the server's reason.
    """

    kept: Kept
    hit: Hit
    metadata: dict[str, str] = field(factory=dict, repr=False)
    tags: dict[str, str] = field(factory=dict, repr=False)
    lock: Lock | None = None
    restricted: bool = False
    unread: set[tuple[str, str]] = field(factory=set)


@frozen
class Look:
    """Asks a bucket about objects, as far as the store's settings need it."""

    bucket: Bucket
    lookup: Lookup = field(repr=False)
    labels: Labels
    locks: bool  # the bucket may lock objects
    restricts: bool  # tags say which objects are restricted
    everybody: bool = False  # whoever an object is about, all is asked

    @property
    def asks(self) -> bool:
        """Whether objects are asked about at all."""
        return bool(self.labels) or self.locks or self.restricts

    def __call__(self, kept: Kept, hit: Hit) -> Looked:
        """Return the object with what was found out. Raises `StoreUnavailable`."""
        looked = Looked(kept, hit)
        versions = [Version(self.bucket, kept.key, each.id) for each in kept.data]
        people = set(hit.who)
        known: dict[Version, dict[str, str]] = {}
        for version in versions:
            if self.labels.metadata:
                held: dict[str, str] = self._ask(looked, "metadata", version.metadata, {})
                people |= self._people(self.labels.metadata, held, looked.metadata)
            if self.labels.tags:
                known[version] = self._ask(looked, "tags", version.tags, {})
                people |= self._people(self.labels.tags, known[version], looked.tags)
        who = sorted(people, key=lambda each: (each.kind, each.value))
        looked.hit = Hit(tuple(who), hit.at, hit.timed)
        wanted = self.everybody or bool(people)
        if wanted and self.locks:
            locks = Locks()
            for version in versions:
                self._ask(looked, "locks", partial(locks.add, version), None)
            looked.lock = locks.lock()
        if wanted and self.restricts:
            for version in set(versions) - known.keys():
                known[version] = self._ask(looked, "tags", version.tags, {})
            looked.restricted = bool(known) and all(RESTRICTED in each for each in known.values())
        return looked

    def _people(
        self,
        labels: Iterable[tuple[str, Kind]],
        found: Mapping[str, str],
        into: dict[str, str],
    ) -> set[Identifier]:
        """Return whom the labels of one version name, and take its labels into `into`."""
        people: set[Identifier] = set()
        for name, kind in labels:
            text = _decoded(found.get(name, ""))
            if text:
                into.setdefault(name, text)
                people.update(self.lookup.value(kind, text))
        return people

    def _ask(self, looked: Looked, what: str, act: Callable[[], T], otherwise: T) -> T:
        """Return what `act` does; `otherwise`, and a note, if it is refused for this object."""
        with self.bucket.errors():
            try:
                return act()
            except ClientError as error:
                name = code(error)
                if name not in GONE:  # it vanished since it was listed
                    if not of_one_object(name):
                        raise
                    looked.unread.add((what, name))
                return otherwise


def _decoded(text: str) -> str:
    """Return a text without the encoding that metadata needs for signs that are no ASCII."""
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text
