"""What `check` says of buckets of a real Ceph RGW: missing rights, copies, slow ways."""

from __future__ import annotations

from typing import Any

import pytest

from dsr.connectors.s3 import S3
from dsr.connectors.s3.bucket import Bucket
from dsr.errors import StoreUnavailable
from dsr.model import Finding
from tests.connectors.s3_buckets import (
    BucketHarness,
    deny,
    login,
    make_bucket,
    put,
    raw,
    store,
)
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

ALL: dict[str, Any] = {"legal_hold": True, "restrict": "tag"}


def texts(connector: S3, kind: str) -> list[str]:
    return [each.text for each in connector.check() if each.kind == kind]


@pytest.mark.parametrize(
    ("action", "right"),
    [
        ("s3:ListBucketVersions", "s3:ListBucketVersions"),
        ("s3:ListBucketMultipartUploads", "s3:ListBucketMultipartUploads"),
        ("s3:GetObjectVersion", "s3:GetObjectVersion"),
        ("s3:GetBucketObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
        ("s3:GetObjectLegalHold", "s3:GetObjectLegalHold"),
        ("s3:GetObjectRetention", "s3:GetObjectRetention"),
        ("s3:GetObjectVersionTagging", "s3:GetObjectVersionTagging"),
        ("s3:DeleteObjectVersion", "s3:DeleteObjectVersion"),
        ("s3:AbortMultipartUpload", "s3:AbortMultipartUpload"),
        ("s3:PutObjectVersionTagging", "s3:PutObjectVersionTagging"),
        ("s3:PutObjectLegalHold", "s3:PutObjectLegalHold"),
        ("s3:PutObject", "s3:PutObject"),
    ],
)
def test_each_missing_right_is_named(rgw: Rgw, action: str, right: str) -> None:
    """A right that one verb needs is found missing before any request, and it alone."""
    bucket = make_bucket(rgw, locks=True)
    put(rgw, bucket, "rec/030901820.wav")  # Ceph looks for the object before the right
    connector = store(rgw.endpoint, bucket, **ALL)
    assert texts(connector, "right") == []
    deny(rgw, bucket, [action])
    missing = texts(connector, "right")
    assert [each.split(" ")[0] for each in missing] == [right]


@pytest.mark.parametrize("more", [{"locks": True}, {"versions": True}, {}])
def test_a_check_changes_nothing(rgw: Rgw, more: dict[str, bool]) -> None:
    """All rights are tried in full buckets and empty ones; nothing goes, comes or is marked."""
    harness = BucketHarness(rgw, **more, **ALL)
    connector = store(rgw.endpoint, harness.bucket, **ALL)
    connector.check()
    assert raw(harness.client, harness.bucket) == []
    harness.put("rec/0.wav", b"the first object, on which rights are tried")
    harness.seed()
    before = harness.count(), harness.others(), harness.locked()
    for each in (connector, store(rgw.endpoint, harness.bucket, **ALL, tags={"x": "account"})):
        each.check()
        assert (harness.count(), harness.others(), harness.locked()) == before


def test_a_bucket_that_cannot_lock_is_a_fault(rgw: Rgw) -> None:
    """Who wants legal holds learns at once that the bucket has none."""
    bucket = make_bucket(rgw, versions=True)
    for more in ({"legal_hold": True}, {"restrict": "legal hold"}):
        (fault,) = texts(store(rgw.endpoint, bucket, **more), "fault")
        assert "no Object Lock" in fault
    assert texts(store(rgw.endpoint, bucket, restrict="tag"), "fault") == []


def test_slow_ways_are_told(rgw: Rgw) -> None:
    """Metadata and tags cost requests for every object, and cannot be read of uploads."""
    bucket = make_bucket(rgw)
    plain = store(rgw.endpoint, bucket)
    assert {each.kind for each in plain.check()} == set()
    slow = store(rgw.endpoint, bucket, metadata={"caller": "phone"}, tags={"x": "account"})
    assert any("two requests" in each for each in texts(slow, "advice"))
    assert any("unfinished uploads" in each for each in texts(slow, "left"))


def test_settings_that_may_not_be_asked_are_named(rgw: Rgw) -> None:
    """Without the right to ask, nothing is claimed about copies."""
    bucket = make_bucket(rgw)
    deny(rgw, bucket, ["s3:GetReplicationConfiguration", "s3:GetLifecycleConfiguration"])
    (advice,) = texts(store(rgw.endpoint, bucket), "advice")
    assert "s3:GetLifecycleConfiguration" in advice


def test_lifecycle_rules_that_move_objects_are_told(rgw: Rgw) -> None:
    """Objects of an archive class are erased, but cannot be handed over at once."""
    bucket = make_bucket(rgw)
    rule: Any = {"ID": "move", "Status": "Enabled", "Filter": {"Prefix": ""}}
    rule["Transitions"] = [{"Days": 30, "StorageClass": "STANDARD"}]
    rgw.client().put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    (advice,) = texts(store(rgw.endpoint, bucket), "advice")
    assert "archive" in advice


def test_copies_elsewhere_are_left(rgw: Rgw, monkeypatch: pytest.MonkeyPatch) -> None:
    """What AWS answers of replicas, access logs, inventories and events becomes a finding each.

    Ceph knows none of these, so the answers are those of the AWS API reference.
    """
    bucket = make_bucket(rgw)
    connector = store(rgw.endpoint, bucket)
    rules = [
        {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::copy"}},
        {"Status": "Disabled", "Destination": {"Bucket": "arn:aws:s3:::old"}},
    ]
    inventory = {"Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::lists"}}}
    answers: dict[str, dict[str, Any]] = {
        "get_bucket_replication": {"ReplicationConfiguration": {"Rules": rules}},
        "get_bucket_logging": {"LoggingEnabled": {"TargetBucket": "logs"}},
        "list_bucket_inventory_configurations": {"InventoryConfigurationList": [inventory]},
        "get_bucket_notification_configuration": {"QueueConfigurations": [{"QueueArn": "q"}]},
        "get_bucket_versioning": {"Status": "Enabled", "MFADelete": "Enabled"},
    }
    client = connector.bucket.client()
    for name, answer in answers.items():
        monkeypatch.setattr(client, name, lambda answer=answer, **_: answer)
    left = texts(connector, "left")
    assert len(left) == 4
    assert [any(word in each for each in left) for word in ("copy", "logs", "lists", "events")]
    assert not any(":old" in each for each in left)
    assert any("MFA" in each for each in texts(connector, "right"))


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("NoSuchBucket", "does not exist"),
        ("AccessDenied", "access is refused"),
        ("ExpiredToken", "access is refused"),
        ("PermanentRedirect", "another region"),
        ("AuthorizationHeaderMalformed", "another region"),
        ("RequestTimeTooSkewed", "clock"),
        ("SlowDown", "too busy"),
        ("503", "too busy"),
        ("Unheard", "Unheard"),
    ],
)
def test_error_codes_say_what_to_do(code: str, what: str) -> None:
    """Each kind of failure of a whole store has its own sentence and a fix."""
    error = Bucket("recordings", "b").unavailable(code)
    assert isinstance(error, StoreUnavailable)
    assert what in str(error)
    assert error.fix


def test_findings_name_nobody(rgw: Rgw) -> None:
    """No key of an object is in what a check says."""
    bucket = make_bucket(rgw, locks=True)
    put(rgw, bucket, "rec/030901820.wav")
    deny(rgw, bucket, ["s3:*"], "rec/*")
    for each in store(rgw.endpoint, bucket, **ALL).check():
        assert isinstance(each, Finding)
        assert "901820" not in each.text
