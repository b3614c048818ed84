"""Object Lock: what the bucket itself will not let go of, and until when."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from dsr.connectors.s3.bucket import Bucket, code
from dsr.connectors.s3.listing import Kept
from dsr.model import Lock

__all__ = ["has_locks", "lock_of"]

#: What servers answer about an object or a bucket that has no lock, or cannot have one.
_NONE: Final = frozenset(
    {
        "ObjectLockConfigurationNotFoundError",
        "NoSuchObjectLockConfiguration",
        "NoSuchKey",
        "NoSuchVersion",
        "NotImplemented",
        "MethodNotAllowed",
        "InvalidRequest",
    }
)


def has_locks(bucket: Bucket) -> bool:
    """Return whether objects of the bucket can be locked: one call a reading."""
    client = bucket.client()
    with bucket.errors():
        try:
            answer = client.get_object_lock_configuration(Bucket=bucket.name)
        except ClientError as error:
            if code(error) in _NONE:
                return False
            raise
    return answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled"


def lock_of(bucket: Bucket, kept: Kept) -> Lock | None:
    """Return the lock of a key: that of the version which is locked the longest.

    A legal hold is open-ended. A retention that has ended by the server's own clock is none.
    """
    until: dt.datetime | None = None
    for version in kept.data:
        where = {"Bucket": bucket.name, "Key": kept.key, "VersionId": version.id}
        if _held(bucket, where):
            return Lock("a legal hold in the bucket")
        end = _retained(bucket, where)
        if end is not None:
            until = end if until is None else max(until, end)
    return None if until is None else Lock("a retention period in the bucket", until)


def _held(bucket: Bucket, where: dict[str, Any]) -> bool:
    with bucket.errors():
        try:
            answer = bucket.client().get_object_legal_hold(**where)
        except ClientError as error:
            if code(error) in _NONE:
                return False
            raise
    return answer["LegalHold"].get("Status") == "ON"


def _retained(bucket: Bucket, where: dict[str, Any]) -> dt.datetime | None:
    with bucket.errors():
        try:
            answer = bucket.client().get_object_retention(**where)
        except ClientError as error:
            if code(error) in _NONE:
                return None
            raise
    until = answer["Retention"].get("RetainUntilDate")
    clock = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    return until if until is not None and until > clock else None
