"""`dsr check` of `asterisk-db`: what stays, what is not read, and what could be better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
import sqlalchemy as sa

from asterisk_rows import ALICE
from asterisk_stores import cdr, database, fill, raw, store, url
from dsr.errors import StoreUnavailable
from dsr_asterisk.database import AsteriskDb

__all__ = ["database", "url"]

SECRET: Final = "s3cr3t"


def told(connector: AsteriskDb, kind: str) -> str:
    return "\n".join(each.text for each in connector.check() if each.kind == kind)


def test_tables_that_no_part_reads_are_named(url: str) -> None:
    """A table of the platform with people in it is not passed over in silence."""
    fill(url, "cdr", cdr(1, "+4930901820", ""))
    fill(url, "cel", {"id": 1, "cid_num": "+4930901820"})
    with raw(url) as connection:
        connection.execute(sa.text("CREATE TABLE sippeers (name VARCHAR(80), secret VARCHAR(80))"))
    left = told(store(url, "cdr"), "left")
    assert "table cel is in the database and in no part: add it to parts" in left
    assert "table sippeers is in the database and in no part: read it with a store" in left
    assert "table cel" not in told(store(url, "cdr", "cel"), "left")


def test_a_table_that_is_not_there_is_a_fault(url: str) -> None:
    """A part that the operator lists and the database lacks is an error, not an empty store."""
    connector = store(url, "cdr")
    assert "cdr" in told(connector, "fault")
    with pytest.raises(StoreUnavailable):
        list(connector.find([ALICE]))


def test_what_asterisk_keeps_elsewhere_is_told(url: str) -> None:
    """Memory and Asterisk's own database are no part of what a receipt claims."""
    fill(url, "cdr", cdr(1, "+4930901820", ""))
    left = told(store(url, "cdr"), "left")
    assert "memory" in left
    assert "database show" in left
    assert "apply the configuration" not in left
    fill(url, "users", {"extension": "1001"})
    assert "apply the configuration" in told(store(url, "users"), "left")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"password": SECRET}, True),
        ({"password": SECRET, "md5_cred": "0" * 32}, False),
        ({"password": "", "password_digest": f"MD5:{'0' * 32}"}, False),
    ],
)
def test_plain_passwords_are_told(url: str, row: Mapping[str, Any], *, expected: bool) -> None:
    """A plain password gives the verifier nothing: the operator is told to store a hash."""
    fill(url, "ps_auths", {"id": "1001", "username": "1001", **row})
    text = told(store(url, "ps_auths"), "advice")
    assert ("plain password" in text) is expected
    assert SECRET not in text


def test_one_caller_id_on_several_endpoints_is_told(url: str) -> None:
    """A main number on everybody's endpoint would give one person all of them."""
    fill(url, "ps_endpoints", {"id": "1001", "callerid": "+49309018200"})
    assert "one caller ID" not in told(store(url, "ps_endpoints"), "advice")
    fill(url, "ps_endpoints", {"id": "1002", "callerid": "+49309018200"})
    text = told(store(url, "ps_endpoints"), "advice")
    assert "one caller ID" in text
    assert "9018200" not in text


def test_sound_that_lies_on_disk_is_told(url: str) -> None:
    """odbc_audio_on_disk leaves eight bytes in the row, and the sound in a file."""
    row = {"dir": "/x/default/1001/INBOX", "msgnum": 0, "mailboxuser": "1001"}
    fill(url, "voicemail_messages", {**row, "recording": b"RIFF" * 9})
    assert "odbc_audio_on_disk" not in told(store(url, "voicemail_messages"), "left")
    fill(url, "voicemail_messages", {**row, "msgnum": 1, "recording": b"\x89" * 8})
    assert "odbc_audio_on_disk" in told(store(url, "voicemail_messages"), "left")
