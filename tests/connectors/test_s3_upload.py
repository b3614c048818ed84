"""Packages in S3, against a real Ceph RGW: whole or not at all, and fetched by a signed URL."""

from __future__ import annotations

import gc
import hashlib
import time
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from dsr.connectors.s3 import upload
from dsr.connectors.s3.upload import Object
from dsr.errors import DeliveryError, InputError, StoreUnavailable
from dsr.package import Package, save
from tests.connectors.s3_buckets import deny, login, make_bucket, put, raw
from tests.package.filling import Audio, cover, export, record, recording
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

MIB = 1024 * 1024
KEY = "out/eva +é%2B.zip"


@pytest.fixture
def bucket(rgw: Rgw) -> str:
    return make_bucket(rgw)


def place(rgw: Rgw, bucket: str, key: str = KEY) -> Object:
    return Object.at(f"s3://{bucket}/{key}", rgw.endpoint)


def pieces(size: int, fails: BaseException | None = None) -> Iterator[bytes]:
    """Yield `size` bytes, each piece unlike the last; then break off, if asked."""
    done = 0
    while done < size:
        piece = bytes([done // 65536 % 251]) * min(65536, size - done)
        done += len(piece)
        yield piece
    if fails is not None:
        raise fails


def stored(rgw: Rgw, bucket: str, key: str = KEY) -> bytes:
    return rgw.client().get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB])
def test_what_was_written_lies_there(rgw: Rgw, bucket: str, size: int) -> None:
    """Design, the package: size and SHA-256 are those of the object; no upload is left over."""
    info = place(rgw, bucket).write(pieces(size))
    content = stored(rgw, bucket)
    assert (info.path, info.size) == (f"s3://{bucket}/{KEY}", size)
    assert content == b"".join(pieces(size))
    assert info.sha256 == hashlib.sha256(content).hexdigest()
    assert place(rgw, bucket).size() == size
    assert [each[2] for each in raw(rgw.client(), bucket)] == ["data"]


def test_a_package_goes_to_s3(rgw: Rgw, bucket: str) -> None:
    """`save` takes any place, and the bytes are the same as in a file."""
    with Package(cover()) as package:
        package.add(export(), record({"a": 1}))
        info = save(package, place(rgw, bucket))
    assert hashlib.sha256(stored(rgw, bucket)).hexdigest() == info.sha256


@pytest.mark.parametrize("after", [100, 17 * MIB])
@pytest.mark.parametrize("failure", [StoreUnavailable("s", "x"), KeyboardInterrupt(), OSError()])
def test_what_breaks_off_leaves_nothing(
    rgw: Rgw, bucket: str, after: int, failure: BaseException
) -> None:
    """Design, streaming: whatever is raised in the middle, the upload is aborted."""
    with pytest.raises(type(failure)):
        place(rgw, bucket).write(pieces(after, failure))
    assert raw(rgw.client(), bucket) == []


def test_what_breaks_off_leaves_the_older_object(rgw: Rgw, bucket: str) -> None:
    """A key shows the old package until the new one is whole."""
    put(rgw, bucket, KEY, b"older")
    with Package(cover()) as package:
        package.add(*recording(Audio((b"RIFF" * 3_000_000,), broken=True)))
        with pytest.raises(StoreUnavailable):
            save(package, place(rgw, bucket))
    assert stored(rgw, bucket) == b"older"
    assert [each[2] for each in raw(rgw.client(), bucket)] == ["data"]


def test_nothing_shows_before_it_is_whole(rgw: Rgw, bucket: str) -> None:
    """While parts arrive, nobody can read the key."""
    seen: list[object] = []

    def watched() -> Iterator[bytes]:
        for number, piece in enumerate(pieces(17 * MIB)):
            if number == 200:  # 12.5 MiB: a part has arrived
                seen.append(place(rgw, bucket).size())
                seen.append([each[2] for each in raw(rgw.client(), bucket)])
            yield piece

    place(rgw, bucket).write(watched())
    assert seen == [None, ["upload"]]
    assert place(rgw, bucket).size() == 17 * MIB


def test_what_a_killed_process_left_goes_with_the_next(rgw: Rgw, bucket: str) -> None:
    """Law 2: the same run again ends where no crash would have; others' uploads stay."""
    client = rgw.client()
    for key in (KEY, KEY + "x", "out/eva"):
        client.create_multipart_upload(Bucket=bucket, Key=key)
    place(rgw, bucket).write([b"x"])
    kept = sorted((each[0], each[2]) for each in raw(client, bucket))
    assert kept == [("out/eva", "upload"), (KEY, "data"), (KEY + "x", "upload")]


def test_a_refusal_in_the_middle_leaves_nothing(rgw: Rgw, bucket: str) -> None:
    """A server that refuses to complete it: told without the key, and nothing is left."""

    def denying() -> Iterator[bytes]:
        yield from pieces(9 * MIB)
        deny(rgw, bucket, ["s3:PutObject"])

    with pytest.raises(DeliveryError, match="AccessDenied") as told:
        place(rgw, bucket).write(denying())
    assert "eva" not in str(told.value)
    rgw.client().delete_bucket_policy(Bucket=bucket)
    assert raw(rgw.client(), bucket) == []


@pytest.mark.parametrize("method", ["write", "remove"])
def test_a_bucket_that_is_not_there(rgw: Rgw, method: str) -> None:
    """What happened and what to do, and never the key (law 8)."""
    absent = place(rgw, "no-such-bucket")
    with pytest.raises(DeliveryError) as told:
        absent.write([b"x"]) if method == "write" else getattr(absent, method)()
    assert "bucket" in str(told.value)
    assert "eva" not in str(told.value) + repr(absent)


def test_a_package_of_too_many_parts(
    rgw: Rgw, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 takes 10,000 parts: said, with what to do, and nothing is left."""
    monkeypatch.setattr(upload, "_PARTS", 1)
    with pytest.raises(DeliveryError, match="write it to a file"):
        place(rgw, bucket).write(pieces(9 * MIB))
    assert raw(rgw.client(), bucket) == []


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  (loopback)
        assert answer.headers["content-disposition"] == 'attachment; filename="package.zip"'
        assert answer.headers["cache-control"] == "no-store"
        return bytes(answer.read())


def test_a_signed_url_works(rgw: Rgw, bucket: str) -> None:
    """Rule 43: whoever has the URL gets the package, without a login, for 60 seconds."""
    there = place(rgw, bucket)
    there.write([b"whole"])
    url = there.open()
    assert _fetch(url) == b"whole"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        _fetch(url.replace("package.zip", "other.zip"))
    assert "X-Amz-Expires=60&" in url + "&"


def test_a_signed_url_expires(rgw: Rgw, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 43: a URL that is found later opens nothing (here after one second)."""
    monkeypatch.setattr(upload, "_GOOD_FOR", 1)
    there = place(rgw, bucket)
    there.write([b"whole"])
    url = there.open()
    time.sleep(2.5)  # the server's clock, which no test can set
    with pytest.raises(urllib.error.HTTPError, match="403"):
        _fetch(url)


def test_removing_leaves_no_version(rgw: Rgw) -> None:
    """Art. 5(1)(e): a package that nobody needs is gone with its older versions; twice works."""
    bucket = make_bucket(rgw, versions=True)
    for content in (b"first", b"second"):
        place(rgw, bucket).write([content])
    rgw.client().create_multipart_upload(Bucket=bucket, Key=KEY)
    put(rgw, bucket, KEY + "x", b"neighbour")
    for _ in range(2):
        place(rgw, bucket).remove()
        assert [each[0] for each in raw(rgw.client(), bucket)] == [KEY + "x"]
        assert place(rgw, bucket).size() is None


def test_memory_does_not_grow_with_the_package(rgw: Rgw, bucket: str) -> None:
    """Law 9: 96 MiB need what 24 MiB need, a few parts of 8 MiB."""

    def peak(size: int) -> int:
        gc.collect()
        tracemalloc.start()
        try:
            place(rgw, bucket).write(pieces(size))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(MIB)
    small, large = peak(24 * MIB), peak(96 * MIB)
    assert large - small < 4 * MIB
    assert large < 40 * MIB


@pytest.mark.parametrize("name", ["s3://", "s3://b", "s3://b/", "s3:///k", "s3://b/k/", "s3:/b/k"])
def test_what_is_no_place(name: str) -> None:
    """Bad input is told with how to write it, and not repeated."""
    with pytest.raises(InputError, match="write s3://BUCKET/KEY"):
        Object.at(name, "")
