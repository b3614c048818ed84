"""The bytes of objects from a real Ceph RGW: whole over broken connections, or an error."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

import pytest

from dsr.errors import Refused, StoreUnavailable
from dsr.model import Content
from tests.connectors.s3_buckets import SUBJECT, found, login, make_bucket, put, store
from tests.servers.proxy import Relay, relay
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

KEY = "rec/030901820.wav"
SIZE = 3_000_000
AUDIO = os.urandom(SIZE)


@pytest.fixture
def bucket(rgw: Rgw) -> str:
    return make_bucket(rgw)


@pytest.fixture
def between(rgw: Rgw) -> Iterator[Relay]:
    with relay(rgw.endpoint) as running:
        yield running


def content(endpoint: str, bucket: str, **more: object) -> Content:
    record = found(store(endpoint, bucket, **more), SUBJECT)[KEY]
    assert record.content is not None
    return record.content


class TestBroken:
    """A connection that breaks is followed by another one, which goes on where it broke."""

    def test_a_broken_reading_goes_on(self, rgw: Rgw, bucket: str, between: Relay) -> None:
        """Three connections break at different places; the bytes are whole, none comes twice."""
        put(rgw, bucket, KEY, AUDIO)
        reading = content(between.endpoint, bucket)
        before = between.connections
        pieces = reading.chunks()
        between.cuts = [700_000, 1_000_000, 900_000]
        assert b"".join(_reconnected(reading, between, pieces)) == AUDIO
        assert between.connections >= before + 3
        assert between.cuts == []

    def test_breaking_off_for_ever_is_an_error(self, rgw: Rgw, bucket: str, between: Relay) -> None:
        """When no byte comes any more, the reading ends with an error, never early in silence."""
        put(rgw, bucket, KEY, AUDIO)
        reading = content(between.endpoint, bucket)
        between.cuts = [100_000] + [600] * 50  # 600: the answer's head, and few bytes or none
        pieces = _reconnected(reading, between, reading.chunks())
        with pytest.raises(StoreUnavailable, match=r"breaks off|cannot be used") as raised:
            b"".join(pieces)
        assert "030901820" not in str(raised.value)

    def test_a_busy_server_is_asked_again(self, rgw: Rgw, bucket: str, between: Relay) -> None:
        """SlowDown is no failure of the store: the request is repeated."""
        put(rgw, bucket, KEY, b"x")
        reading = content(between.endpoint, bucket, region="busy")
        _reset(reading)
        between.busy = 1
        assert b"".join(reading.chunks()) == b"x"
        assert between.busy == 0


class TestPinned:
    """What is handed over is what was found: the same bytes, or an error."""

    def test_a_replaced_object_is_refused(self, rgw: Rgw, bucket: str) -> None:
        """Where a bucket keeps one version, another content under the key is another object."""
        put(rgw, bucket, KEY, b"found")
        reading = content(rgw.endpoint, bucket)
        put(rgw, bucket, KEY, b"other")
        with pytest.raises(Refused, match=r"PreconditionFailed|412"):
            list(reading.chunks())

    def test_an_object_replaced_in_the_middle_is_refused(
        self, rgw: Rgw, bucket: str, between: Relay
    ) -> None:
        """Half of one object and half of another are never put together."""
        put(rgw, bucket, KEY, AUDIO)
        reading = content(between.endpoint, bucket)
        _reset(reading)
        between.cuts = [600_000]
        pieces = reading.chunks()
        next(pieces)
        put(rgw, bucket, KEY, bytes(SIZE))
        with pytest.raises(Refused, match=r"PreconditionFailed|412"):
            list(pieces)

    def test_a_version_stays_the_same(self, rgw: Rgw) -> None:
        """With versions, what is written later changes nothing."""
        bucket = make_bucket(rgw, versions=True)
        put(rgw, bucket, KEY, b"found")
        reading = content(rgw.endpoint, bucket)
        put(rgw, bucket, KEY, b"other")
        assert b"".join(reading.chunks()) == b"found"

    def test_an_empty_object_is_empty(self, rgw: Rgw, bucket: str) -> None:
        """Nothing is what an empty object holds, and no error."""
        put(rgw, bucket, KEY, b"")
        assert list(content(rgw.endpoint, bucket).chunks()) == []


class TestEncrypted:
    """Encryption at rest: the server's own needs nothing, a customer's key is handed along."""

    @pytest.fixture
    def key(self, monkeypatch: pytest.MonkeyPatch) -> bytes:
        key = os.urandom(32)
        monkeypatch.setenv("RECORDINGS_KEY", base64.b64encode(key).decode())
        return key

    def test_a_customers_key_opens_its_objects(self, rgw: Rgw, bucket: str, key: bytes) -> None:
        """SSE-C: bytes and metadata are read with the key that the environment holds."""
        put(rgw, bucket, KEY, AUDIO, **_customer(key), Metadata={"caller": "030 901821"})
        more: dict[str, Any] = {"customer_key": "env:RECORDINGS_KEY"}
        assert b"".join(content(rgw.endpoint, bucket, **more).chunks()) == AUDIO
        more |= {"metadata": {"caller": "phone"}}
        record = found(store(rgw.endpoint, bucket, **more), SUBJECT)[KEY]
        assert record.data["metadata"] == {"caller": "030 901821"}

    def test_without_the_key_it_is_refused(self, rgw: Rgw, bucket: str, key: bytes) -> None:
        """The message says which setting is missing; finding and erasing need no key."""
        put(rgw, bucket, KEY, AUDIO, **_customer(key))
        connector = store(rgw.endpoint, bucket)
        with pytest.raises(Refused, match="customer_key"):
            list(content(rgw.endpoint, bucket).chunks())
        connector.erase([KEY])
        assert found(connector, SUBJECT) == {}

    def test_managed_keys_need_nothing(self, rgw: Rgw, bucket: str) -> None:
        """SSE-KMS: the server decrypts for whoever may read."""
        put(rgw, bucket, KEY, AUDIO, ServerSideEncryption="aws:kms", SSEKMSKeyId="recordings")
        assert b"".join(content(rgw.endpoint, bucket).chunks()) == AUDIO


def _customer(key: bytes) -> dict[str, Any]:
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}


def _reset(reading: Any) -> None:
    """Close the connections that are open, so that what comes next opens new ones."""
    reading.bucket.client()._endpoint.http_session.close()


def _reconnected(reading: Any, between: Relay, pieces: Iterator[bytes]) -> Iterator[bytes]:
    assert between.cuts
    _reset(reading)
    return pieces
