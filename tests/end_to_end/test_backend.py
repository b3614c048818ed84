"""The example backend, over a real database, as a browser talks to it."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
import zipfile
from pathlib import Path
from typing import Final

import pytest
from attrs import field, frozen
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dsr.ledger import new_key
from examples.backend import from_config

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "backend.py"

CONFIG: Final = """\
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

[stores.cdr]
connector = "sql"
url = "sqlite:///cdr.db"
timezone = "UTC"
[stores.cdr.tables.cdr]
category = "call_records"
at = "start"
sides = [{ phone = "src", about = ["src"] }, { phone = "dst", about = ["dst"] }]

[categories.call_records]
role = "controller"
purposes = ["billing"]
basis = "contract"
origin = "observed"
"""

CALLS: Final = [
    ("2026-03-01 10:00:00", "03023125100", "+33199001234"),
    ("2026-03-02 11:00:00", "+33199001234", "+493023125100"),
    ("2026-03-03 12:00:00", "+33199001234", "+493023125101"),
]


@frozen
class Backend:
    """The service and the telephone that the PINs go to."""

    app: Flask
    folder: Path = field(repr=False)

    def pin(self) -> str:
        for thread in threading.enumerate():  # a PIN is sent beside the answer
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join(10)
        sent = (self.folder / "pins.jsonl").read_text("utf-8").splitlines()
        return str(json.loads(sent[-1])["pin"])


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Two calls of the person who asks, and one of somebody else."""
    with sqlite3.connect(tmp_path / "cdr.db") as database:
        database.execute(
            "CREATE TABLE cdr (id INTEGER PRIMARY KEY, start TEXT, src TEXT, dst TEXT)"
        )
        database.executemany("INSERT INTO cdr (start, src, dst) VALUES (?, ?, ?)", CALLS)
    database.close()
    (tmp_path / "dsr.toml").write_text(CONFIG, "utf-8")
    (tmp_path / "dsr.key").touch(0o600)
    (tmp_path / "dsr.key").write_text(new_key(), "utf-8")
    monkeypatch.setenv("SESSION_SECRET", "only for this test")
    return Backend(from_config(str(tmp_path / "dsr.toml")), tmp_path)


def opened(client: FlaskClient, phone: str = "030 23125-100") -> str:
    answer = client.post("/requests", json={"phone": phone})
    assert answer.status_code == 201
    return str(document(answer)["request"])


def verified(backend: Backend, client: FlaskClient) -> str:
    request = opened(client)
    answer = client.post(f"/requests/{request}/verify", json={"pin": backend.pin()})
    assert answer.status_code == 200
    return request


def document(answer: TestResponse) -> dict[str, str]:
    found: dict[str, str] = json.loads(answer.data)
    return found


def test_a_person_downloads_their_data(backend: Backend) -> None:
    """Issue: open, prove who you are, download; the ZIP holds the person's calls, no other."""
    client = backend.app.test_client()
    request = verified(backend, client)
    answer = client.get(f"/requests/{request}/package")
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as package:
        assert package.testzip() is None
        calls = package.read("data/call_records.jsonl").decode()
    assert len(calls.splitlines()) == 2
    assert CALLS[2][2] not in calls


def test_a_wrong_pin_is_refused(backend: Backend) -> None:
    """Art. 12(6): who does not know the PIN is not the person; nor for a request unknown."""
    client = backend.app.test_client()
    request = opened(client)
    wrong = {"pin": f"{(int(backend.pin()) + 1) % 10**6:06d}"}
    for name in (request, "000000000000"):
        assert client.post(f"/requests/{name}/verify", json=wrong).status_code == 403
    assert client.get(f"/requests/{request}/package").status_code == 403


def test_another_session_cannot_download(backend: Backend) -> None:
    """Rule 43: the grant belongs to the session that verified, not to who knows the id."""
    request = verified(backend, backend.app.test_client())
    answer = backend.app.test_client().get(f"/requests/{request}/package")
    assert answer.status_code == 403
    assert b"PK" not in answer.data


def test_a_package_is_handed_out_once(backend: Backend) -> None:
    """Rule 43: links are single use; the second time is an answer, not a broken download."""
    client = backend.app.test_client()
    request = verified(backend, client)
    assert client.get(f"/requests/{request}/package").data
    again = client.get(f"/requests/{request}/package")
    assert again.status_code == 400
    assert "answered already" in document(again)["error"]


@pytest.mark.parametrize("phone", ["030 23125-1oo", "+49 30 231251000000000000"])
def test_a_malformed_number_is_not_repeated(backend: Backend, phone: str) -> None:
    """Law 8: an error tells what is wrong and how to write it, and never repeats the number."""
    answer = backend.app.test_client().post("/requests", json={"phone": phone})
    assert answer.status_code == 400
    assert document(answer)["fix"]
    assert b"23125" not in answer.data


def test_the_example_is_short() -> None:
    """Issue: a backend in under 60 lines."""
    assert len(EXAMPLE.read_text("utf-8").splitlines()) < 60
