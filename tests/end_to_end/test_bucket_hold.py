"""A hold of dsr and the bucket: placed, kept and released at the command line, on a real RGW."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dsr.ledger import new_key
from tests.connectors.s3_buckets import deny, make_bucket, put, raw
from tests.end_to_end.cli import Cli
from tests.servers.rgw import Rgw, rgw

__all__ = ["rgw"]

EVA = "+49 30 23125-100"
MINE = (
    "rec/2026/03/01/out-03023125100.wav",
    "rec/2026/03/02/in-4930231251\u00e9/+493023125100.wav",
)
OTHERS = "rec/2026/03/01/out-03023125101.wav"
CASE = (
    "--case",
    "12 O 34/26",
    "--reason",
    "defence of legal claims",
    "--law",
    "GDPR Art. 17(3)(e)",
)

CONFIG = """
[operator]
name = "Example Telekom GmbH"
country = "DE"
timezone = "Europe/Berlin"
authority = "BfDI"

[ledger]
url = "sqlite:///ledger.db"
key = "file:dsr.key"

[identity.one-time-pin]
sender = "file:pins.jsonl"

[stores.recordings]
connector = "s3"
bucket = "{bucket}"
category = "recordings"
keys = ["{{any}}"]
prefix = "rec/"
endpoint = "{endpoint}"
region = "us-east-1"
legal_hold = true

[categories.recordings]
role = "controller"
purposes = ["voicemail"]
basis = "contract"
retention = "until the person deletes it"
origin = "observed"
erase = "delete"
"""


@pytest.fixture
def bucket(rgw: Rgw) -> str:
    name = make_bucket(rgw, locks=True)
    for key in (*MINE, OTHERS):
        for data in (b"old", b"new"):
            put(rgw, name, key, data)
    return name


@pytest.fixture
def cli(rgw: Rgw, bucket: str, tmp_path: Path) -> Cli:
    key = tmp_path / "dsr.key"
    key.touch(0o600)
    key.write_text(new_key())
    config = tmp_path / "dsr.toml"
    config.write_text(CONFIG.format(bucket=bucket, endpoint=rgw.endpoint))
    login = {"AWS_ACCESS_KEY_ID": rgw.access_key, "AWS_SECRET_ACCESS_KEY": rgw.secret_key}
    return Cli(config, {**os.environ, **login, "PYTHONPATH": os.pathsep.join(sys.path)})


def holds(rgw: Rgw, bucket: str) -> dict[str, list[Any]]:
    """Return what the server says of the legal hold of each version."""
    found: dict[str, list[Any]] = {}
    for key, version, _ in raw(rgw.client(), bucket):
        answer = rgw.client().head_object(Bucket=bucket, Key=key, VersionId=version)
        found.setdefault(key, []).append(answer.get("ObjectLockLegalHoldStatus"))
    return found


def test_a_hold_binds_the_bucket_until_it_is_released(rgw: Rgw, bucket: str, cli: Cli) -> None:
    """Law 5: what a case needs nobody can delete, the erasure says why, and release frees it."""
    assert cli("check").document["errors"] == []
    hold = cli("hold", "add", *CASE, "--phone", EVA).document
    assert hold["problems"] == []
    assert holds(rgw, bucket) == {**dict.fromkeys(MINE, ["ON"] * 2), OTHERS: [None] * 2}
    for key, version, _ in raw(rgw.client(), bucket):
        if key in MINE:
            with pytest.raises(ClientError, match="AccessDenied"):
                rgw.client().delete_object(Bucket=bucket, Key=key, VersionId=version)

    request = cli.opened("erasure", "--phone", EVA)
    assert cli.verify(request).code == 0
    plan = cli("plan", request)
    assert plan.code == 4
    ran = cli("run", request, "--confirm", plan.document["token"])
    assert ran.code == 4
    (kept,) = ran.document["stores"]["recordings"]["recordings"]["keep"]
    assert kept["count"] == len(MINE)
    assert "12 O 34/26" in kept["reason"]
    assert kept["law"] == "GDPR Art. 17(3)(e)"
    assert len(raw(rgw.client(), bucket)) == 6
    resumed = cli("sweep").document["resumed"]
    assert resumed == [{"request": request, "status": "incomplete"}]
    assert holds(rgw, bucket) == {**dict.fromkeys(MINE, ["ON"] * 2), OTHERS: [None] * 2}

    released = cli("hold", "release", hold["hold"]).document
    assert released["freed"] == {"recordings": len(MINE)}
    assert released["problems"] == []
    assert holds(rgw, bucket) == {**dict.fromkeys(MINE, ["OFF"] * 2), OTHERS: [None] * 2}
    assert cli("sweep").document["resumed"] == [{"request": request, "status": "done"}]
    assert {each[0] for each in raw(rgw.client(), bucket)} == {OTHERS}
    assert "23125100" not in "".join(cli.said).replace("-", "").replace(" ", "")


def test_a_hold_that_the_bucket_does_not_take(rgw: Rgw, bucket: str, cli: Cli) -> None:
    """Law 4: what the bucket refuses is told; dsr itself holds the data all the same."""
    deny(rgw, bucket, ["s3:PutObjectLegalHold"])
    added = cli("hold", "add", *CASE, "--phone", EVA)
    assert added.document["problems"]
    request = cli.opened("erasure", "--phone", EVA)
    assert cli.verify(request).code == 0
    plan = cli("plan", request)
    assert cli("run", request, "--confirm", plan.document["token"]).code == 4
    assert len(raw(rgw.client(), bucket)) == 6
