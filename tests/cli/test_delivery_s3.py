"""`dsr run --out s3://…` and links to it, against a real Ceph RGW."""

from __future__ import annotations

import hashlib
import io
import urllib.request
import zipfile
from pathlib import Path

from tests.cli.office import Office
from tests.connectors.s3_buckets import login, make_bucket, raw
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]


def test_a_package_goes_to_s3_and_to_the_person(office: Office, rgw: Rgw, tmp_path: Path) -> None:
    """Rule 43 (design, the package): the receipt has its size and hash; a link gives a URL."""
    bucket = make_bucket(rgw)
    office.edit("[ledger]", f'[delivery]\nendpoint = "{rgw.endpoint}"\n[ledger]')
    request = office.verified("access")
    name = f"s3://{bucket}/out/{request}.zip"
    package = office.document("run", request, "--out", name, code=4)["package"]
    stored = rgw.client().get_object(Bucket=bucket, Key=f"out/{request}.zip")["Body"].read()
    digest = hashlib.sha256(stored).hexdigest()
    assert package == {"path": name, "size": len(stored), "sha256": digest}
    assert zipfile.ZipFile(io.BytesIO(stored)).testzip() is None
    assert [each[2] for each in raw(rgw.client(), bucket)] == ["data"]

    token = office.document("link", request)["link"]
    copy = ("--out", str(tmp_path / "unused"))
    document = office.document("fetch", *copy, stdin=token)
    assert document["path"] is None
    with urllib.request.urlopen(document["url"], timeout=30) as answer:  # noqa: S310  (loopback)
        assert answer.read() == stored


def test_a_bucket_that_is_not_there(office: Office, rgw: Rgw, tmp_path: Path) -> None:
    """The request stands, and can be run again to another place."""
    office.edit("[ledger]", f'[delivery]\nendpoint = "{rgw.endpoint}"\n[ledger]')
    request = office.verified("access")
    told = office.error("run", request, "--out", "s3://no-such-bucket/p.zip", code=1)
    assert "its bucket does not exist" in told
    office.call("run", request, "--out", str(tmp_path / "p.zip"), code=4)
