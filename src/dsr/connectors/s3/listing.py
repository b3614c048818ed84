"""All that a bucket keeps under each key: versions, delete markers, unfinished uploads."""

from __future__ import annotations

import datetime as dt
import os.path
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, cast

from attrs import define, field

from dsr.connectors.s3.bucket import Bucket
from dsr.connectors.s3.wire import Entry, Page, time
from dsr.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import (
        ListMultipartUploadsRequestTypeDef,
        ListObjectVersionsRequestTypeDef,
    )

__all__ = ["Kept", "Upload", "kept", "unfinished", "versions_among"]

T = TypeVar("T")

_PAGE: Final = 1000  # the most that S3 lists at once
_SMALL: Final = 16  # versions to list at first where few of a page were wanted
_WORTH: Final = 3  # wanted ones that make a whole page cheaper than jumping between them


@define
class Kept:
    """What is kept under one key, the newest version first."""

    key: str = field(repr=False)
    versions: list[Entry] = field(factory=list, repr=False)

    @property
    def data(self) -> list[Entry]:
        """The versions that hold bytes, the newest first."""
        return [each for each in self.versions if each.size is not None]

    @property
    def oldest(self) -> dt.datetime:
        """When the oldest version was written."""
        return time(self.versions[-1].written)

    @property
    def newest(self) -> dt.datetime:
        """When the newest version was written, be it a delete marker."""
        return time(self.versions[0].written)


def kept(bucket: Bucket, prefix: str, match: Callable[[str], T | None]) -> Iterator[tuple[Kept, T]]:
    """List the bucket once, and yield the keys for which `match` gives something, with that.

    Only one page (1,000 versions) and the matches in it are in memory.
    """
    open_: dict[str, tuple[Kept, T]] = {}
    for page in _pages(bucket, prefix):
        for key, versions in groupby(page, key=lambda each: each.key):
            if key not in open_:
                found = match(key)
                if found is None:
                    continue
                open_[key] = Kept(key), found
            open_[key][0].versions.extend(versions)
        last = page[-1].key if page else ""  # the next page may go on with this key
        for key in [each for each in open_ if each != last]:
            yield _sorted(open_.pop(key))
    for each in open_.values():
        yield _sorted(each)


def versions_among(bucket: Bucket, keys: Sequence[str]) -> Iterator[Entry]:
    """Yield every version and delete marker of `keys`, which are sorted and distinct.

    Where they lie close together, a page holds those of many; where they do not, the listing
    jumps from one to the next, and asks for smaller pages.
    """
    if not keys:
        return
    prefix = os.path.commonprefix(list(keys))  # noqa: RUF071  (S3 compares characters too)
    at, size, after = 0, _PAGE, _before(keys[0])
    resume = ""
    while True:
        page = _page(bucket, prefix, after, resume, size)
        wanted = 0
        for each in page.entries:
            while at < len(keys) and keys[at] < each.key:
                at += 1
            if at == len(keys):
                return
            if keys[at] == each.key:
                wanted += 1
                yield each
        if not page.more:
            return
        after, resume = _next(bucket, page, after, resume)
        jump = _before(keys[at])
        if jump > after:
            after, resume = jump, ""
        sparse = size == _PAGE and wanted < _WORTH
        size = _SMALL if sparse else min(_PAGE, 2 * size)  # and see again whether it changed


class Upload(NamedTuple):
    """An incomplete multipart upload: its parts hold bytes."""

    key: str
    id: str
    started: dt.datetime


def unfinished(bucket: Bucket, prefix: str) -> Iterator[Upload]:
    """Yield each incomplete multipart upload under a prefix."""
    client = bucket.client()
    request: ListMultipartUploadsRequestTypeDef = {"Bucket": bucket.name, "Prefix": prefix}
    more = True
    while more:
        with bucket.errors():
            page = client.list_multipart_uploads(**request)
        for each in page.get("Uploads", []):
            # as in `_next`: the last upload itself, not the marker that the server gives
            request |= {"KeyMarker": each["Key"], "UploadIdMarker": each["UploadId"]}
            yield Upload(each["Key"], each["UploadId"], each["Initiated"])
        more = page["IsTruncated"] and bool(page.get("Uploads"))


def _pages(bucket: Bucket, prefix: str) -> Iterator[list[Entry]]:
    """Yield the versions under a prefix page by page, each page sorted by key."""
    after, resume = "", ""
    while True:
        page = _page(bucket, prefix, after, resume, _PAGE)
        yield page.entries
        if not page.more:
            return
        after, resume = _next(bucket, page, after, resume)


def _next(bucket: Bucket, page: Page, after: str, resume: str) -> tuple[str, str]:
    """Return the key and version after which the next page starts.

    The key is the last that this page holds, not its `NextKeyMarker`: Ceph writes that one
    unquoted where it says that it is quoted, so that a plus or a percent sign in a key would
    make the listing repeat or leave out objects.
    """
    following = (page.entries[-1].key if page.entries else page.key), page.id
    if following == (after, resume):
        what = "its listing does not go on"
        raise StoreUnavailable(bucket.store, what, "report it to the server's vendor")
    return following


def _page(bucket: Bucket, prefix: str, after: str, resume: str, size: int) -> Page:
    client = bucket.client()
    request: ListObjectVersionsRequestTypeDef = {
        "Bucket": bucket.name,
        "Prefix": prefix,
        "MaxKeys": size,
    }
    if after:
        request["KeyMarker"] = after
    if resume:  # an empty one is an error on AWS
        request["VersionIdMarker"] = resume
    with bucket.errors():
        answer = client.list_object_versions(**request)
    listed = cast("dict[str, object]", answer).get("Page")
    if not isinstance(listed, Page):
        what = "its listing cannot be understood"
        raise StoreUnavailable(bucket.store, what, "check that endpoint is an S3 server")
    return listed


def _before(key: str) -> str:
    """Return a text just before `key` in order; what lies between them is listed in vain."""
    last = ord(key[-1]) if key else 0
    if last <= ord("!"):  # before it are only signs that no server likes to be asked for
        return key[:-1]
    step = 0xD7FF if last == 0xE000 else last - 1  # noqa: PLR2004  (before it: surrogates)
    return key[:-1] + chr(step) + "~"


def _sorted(each: tuple[Kept, T]) -> tuple[Kept, T]:
    each[0].versions.sort(key=lambda version: time(version.written), reverse=True)
    return each
