"""Links to packages in S3, against a real Ceph RGW."""

from __future__ import annotations

import hashlib
import urllib.request

import pytest
from attrs import evolve

from dsr.delivering import Delivery, Expired, fetch
from dsr.errors import (
    NotVerified,
)
from tests.connectors.s3_buckets import login, make_bucket, raw
from tests.parcels import Post, post
from tests.servers.rgw import Rgw, rgw
from tests.things import NOW

__all__ = ["login", "post", "rgw"]


def test_a_package_in_s3_is_fetched_by_url(post: Post, rgw: Rgw) -> None:
    """Rule 43: the link gives a signed URL; once."""
    board = evolve(post, delivery=Delivery(endpoint=rgw.endpoint))
    place = board.delivery.place(f"s3://{make_bucket(rgw)}/r1.zip")
    info = board.answered("r1", place)
    token = board.link("r1", place)
    found = fetch(board.ledger, token, NOW, board.delivery.place)
    assert isinstance(found.content, str)
    assert found.content not in repr(found)
    with urllib.request.urlopen(found.content, timeout=30) as answer:  # noqa: S310  (loopback)
        assert hashlib.sha256(answer.read()).hexdigest() == info.sha256 == found.sha256
    with pytest.raises(NotVerified):
        fetch(board.ledger, token, NOW, board.delivery.place)


def test_objects_go_with_every_version(post: Post, rgw: Rgw) -> None:
    """A bucket with versions keeps nothing of it."""
    bucket = make_bucket(rgw, versions=True)
    board = evolve(post, delivery=Delivery(endpoint=rgw.endpoint))
    place = board.delivery.place(f"s3://{bucket}/r1.zip")
    for _ in range(2):
        board.answered("r1", place)
    board.link("r1", place)
    assert board.expire(7) == Expired(1)
    assert raw(rgw.client(), bucket) == []
