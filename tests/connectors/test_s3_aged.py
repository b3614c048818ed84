"""What has grown old in a bucket, on a real Ceph RGW: `aged` lists it as `find` shows it."""

from __future__ import annotations

import datetime as dt
import tracemalloc

import pytest
from attrs import evolve

from dsr.connectors.s3 import S3
from dsr.errors import ConfigurationError, StoreUnavailable
from dsr.model import Record, Unread
from tests.connectors.s3_buckets import SUBJECT, deny, found, login, make_bucket, put, raw, store
from tests.connectors.test_s3_erase import counted, fill
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

MIDNIGHT = dt.datetime(2026, 2, 28, 23, tzinfo=dt.UTC)  # of 1 March in Berlin
OLD = MIDNIGHT + dt.timedelta(seconds=1)
LATE = dt.datetime(2050, 1, 1, tzinfo=dt.UTC)
KEY = "rec/2026/03/01/out-030901820.wav"


def aged(connector: S3, before: dt.datetime) -> dict[str, Record]:
    listed = [each for each in connector.aged("recordings", "", before) if isinstance(each, Record)]
    assert len({each.key for each in listed}) == len(listed)
    return {each.key: each for each in listed}


def test_a_day_in_the_key_counts_from_its_midnight(rgw: Rgw) -> None:
    """An object of 1 March is old from its first second in Berlin on, whoever it is about."""
    bucket = make_bucket(rgw)
    for key in ("rec/2026/03/01/anybody.wav", "rec/2026/03/02/anybody.wav", "other/x.wav"):
        put(rgw, bucket, key)
    connector = store(rgw.endpoint, bucket)
    assert aged(connector, MIDNIGHT) == {}
    assert set(aged(connector, OLD)) == {"rec/2026/03/01/anybody.wav"}
    assert len(aged(connector, LATE)) == 2


def test_without_a_date_the_oldest_version_counts(rgw: Rgw) -> None:
    """A new version, or a delete marker, makes no recording younger."""
    bucket = make_bucket(rgw, versions=True)
    put(rgw, bucket, "rec/a.wav")
    put(rgw, bucket, "rec/a.wav")
    rgw.client().delete_object(Bucket=bucket, Key="rec/a.wav")
    first = min(
        each["LastModified"]
        for each in rgw.client().list_object_versions(Bucket=bucket)["Versions"]
    )
    connector = store(rgw.endpoint, bucket)
    assert aged(connector, first) == {}
    (record,) = aged(connector, first + dt.timedelta(milliseconds=1)).values()
    assert record.data["versions"] == 2


def test_records_are_those_of_find(rgw: Rgw) -> None:
    """Keys, fields, labels, locks, restriction and content are the same.

    So are links, but for stems that only whom the object was found for makes telling.
    """
    bucket = make_bucket(rgw, locks=True)
    put(rgw, bucket, KEY, ObjectLockLegalHoldStatus="ON", Metadata={"caller": "+4930901820"})
    put(rgw, bucket, "rec/2026/03/02/030901820-9d4e6c1e-0e0b-4c59-8d54-0bd0f3ea3f7a.wav")
    put(rgw, bucket, "rec/2026/03/03/x-030901820.wav", b"", Tagging="dsr-restricted=tag")
    more = {"metadata": {"caller": "phone"}, "restrict": "tag"}
    connector = store(rgw.endpoint, bucket, **more)
    listed = aged(connector, LATE)
    for key, record in found(connector, SUBJECT).items():
        assert listed[key] == (record if "9d4e6c1e" in key else evolve(record, links=()))
    assert [bool(each.links) for each in listed.values()] == [False, True, False]
    assert [bool(each.lock) for each in listed.values()] == [True, False, False]
    assert [each.restricted for each in listed.values()] == [False, False, True]
    assert listed[KEY].data["metadata"] == {"caller": "+4930901820"}


def test_an_unfinished_upload_grows_old_too(rgw: Rgw) -> None:
    """Parts that nobody will ever complete hold bytes; with a version, they are one record."""
    bucket = make_bucket(rgw)
    put(rgw, bucket, KEY)
    for key in (KEY, "rec/2026/03/01/lost.wav", "rec/2026/03/02/young.wav"):
        rgw.client().create_multipart_upload(Bucket=bucket, Key=key)
    listed = aged(store(rgw.endpoint, bucket), OLD)
    assert {key: "started" in each.data for key, each in listed.items()} == {
        KEY: False,
        "rec/2026/03/01/lost.wav": True,
    }


def test_what_is_listed_can_be_erased(rgw: Rgw) -> None:
    """All versions and uploads of old keys go; what is younger stays."""
    bucket = make_bucket(rgw, versions=True)
    for key in (KEY, KEY, "rec/2026/03/02/young.wav"):
        put(rgw, bucket, key)
    rgw.client().create_multipart_upload(Bucket=bucket, Key="rec/2026/03/01/lost.wav")
    connector = store(rgw.endpoint, bucket)
    connector.erase(list(aged(connector, OLD)))
    assert aged(connector, OLD) == {}
    assert [each[0] for each in raw(rgw.client(), bucket)] == ["rec/2026/03/02/young.wav"]


def test_a_denied_part_is_told(rgw: Rgw) -> None:
    """An object whose locks may not be read is listed, and that they were not read."""
    bucket = make_bucket(rgw, locks=True)
    put(rgw, bucket, KEY)
    deny(rgw, bucket, ["s3:GetObjectRetention"], "rec/*")
    listed = list(store(rgw.endpoint, bucket).aged("recordings", "", OLD))
    assert [type(each) for each in listed] == [Record, Unread]


def test_a_thousand_objects_cost_a_listing(rgw: Rgw) -> None:
    """Without locks and labels nothing is asked of single objects; with locks, only of old ones.

    Requests: the uploads, whether there are locks, and a page of versions; then for the one old
    object its legal hold and its retention.
    """
    plain, locks = make_bucket(rgw, versions=True), make_bucket(rgw, locks=True)
    fill(rgw, plain, [f"rec/2026/03/01/{number:03}.wav" for number in range(300)])
    for key in (KEY, "rec/2026/03/02/a.wav", "rec/2026/03/02/b.wav"):
        put(rgw, locks, key)
    for bucket, expected, count in ((plain, 300, 3), (locks, 1, 5)):
        connector = store(rgw.endpoint, bucket)
        with counted(connector) as sent:
            assert len(aged(connector, OLD)) == expected
        assert len(sent) == count


def test_memory_is_flat(rgw: Rgw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 9: two pages of records need no more memory than six."""
    monkeypatch.setattr("dsr.connectors.s3.listing._PAGE", 50)
    peaks = []
    for count in (100, 300):
        bucket = make_bucket(rgw)
        fill(rgw, bucket, [f"rec/2026/03/01/{number:03}.wav" for number in range(count)])
        connector = store(rgw.endpoint, bucket)
        assert sum(1 for _ in connector.aged("recordings", "", OLD)) == count  # all is loaded
        tracemalloc.start()
        assert sum(1 for _ in connector.aged("recordings", "", OLD)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_objects_have_no_other_anchor(rgw: Rgw) -> None:
    """A policy that counts from something else is wrong, and hears of it."""
    with pytest.raises(ConfigurationError, match="billed_at"):
        store(rgw.endpoint, "any").aged("recordings", "billed_at", LATE)


def test_a_missing_bucket_is_no_empty_one(rgw: Rgw) -> None:
    """Nothing old in a bucket that is not there would be a false proof."""
    with pytest.raises(StoreUnavailable):
        list(store(rgw.endpoint, "no-such-bucket").aged("recordings", "", LATE))
