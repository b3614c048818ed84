"""A store in trouble: a gap with its reason and exit code 4, never less in silence."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.cli.office import EVA, Office, check_run

CDR = '[stores.cdr]\nconnector = "sql"\nurl = "sqlite:///operator.db"'
RECORDINGS = 'connector = "files"\npath = "recordings"\n'
PASSWORD = "zq-secret-zq"


@contextmanager
def _database(office: Office) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(office.folder / "operator.db")
    with db:
        yield db
    db.close()


def _server_down(office: Office, port: int) -> None:
    url = f"postgresql+psycopg://dsr:{PASSWORD}@127.0.0.1:{port}/cdr"
    office.edit(CDR, CDR.replace("sqlite:///operator.db", url))


def _no_file(office: Office, _: int) -> None:
    office.edit(CDR, CDR.replace("operator.db", "cdr.db"))


def _no_table(office: Office, _: int) -> None:
    with _database(office) as db:
        db.execute("DROP TABLE cdr")


def _no_column(office: Office, _: int) -> None:
    with _database(office) as db:
        db.execute("ALTER TABLE cdr DROP COLUMN dstchannel")


def _no_database(office: Office, _: int) -> None:
    office.edit(CDR, CDR.replace("operator.db", "dsr.toml"))


def _no_folder(office: Office, _: int) -> None:
    shutil.rmtree(office.folder / "recordings")


def _broken_card(office: Office, _: int) -> None:
    path = office.folder / "contacts" / "A-2000" / "c9.vcf"
    path.write_bytes(path.read_bytes().replace(b"END:VCARD\r\n", b""))


def _truncated_log(office: Office, _: int) -> None:
    path = office.folder / "logs" / "kamailio.log.1.gz"
    path.write_bytes(path.read_bytes()[:-2000])


def _s3_down(office: Office, port: int) -> None:
    endpoint = f'connector = "s3"\nbucket = "b"\nendpoint = "http://127.0.0.1:{port}"\n'
    office.edit(RECORDINGS, endpoint + 'region = "eu-central-1"\n')


TROUBLES = [
    (_server_down, "cdr", "cannot connect to the database (OperationalError): check that it runs"),
    (_no_file, "cdr", "the database file does not exist: check stores.cdr.url"),
    (_no_database, "cdr", "the database could not read table cdr"),
    (_no_table, "cdr", "there is no table cdr: correct or remove stores.cdr.tables.cdr"),
    (_no_column, "cdr", "table cdr has no column dstchannel"),
    (_no_folder, "recordings", "its folder cannot be read (No such file or directory): mount it"),
    (_broken_card, "contacts", "card 1 has no begin or no end"),
    (_truncated_log, "logs", "file 2 of 2 in name order is damaged"),
    (_s3_down, "recordings", "it cannot be used (EndpointConnectionError): check endpoint"),
]


@pytest.mark.parametrize(("trouble", "store", "told"), TROUBLES)
def test_a_store_in_trouble(
    office: Office,
    unused_port: int,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Office, int], None],
    store: str,
    told: str,
) -> None:
    """Plan and package say which store, why, and what to do; other stores are served (law 4)."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    request = office.verified("access")
    whole = office.document("plan", request, code=4)
    trouble(office, unused_port)
    before = office.stores()

    plan = office.document("plan", request, code=4)
    check_run(plan)
    gaps = [gap for each in plan["stores"][store].values() for gap in each["gaps"]]
    assert [gap["count"] for gap in gaps if told in gap["reason"]] == [1]
    assert store not in plan["proved"]
    for name in {"numbers", "logs", "contacts"} - {store}:
        assert plan["stores"][name] == whole["stores"][name]
    shown = office.call("plan", request, code=4).stdout
    assert f"Not read to the end: {store}" in shown or f", {store}" in shown
    assert PASSWORD not in shown

    receipt = office.document("run", request, "--out", str(office.folder / "p.zip"), code=4)
    check_run(receipt)
    assert receipt["status"] == "incomplete"
    assert receipt["stores"] == plan["stores"]
    assert office.stores() == before

    checked = office.document("check", code=None)["stores"][store]
    if trouble not in {_truncated_log, _broken_card}:  # those take a whole reading
        assert any(each["kind"] in {"fault", "right"} for each in checked["findings"])


def test_a_missing_bucket(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that is not there is a gap; once it is there, the same request reads it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        s3 = f'connector = "s3"\nbucket = "recordings"\nendpoint = "{endpoint}"\n'
        office.edit(RECORDINGS, s3 + 'region = "us-east-1"\n')
        request = office.verified("access")
        (gap,) = _recordings(office.document("plan", request, code=4))["gaps"]
        assert gap["reason"] == "store recordings: its bucket does not exist: correct bucket"
        assert "its bucket does not exist" in office.call("check", code=1).stdout
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.create_bucket(Bucket="recordings")
        for path in (office.folder / "recordings").rglob("*.wav"):
            key = str(path.relative_to(office.folder / "recordings"))
            client.upload_file(str(path), "recordings", key)
        client.close()
        assert _recordings(office.document("plan", request, code=4))["do"]["export"] > 0
    finally:
        server.stop()


def _redacted(document: Any) -> int:
    return int(document["stores"]["logs"]["logs"]["do"]["redact"])


def _recordings(document: Any) -> Any:
    return document["stores"]["recordings"]["recordings"]


def test_a_log_that_is_no_utf8_is_read(office: Office) -> None:
    """Bytes of another encoding hide no line, and survive the redaction of their neighbours."""
    request = office.verified("erasure")
    without = office.document("plan", request, code=4)
    log = office.folder / "logs" / "kamailio.log"
    stamp = b"timestamp=4102444800;"  # the tenure is open
    added = b"\xe9\xff " + stamp + b"src_user=03023125100;x=\xff\xfe\n"
    log.write_bytes(log.read_bytes() + added)
    plan = office.document("plan", request, code=4)
    assert _redacted(plan) == _redacted(without) + 1
    office.call("run", request, "--confirm", plan["token"], code=4)
    last = log.read_bytes().splitlines()[-1]
    assert last.startswith(b"\xe9\xff " + stamp + b"src_user=")
    assert last.endswith(b";x=\xff\xfe")
    assert b"23125100" not in last


def test_an_erasure_waits_for_the_store_that_is_down(office: Office) -> None:
    """Calls whose recordings cannot be reached stay, so that no recording is orphaned (law 3)."""
    request = office.verified("erasure")
    token = office.document("plan", request, code=4)["token"]
    (office.folder / "recordings").rename(office.folder / "unmounted")
    receipt = office.document("run", request, "--confirm", token, code=4)
    check_run(receipt)
    assert receipt["status"] == "incomplete"
    assert "recordings" not in receipt["proved"]
    with _database(office) as db:
        names = {name for (name,) in db.execute("SELECT recordingfile FROM cdr") if name}
    (office.folder / "unmounted").rename(office.folder / "recordings")
    files = {path.name for path in (office.folder / "recordings").rglob("*.wav")}
    assert files <= names  # the way to each is still there
    receipt = office.document("run", request, "--confirm", token, code=4)
    assert receipt["stores"]["recordings"]["recordings"]["do"]["erase"] > 0
    assert "recordings" in receipt["proved"]


def test_the_store_of_accounts_is_down(office: Office) -> None:
    """Who holds a number cannot be looked up: no PIN is sent to anybody (exit code 1)."""
    request = office.document("open", "access", "--phone", EVA)["request"]
    with _database(office) as db:
        db.execute("ALTER TABLE numbers RENAME TO gone")
    told = office.error("challenge", request, code=1)
    assert "store numbers: there is no table numbers" in told
    assert not Path(office.folder / "pins.jsonl").exists()


def test_undated_records_of_a_number_with_two_holders(office: Office) -> None:
    """What may be the earlier holder's is a gap, and is not erased (law 7)."""
    request = office.verified("erasure")
    token = office.document("plan", request, code=4)["token"]
    office.call("run", request, "--confirm", token, code=4)
    assert (office.folder / "contacts" / "A-2000" / "c9.vcf").exists()
