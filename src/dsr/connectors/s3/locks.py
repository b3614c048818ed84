"""Object Lock: what the bucket itself will not let go of, and until when."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import define, field
from botocore.exceptions import ClientError

from dsr.connectors.s3.bucket import Bucket, code, denied
from dsr.connectors.s3.marks import Version, places_hold
from dsr.model import Lock

__all__ = ["Locks", "has_locks"]

#: What servers answer about a bucket that has no Object Lock, or cannot have it.
_NONE: Final = frozenset(
    {
        "ObjectLockConfigurationNotFoundError",
        "NoSuchObjectLockConfiguration",
        "NotImplemented",
        "MethodNotAllowed",
        "InvalidRequest",
    }
)


def has_locks(bucket: Bucket) -> bool | None:
    """Return whether objects of the bucket can be locked; None if we may not ask."""
    client = bucket.client()
    with bucket.errors():
        try:
            answer = client.get_object_lock_configuration(Bucket=bucket.name)
        except ClientError as error:
            if code(error) in _NONE:
                return False
            if denied(code(error)):
                return None
            raise
    return answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled"


@define
class Locks:
    """The locks of all versions of one key, gathered version by version.

    A legal hold is open-ended; of several retentions the last end counts. One that has ended by
    the server's own clock is none, and neither is a hold that dsr placed itself.
    """

    held: bool = False
    until: dt.datetime | None = None
    modes: set[str] = field(factory=set)

    def add(self, version: Version) -> None:
        """Ask for the locks of a version. Raises `ClientError`."""
        if version.is_held() and not self._ours(version):
            self.held = True
        retention = version.retention()
        end = retention.get("RetainUntilDate")
        if end is not None and end > parsedate_to_datetime(retention["Date"]):
            self.until = end if self.until is None else max(self.until, end)
            self.modes.add(str(retention.get("Mode", "")).lower())

    def lock(self) -> Lock | None:
        """Return them as the lock of the record."""
        if self.until is None:
            return Lock("a legal hold in the bucket") if self.held else None
        period = f"a retention period in the bucket ({' and '.join(sorted(self.modes))})"
        if self.held:
            day = self.until.date().isoformat()
            return Lock(f"a legal hold in the bucket, and {period} until {day}")
        return Lock(period, self.until)

    @staticmethod
    def _ours(version: Version) -> bool:
        try:
            return places_hold(version.tags())
        except ClientError as error:
            if denied(code(error)):
                return False  # whose it is cannot be told: it counts as somebody else's
            raise
