"""A legal hold is proved before it is relied on: on a real Ceph RGW, and on servers that lie."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any, cast

import pytest

from dsr.connectors.s3 import LockingS3, RestrictingS3, proving
from dsr.connectors.s3.marks import HELD
from dsr.connectors.s3.proving import PROBE
from dsr.errors import Refused, StoreUnavailable
from tests.connectors.lying_server import liar
from tests.connectors.s3_buckets import deny, login, make_bucket, put, raw, store
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

KEY = "rec/030901820.wav"


@pytest.fixture
def bucket(rgw: Rgw) -> str:
    return make_bucket(rgw, locks=True)


def locking(endpoint: str, bucket: str) -> LockingS3:
    return cast("LockingS3", store(endpoint, bucket, legal_hold=True))


def held(rgw: Rgw, bucket: str) -> Any:
    return rgw.client().head_object(Bucket=bucket, Key=KEY).get("ObjectLockLegalHoldStatus")


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every proof be a new one."""
    ticks = itertools.count(step=60)
    monkeypatch.setattr("dsr.connectors.s3.proving.time.monotonic", lambda: next(ticks))


def test_a_server_that_keeps_its_word(rgw: Rgw, bucket: str) -> None:
    """Object Lock is proved, never assumed: the probe is held, kept, freed and gone again."""
    put(rgw, bucket, KEY)
    sent: list[tuple[str, str]] = []

    def note(request: Any, **_: object) -> None:
        if PROBE in request.url:
            sent.append((request.method, request.url.partition("?")[2].partition("&")[0]))

    connector = locking(rgw.endpoint, bucket)
    events = connector.bucket.client().meta.events
    events.register("before-send.s3", note)
    try:
        connector.lock([KEY], on=True)
    finally:
        events.unregister("before-send.s3", note)
    order = [sent.index(each) for each in (("PUT", ""), ("PUT", "legal-hold"))]
    order.append(next(place for place, each in enumerate(sent) if each[0] == "DELETE"))
    assert order == sorted(order)
    assert held(rgw, bucket) == "ON"
    assert {each[0] for each in raw(rgw.client(), bucket)} == {KEY}


@pytest.mark.parametrize("verb", ["lock", "restrict"])
def test_a_server_that_shows_a_hold_and_deletes(rgw: Rgw, bucket: str, verb: str) -> None:
    """A hold that lets go is told as such, and nothing is marked as held; evidence is untouched."""
    version = put(rgw, bucket, KEY, b"evidence")
    with liar(rgw.endpoint) as server:
        connector = store(server.endpoint, bucket, legal_hold=True, restrict="legal hold")
        with pytest.raises(Refused, match="deletes what is under it") as refused:
            getattr(connector, verb)([KEY], on=True)
    assert "030901820" not in str(refused.value)
    assert raw(rgw.client(), bucket) == [(KEY, version, "data")]
    assert rgw.client().get_object_tagging(Bucket=bucket, Key=KEY)["TagSet"] == []


def test_a_server_that_forgets_a_hold(rgw: Rgw, bucket: str) -> None:
    """A server that takes holds and shows none is told; the probe is removed all the same."""
    put(rgw, bucket, KEY)
    with liar(rgw.endpoint) as server:
        server.shows = False
        with pytest.raises(Refused, match="does not show it"):
            locking(server.endpoint, bucket).lock([KEY], on=True)
    assert {each[0] for each in raw(rgw.client(), bucket)} == {KEY}


def test_a_server_that_forgets_some_holds(rgw: Rgw, bucket: str) -> None:
    """Each hold is read back: one that is not shown is refused by its own, with the others held."""
    put(rgw, bucket, KEY)
    put(rgw, bucket, "rec/2/030901820.wav")
    with liar(rgw.endpoint) as server:
        server.shows, server.about = False, lambda path: "/rec/2/" in path
        with pytest.raises(Refused, match="1 by the server took the hold and does not show it"):
            locking(server.endpoint, bucket).lock([KEY, "rec/2/030901820.wav"], on=True)
    assert held(rgw, bucket) == "ON"


@pytest.mark.parametrize(
    "right", ["s3:PutObject", "s3:DeleteObjectVersion", "s3:PutObjectLegalHold"]
)
def test_what_cannot_be_tried_is_not_proved(rgw: Rgw, bucket: str, right: str) -> None:
    """A missing right to try the hold is told, with the names that it is missing for."""
    put(rgw, bucket, KEY)
    deny(rgw, bucket, [right], f"rec/{PROBE}*")
    with pytest.raises(Refused, match="not proved") as refused:
        locking(rgw.endpoint, bucket).lock([KEY], on=True)
    assert f"missing for {PROBE}*" in str(refused.value)
    assert held(rgw, bucket) is None


def test_one_proof_does_for_many_calls(rgw: Rgw, bucket: str) -> None:
    """A hold is placed in batches: what was proved a moment ago is not proved again."""
    put(rgw, bucket, KEY)
    with liar(rgw.endpoint) as server:
        server.about = lambda _: False
        connector = locking(server.endpoint, bucket)
        connector.lock([KEY], on=True)
        first = server.writes
        connector.lock([KEY], on=True)
        assert first > 0
        assert server.writes == first


def test_a_default_retention(rgw: Rgw, bucket: str) -> None:
    """A bucket that retains all that is written keeps the probe for that long, without a hold."""
    client = rgw.client()
    rule: Any = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    configuration: Any = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    put(rgw, bucket, KEY)
    locking(rgw.endpoint, bucket).lock([KEY], on=True)
    assert held(rgw, bucket) == "ON"
    ((probe, version, _),) = [each for each in raw(client, bucket) if PROBE in each[0]]
    status = client.get_object_legal_hold(Bucket=bucket, Key=probe, VersionId=version)
    assert status["LegalHold"]["Status"] == "OFF"


def test_what_a_crash_left_goes_with_a_later_proof(
    rgw: Rgw, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 2: a probe under its hold, left by a killed run, is freed and removed, once it is old."""
    put(rgw, bucket, KEY)
    left = f"rec/{PROBE}1"
    version = put(rgw, bucket, left, Tagging=f"{HELD}=legal-hold", ObjectLockLegalHoldStatus="ON")
    later(monkeypatch)
    connector = locking(rgw.endpoint, bucket)
    connector.lock([KEY], on=True)
    assert (left, version, "data") in raw(rgw.client(), bucket)  # another process may be at it
    monkeypatch.setattr(proving, "_LEFT", dt.timedelta(seconds=-1))
    connector.lock([KEY], on=True)
    assert {each[0] for each in raw(rgw.client(), bucket)} == {KEY}


def test_a_server_that_is_down_is_no_refusal(rgw: Rgw, bucket: str) -> None:
    """What does not answer is unavailable: nothing is said of its locks."""
    with liar(rgw.endpoint) as server:
        connector = locking(server.endpoint, bucket)
    with pytest.raises(StoreUnavailable):
        connector.lock([KEY], on=True)


def test_nothing_is_tried_where_nothing_is_held(rgw: Rgw, bucket: str) -> None:
    """Lifting, a restriction by tag, and an empty batch write no probe."""
    put(rgw, bucket, KEY)
    with liar(rgw.endpoint) as server:
        locking(server.endpoint, bucket).lock([], on=True)
        locking(server.endpoint, bucket).lock([KEY], on=False)
        assert server.writes == 0
        cast("RestrictingS3", store(server.endpoint, bucket, restrict="tag")).restrict(
            [KEY], on=True
        )
        assert server.writes == 1
