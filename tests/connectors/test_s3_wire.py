"""Our reading of ListObjectVersions, compared with botocore's of the same bucket."""

from __future__ import annotations

import datetime as dt
from typing import Any

import botocore.session
import pytest
from botocore.parsers import ResponseParserError

from dsr.connectors.s3.listing import Kept, _sorted, kept
from dsr.connectors.s3.wire import Entry, Page, Parsers, time
from dsr.errors import StoreUnavailable
from tests.connectors.s3_buckets import SUBJECT, found, login, make_bucket, put, store
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

LISTING = (
    botocore.session.get_session()
    .get_service_model("s3")
    .operation_model("ListObjectVersions")
    .output_shape
)
HEAD = '<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


def parse(text: str) -> Any:
    answer: dict[str, Any] = {"status_code": 200, "headers": {"Date": "x"}, "body": text.encode()}
    assert LISTING is not None
    return Parsers().create_parser("rest-xml").parse(answer, LISTING)


def test_it_reads_what_botocore_reads(rgw: Rgw) -> None:
    """Keys with every kind of sign, versions, markers, sizes, times: the same in both."""
    bucket, client = make_bucket(rgw, versions=True), rgw.client()
    for number, key in enumerate(
        ["rec/é +%2B.wav", "rec/a&<b>'\".wav", "rec/\u4f60/\n\t~", "rec/z"]
    ):
        put(rgw, bucket, key, b"x" * number)
        put(rgw, bucket, key, b"y")
    client.delete_object(Bucket=bucket, Key="rec/z")
    theirs = client.list_object_versions(Bucket=bucket)
    connector = store(rgw.endpoint, bucket)
    ours = [each for each, _ in kept(connector.bucket, "", lambda _: True)]
    entries = {(each.key, each.id): each for one in ours for each in one.versions}
    assert all(each.key == one.key for one in ours for each in one.versions)
    expected = {
        (each["Key"], each["VersionId"]): (each["LastModified"], each.get("Size"))
        for each in [*theirs["Versions"], *theirs["DeleteMarkers"]]
    }
    assert len(expected) == 9
    assert {at: (time(each.written), each.size) for at, each in entries.items()} == expected
    etags = {(each["Key"], each["VersionId"]): each["ETag"] for each in theirs["Versions"]}
    assert {at: each.etag for at, each in entries.items() if each.size is not None} == etags


def test_versions_and_markers_may_stand_apart() -> None:
    """A server may list the markers behind all versions: those of a key still stand together."""
    version = "<Size>1</Size><LastModified>2026-03-01T10:00:00.000Z</LastModified>"
    page = parse(
        f"{HEAD}<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
        "<NextKeyMarker>b%2B</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker>"
        f"<Version><Key>a</Key><VersionId>1</VersionId>{version}</Version>"
        f"<Version><Key>b%2B</Key><VersionId>2</VersionId>{version}</Version>"
        f"<DeleteMarker><Key>a</Key><VersionId>3</VersionId>{version}</DeleteMarker>"
        "<CommonPrefixes/></ListVersionsResult>"
    )["Page"]
    written = "2026-03-01T10:00:00.000Z"
    assert page == Page(
        [
            Entry("a", "1", written, 1, ""),
            Entry("a", "3", written, None, ""),
            Entry("b+", "2", written, 1, ""),
        ],
        more=True,
        key="b%2B",
        id="2",
    )


@pytest.mark.parametrize(
    "text",
    ["", "<html>", f"{HEAD}<Version>", f"{HEAD}<Version><Key>a</Key></Version>"],
)
def test_a_broken_answer_is_an_error(text: str) -> None:
    """An answer that is none, or ends too early, is never a shorter listing."""
    try:
        answer = parse(text)
    except ResponseParserError:  # which the connector maps as it does all of botocore's
        return
    assert "Page" not in answer


def test_an_answer_without_a_listing_is_an_error(rgw: Rgw, monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers 200 to everything and lists nothing is no empty bucket."""
    connector = store(rgw.endpoint, make_bucket(rgw))
    client = connector.bucket.client()
    monkeypatch.setattr(client, "list_object_versions", lambda **_: {"ResponseMetadata": {}})
    with pytest.raises(StoreUnavailable, match="cannot be understood"):
        found(connector, SUBJECT)


def test_the_newest_version_is_the_first() -> None:
    """Whatever the order of the listing was, the newest comes first: its time decides."""
    entries = [Entry("a", each, f"2026-03-0{each}T10:00:00Z", 1, "") for each in ("2", "3", "1")]
    each, _ = _sorted((Kept("a", entries), True))
    assert [entry.id for entry in each.data] == ["3", "2", "1"]
    assert each.newest == dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)
    assert each.oldest == dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
