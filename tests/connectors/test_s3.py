"""The `s3` connector against a real Ceph RGW: versions, what it lists, errors."""

from __future__ import annotations

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from dsr.connectors.s3 import S3
from dsr.errors import Refused, StoreUnavailable
from dsr.model import Found
from tests.connectors.s3_buckets import SUBJECT, deny, found, login, make_bucket, raw, store
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

KEY = "rec/2026/03/01/030901820-é +.wav"


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
        deny(rgw, bucket, ["s3:GetObject", "s3:GetObjectVersion"])
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
