"""What a bucket lets us do, and what it copies elsewhere: asked without changing anything.

Rights to read are tried on the first object of the listing. Rights to write are tried on a key
that does not exist: AWS decides about rights first, and then finds nothing to change. Servers
that look for the object first are asked again, to write to the first object what no server
takes: a tag or a legal hold of a form that there is none of. Whether the bucket keeps what is
under a legal hold only writing can tell: see `dsr.connectors.s3.proving`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Final, cast

from attrs import define, field, frozen
from botocore.exceptions import ClientError

from dsr.connectors.s3.bucket import Bucket, busy, code, denied
from dsr.connectors.s3.locks import has_locks
from dsr.connectors.s3.looking import Labels
from dsr.connectors.s3.proving import PROBE
from dsr.connectors.s3.wire import Page
from dsr.model import Finding

__all__ = ["Checking"]

_FIND: Final = "data cannot be found"
_LOCKS: Final = "locks are not seen before an erasure meets them"
_MARK: Final = "objects cannot be marked"
#: The MD5 of no bytes: S3 decides about the right, and then takes no bytes that have another.
_OF_NOTHING: Final = "1B2M2Y8AsgTpgAmY7PhCfg=="
_SOME: Final = 100  # versions among which there is one with bytes, if there is any at all
_TOO_LONG: Final = 200  # signs in a tag's name: S3 takes 128

_Object = dict[str, Any]


@define
class _Unasked:
    """Rights to ask about a bucket's settings that are missing."""

    rights: list[str] = field(factory=list)


@frozen
class Checking:
    """One look at a bucket. Iterate it for the findings."""

    bucket: Bucket
    prefix: str
    labels: Labels
    restricts: bool  # restriction is on, so tags are read and written
    holds: bool  # legal holds are placed and lifted

    def __iter__(self) -> Iterator[Finding]:
        """Yield the findings. Raises `StoreUnavailable` when the bucket cannot be reached."""
        locks = has_locks(self.bucket)
        if self.holds and locks is False:
            yield Finding(
                "fault",
                "its bucket has no Object Lock, so no legal hold can be placed: switch it on, or"
                " the settings legal_hold and restrict off",
            )
        sample = yield from self._listed()
        yield from self._find(sample, locks=locks is not False)
        yield from self._erase()
        yield from self._mark(sample)
        yield from self._left()
        if self.labels:
            yield from self._labels()

    def _listed(self) -> Generator[Finding, None, _Object]:
        """Try the listing, and return an object to try things on: the first, or none."""
        client, sample = self.bucket.client(), self._nobody

        def find() -> None:
            answer = client.list_object_versions(**self._bucket, Prefix=self.prefix, MaxKeys=_SOME)
            page = cast("dict[str, object]", answer).get("Page")
            if isinstance(page, Page):
                for each in page.entries:
                    if each.size is not None:
                        sample.update({"Key": each.key, "VersionId": each.id})
                        return

        yield from self._try("s3:ListBucketVersions", _FIND, find)
        return sample

    def _find(self, sample: _Object, *, locks: bool) -> Iterator[Finding]:
        client, where = self.bucket.client(), self._bucket
        yield from self._try(
            "s3:ListBucketMultipartUploads",
            _FIND,
            lambda: client.list_multipart_uploads(**where, MaxUploads=1),
        )
        yield from self._try(
            "s3:GetObjectVersion",
            "contents cannot be handed over" + (", nor metadata read" if self.labels else ""),
            lambda: client.head_object(**sample),
        )
        if locks:
            yield from self._try(
                "s3:GetBucketObjectLockConfiguration",
                _LOCKS,
                lambda: client.get_object_lock_configuration(**where),
            )
            yield from self._try(
                "s3:GetObjectLegalHold", _LOCKS, lambda: client.get_object_legal_hold(**sample)
            )
            yield from self._try(
                "s3:GetObjectRetention", _LOCKS, lambda: client.get_object_retention(**sample)
            )
        if self.labels.tags or self.restricts or self.holds:
            yield from self._try(
                "s3:GetObjectVersionTagging",
                "tags are not seen",
                lambda: client.get_object_tagging(**sample),
            )

    def _erase(self) -> Iterator[Finding]:
        client, nobody = self.bucket.client(), self._nobody
        objects: Any = {"Objects": [{"Key": nobody["Key"], "VersionId": nobody["VersionId"]}]}
        refused: list[str] = []

        def delete() -> None:
            answer = client.delete_objects(**self._bucket, Delete=objects)
            refused.extend(each.get("Code", "") for each in answer.get("Errors", []))

        right = "s3:DeleteObjectVersion"
        yield from self._try(right, "nothing can be erased", delete)
        if any(map(denied, refused)):
            yield self._missing(right, "nothing can be erased")
        yield from self._try(
            "s3:AbortMultipartUpload",
            "unfinished uploads cannot be erased",
            lambda: client.abort_multipart_upload(
                **self._bucket, Key=nobody["Key"], UploadId=uuid.uuid4().hex
            ),
        )

    def _mark(self, sample: _Object) -> Iterator[Finding]:
        client, nobody = self.bucket.client(), self._nobody
        if self.restricts or self.holds:
            no_tag: Any = {"TagSet": [{"Key": "x" * _TOO_LONG, "Value": ""}]}
            yield from self._try(
                "s3:PutObjectVersionTagging",
                _MARK,
                lambda: client.put_object_tagging(**nobody, Tagging={"TagSet": []}),
                lambda: client.put_object_tagging(**sample, Tagging=no_tag),
            )
        if self.holds:
            probe = f"{self.prefix}{PROBE}{uuid.uuid4()}"
            yield from self._try(
                f"s3:PutObject for {PROBE}*",
                "that legal holds keep anything cannot be proved, so none is placed",
                lambda: client.put_object(
                    **self._bucket, Key=probe, Body=b"dsr", ContentMD5=_OF_NOTHING
                ),
            )
            no_hold: Any = {"Status": "UNKNOWN"}
            yield from self._try(
                "s3:PutObjectLegalHold",
                _MARK,
                lambda: client.put_object_legal_hold(**nobody, LegalHold={"Status": "OFF"}),
                lambda: client.put_object_legal_hold(**sample, LegalHold=no_hold),
            )

    def _left(self) -> Iterator[Finding]:
        """Yield where copies of the objects or of their keys go."""
        unasked = _Unasked()
        client, where = self.bucket.client(), self._bucket

        def ask(right: str, act: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
            return self._ask(right, act, unasked)

        answer = ask(
            "s3:GetReplicationConfiguration", lambda: client.get_bucket_replication(**where)
        )
        for rule in answer.get("ReplicationConfiguration", {}).get("Rules", []):
            if rule.get("Status") == "Enabled":
                target = rule.get("Destination", {}).get("Bucket", "another bucket")
                yield Finding("left", f"its objects are replicated to {target}: erase there, too")
        answer = ask("s3:GetBucketLogging", lambda: client.get_bucket_logging(**where))
        if target := answer.get("LoggingEnabled", {}).get("TargetBucket"):
            yield Finding("left", f"server access logs in bucket {target} name its keys")
        answer = ask(
            "s3:GetInventoryConfiguration",
            lambda: client.list_bucket_inventory_configurations(**where),
        )
        for each in answer.get("InventoryConfigurationList", []):
            target = each.get("Destination", {}).get("S3BucketDestination", {}).get("Bucket", "")
            yield Finding("left", f"inventories in {target or 'another bucket'} list its keys")
        answer = ask(
            "s3:GetBucketNotification",
            lambda: client.get_bucket_notification_configuration(**where),
        )
        if any(each for name, each in answer.items() if name.endswith("Configurations")):
            yield Finding("left", "its events carry keys to queues, topics or functions")
        answer = ask(
            "s3:GetLifecycleConfiguration",
            lambda: client.get_bucket_lifecycle_configuration(**where),
        )
        rules = [each for each in answer.get("Rules", []) if each.get("Status") == "Enabled"]
        if any(
            each.get("Transitions") or each.get("NoncurrentVersionTransitions") for each in rules
        ):
            yield Finding(
                "advice",
                "a lifecycle rule moves objects to other storage classes: those in an archive"
                " class are erased as they are, but restored before they can be handed over",
            )
        answer = ask("s3:GetBucketVersioning", lambda: client.get_bucket_versioning(**where))
        if answer.get("MFADelete") == "Enabled":
            yield Finding("right", "MFA delete is on: versions cannot be erased without its token")
        if unasked.rights:
            rights = ", ".join(unasked.rights)
            yield Finding("advice", f"where copies go cannot be asked without {rights}")

    def _labels(self) -> Iterator[Finding]:
        requests = (
            "a request" if not (self.labels.metadata and self.labels.tags) else "two requests"
        )
        yield Finding(
            "advice",
            f"metadata and tags are no index: each reading sends {requests} for every version of"
            " every object; identifiers in the keys, or a link from the call records, are faster",
        )
        yield Finding(
            "left",
            "the metadata of unfinished uploads cannot be read: those whose keys name nobody are"
            " not found; let a lifecycle rule abort them (AbortIncompleteMultipartUpload)",
        )

    def _try(self, right: str, effect: str, *acts: Callable[[], object]) -> Iterator[Finding]:
        """Yield a finding if the right is missing; pass over what S3 says of a missing object."""
        with self.bucket.errors():
            for act in acts:
                try:
                    act()
                except ClientError as error:
                    name = code(error)
                    if denied(name):
                        yield self._missing(right, effect)
                        return
                    if busy(name) or self._concerns_all(name):
                        raise

    def _ask(
        self, right: str, act: Callable[[], Mapping[str, Any]], unasked: _Unasked
    ) -> Mapping[str, Any]:
        """Return a setting of the bucket; nothing if it has none, or we may not know."""
        with self.bucket.errors():
            try:
                return act()
            except ClientError as error:
                if denied(code(error)):
                    unasked.rights.append(right)
                elif self._concerns_all(code(error)):
                    raise
        return {}

    @staticmethod
    def _missing(right: str, effect: str) -> Finding:
        return Finding("right", f"{right} is missing: {effect}")

    @staticmethod
    def _concerns_all(name: str) -> bool:
        """Return whether an error is about the bucket or the login."""
        return name in {
            "NoSuchBucket",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidToken",
            "RequestTimeTooSkewed",
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
        }

    @property
    def _bucket(self) -> dict[str, Any]:
        return {"Bucket": self.bucket.name}

    @property
    def _nobody(self) -> _Object:
        """An object below the prefix that does not exist."""
        key = f"{self.prefix}.dsr-check-{uuid.uuid4()}"
        return {"Bucket": self.bucket.name, "Key": key, "VersionId": "null"}
