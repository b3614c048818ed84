"""Buckets on the real server for tests of the `s3` connector, and raw looks into them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dsr.connectors.s3 import S3, from_config
from dsr.model import Found, Identifier, Record, Unread
from dsr.settings import Context
from dsr.testing import Harness
from tests.servers.rgw import Rgw

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = [
    "AUDIO",
    "BYSTANDER",
    "SUBJECT",
    "BucketHarness",
    "deny",
    "found",
    "login",
    "make_bucket",
    "put",
    "raw",
    "store",
    "unread",
]

SUBJECT = Identifier("phone", "+4930901820")
BYSTANDER = Identifier("phone", "+4930901821")
AUDIO = os.urandom(300_000)  # more than one chunk


@pytest.fixture(autouse=True)
def login(rgw: Rgw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the connector credentials as an operator does: through the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", rgw.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", rgw.secret_key)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def make_bucket(rgw: Rgw, *, versions: bool = False, locks: bool = False) -> str:
    """Return the name of a new bucket; one that locks has versions as well."""
    name = f"b-{uuid.uuid4()}"
    client = rgw.client()
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locks)
    if versions:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def store(endpoint: str, bucket: str, *keys: str, **more: object) -> S3:
    """Return the connector for a bucket; `more` are further settings."""
    table = {
        "bucket": bucket,
        "category": "recordings",
        "keys": keys or ["{date:%Y/%m/%d}/{any}", "{any}"],
        "prefix": "rec/",
        "timezone": "Europe/Berlin",
        "endpoint": endpoint,
        "region": "us-east-1",
        **more,
    }
    return from_config("recordings", table, Context("DE", Path()))


def put(rgw: Rgw, bucket: str, key: str, data: bytes = b"x", **more: Any) -> str:
    """Write an object and return the id of its version."""
    answer = rgw.client().put_object(Bucket=bucket, Key=key, Body=data, **more)
    return answer.get("VersionId", "null")


def found(connector: S3, *who: Identifier) -> dict[str, Record]:
    """Return the records by their keys."""
    founds = list(connector.find(who))
    return {each.record.key: each.record for each in founds if isinstance(each, Found)}


def unread(connector: S3, *who: Identifier) -> list[str]:
    """Return why parts could not be read."""
    return [each.reason for each in connector.find(who) if isinstance(each, Unread)]


def raw(client: S3Client, bucket: str) -> list[tuple[Any, ...]]:
    """Return everything that the bucket lists: versions, markers, unfinished uploads."""
    listing = client.list_object_versions(Bucket=bucket)
    uploads = client.list_multipart_uploads(Bucket=bucket)
    assert not listing["IsTruncated"]
    return [
        *((each["Key"], each["VersionId"], "data") for each in listing.get("Versions", [])),
        *((each["Key"], each["VersionId"], "marker") for each in listing.get("DeleteMarkers", [])),
        *((each["Key"], each["UploadId"], "upload") for each in uploads.get("Uploads", [])),
    ]


def deny(rgw: Rgw, bucket: str, actions: Iterable[str], below: str = "*") -> None:
    """Set a bucket policy that denies actions to everybody, on some keys or on the bucket, too."""
    keys = f'"arn:aws:s3:::{bucket}/{below}"'
    where = f'{keys}, "arn:aws:s3:::{bucket}"' if below == "*" else keys
    names = ", ".join(f'"{each}"' for each in actions)
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",'
        f' "Action": [{names}], "Resource": [{where}]}}]}}'
    )
    rgw.client().put_bucket_policy(Bucket=bucket, Policy=policy)


class BucketHarness(Harness):
    """A bucket with a clean object, a hidden one and, if asked, one that is half uploaded."""

    entry = "s3"
    server = "Ceph RGW"
    subject = SUBJECT
    bystander = BYSTANDER

    def __init__(
        self,
        rgw: Rgw,
        *,
        versions: bool = False,
        locks: bool = False,
        uploads: bool = True,
        **more: object,
    ) -> None:
        """Make an empty bucket. `uploads` alone cannot be marked; `more` are settings."""
        self.client = rgw.client()
        self.endpoint = rgw.endpoint
        self.versions = versions or locks
        self.uploads = uploads
        self.bucket = make_bucket(rgw, versions=versions, locks=locks)
        self.settings = more
        self.connector = store(rgw.endpoint, self.bucket, **more)
        verbs = {"lock": more.get("legal_hold"), "restrict": more.get("restrict")}
        self.verbs = frozenset({"erase", "check", "aged", *filter(verbs.get, verbs)})

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def seed(self) -> int:
        self.put("rec/2026/03/01/out-030901820-06915.wav", b"old" if self.versions else AUDIO)
        self.put("rec/2026/03/01/out-030901820-06915.wav", AUDIO)
        self.put("rec/2026/03/02/in-06915-+4930901820.wav", AUDIO)
        if self.versions:
            self.client.delete_object(
                Bucket=self.bucket, Key="rec/2026/03/02/in-06915-+4930901820.wav"
            )
        for key in ("rec/2026/03/01/out-030901820-06915.wav", "rec/4930901820.wav"):
            if self.uploads:
                self.client.create_multipart_upload(Bucket=self.bucket, Key=key)
        for number in range(3):
            self.put(f"rec/2026/03/01/out-030901821-{number}.wav", b"other")
        self.put("rec/2026/03/01/out-0309018201.wav", b"longer")
        if self.uploads:
            self.client.create_multipart_upload(Bucket=self.bucket, Key="rec/4930901821.wav")
        return 3 if self.uploads else 2

    def count(self) -> int:
        return len({each[0] for each in raw(self.client, self.bucket) if self.mine(each[0])})

    def mine(self, key: str) -> bool:
        return "30901820" in key and "309018201" not in key

    def others(self) -> bytes:
        kept = sorted(each for each in raw(self.client, self.bucket) if not self.mine(each[0]))
        seen = [self._state(key, version) for key, version, kind in kept if kind == "data"]
        return repr((kept, seen)).encode()

    def _state(self, key: str, version: str) -> tuple[Any, ...]:
        where: Any = {"Bucket": self.bucket, "Key": key, "VersionId": version}
        answer = self.client.get_object(**where)
        tags = self.client.get_object_tagging(**where)["TagSet"]
        return answer["Body"].read(), tags, answer.get("ObjectLockLegalHoldStatus")

    def locked(self) -> int:
        return len(set(self._held()))

    def _held(self) -> Iterator[str]:
        for key, version, kind in raw(self.client, self.bucket):
            if kind == "data":
                answer = self.client.head_object(Bucket=self.bucket, Key=key, VersionId=version)
                if answer.get("ObjectLockLegalHoldStatus") == "ON":
                    yield key

    def lock_as_another(self, key: str) -> None:
        for name, version, kind in raw(self.client, self.bucket):
            if kind == "data" and name == key:
                self.client.put_object_legal_hold(
                    Bucket=self.bucket, Key=name, VersionId=version, LegalHold={"Status": "ON"}
                )

    def content(self, record: Record) -> bytes | None:
        for name, version, kind in raw(self.client, self.bucket):  # of a name the newest first
            if kind == "data" and name == record.data["key"]:
                where: Any = {"Bucket": self.bucket, "Key": name, "VersionId": version}
                return self.client.get_object(**where)["Body"].read()
        return None

    def unreachable(self) -> S3:
        return store(self.endpoint, "no-such-bucket", **self.settings)
