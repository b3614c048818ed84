"""Object Lock on a real Ceph RGW: seen, respected, placed for holds and lifted again."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import pytest

from dsr.connectors.s3 import S3, LockingS3, RestrictingS3
from dsr.connectors.s3.marks import HELD, RESTRICTED, Version
from dsr.errors import Refused
from tests.connectors.s3_buckets import SUBJECT, deny, found, login, make_bucket, put, raw, store
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

KEY = "rec/2026/03/01/030901820-é +.wav"


@pytest.fixture
def bucket(rgw: Rgw) -> str:
    return make_bucket(rgw, locks=True)


def hold(rgw: Rgw, bucket: str, version: str, *, on: bool = True) -> None:
    rgw.client().put_object_legal_hold(
        Bucket=bucket, Key=KEY, VersionId=version, LegalHold={"Status": "ON" if on else "OFF"}
    )


def state(rgw: Rgw, bucket: str, version: str) -> tuple[str | None, dict[str, str]]:
    """Return the legal hold and the tags of a version, as the server tells them."""
    where: Any = {"Bucket": bucket, "Key": KEY, "VersionId": version}
    held = rgw.client().head_object(**where).get("ObjectLockLegalHoldStatus")
    tags = rgw.client().get_object_tagging(**where)["TagSet"]
    return held, {each["Key"]: each["Value"] for each in tags}


def locking(rgw: Rgw, bucket: str) -> LockingS3:
    return cast("LockingS3", store(rgw.endpoint, bucket, legal_hold=True))


class TestSeen:
    """What Object Lock keeps is found, named and reported, never claimed to be gone."""

    @pytest.fixture
    def held(self, rgw: Rgw, bucket: str) -> str:
        version = put(rgw, bucket, KEY, b"evidence")
        hold(rgw, bucket, version)
        put(rgw, bucket, KEY, b"newer, and free")
        return version

    def test_a_legal_hold_is_seen_on_an_old_version(self, rgw: Rgw, bucket: str, held: str) -> None:
        """A hold on any version is a lock of the record, without an end."""
        lock = found(store(rgw.endpoint, bucket), SUBJECT)[KEY].lock
        assert held
        assert lock is not None
        assert "legal hold" in lock.reason
        assert lock.until is None

    def test_erase_reports_what_stays(self, rgw: Rgw, bucket: str, held: str) -> None:
        """The held version stays, all else goes, and the caller is told, without the key."""
        put(rgw, bucket, "rec/free.wav")
        connector = store(rgw.endpoint, bucket)
        with pytest.raises(Refused) as raised:
            connector.erase([KEY, "rec/free.wav"])
        assert "AccessDenied" in str(raised.value)
        assert "030901820" not in str(raised.value)
        assert raw(rgw.client(), bucket) == [(KEY, held, "data")]
        assert found(connector, SUBJECT)[KEY].lock is not None

    def test_erase_carries_on_when_the_hold_is_lifted(
        self, rgw: Rgw, bucket: str, held: str
    ) -> None:
        """The same call ends where no hold had been."""
        connector = store(rgw.endpoint, bucket)
        with pytest.raises(Refused):
            connector.erase([KEY])
        hold(rgw, bucket, held, on=False)
        assert found(connector, SUBJECT)[KEY].lock is None
        connector.erase([KEY])
        assert raw(rgw.client(), bucket) == []

    @pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
    def test_a_retention_has_its_end(self, rgw: Rgw, bucket: str, mode: Any) -> None:
        """The latest end of any version is the record's, and the mode is told."""
        end = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)
        for late in (0, 1, -1):
            put(
                rgw,
                bucket,
                KEY,
                ObjectLockMode=mode,
                ObjectLockRetainUntilDate=end + dt.timedelta(minutes=late),
            )
        put(rgw, bucket, KEY, b"free")
        lock = found(store(rgw.endpoint, bucket), SUBJECT)[KEY].lock
        assert lock is not None
        assert lock.until == end + dt.timedelta(minutes=1)
        assert mode.lower() in lock.reason
        with pytest.raises(Refused, match="3 by AccessDenied"):  # proved: the server refuses
            store(rgw.endpoint, bucket).erase([KEY])
        assert len(raw(rgw.client(), bucket)) == 3

    def test_a_hold_and_a_retention_are_both_told(self, rgw: Rgw, bucket: str) -> None:
        """The lock is open-ended as the hold is, and its reason names the retention and its day."""
        put(
            rgw,
            bucket,
            KEY,
            ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=dt.datetime(2099, 7, 1, tzinfo=dt.UTC),
            ObjectLockLegalHoldStatus="ON",
        )
        lock = found(store(rgw.endpoint, bucket), SUBJECT)[KEY].lock
        assert lock is not None
        assert lock.until is None
        assert "legal hold" in lock.reason
        assert "governance" in lock.reason
        assert "2099-07-01" in lock.reason

    def test_what_is_not_locked_has_no_lock(self, rgw: Rgw, bucket: str) -> None:
        """A bucket that can lock does not lock everything."""
        put(rgw, bucket, KEY)
        assert found(store(rgw.endpoint, bucket), SUBJECT)[KEY].lock is None


class TestPlaced:
    """A hold of dsr is a legal hold in the bucket; nobody else's is ever lifted."""

    def test_every_version_is_held_and_freed(self, rgw: Rgw, bucket: str) -> None:
        """The server itself refuses to let go of any version, until dsr lifts its hold."""
        versions = [put(rgw, bucket, KEY, b"x", Tagging="team=north") for _ in range(2)]
        connector = locking(rgw, bucket)
        connector.lock([KEY], on=True)
        connector.lock([KEY], on=True)
        for version in versions:
            assert state(rgw, bucket, version) == ("ON", {"team": "north", HELD: "legal-hold"})
        answer = rgw.client().delete_objects(
            Bucket=bucket,
            Delete={"Objects": [{"Key": KEY, "VersionId": each} for each in versions]},
        )
        assert [each["Code"] for each in answer["Errors"]] == ["AccessDenied"] * 2
        assert found(connector, SUBJECT)[KEY].lock is None
        connector.lock([KEY], on=False)
        for version in versions:
            assert state(rgw, bucket, version) == ("OFF", {"team": "north"})

    def test_erasing_lifts_the_own_hold_only(self, rgw: Rgw, bucket: str) -> None:
        """When the engine erases, no hold of dsr's stands any more; somebody else's does."""
        own = put(rgw, bucket, KEY)
        connector = locking(rgw, bucket)
        connector.lock([KEY], on=True)
        foreign = put(rgw, bucket, KEY)
        hold(rgw, bucket, foreign)
        with pytest.raises(Refused, match="1 by AccessDenied"):
            connector.erase([KEY])
        assert own
        assert raw(rgw.client(), bucket) == [(KEY, foreign, "data")]

    def test_somebody_elses_hold_stays(self, rgw: Rgw, bucket: str) -> None:
        """A legal hold that stood before is a lock of the record before, during and after."""
        version = put(rgw, bucket, KEY)
        hold(rgw, bucket, version)
        connector = locking(rgw, bucket)
        for on in (True, True, False, False):
            connector.lock([KEY], on=on)
            assert state(rgw, bucket, version)[0] == "ON"
            assert found(connector, SUBJECT)[KEY].lock is not None
        assert state(rgw, bucket, version) == ("ON", {})

    def test_a_hold_that_its_owner_lifted_is_placed_anew(self, rgw: Rgw, bucket: str) -> None:
        """Where somebody else's hold did for dsr's, the next call places dsr's own."""
        version = put(rgw, bucket, KEY)
        hold(rgw, bucket, version)
        connector = locking(rgw, bucket)
        connector.lock([KEY], on=True)
        hold(rgw, bucket, version, on=False)
        connector.lock([KEY], on=True)
        assert state(rgw, bucket, version) == ("ON", {HELD: "legal-hold"})

    def test_a_crash_between_tag_and_hold_converges(self, rgw: Rgw, bucket: str) -> None:
        """Whichever of the two was written, the same call again ends as without a crash."""
        version = put(rgw, bucket, KEY)
        connector = locking(rgw, bucket)
        tag: Any = {"TagSet": [{"Key": HELD, "Value": "legal-hold"}]}
        where: Any = {"Bucket": bucket, "Key": KEY, "VersionId": version}
        rgw.client().put_object_tagging(**where, Tagging=tag)  # placing broke off after the tag
        connector.lock([KEY], on=True)
        assert state(rgw, bucket, version) == ("ON", {HELD: "legal-hold"})
        hold(rgw, bucket, version, on=False)  # lifting broke off after the hold
        connector.lock([KEY], on=False)
        assert state(rgw, bucket, version)[1] == {}

    def test_the_order_never_leaves_a_hold_without_its_tag(
        self, rgw: Rgw, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A crash at any request leaves no legal hold that looks like somebody else's."""
        version = put(rgw, bucket, KEY)
        connector = locking(rgw, bucket)
        writes = ("_tag", "_hold")
        for broken in writes:
            for on in (True, False):
                connector.lock([KEY], on=not on)
                with monkeypatch.context() as patch:
                    patch.setattr(Version, broken, _crash)
                    with pytest.raises(KeyboardInterrupt):
                        connector.lock([KEY], on=on)
                held, tags = state(rgw, bucket, version)
                assert held != "ON" or HELD in tags
                connector.lock([KEY], on=on)
                assert state(rgw, bucket, version) == (
                    ("ON", {HELD: "legal-hold"}) if on else ("OFF", {})
                )

    def test_a_bucket_without_object_lock_refuses(self, rgw: Rgw) -> None:
        """What to do is said, and no tag claims a hold that is none."""
        plain = make_bucket(rgw, versions=True)
        version = put(rgw, plain, KEY)
        with pytest.raises(Refused, match="no Object Lock"):
            locking(rgw, plain).lock([KEY], on=True)
        assert state(rgw, plain, version) == (None, {})

    def test_what_is_gone_needs_no_hold(self, rgw: Rgw, bucket: str) -> None:
        """A key that is gone is no error; one without a finished version is refused."""
        connector = locking(rgw, bucket)
        for on in (True, False):
            connector.lock([KEY], on=on)
            connector.lock([], on=on)
        rgw.client().create_multipart_upload(Bucket=bucket, Key=KEY)
        with pytest.raises(Refused, match="no finished version"):
            connector.lock([KEY], on=True)
        connector.lock([KEY], on=False)

    def test_one_denied_object_stops_no_other(self, rgw: Rgw, bucket: str) -> None:
        """The others are held; the denied one is counted, not named."""
        denied, free = "rec/denied/030901820.wav", "rec/free/030901820.wav"
        for key in (denied, free):
            put(rgw, bucket, key)
        deny(rgw, bucket, ["s3:PutObjectLegalHold"], "rec/denied/*")
        with pytest.raises(Refused, match="1 by AccessDenied") as raised:
            locking(rgw, bucket).lock([denied, free], on=True)
        assert "030901820" not in str(raised.value)
        answer = rgw.client().get_object_legal_hold(Bucket=bucket, Key=free)
        assert answer["LegalHold"] == {"Status": "ON"}


class TestRestricted:
    """Restriction is a tag, or the legal hold that holds of dsr share."""

    def test_a_new_version_is_not_restricted(self, rgw: Rgw) -> None:
        """Restricted means every version: what somebody writes later lifts nothing unseen."""
        bucket = make_bucket(rgw, versions=True)
        put(rgw, bucket, KEY)
        connector = cast("RestrictingS3", store(rgw.endpoint, bucket, restrict="tag"))
        connector.restrict([KEY], on=True)
        assert found(connector, SUBJECT)[KEY].restricted
        put(rgw, bucket, KEY)
        assert not found(connector, SUBJECT)[KEY].restricted

    def test_a_hold_and_a_restriction_share_the_legal_hold(self, rgw: Rgw, bucket: str) -> None:
        """The legal hold goes when the last of the two goes, in either order."""
        version = put(rgw, bucket, KEY)
        connector = cast("Any", store(rgw.endpoint, bucket, legal_hold=True, restrict="legal hold"))
        for first, second in (("lock", "restrict"), ("restrict", "lock")):
            connector.lock([KEY], on=True)
            connector.restrict([KEY], on=True)
            getattr(connector, first)([KEY], on=False)
            assert state(rgw, bucket, version)[0] == "ON"
            assert found(connector, SUBJECT)[KEY].lock is None
            getattr(connector, second)([KEY], on=False)
            assert state(rgw, bucket, version) == ("OFF", {})

    def test_a_tag_alone_lifts_no_hold(self, rgw: Rgw, bucket: str) -> None:
        """Unmarking what was restricted by tag leaves a hold of dsr's in place."""
        version = put(rgw, bucket, KEY)
        connector = cast("Any", store(rgw.endpoint, bucket, legal_hold=True, restrict="tag"))
        connector.lock([KEY], on=True)
        connector.restrict([KEY], on=True)
        assert state(rgw, bucket, version)[1] == {HELD: "legal-hold", RESTRICTED: "tag"}
        connector.restrict([KEY], on=False)
        assert state(rgw, bucket, version) == ("ON", {HELD: "legal-hold"})

    def test_ten_tags_are_too_many(self, rgw: Rgw) -> None:
        """An object with all the tags that S3 allows cannot be marked, and keeps its own."""
        bucket = make_bucket(rgw)
        tagging = "&".join(f"t{number}=x" for number in range(10))
        version = put(rgw, bucket, KEY, Tagging=tagging)
        connector = cast("RestrictingS3", store(rgw.endpoint, bucket, restrict="tag"))
        with pytest.raises(Refused):
            connector.restrict([KEY], on=True)
        assert len(state(rgw, bucket, version)[1]) == 10

    def test_verbs_are_offered_where_they_are_set(self, rgw: Rgw, bucket: str) -> None:
        """Who does not ask for locks or restriction gets neither verb."""
        for locks in (False, True):
            for restrict in ("no", "tag", "legal hold"):
                connector: S3 = store(rgw.endpoint, bucket, legal_hold=locks, restrict=restrict)
                assert hasattr(connector, "lock") == locks
                assert hasattr(connector, "restrict") == (restrict != "no")


def _crash(*_: object) -> None:
    raise KeyboardInterrupt
