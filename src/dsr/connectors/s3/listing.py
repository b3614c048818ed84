"""All that a bucket keeps under each key: versions, delete markers, unfinished uploads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, TypeVar

from attrs import define, field

from dsr.connectors.s3.bucket import Bucket
from dsr.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ListObjectVersionsRequestTypeDef

__all__ = ["Kept", "Version", "kept", "unfinished", "versions_of"]

T = TypeVar("T")


@define
class Version:
    """One version of a key: its id and, unless it is a delete marker, its size in bytes."""

    id: str
    modified: dt.datetime
    size: int | None


@define
class Kept:
    """What is kept under one key, the newest version first."""

    key: str = field(repr=False)
    versions: list[Version] = field(factory=list)

    @property
    def data(self) -> list[Version]:
        """The versions that hold bytes, the newest first."""
        return [each for each in self.versions if each.size is not None]


def kept(bucket: Bucket, prefix: str, match: Callable[[str], T | None]) -> Iterator[tuple[Kept, T]]:
    """List the bucket once, and yield the keys for which `match` gives something, with that.

    Only one page (1,000 versions) and the matches in it are in memory.
    """
    open_: dict[str, tuple[Kept, T]] = {}
    for page in _pages(bucket, prefix):
        for key, versions in groupby(page, key=lambda each: each[0]):
            if key not in open_:
                found = match(key)
                if found is None:
                    continue
                open_[key] = Kept(key), found
            open_[key][0].versions.extend(version for _, version in versions)
        last = page[-1][0] if page else ""  # the next page may go on with this key
        for key in [each for each in open_ if each != last]:
            yield _sorted(open_.pop(key))
    for each in open_.values():
        yield _sorted(each)


def versions_of(bucket: Bucket, key: str) -> Iterator[Version]:
    """Yield every version and delete marker of one key; those with bytes first in each page."""
    for page in _pages(bucket, key):
        mine = [version for _, version in takewhile(lambda each: each[0] == key, page)]
        yield from sorted(mine, key=lambda each: each.size is None)
        if len(mine) < len(page):
            return


def unfinished(bucket: Bucket, prefix: str) -> Iterator[tuple[str, str, dt.datetime]]:
    """Yield key, id and start of each incomplete multipart upload: its parts hold bytes."""
    pages = bucket.client().get_paginator("list_multipart_uploads")
    with bucket.errors():
        for page in pages.paginate(Bucket=bucket.name, Prefix=prefix):
            for each in page.get("Uploads", []):
                yield each["Key"], each["UploadId"], each["Initiated"]


def _pages(bucket: Bucket, prefix: str) -> Iterator[list[tuple[str, Version]]]:
    """Yield the versions under a prefix page by page, each page sorted by key.

    The next page starts at the last key that this one holds, not at its `NextKeyMarker`: Ceph
    writes that one unquoted, and boto3 unquotes it all the same, so that a plus or a percent
    sign in a key would make the listing repeat or leave out objects.
    """
    client = bucket.client()
    request: ListObjectVersionsRequestTypeDef = {"Bucket": bucket.name, "Prefix": prefix}
    more = True
    while more:
        with bucket.errors():
            page = client.list_object_versions(**request)
        entries = [
            (each["Key"], Version(each["VersionId"], each["LastModified"], each["Size"]))
            for each in page.get("Versions", [])
        ]
        entries += [
            (each["Key"], Version(each["VersionId"], each["LastModified"], None))
            for each in page.get("DeleteMarkers", [])
        ]
        entries.sort(key=lambda each: each[0])
        yield entries
        more = page["IsTruncated"]
        before = dict(request)
        request["KeyMarker"] = entries[-1][0] if entries else page.get("NextKeyMarker", "")
        if page.get("NextVersionIdMarker"):  # an empty one is an error on AWS
            request["VersionIdMarker"] = page["NextVersionIdMarker"]
        else:
            request.pop("VersionIdMarker", None)
        if more and request == before:
            what = "its listing does not go on"
            raise StoreUnavailable(bucket.store, what, "report it to the server's vendor")


def _sorted(each: tuple[Kept, T]) -> tuple[Kept, T]:
    each[0].versions.sort(key=lambda version: version.modified, reverse=True)
    return each
