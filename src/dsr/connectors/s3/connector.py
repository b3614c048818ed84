"""The `s3` connector: finds objects by their keys, and removes them with all their versions.

A key whose newest version is a delete marker is still found: older versions, unfinished
uploads and the key itself are still in the bucket. Its date is the one in the key or, without
one, when its oldest version was written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from dsr.connectors.lookup import Hit, Keys, Lookup
from dsr.connectors.s3.bucket import Bucket
from dsr.connectors.s3.content import ObjectContent
from dsr.connectors.s3.erasure import remove
from dsr.connectors.s3.listing import Kept, kept, unfinished
from dsr.connectors.s3.locks import has_locks, lock_of
from dsr.model import Finding, Found, Identifier, Kind, Lock, Record, Unread
from dsr.settings import Context, settings

__all__ = ["S3", "Settings", "from_config"]

_KEY: Final = frozenset({"key"})
_KEY_AND_CONTENT: Final = frozenset({"key", "content"})


@frozen
class Settings:
    """The table of an `s3` store in dsr.toml. Credentials are none of its settings."""

    bucket: str
    category: str  # the category of all its objects
    keys: tuple[str, ...]  # patterns of the keys below the prefix: dsr.connectors.keys
    prefix: str = ""  # only keys that start with it; write the slash at its end
    timezone: str = ""  # of dates in the keys, such as "Europe/Berlin"
    endpoint: str = ""  # URL of a server that is not AWS
    region: str = ""
    profile: str = ""  # a profile of boto3's configuration files


def from_config(name: str, table: Mapping[str, object], context: Context) -> S3:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, table, where)
    keys = Keys.of(chosen.keys, chosen.timezone, context, where)
    bucket = Bucket(name, chosen.bucket, chosen.endpoint, chosen.region, chosen.profile)
    return S3(name, bucket, chosen.category, keys, chosen.prefix)


@frozen
class S3:
    """A bucket of recordings. The key of a record is the object's key."""

    name: str
    bucket: Bucket
    category: str
    keys: Keys
    prefix: str = ""

    @property
    def accepts(self) -> frozenset[Kind]:
        """The kinds that the patterns can find."""
        return self.keys.accepts

    @property
    def categories(self) -> frozenset[str]:
        """The one category of the bucket."""
        return frozenset({self.category})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """List the bucket once and yield each key that speaks of any of `who`."""
        lookup = Lookup(self.keys, who)

        def match(key: str) -> Hit | None:
            return lookup.match(key[len(self.prefix) :])

        uploads = self._uploads(match)
        locks: bool | None = None
        for each, hit in kept(self.bucket, self.prefix, match):
            locks = has_locks(self.bucket) if locks is None else locks
            lock = lock_of(self.bucket, each) if locks else None
            uploads.pop(each.key, None)
            yield from _founds(hit, self._record(each, hit, lock))
        for key, (started, hit) in uploads.items():
            record = Record(
                key=key,
                category=self.category,
                data={"key": key, "started": started},
                at=hit.time(started, self.keys.timezone),
                personal=_KEY,
            )
            yield from _founds(hit, record)

    def erase(self, keys: Sequence[str]) -> None:
        """Remove every version, delete marker and unfinished upload of the keys.

        Raises `Refused` if the bucket kept any (Object Lock), after all else was removed.
        """
        remove(self.bucket, keys)

    def check(self) -> Sequence[Finding]:
        """List one version and one upload: reaches the bucket with the rights that it needs."""
        client = self.bucket.client()
        with self.bucket.errors():
            client.list_object_versions(Bucket=self.bucket.name, Prefix=self.prefix, MaxKeys=1)
            client.list_multipart_uploads(Bucket=self.bucket.name, MaxUploads=1)
        return []

    def _uploads(self, match: Callable[[str], Hit | None]) -> dict[str, tuple[dt.datetime, Hit]]:
        """Return the keys of the batch that have unfinished uploads: few, in any bucket."""
        found = {}
        for key, _, started in unfinished(self.bucket, self.prefix):
            hit = match(key)
            if hit is not None:
                found[key] = (started, hit)
        return found

    def _record(self, each: Kept, hit: Hit, lock: Lock | None) -> Record:
        newest = each.data[0] if each.data else None
        size = newest.size if newest else None
        oldest = min(version.modified for version in each.versions)
        return Record(
            key=each.key,
            category=self.category,
            data={
                "key": each.key,
                "size": size,
                "modified": each.versions[0].modified,
                "versions": len(each.data),
            },
            at=hit.time(oldest, self.keys.timezone),
            personal=_KEY_AND_CONTENT if size else _KEY,
            content=(
                ObjectContent(self.bucket, each.key, newest.id, size)
                if newest is not None and size is not None
                else None
            ),
            lock=lock,
        )


def _founds(hit: Hit, record: Record) -> Iterator[Found]:
    for who in hit.who:
        yield Found(who, record, record.personal)
