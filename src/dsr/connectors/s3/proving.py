"""Whether a bucket keeps what is under a legal hold: proved on an object of dsr's own.

Some servers that speak S3 take a hold, show it, and delete what it is on. That cannot be tried
on evidence, and a check may not write: so whoever places holds proves it first, with an object
under a reserved name below the prefix, which is removed again. One that a crash left behind, or
that a default retention of the bucket keeps for a while, goes with a later proof.
"""

from __future__ import annotations

import datetime as dt
import os
import time
import uuid
from contextlib import suppress
from functools import lru_cache
from typing import Final

from botocore.exceptions import ClientError

from dsr.connectors.s3.bucket import Bucket, code, of_one_object
from dsr.connectors.s3.erasure import remove
from dsr.connectors.s3.listing import kept
from dsr.connectors.s3.marks import HELD, Version
from dsr.errors import Refused

__all__ = ["PROBE", "unproved"]

#: How the names of the objects begin that dsr tries a legal hold on.
PROBE: Final = ".dsr-probe-"

_MINUTE: Final = 60.0  # seconds for which a proof stands, as one hold is placed in many calls
_LEFT: Final = dt.timedelta(hours=1)  # another process's proof has ended by then
_LIES: Final = "the server shows a legal hold and deletes what is under it"
_FORGETS: Final = "the server takes a legal hold and does not show it"
_OPEN: Final = "that the server keeps what is under a legal hold is not proved"


def unproved(bucket: Bucket, prefix: str) -> str:
    """Return why a legal hold in the bucket is not proved to keep anything; empty if it is.

    Raises `StoreUnavailable`.
    """
    return _unproved(bucket, prefix, os.getpid(), int(time.monotonic() / _MINUTE))


@lru_cache(maxsize=16)
def _unproved(bucket: Bucket, prefix: str, _process: int, _minute: int) -> str:
    probe = f"{prefix}{PROBE}{uuid.uuid4()}"
    client = bucket.client()
    with bucket.errors():
        try:
            answer = client.put_object(Bucket=bucket.name, Key=probe, Body=b"dsr")
        except ClientError as error:
            return _untried(error, "s3:PutObject")
    version = Version(bucket, probe, answer.get("VersionId", "null"))
    why, left = _tried(version), _removed(version, prefix)
    return why or left


def _tried(version: Version) -> str:
    """Place a hold, and try to remove what it is on. Return why it is none, or nothing."""
    with version.bucket.errors():
        try:
            if not version.mark(HELD, hold=True):
                return _FORGETS
            with suppress(ClientError):  # as it should be; what counts is what is there then
                version.remove()
            return "" if version.is_there() else _LIES
        except ClientError as error:
            return _untried(error, "a right to mark or read objects")


def _removed(version: Version, prefix: str) -> str:
    """Remove the probe, and old ones. Return why that does not prove the hold, or nothing.

    What stays without a hold stayed with it for another reason.
    """
    bucket = version.bucket
    written = {each.key: each.oldest for each, _ in kept(bucket, f"{prefix}{PROBE}", bool)}
    try:
        remove(bucket, [version.key])
    except Refused:
        with bucket.errors():
            try:
                retained = version.retention()  # the bucket gives one to all that is written
            except ClientError as error:
                return _untried(error, "s3:GetObjectRetention")
        if not retained:
            return f"{_OPEN}: s3:DeleteObjectVersion is missing for {PROBE}*"
    if version.key in written:
        end = written[version.key] - _LEFT
        with suppress(Refused):
            remove(bucket, [key for key, at in written.items() if at < end])
    return ""


def _untried(error: ClientError, right: str) -> str:
    """Return why there is no proof, where a right is missing; raise other errors again."""
    if of_one_object(code(error)):
        return f"{_OPEN} ({code(error)}): {right} is missing for {PROBE}*"
    raise error
