"""Removing keys from a bucket with everything that it keeps under them."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import ClientError

from dsr.connectors.s3.bucket import AT_ONCE, Bucket, code
from dsr.connectors.s3.listing import unfinished, versions_of
from dsr.errors import Refused

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

__all__ = ["remove"]

T = TypeVar("T")

_BATCH: Final = 1000  # what DeleteObjects takes
_KEYS: Final = 100  # keys that one worker lists and removes
_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchUpload"})


def remove(bucket: Bucket, keys: Sequence[str]) -> None:
    """Remove every version, delete marker and unfinished upload of the keys.

    Works from what the bucket holds now, so that it carries on where it broke off. Raises
    `Refused` if the bucket kept any of it, after all else was removed.
    """
    refusals: Counter[str] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = list(_batches(sorted(set(keys)), _KEYS))
        for each in pool.map(_remove_versions, [bucket] * len(parts), parts):
            refusals += each
    refusals += _abort_uploads(bucket, keys)
    if refusals:
        reasons = ", ".join(f"{count} by {name}" for name, count in sorted(refusals.items()))
        what = f"object versions or uploads were not removed ({reasons})"
        raise Refused(bucket.store, what, "look for locks and missing rights, then run it again")


def _remove_versions(bucket: Bucket, keys: Sequence[str]) -> Counter[str]:
    refusals: Counter[str] = Counter()
    client = bucket.client()
    for batch in _batches(_objects(bucket, keys), _BATCH):
        with bucket.errors():
            answer = client.delete_objects(
                Bucket=bucket.name, Delete={"Objects": batch, "Quiet": True}
            )
        codes = [each.get("Code", "Unknown") for each in answer.get("Errors", [])]
        refusals.update(each for each in codes if each not in _GONE)
    return refusals


def _objects(bucket: Bucket, keys: Sequence[str]) -> Iterator[ObjectIdentifierTypeDef]:
    for key in keys:
        for version in versions_of(bucket, key):
            yield {"Key": key, "VersionId": version.id}


def _abort_uploads(bucket: Bucket, keys: Sequence[str]) -> Counter[str]:
    refusals: Counter[str] = Counter()
    wanted = frozenset(keys)
    if not wanted:
        return refusals
    client = bucket.client()
    shared = os.path.commonprefix(list(wanted))  # noqa: RUF071  (S3 compares characters too)
    for key, upload, _ in unfinished(bucket, shared):
        if key not in wanted:
            continue
        try:
            client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload)
        except ClientError as error:
            if code(error) not in _GONE:
                refusals[code(error)] += 1
    return refusals


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
