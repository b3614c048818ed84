"""What dsr itself marks objects with: tags of its own, and S3's legal hold.

A tag says that dsr marked the version, and its value whether dsr also placed the legal hold:
only such a hold is lifted again, and only once no other tag of dsr asks for it. The tag is
written before the hold and removed after it, so that a crash between the two never leaves a
hold of dsr's that looks like somebody else's; the same call again ends where no crash ends.

S3 can only replace all tags of a version at once: a tag that somebody else sets in the very
moment between our reading and our writing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import field, frozen
from botocore.exceptions import ClientError

from dsr.connectors.s3.bucket import GONE, Bucket, code

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import TaggingTypeDef

__all__ = ["HELD", "RESTRICTED", "Version", "places_hold"]

HELD: Final = "dsr-hold"
RESTRICTED: Final = "dsr-restricted"

_PLACED: Final = "legal-hold"  # the value of a tag with which dsr placed the legal hold
_ALONE: Final = "tag"  # the value of a tag that stands for itself
#: What servers answer where a version has no lock, or cannot have one.
_NO_LOCK: Final = frozenset(
    {
        "NoSuchObjectLockConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "NotImplemented",
        "MethodNotAllowed",
        "InvalidRequest",
    }
)


def places_hold(tags: Mapping[str, str]) -> bool:
    """Return whether a version with these tags bears a legal hold that dsr placed."""
    return _PLACED in (tags.get(HELD), tags.get(RESTRICTED))


@frozen
class Version:
    """One version of an object that holds bytes. Its methods raise botocore's `ClientError`."""

    bucket: Bucket
    key: str = field(repr=False)
    id: str = field(repr=False)

    def tags(self) -> dict[str, str]:
        """Return its tags."""
        answer = self.bucket.client().get_object_tagging(**self._where)
        return {each["Key"]: each["Value"] for each in answer["TagSet"]}

    def metadata(self) -> dict[str, str]:
        """Return its user metadata; the names are in lower case, as in HTTP headers."""
        answer = self.bucket.client().head_object(**self._where)
        return {name.lower(): value for name, value in answer["Metadata"].items()}

    def is_held(self) -> bool:
        """Return whether it is under a legal hold."""
        try:
            answer = self.bucket.client().get_object_legal_hold(**self._where)
        except ClientError as error:
            if code(error) in _NO_LOCK:
                return False
            raise
        return answer["LegalHold"].get("Status") == "ON"

    def retention(self) -> dict[str, Any]:
        """Return its retention as S3 describes it, with the server's `Date`; empty if none."""
        try:
            answer = self.bucket.client().get_object_retention(**self._where)
        except ClientError as error:
            if code(error) in _NO_LOCK:
                return {}
            raise
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return {**answer["Retention"], "Date": date}

    def mark(self, tag: str, *, hold: bool) -> bool:
        """Tag it and, if asked, place the legal hold. Return whether that is then in force.

        A legal hold of somebody else's does as well, and stays theirs.
        """
        tags = self.tags()
        held = hold and self.is_held()
        foreign = held and not places_hold(tags)
        value = _PLACED if hold and not foreign else _ALONE
        if tags.get(tag) != value:
            self._tag({**tags, tag: value})
        if value == _PLACED and not held:
            self._hold("ON")
            return self.is_held()
        return True

    def unmark(self, tag: str) -> None:
        """Lift what `mark` placed, and remove the tag."""
        tags = self.tags()
        if tag not in tags:
            return
        rest = {name: value for name, value in tags.items() if name != tag}
        if places_hold(tags) and not places_hold(rest):
            self._hold("OFF")
        self._tag(rest)

    def is_there(self) -> bool:
        """Return whether the bucket still has it."""
        try:
            self.bucket.client().head_object(**self._where)
        except ClientError as error:
            if code(error) in GONE:
                return False
            raise
        return True

    def remove(self) -> None:
        """Remove it, if nothing keeps it."""
        self.bucket.client().delete_object(**self._where)

    def free(self) -> bool:
        """Lift a legal hold that dsr placed, to erase the version. Return whether it did."""
        if not places_hold(self.tags()) or not self.is_held():
            return False
        self._hold("OFF")
        return True

    @property
    def _where(self) -> dict[str, Any]:
        return {"Bucket": self.bucket.name, "Key": self.key, "VersionId": self.id}

    def _hold(self, status: Literal["ON", "OFF"]) -> None:
        self.bucket.client().put_object_legal_hold(**self._where, LegalHold={"Status": status})

    def _tag(self, tags: Mapping[str, str]) -> None:
        tagging: TaggingTypeDef = {
            "TagSet": [{"Key": name, "Value": value} for name, value in sorted(tags.items())]
        }
        self.bucket.client().put_object_tagging(**self._where, Tagging=tagging)
