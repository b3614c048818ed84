"""The `s3` connector: finds objects by key, metadata or tag, and removes all their versions.

A key whose newest version is a delete marker is still found: older versions, unfinished
uploads and the key itself are still in the bucket. Its date is the one in the key or, without
one, when its oldest version was written.

What lies beside a recording (a transcript, a waveform) is found by its stem: each record whose
stem names one call for certain carries it as a link, and the engine looks that up in the next
wave, in any folder of the bucket. It is erased before its recording, as what links lead to is.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from attrs import field, frozen

from dsr.connectors.aging import check_anchor
from dsr.connectors.lookup import Hit, Keys, Lookup
from dsr.connectors.s3.ahead import ahead
from dsr.connectors.s3.bucket import AT_ONCE, Bucket
from dsr.connectors.s3.checking import Checking
from dsr.connectors.s3.content import ObjectContent
from dsr.connectors.s3.erasure import remove
from dsr.connectors.s3.listing import Kept, Upload, kept, unfinished
from dsr.connectors.s3.locks import has_locks
from dsr.connectors.s3.looking import Labels, Look, Looked
from dsr.connectors.s3.marking import Marking
from dsr.connectors.s3.marks import HELD, RESTRICTED
from dsr.connectors.stems import is_distinct, stem_of
from dsr.model import Finding, Found, Identifier, Kind, Record, Unread

__all__ = ["S3", "LockingRestrictingS3", "LockingS3", "RestrictingS3", "Restriction"]

Restriction = Literal["no", "tag", "legal hold"]

_OBJECT: Final[frozenset[Kind]] = frozenset({"object"})


@frozen
class S3:
    """A bucket of recordings. The key of a record is the object's key.

    keys         the patterns of keys, which may be empty if there are labels
    prefix       only keys that start with it
    labels       metadata and tags that hold identifiers; every object is then asked for them
    sidecars     find what shares the stem of a recording, in any folder
    restriction  how objects are marked as restricted
    """

    name: str
    bucket: Bucket
    category: str
    keys: Keys
    prefix: str = ""
    labels: Labels = field(factory=Labels)
    sidecars: bool = True
    restriction: Restriction = "no"

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds that patterns, metadata, tags and stems can find."""
        stems = _OBJECT if self.sidecars else frozenset[Kind]()
        return self.keys.accepts | self.labels.kinds | stems

    @property
    def categories(self) -> frozenset[str]:
        """The one category of the bucket."""
        return frozenset({self.category})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """List the bucket once and yield each key that speaks of any of `who`.

        An object of which a part is denied (its locks, its metadata) is found all the same, as
        far as it can be, and the denied parts are `Unread` at the end.
        """
        lookup = Lookup(self.keys, who)

        def match(key: str) -> Hit | None:
            below = key[len(self.prefix) :]
            hit = lookup.read(below, lookup.beside(below) if self.sidecars else ())
            return hit if hit.who or (self.labels and who) else None

        uploads: dict[str, tuple[Upload, Hit]] = {}
        for upload in unfinished(self.bucket, self.prefix):
            hit = match(upload.key)
            if hit is not None and hit.who:
                uploads[upload.key] = upload, hit
        unread: Counter[tuple[str, str]] = Counter()
        for each in self._looked(lookup, kept(self.bucket, self.prefix, match)):
            unread.update(each.unread)
            if each.hit.who:
                uploads.pop(each.kept.key, None)
                yield from _founds(each.hit, self._record(each, lookup))
        for upload, hit in uploads.values():
            yield from _founds(hit, self._upload(upload, hit, lookup))
        yield from self._untold(unread)

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        """List the bucket once and yield every key from before `before`, as `find` dates it.

        Only these are asked for their locks and labels. A stem that only its person makes telling
        is no link here. Old unfinished uploads of keys without a version come last; they alone
        take memory.
        """
        check_anchor(self.name, category, anchor)
        return self._aged(before) if category == self.category else iter(())

    def erase(self, keys: Sequence[str]) -> None:
        """Remove every version, delete marker and unfinished upload of the keys.

        A legal hold that dsr placed is lifted. Raises `Refused` if the bucket kept any
        (somebody else's lock), after all else was removed.
        """
        remove(self.bucket, keys)

    def check(self) -> Sequence[Finding]:
        """Try every right that the store's verbs need, on objects that do not exist.

        Raises `StoreUnavailable` if the bucket cannot be reached.
        """
        return list(
            Checking(
                self.bucket,
                self.prefix,
                self.labels,
                restricts=self.restriction != "no",
                holds=isinstance(self, LockingS3) or self.restriction == "legal hold",
            )
        )

    def _aged(self, before: dt.datetime) -> Iterator[Record | Unread]:
        lookup = Lookup(self.keys, ())

        def match(key: str) -> Hit:
            return lookup.read(key[len(self.prefix) :])

        uploads: dict[str, tuple[Upload, Hit]] = {}
        for upload in unfinished(self.bucket, self.prefix):
            hit = match(upload.key)
            if hit.time(upload.started, self.keys.timezone) < before:
                uploads[upload.key] = upload, hit

        def candidates() -> Iterator[tuple[Kept, Hit]]:
            for known, hit in kept(self.bucket, self.prefix, match):
                uploads.pop(known.key, None)  # it is a part of this record
                if hit.time(known.oldest, self.keys.timezone) < before:
                    yield known, hit

        unread: Counter[tuple[str, str]] = Counter()
        for each in self._looked(lookup, candidates(), everybody=True):
            unread.update(each.unread)
            yield self._record(each, lookup)
        for upload, hit in uploads.values():
            yield self._upload(upload, hit, lookup)
        yield from self._untold(unread)

    def _untold(self, unread: Mapping[tuple[str, str], int]) -> Iterator[Unread]:
        for (part, why), count in sorted(unread.items()):
            reason = f"of {count} objects the {part} could not be read ({why})"
            yield Unread(reason, self.category)

    def _looked(
        self,
        lookup: Lookup,
        candidates: Iterator[tuple[Kept, Hit]],
        *,
        everybody: bool = False,
    ) -> Iterator[Looked]:
        """Ask about the candidates, as far as anything is to be asked, several at a time."""
        first = next(candidates, None)
        if first is None:
            return
        look = Look(
            self.bucket,
            lookup,
            self.labels,
            locks=has_locks(self.bucket) is not False,
            restricts=self.restriction != "no",
            everybody=everybody,
        )

        def asked(each: tuple[Kept, Hit]) -> Looked:
            return look(*each)

        if not look.asks:
            yield asked(first)
            yield from map(asked, candidates)
            return
        yield asked(first)
        yield from ahead(asked, candidates, AT_ONCE)

    def _record(self, each: Looked, lookup: Lookup) -> Record:
        known, newest = each.kept, next(iter(each.kept.data), None)
        size = newest.size if newest else None
        labels = {"metadata": each.metadata, "tags": each.tags}
        content = None
        if newest is not None and size is not None:
            content = ObjectContent(self.bucket, known.key, newest.id, size, newest.etag)
        return Record(
            key=known.key,
            category=self.category,
            data={
                "key": known.key,
                "size": size,
                "modified": known.newest,
                "versions": len(known.data),
                **{name: value for name, value in labels.items() if value},
            },
            at=each.hit.time(known.oldest, self.keys.timezone),
            personal=frozenset(
                {"key", *(name for name, value in labels.items() if value)}
                | ({"content"} if size else set())
            ),
            content=content,
            links=self._links(known.key, each.hit, lookup),
            lock=each.lock,
            restricted=each.restricted,
        )

    def _upload(self, upload: Upload, hit: Hit, lookup: Lookup) -> Record:
        return Record(
            key=upload.key,
            category=self.category,
            data={"key": upload.key, "started": upload.started},
            at=hit.time(upload.started, self.keys.timezone),
            personal=frozenset({"key"}),
            links=self._links(upload.key, hit, lookup),
        )

    def _links(self, key: str, hit: Hit, lookup: Lookup) -> tuple[Identifier, ...]:
        """Return the stem as a link, if it can only be this call's or this person's."""
        if not self.sidecars:
            return ()
        stem = stem_of(key)
        named = any(each.kind == "call" and each.value in stem for each in hit.who)
        if not (named or is_distinct(stem) or any(lookup.value("phone", stem))):
            return ()
        return (Identifier("object", stem),)


@frozen
class LockingS3(S3):
    """The same where a hold of dsr places the bucket's legal hold as well."""

    def lock(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Place the legal hold on every version of the keys, or lift what this placed.

        Before it places any, it proves on an object of its own, below the prefix, that the
        bucket keeps what is under one (`dsr.connectors.s3.proving`). Raises `Refused` if it has
        no Object Lock or does not, and for objects that it refuses.
        """
        Marking(self.bucket, self.prefix, HELD, hold=True, word="locked").set(keys, on=on)


@frozen
class RestrictingS3(S3):
    """The same where tags mark restricted objects."""

    def restrict(self, keys: Sequence[str], on: bool) -> None:  # noqa: FBT001  (the seam's shape)
        """Mark every version of the keys, or unmark it.

        Raises `Refused` for keys without a finished version, and for objects that the bucket
        refuses.
        """
        hold = self.restriction == "legal hold"
        mark = Marking(self.bucket, self.prefix, RESTRICTED, hold=hold, word="restricted")
        mark.set(keys, on=on)


@frozen
class LockingRestrictingS3(LockingS3, RestrictingS3):
    """The same with both."""


def _founds(hit: Hit, record: Record) -> Iterator[Found]:
    for who in hit.who:
        yield Found(who, record, record.personal)
