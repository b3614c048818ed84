"""Removing keys from a bucket with everything that it keeps under them.

Only versions that were listed are removed, each by its id: what somebody writes to a key
meanwhile survives, is found again, and makes the run incomplete instead of being lost. A bucket
without versions has no such ids: there the key goes with what it holds at that moment.
"""

from __future__ import annotations

import os.path
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from dsr.connectors.s3.ahead import ahead, batches
from dsr.connectors.s3.bucket import AT_ONCE, GONE, Bucket, busy, code, denied, of_one_object
from dsr.connectors.s3.listing import unfinished, versions_among
from dsr.connectors.s3.marks import Version
from dsr.connectors.s3.wire import Entry
from dsr.errors import Refused

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

__all__ = ["remove"]

_BATCH: Final = 1000  # what DeleteObjects takes
_FEW: Final = 100  # keys that are not worth a worker of their own
_ROUNDS: Final = 4  # attempts at uploads whose parts still arrive
_WAITS: Final = (0.5, 1.0, 2.0)  # seconds before a busy server is asked again for what it left


def remove(bucket: Bucket, keys: Sequence[str]) -> None:
    """Remove every version, delete marker and unfinished upload of the keys.

    Works from what the bucket holds now, so that it carries on where it broke off. A legal hold
    that dsr placed is lifted where it stands in the way. Raises `Refused` if the bucket kept any
    of it, after all else was removed.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return
    size = min(_BATCH, max(_FEW, ceil(len(wanted) / AT_ONCE)))
    refusals: Counter[str] = Counter()
    for each in ahead(partial(_part, bucket), batches(wanted, size), AT_ONCE):
        refusals += each
    refusals += _abort_uploads(bucket, frozenset(wanted))
    if refusals:
        reasons = ", ".join(f"{count} by {name}" for name, count in sorted(refusals.items()))
        what = f"object versions or uploads were not removed ({reasons})"
        raise Refused(bucket.store, what, "look for locks and missing rights, then run it again")


def _part(bucket: Bucket, keys: Sequence[str]) -> Counter[str]:
    """Remove the versions of some keys. Return why any were refused, and how many.

    Delete markers go last, and stay where a version does: what was hidden must not show again.
    """
    refusals: Counter[str] = Counter()
    markers: list[Entry] = []
    staying: set[str] = set()

    def with_bytes() -> Iterator[Entry]:
        for each in versions_among(bucket, keys):
            if each.size is None:
                markers.append(each)
            else:
                yield each

    for batch in batches(with_bytes(), _BATCH):
        for key, why in _delete(bucket, batch, holds=True):
            refusals[why] += 1
            staying.add(key)
    for batch in batches((each for each in markers if each.key not in staying), _BATCH):
        refusals.update(why for _, why in _delete(bucket, batch, holds=False))
    return refusals


def _delete(bucket: Bucket, batch: Sequence[Entry], *, holds: bool) -> list[tuple[str, str]]:
    """Remove at most 1,000 versions. Return the key of each that was refused, and why.

    `holds` says that they may be under a legal hold, as delete markers never are.
    """
    refused: list[tuple[str, str]] = []
    todo = [(each.key, each.id) for each in batch]
    for wait in (*_WAITS, None):
        errors = _deleted(bucket, todo)
        todo = [each for each, why in errors.items() if busy(why) and wait is not None]
        if holds:
            freed = [each for each, why in errors.items() if denied(why) and _free(bucket, each)]
            errors = {each: why for each, why in errors.items() if each not in freed}
            todo += freed
        refused += [(each[0], why) for each, why in errors.items() if each not in todo]
        if not todo:
            break
        time.sleep(wait or 0)
    return refused


def _deleted(bucket: Bucket, versions: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Ask once to remove versions, each a key and its id. Return why for those that stay."""
    objects: list[ObjectIdentifierTypeDef] = [
        {"Key": key, "VersionId": version} for key, version in versions
    ]
    client = bucket.client()
    with bucket.errors():
        answer = client.delete_objects(
            Bucket=bucket.name, Delete={"Objects": objects, "Quiet": True}
        )
    return {
        (each.get("Key", ""), each.get("VersionId", "")): each.get("Code", "Unknown")
        for each in answer.get("Errors", [])
        if each.get("Code") not in GONE
    }


def _free(bucket: Bucket, version: tuple[str, str]) -> bool:
    """Lift the legal hold that dsr placed on a version. Return whether there was one."""
    with bucket.errors():
        try:
            return Version(bucket, *version).free()
        except ClientError as error:
            if of_one_object(code(error)) or code(error) in GONE:
                return False
            raise


def _abort_uploads(bucket: Bucket, keys: frozenset[str]) -> Counter[str]:
    """Abort the unfinished uploads of the keys, until none is listed any more.

    A part that is under way while its upload is aborted may still arrive: S3 wants the abort
    repeated then.
    """
    refusals: Counter[str] = Counter()
    shared = os.path.commonprefix(list(keys))  # noqa: RUF071  (S3 compares characters too)
    client = bucket.client()
    for _ in range(_ROUNDS):
        refusals.clear()
        found = [each for each in unfinished(bucket, shared) if each.key in keys]
        for each in found:
            with bucket.errors():
                try:
                    client.abort_multipart_upload(
                        Bucket=bucket.name, Key=each.key, UploadId=each.id
                    )
                except ClientError as error:
                    if code(error) not in GONE:
                        refusals[code(error)] += 1
        if refusals.total() == len(found):
            return refusals
    refusals["UploadGoesOn"] = len(found)
    return refusals
