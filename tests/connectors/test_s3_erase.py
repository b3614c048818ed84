"""Erasing on a real Ceph RGW: all that a key keeps, converging, in few requests."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dsr.connectors.s3 import S3, listing
from dsr.connectors.s3.listing import unfinished, versions_among
from dsr.errors import Refused
from tests.connectors.s3_buckets import (
    SUBJECT,
    deny,
    found,
    login,
    make_bucket,
    put,
    raw,
    store,
)
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

KEY = "rec/030901820.wav"


@pytest.fixture
def bucket(rgw: Rgw) -> str:
    return make_bucket(rgw, versions=True)


def fill(rgw: Rgw, bucket: str, keys: list[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(put, rgw, bucket, key) for key in keys]:
            done.result()


@contextmanager
def counted(connector: S3) -> Iterator[list[str]]:
    """Gather the methods of the requests that the connector sends."""
    sent: list[str] = []

    def note(request: Any, **_: object) -> None:
        sent.append(request.method)

    events = connector.bucket.client().meta.events
    events.register("before-send.s3", note)
    try:
        yield sent
    finally:
        events.unregister("before-send.s3", note)


class TestConverging:
    """What cannot go now stays found, and goes when it can, by the same call."""

    def test_one_refused_old_version(self, rgw: Rgw, bucket: str) -> None:
        """Once the newest version is gone, the old one that was refused still counts."""
        old = put(rgw, bucket, KEY, b"old")
        put(rgw, bucket, KEY, b"new")
        policy = (
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",'
            f' "Action": "s3:DeleteObjectVersion", "Resource": "arn:aws:s3:::{bucket}/*",'
            f' "Condition": {{"StringEquals": {{"s3:VersionId": "{old}"}}}}}}]}}'
        )
        client = rgw.client()
        client.put_bucket_policy(Bucket=bucket, Policy=policy)
        connector = store(rgw.endpoint, bucket)
        try:
            connector.erase([KEY])
        except Refused:  # a server that knows the condition
            assert raw(client, bucket) == [(KEY, old, "data")]
        else:  # one that does not: the whole key is denied instead
            old = put(rgw, bucket, KEY, b"old")
            deny(rgw, bucket, ["s3:DeleteObjectVersion"], KEY)
            with pytest.raises(Refused, match="AccessDenied"):
                connector.erase([KEY])
        assert found(connector, SUBJECT)[KEY].data["versions"] == 1
        client.delete_bucket_policy(Bucket=bucket)
        connector.erase([KEY])
        assert raw(client, bucket) == []

    def test_a_marker_stays_over_what_is_refused(self, rgw: Rgw) -> None:
        """What was hidden does not show again because a lock kept it from going."""
        bucket = make_bucket(rgw, locks=True)
        version = put(rgw, bucket, KEY, b"evidence", ObjectLockLegalHoldStatus="ON")
        client = rgw.client()
        client.delete_object(Bucket=bucket, Key=KEY)
        connector = store(rgw.endpoint, bucket)
        with pytest.raises(Refused):
            connector.erase([KEY])
        assert sorted(each[2] for each in raw(client, bucket)) == ["data", "marker"]
        assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
        client.put_object_legal_hold(
            Bucket=bucket, Key=KEY, VersionId=version, LegalHold={"Status": "OFF"}
        )
        connector.erase([KEY])
        assert raw(client, bucket) == []

    def test_one_denied_key_stops_no_other(self, rgw: Rgw, bucket: str) -> None:
        """The denied key is refused alone; the others of the batch are gone."""
        keys = [f"rec/a/{number}.wav" for number in range(20)]
        fill(rgw, bucket, ["rec/b/0.wav", *keys])
        deny(rgw, bucket, ["s3:DeleteObject", "s3:DeleteObjectVersion"], "rec/b/*")
        connector = store(rgw.endpoint, bucket)
        with pytest.raises(Refused, match="1 by AccessDenied"):
            connector.erase([*keys, "rec/b/0.wav"])
        assert [each[0] for each in raw(rgw.client(), bucket)] == ["rec/b/0.wav"]
        connector.erase(keys)

    def test_what_is_written_later_survives(self, rgw: Rgw, bucket: str) -> None:
        """A version that comes between listing and deletion is not deleted unseen."""
        put(rgw, bucket, KEY, b"listed")
        connector = store(rgw.endpoint, bucket)
        late: list[str] = []

        def write(**_: object) -> None:
            if not late:
                late.append(put(rgw, bucket, KEY, b"late"))

        events = connector.bucket.client().meta.events
        events.register("before-call.s3.DeleteObjects", write)
        try:
            connector.erase([KEY])
        finally:
            events.unregister("before-call.s3.DeleteObjects", write)
        assert raw(rgw.client(), bucket) == [(KEY, late[0], "data")]
        assert set(found(connector, SUBJECT)) == {KEY}
        connector.erase([KEY])
        assert raw(rgw.client(), bucket) == []


class TestUploads:
    """Parts of uploads in flight hold bytes, and go."""

    def test_uploads_with_parts_go(self, rgw: Rgw, bucket: str) -> None:
        """Two uploads of one key, with parts, are gone; that of another key stays."""
        client = rgw.client()
        first = ""
        for key in (KEY, KEY, KEY + "0"):
            upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
            client.upload_part(
                Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 100_000
            )
            first = first or upload
        connector = store(rgw.endpoint, bucket)
        connector.erase([KEY])
        assert [(each[0], each[2]) for each in raw(client, bucket)] == [(KEY + "0", "upload")]
        with pytest.raises(ClientError, match="NoSuch"):
            client.list_parts(Bucket=bucket, Key=KEY, UploadId=first)

    def test_denied_uploads_are_told(self, rgw: Rgw, bucket: str) -> None:
        """An upload that may not be aborted is refused, and still found."""
        rgw.client().create_multipart_upload(Bucket=bucket, Key=KEY)
        deny(rgw, bucket, ["s3:AbortMultipartUpload"])
        connector = store(rgw.endpoint, bucket)
        with pytest.raises(Refused, match="1 by AccessDenied"):
            connector.erase([KEY])
        assert set(found(connector, SUBJECT)) == {KEY}

    def test_more_uploads_than_a_page(self, rgw: Rgw, bucket: str) -> None:
        """Keys with a percent sign do not make the listing of uploads skip or repeat any."""
        keys = [f"rec/%2B4930901820 +{number:04}.wav" for number in range(1010)]
        client = rgw.client()
        with ThreadPoolExecutor(8) as pool:
            for key in keys:
                pool.submit(client.create_multipart_upload, Bucket=bucket, Key=key)
        connector = store(rgw.endpoint, bucket)
        assert [each.key for each in unfinished(connector.bucket, "rec/")] == keys


class TestRequests:
    """Erasing a thousand objects takes a few requests, not a thousand."""

    def test_neighbours_go_together(self, rgw: Rgw, bucket: str) -> None:
        """300 keys side by side: a listing and a deletion for each part, and one for uploads."""
        keys = [f"rec/{number:03}.wav" for number in range(300)]
        fill(rgw, bucket, keys)
        connector = store(rgw.endpoint, bucket)
        with counted(connector) as sent:
            connector.erase(keys)
        assert len(sent) <= 2 * 3 + 1
        assert raw(rgw.client(), bucket) == []

    @pytest.mark.parametrize("every", [1, 2, 7, 400])
    def test_exactly_the_wanted_are_listed(
        self, rgw: Rgw, bucket: str, every: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However they lie among others, each version of each key is met once, and no other.

        Pages are small here, so that they end between the versions of a key as well.
        """
        monkeypatch.setattr(listing, "_PAGE", 21)
        monkeypatch.setattr(listing, "_SMALL", 3)
        rest = random.Random(every)
        signs = "a~ +%é/\U0001f4de!0"
        names = {"rec/" + "".join(rest.choices(signs, k=rest.randint(1, 4))) for _ in range(300)}
        keys = sorted(f"{each}x" for each in names if "//" not in each)
        fill(rgw, bucket, keys + keys[::3])
        wanted = keys[::every]
        connector = store(rgw.endpoint, bucket)
        listed = [(each.key, each.id) for each in versions_among(connector.bucket, wanted)]
        everything = [
            (each["Key"], each["VersionId"])
            for page in rgw.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for each in _versions(rgw, bucket, [each["Key"] for each in page["Contents"]])
        ]
        assert sorted(listed) == sorted(each for each in everything if each[0] in set(wanted))
        assert len(listed) == len(set(listed))


def _versions(rgw: Rgw, bucket: str, keys: list[str]) -> Iterator[Any]:
    def of(key: str) -> list[Any]:
        answer = rgw.client().list_object_versions(Bucket=bucket, Prefix=key)
        return [each for each in answer["Versions"] if each["Key"] == key]

    with ThreadPoolExecutor(8) as pool:
        for versions in pool.map(of, keys):
            yield from versions
