"""The `s3` connector against a real Ceph RGW: the contract, versions, locks, errors."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dsr.connectors.s3 import S3, from_config
from dsr.errors import Refused, StoreUnavailable
from dsr.model import Found, Identifier, Record
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness
from tests.servers.rgw import Rgw, rgw

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["rgw"]

SUBJECT = Identifier("phone", "+4930901820")
BYSTANDER = Identifier("phone", "+4930901821")
AUDIO = os.urandom(300_000)  # more than one chunk
KEY = "rec/2026/03/01/030901820-é +.wav"


@pytest.fixture(autouse=True)
def _login(rgw: Rgw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the connector credentials as an operator does: through the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", rgw.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", rgw.secret_key)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def make_bucket(rgw: Rgw, *, versions: bool = False, locks: bool = False) -> str:
    name = f"b-{uuid.uuid4()}"
    client = rgw.client()
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locks)
    if versions:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def store(endpoint: str, bucket: str, *keys: str, **more: str) -> S3:
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


def found(connector: S3, *who: Identifier) -> dict[str, Record]:
    founds = list(connector.find(who))
    return {each.record.key: each.record for each in founds if isinstance(each, Found)}


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


class BucketHarness(Harness):
    """A bucket with a clean object, a hidden one, and one that is only half uploaded."""

    subject = SUBJECT
    bystander = BYSTANDER

    def __init__(self, rgw: Rgw, *, versions: bool) -> None:
        """Make an empty bucket."""
        self.client = rgw.client()
        self.endpoint = rgw.endpoint
        self.versions = versions
        self.bucket = make_bucket(rgw, versions=versions)
        self.connector = store(rgw.endpoint, self.bucket)

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
            self.client.create_multipart_upload(Bucket=self.bucket, Key=key)
        for number in range(3):
            self.put(f"rec/2026/03/01/out-030901821-{number}.wav", b"other")
        self.put("rec/2026/03/01/out-0309018201.wav", b"longer")
        self.client.create_multipart_upload(Bucket=self.bucket, Key="rec/4930901821.wav")
        return 3

    def count(self) -> int:
        return len({each[0] for each in raw(self.client, self.bucket) if self.mine(each[0])})

    def mine(self, key: str) -> bool:
        return "30901820" in key and "309018201" not in key

    def others(self) -> bytes:
        kept = sorted(each for each in raw(self.client, self.bucket) if not self.mine(each[0]))
        bodies = [
            self.client.get_object(Bucket=self.bucket, Key=key, VersionId=version)["Body"].read()
            for key, version, kind in kept
            if kind == "data"
        ]
        return repr((kept, bodies)).encode()

    def content(self, record: Record) -> bytes | None:
        return AUDIO if record.content else None

    def unreachable(self) -> S3:
        return store(self.endpoint, "no-such-bucket")


class TestVersioned(ConnectorSuite):
    """The contract, on a bucket that keeps old versions."""

    @pytest.fixture
    def harness(self, rgw: Rgw) -> Harness:
        return BucketHarness(rgw, versions=True)


class TestUnversioned(ConnectorSuite):
    """The contract, on a bucket that keeps one version."""

    @pytest.fixture
    def harness(self, rgw: Rgw) -> Harness:
        return BucketHarness(rgw, versions=False)


class TestVersions:
    """Old versions, markers and unfinished uploads hold personal data as well."""

    @pytest.fixture
    def bucket(self, rgw: Rgw) -> str:
        return make_bucket(rgw, versions=True)

    @pytest.mark.parametrize("hidden", [False, True])
    def test_the_newest_bytes_are_read(self, rgw: Rgw, bucket: str, *, hidden: bool) -> None:
        """A delete marker hides no bytes: they are still there, and still handed out."""
        client = rgw.client()
        for data in (b"first", b"second"):
            client.put_object(Bucket=bucket, Key=KEY, Body=data)
        if hidden:
            client.delete_object(Bucket=bucket, Key=KEY)
        record = found(store(rgw.endpoint, bucket), SUBJECT)[KEY]
        assert record.content is not None
        assert b"".join(record.content.chunks()) == b"second"
        assert record.content.name == "030901820-é +.wav"
        assert record.data["versions"] == 2
        assert record.personal == {"key", "content"}

    def test_a_marker_alone_is_found_and_goes(self, rgw: Rgw, bucket: str) -> None:
        """The key itself is personal data, even if nothing but a marker bears it."""
        client = rgw.client()
        client.delete_object(Bucket=bucket, Key=KEY)
        connector = store(rgw.endpoint, bucket)
        assert found(connector, SUBJECT)[KEY].personal == {"key"}
        connector.erase([KEY])
        assert raw(client, bucket) == []

    def test_more_versions_than_a_page(self, rgw: Rgw, bucket: str) -> None:
        """A key whose versions fill several pages is one record, and goes whole."""
        client = rgw.client()
        client.put_object(Bucket=bucket, Key="rec/a.wav", Body=b"")
        with ThreadPoolExecutor(8) as pool:
            for _ in range(1001):
                pool.submit(client.put_object, Bucket=bucket, Key=KEY, Body=b"x")
        client.put_object(Bucket=bucket, Key=KEY + "0", Body=b"neighbour")
        connector = store(rgw.endpoint, bucket)
        keys = [each.record.key for each in connector.find([SUBJECT]) if isinstance(each, Found)]
        assert keys == [KEY, KEY + "0"]
        assert found(connector, SUBJECT)[KEY].data["versions"] == 1001
        connector.erase([KEY])
        assert [each[0] for each in raw(client, bucket)] == [KEY + "0", "rec/a.wav"]

    @pytest.mark.parametrize("versions", [False, True])
    def test_more_keys_than_a_page(self, rgw: Rgw, *, versions: bool) -> None:
        """A page that ends at a key with a percent sign is followed by the next, without a hole."""
        bucket, client = make_bucket(rgw, versions=versions), rgw.client()
        keys = [f"rec/%2B4930901820-{number:04}.wav" for number in range(1010)]
        with ThreadPoolExecutor(8) as pool:
            for key in keys:
                pool.submit(client.put_object, Bucket=bucket, Key=key, Body=b"x")
        assert list(found(store(rgw.endpoint, bucket), SUBJECT)) == keys

    def test_keys_that_begin_alike_stay(self, rgw: Rgw, bucket: str) -> None:
        """Erasing `a` leaves `ab`, whose listing begins the same."""
        client = rgw.client()
        for key in ("rec/a", "rec/a/b", "rec/ab", "rec/a.wav"):
            client.put_object(Bucket=bucket, Key=key, Body=b"x")
            client.create_multipart_upload(Bucket=bucket, Key=key)
        store(rgw.endpoint, bucket).erase(["rec/a"])
        assert {each[0] for each in raw(client, bucket)} == {"rec/a/b", "rec/ab", "rec/a.wav"}

    def test_many_keys_go_in_parts(self, rgw: Rgw, bucket: str) -> None:
        """A batch larger than one worker's part is erased whole."""
        client = rgw.client()
        keys = [f"rec/{number:03}.wav" for number in range(250)]
        for key in keys:
            client.put_object(Bucket=bucket, Key=key, Body=b"x")
        store(rgw.endpoint, bucket).erase(keys[1:])
        assert [each[0] for each in raw(client, bucket)] == keys[:1]


class TestLocks:
    """What Object Lock keeps is found, named and reported, never claimed to be gone."""

    @pytest.fixture
    def bucket(self, rgw: Rgw) -> str:
        return make_bucket(rgw, locks=True)

    @pytest.fixture
    def held(self, rgw: Rgw, bucket: str) -> str:
        client = rgw.client()
        client.put_object(Bucket=bucket, Key=KEY, Body=b"evidence")
        client.put_object_legal_hold(Bucket=bucket, Key=KEY, LegalHold={"Status": "ON"})
        client.put_object(Bucket=bucket, Key=KEY, Body=b"newer, and free")
        return KEY

    def test_a_legal_hold_is_seen_on_an_old_version(self, rgw: Rgw, bucket: str, held: str) -> None:
        """A hold on any version is a lock of the record, without an end."""
        lock = found(store(rgw.endpoint, bucket), SUBJECT)[held].lock
        assert lock is not None
        assert "legal hold" in lock.reason
        assert lock.until is None

    def test_erase_reports_what_stays(self, rgw: Rgw, bucket: str, held: str) -> None:
        """The held version stays, all else goes, and the caller is told, without the key."""
        client = rgw.client()
        client.put_object(Bucket=bucket, Key="rec/free.wav", Body=b"x")
        connector = store(rgw.endpoint, bucket)
        with pytest.raises(Refused) as raised:
            connector.erase([held, "rec/free.wav"])
        assert "AccessDenied" in str(raised.value)
        assert "030901820" not in str(raised.value)
        assert [(key, kind) for key, _, kind in raw(client, bucket)] == [(held, "data")]
        assert found(connector, SUBJECT)[held].lock is not None

    def test_erase_carries_on_when_the_hold_is_lifted(
        self, rgw: Rgw, bucket: str, held: str
    ) -> None:
        """The same call ends where no hold had been."""
        client = rgw.client()
        connector = store(rgw.endpoint, bucket)
        with pytest.raises(Refused):
            connector.erase([held])
        ((_, version, _),) = raw(client, bucket)
        client.put_object_legal_hold(
            Bucket=bucket, Key=held, VersionId=version, LegalHold={"Status": "OFF"}
        )
        assert found(connector, SUBJECT)[held].lock is None
        connector.erase([held])
        assert raw(client, bucket) == []

    def test_a_retention_has_its_end(self, rgw: Rgw, bucket: str) -> None:
        """The longest retention of any version is the record's."""
        client = rgw.client()
        ends = [dt.datetime(2099, month, 1, tzinfo=dt.UTC) for month in (6, 7)]
        for end in ends:
            put = client.put_object(Bucket=bucket, Key=KEY, Body=b"x")
            client.put_object_retention(
                Bucket=bucket,
                Key=KEY,
                VersionId=put["VersionId"],
                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": end},
            )
        lock = found(store(rgw.endpoint, bucket), SUBJECT)[KEY].lock
        assert lock is not None
        assert lock.until == ends[1]

    def test_what_is_not_locked_has_no_lock(self, rgw: Rgw, bucket: str) -> None:
        """A bucket that can lock does not lock everything."""
        rgw.client().put_object(Bucket=bucket, Key=KEY, Body=b"x")
        assert found(store(rgw.endpoint, bucket), SUBJECT)[KEY].lock is None


class TestErrors:
    """Every way to fail is an error of the store that tells nothing about a person."""

    @pytest.fixture
    def bucket(self, rgw: Rgw) -> str:
        bucket = make_bucket(rgw)
        rgw.client().put_object(Bucket=bucket, Key=KEY, Body=b"x")
        return bucket

    def check(self, connector: S3, what: str) -> None:
        for act in (
            lambda: list(connector.find([SUBJECT])),
            lambda: connector.erase([KEY]),
            connector.check,
        ):
            with pytest.raises(StoreUnavailable, match=what) as raised:
                act()
            assert "030901820" not in str(raised.value)
            assert raised.value.__suppress_context__

    def test_no_such_bucket(self, rgw: Rgw) -> None:
        """A bucket that is not there is not an empty one."""
        self.check(store(rgw.endpoint, "no-such-bucket"), "does not exist")

    def test_nobody_listens(self) -> None:
        """A server that is down makes the store unavailable."""
        self.check(store("http://127.0.0.1:1", "b"), "EndpointConnectionError")

    def test_wrong_secret(self, rgw: Rgw, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A login that the server does not know is told apart from an empty bucket."""
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        connector = store(rgw.endpoint, bucket, region="eu-central-1")  # a client of its own
        self.check(connector, "access is refused")

    def test_no_login(self, rgw: Rgw, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without credentials the message says which to set."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        connector = store(rgw.endpoint, bucket, region="eu-central-2")  # a client of its own
        self.check(connector, "no S3 credentials")

    def test_no_such_profile(self, rgw: Rgw, bucket: str) -> None:
        """A profile that boto3 does not know is an error of the configuration's making."""
        self.check(store(rgw.endpoint, bucket, profile="no-such"), "ProfileNotFound")

    def test_one_object_that_may_not_be_read(self, rgw: Rgw, bucket: str) -> None:
        """An object whose bytes are denied is a refusal of that object, not of the store."""
        record = found(store(rgw.endpoint, bucket), SUBJECT)[KEY]
        policy = (
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",'
            ' "Action": ["s3:GetObject", "s3:GetObjectVersion"],'
            f' "Resource": "arn:aws:s3:::{bucket}/*"}}]}}'
        )
        rgw.client().put_bucket_policy(Bucket=bucket, Policy=policy)
        with pytest.raises(ClientError):  # the server does deny it
            rgw.client().get_object(Bucket=bucket, Key=KEY)
        assert record.content is not None
        with pytest.raises(Refused, match="AccessDenied") as raised:
            list(record.content.chunks())
        assert "030901820" not in str(raised.value)

    def test_bytes_that_vanished(self, rgw: Rgw, bucket: str) -> None:
        """An object that is gone is an error, never an empty recording."""
        connector = store(rgw.endpoint, bucket)
        record = found(connector, SUBJECT)[KEY]
        connector.erase([KEY])
        assert record.content is not None
        with pytest.raises(Refused):
            list(record.content.chunks())


def test_the_date_in_the_key_counts(rgw: Rgw) -> None:
    """A day in the key is local, and begins at midnight: 23:00 UTC in winter in Berlin."""
    bucket = make_bucket(rgw)
    rgw.client().put_object(Bucket=bucket, Key="rec/2020/03/01/030901820.wav", Body=b"x")
    (record,) = found(store(rgw.endpoint, bucket), SUBJECT).values()
    assert record.at == dt.datetime(2020, 2, 29, 23, tzinfo=dt.UTC)


def test_only_the_prefix_is_read(rgw: Rgw) -> None:
    """A bucket may hold other stores: what lies outside the prefix is not this one's."""
    bucket = make_bucket(rgw)
    for prefix in ("rec/", "other/"):
        rgw.client().put_object(Bucket=bucket, Key=f"{prefix}030901820.wav", Body=b"x")
    assert set(found(store(rgw.endpoint, bucket), SUBJECT)) == {"rec/030901820.wav"}
