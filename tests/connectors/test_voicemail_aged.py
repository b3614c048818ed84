"""What has grown old in a voicemail spool: `aged` lists it as `find` shows it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from dsr.errors import ConfigurationError, StoreUnavailable
from dsr.model import Identifier, Record
from tests.connectors.test_voicemail import founds, store
from tests.connectors.voicemail_spools import leave, listen, recording

OWNER = Identifier("account", "100@default")
#: When `leave` leaves its first message: 2026-03-01 09:15:01 UTC.
FIRST = dt.datetime.fromtimestamp(1_772_356_501, dt.UTC)
LATE = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def aged(
    spool: Path, before: dt.datetime, category: str = "voicemail", **table: object
) -> Sequence[Record]:
    listed = store(spool, **table).aged(category, "", before)
    return [each for each in listed if isinstance(each, Record)]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Two mailboxes with messages of three seconds in a row."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    leave(inbox, '"Eva" <030901820>', 1)
    leave(inbox, "Unknown", 2)
    leave(tmp_path / "customers" / "200" / "Old", '"Max" <030901821>', 3)
    return inbox


def test_the_time_of_the_message_counts(tmp_path: Path, inbox: Path) -> None:
    """Whoever it is about; a message left at that very second is not before it."""
    del inbox
    assert aged(tmp_path, FIRST) == []
    assert [each.data["msg_id"] for each in aged(tmp_path, FIRST + SECOND)] == [
        "1772356501-00000001"
    ]
    assert len(aged(tmp_path, FIRST + 3 * SECOND)) == 3


def test_records_are_those_of_find(tmp_path: Path, inbox: Path) -> None:
    """The same keys, fields and sounds as the owner of the mailbox is found with."""
    del inbox
    listed = [each for each in aged(tmp_path, LATE) if each.data["mailbox"] == "100@default"]
    assert listed == [each.record for each in founds(tmp_path, OWNER)]


def test_a_copy_in_another_folder_is_the_same_record(tmp_path: Path, inbox: Path) -> None:
    """Copies of one message are listed once, and go together."""
    old = inbox.parent / "Old"
    old.mkdir()
    for each in inbox.glob("msg0000.*"):
        (old / each.name).write_bytes(each.read_bytes())
    assert len(aged(tmp_path, FIRST + SECOND)) == 1


def test_what_is_listed_can_be_erased(tmp_path: Path, inbox: Path) -> None:
    """The younger message moves up, and nothing old is left."""
    store(tmp_path).erase([each.key for each in aged(tmp_path, FIRST + SECOND)])
    assert aged(tmp_path, FIRST + SECOND) == []
    assert [b"1772356502" in each.text for each in listen(inbox)] == [True]


def test_a_greeting_does_not_grow_old(tmp_path: Path, inbox: Path) -> None:
    """The greeting in use is no old message; with a category of its own it has its own period."""
    path = inbox.parent / "unavail.wav"
    path.write_bytes(recording(4))
    os.utime(path, (0, 0))
    assert len(aged(tmp_path, FIRST + SECOND)) == 1
    (greeting,) = aged(tmp_path, FIRST, "greetings", greetings="greetings")
    assert greeting.data["greeting"] == "unavail.wav"
    assert greeting.category == "greetings"
    assert store(tmp_path, greetings="greetings").categories == {"voicemail", "greetings"}
    assert aged(tmp_path, LATE, "greetings") == []


def test_a_message_has_no_other_anchor(tmp_path: Path) -> None:
    """A policy that counts from something else is wrong, and hears of it."""
    with pytest.raises(ConfigurationError, match="heard"):
        store(tmp_path).aged("voicemail", "heard", LATE)


def test_a_missing_spool_is_no_empty_one(tmp_path: Path) -> None:
    """Nothing old on a disk that is not mounted would be a false proof."""
    with pytest.raises(StoreUnavailable):
        list(store(tmp_path / "unmounted").aged("voicemail", "", LATE))
