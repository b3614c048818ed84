"""The `s3` connector keeps the contract on a real Ceph RGW, in every kind of bucket."""

from __future__ import annotations

import pytest

from dsr.testing import ConnectorSuite, Harness
from tests.connectors.s3_buckets import BucketHarness, login
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]


class TestVersioned(ConnectorSuite):
    """The contract, on a bucket that keeps old versions."""

    @pytest.fixture
    def harness(self, rgw: Rgw) -> Harness:
        return BucketHarness(rgw, versions=True)


class TestUnversioned(ConnectorSuite):
    """The contract, on a bucket that keeps one version."""

    @pytest.fixture
    def harness(self, rgw: Rgw) -> Harness:
        return BucketHarness(rgw)


class TestLocking(ConnectorSuite):
    """The contract, on a bucket with Object Lock, whose legal holds follow those of dsr."""

    @pytest.fixture
    def harness(self, rgw: Rgw) -> Harness:
        return BucketHarness(rgw, locks=True, uploads=False, legal_hold=True)


class TestRestrictingByTag(ConnectorSuite):
    """The contract, where a tag marks restricted objects of a bucket without versions."""

    @pytest.fixture
    def harness(self, rgw: Rgw) -> Harness:
        return BucketHarness(rgw, uploads=False, restrict="tag")


class TestRestrictingByHold(ConnectorSuite):
    """The contract, where restriction and holds share the one legal hold of a version."""

    @pytest.fixture
    def harness(self, rgw: Rgw) -> Harness:
        return BucketHarness(rgw, locks=True, uploads=False, restrict="legal hold", legal_hold=True)
