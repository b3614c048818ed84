"""The `voicemail` connector: the contract, and what is special about Asterisk's spool."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from pathlib import Path

import pytest

from dsr.connector import Connector
from dsr.connectors.voicemail import Voicemail, from_config
from dsr.errors import ConfigurationError, Refused
from dsr.model import Found, Identifier, Record, Unread
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness
from tests.connectors.voicemail_spools import leave, listen, recording, text

SUBJECT = Identifier("phone", "+4930901820")
BYSTANDER = Identifier("phone", "+4930901821")
EMPTY = 44  # bytes of a WAV file without sound (the header that RIFF needs)
OWNER = Identifier("account", "100@default")


def store(spool: Path, **table: object) -> Voicemail:
    return from_config("voicemail", {"path": str(spool), **table}, Context("DE", spool))


def founds(spool: Path, *who: Identifier) -> list[Found]:
    return [each for each in store(spool).find(who or [SUBJECT]) if isinstance(each, Found)]


def records(spool: Path, *who: Identifier) -> list[Record]:
    return list({each.record.key: each.record for each in founds(spool, *who)}.values())


def unread(spool: Path) -> list[str]:
    return [each.reason for each in store(spool).find([SUBJECT]) if isinstance(each, Unread)]


def sound(record: Record) -> bytes:
    assert record.content is not None
    return b"".join(record.content.chunks())


class SpoolHarness(Harness):
    """The subject has a mailbox named by the number, and leaves messages in another one."""

    subject = SUBJECT
    bystander = BYSTANDER
    entry = "voicemail"
    verbs = frozenset({"erase", "redact", "check", "aged"})

    def __init__(self, folder: Path) -> None:
        """Put the store below `folder`."""
        self.root = folder / "voicemail"
        self.root.mkdir()
        self.own = self.root / "default" / "030901820"
        self.inbox = self.root / "default" / "100" / "INBOX"
        self.theirs = self.root / "customers" / "030901821" / "INBOX"
        self.connector = store(self.root)

    def seed(self) -> int:
        leave(self.own / "INBOX", "Unknown", 1, formats=("wav", "WAV", "gsm"))
        leave(self.own / "Old", '"Eva" <030901820>', 2)
        leave(self.own / "Old", "Unknown", 3, msg_id="")
        (self.own / "unavail.wav").write_bytes(recording(4))
        leave(self.inbox, "Unknown", 5)
        leave(self.inbox, '"+4930901820" <+4930901820>', 6, formats=("wav", "gsm"))
        leave(self.inbox, '"Max" <030901821>', 7, category="other")
        leave(self.inbox, "<004930901820>", 8, callerchan="SIP/030901820-0000002b")
        leave(self.inbox, '"Eva" <030901820>', 9, rdnis="030901821", category="other")
        leave(self.theirs, "<0309018201>", 10, category="other")
        (self.theirs.parent / "busy.wav").write_bytes(recording(11))
        return 7

    def count(self) -> int:
        sounds = [each for each in self.own.rglob("*.wav") if each.stat().st_size > EMPTY]
        others = (self.root / "default" / "100").rglob("*")
        texts = [each.read_bytes() for each in others if each.is_file()]
        return len(sounds) + sum(b"30901820>" in each for each in texts)

    def others(self) -> bytes:
        """Every other message in order, its sound, and the lines that are not the subject's."""
        kept = [each for path in (self.inbox, self.theirs) for each in listen(path)]
        lines = [
            [line for line in each.text.splitlines() if b"30901821" in line or b"rdnis" in line]
            for each in kept
            if b"category=other" in each.text
        ]
        sounds = [each.sounds for each in kept if b"category=other" in each.text]
        return repr((lines, sounds)).encode()

    def content(self, record: Record) -> bytes | None:
        greetings = {"unavail.wav": 4, "busy.wav": 11}
        if "greeting" in record.data:
            return recording(greetings[str(record.data["greeting"])])
        return recording(int(str(record.data["origtime"])) - 1_772_356_500)

    def anchored(self, record: Record) -> dt.datetime | None:
        """A greeting is in use until its owner replaces it, however old."""
        return None if "greeting" in record.data else record.at

    def unreachable(self) -> Connector:
        return store(self.root / "unmounted")


class TestContract(ConnectorSuite):
    """Law by law."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return SpoolHarness(tmp_path)


def test_an_owner_finds_the_whole_mailbox(tmp_path: Path) -> None:
    """An account is `mailbox@context`; a bare one is of the context `default`, no other's."""
    for context in ("default", "customers"):
        leave(tmp_path / context / "100" / "INBOX", "<030901820>", 1)
        leave(tmp_path / context / "100" / "Work", "Unknown", 2)
        (tmp_path / context / "100" / "greet.wav").write_bytes(recording(3))
        (tmp_path / context / "100" / "secret.conf").write_text("[general]\npassword = 1234\n")
    leave(tmp_path / "default" / "1001" / "INBOX", "Unknown", 4)
    for who, context in (
        (OWNER, "default"),
        (Identifier("account", "100"), "default"),
        (Identifier("account", "100@customers"), "customers"),
    ):
        found = records(tmp_path, who)
        assert {each.data["mailbox"] for each in found} == {f"100@{context}"}
        assert [each.data.get("folder") for each in found] == ["INBOX", "Work", None]
    assert records(tmp_path, Identifier("account", "1")) == []
    assert records(tmp_path, Identifier("account", "@default")) == []


def test_what_a_message_says_of_its_two_parties(tmp_path: Path) -> None:
    """Law 7: the owner's message goes whole; of a caller only who called goes, and not the sound.

    The sound is the owner's: the message was left for them, and nobody else's request takes it.
    """
    left = leave(tmp_path / "default" / "100" / "INBOX", '"Eva" <030901820>', 1)
    leave(tmp_path / "default" / "100" / "INBOX", "Unknown", 2)
    by_who = {each.who: each for each in founds(tmp_path, SUBJECT, OWNER)}
    mine, theirs = by_who[SUBJECT], founds(tmp_path, OWNER)[0]
    assert mine.about == {"callerid", "callerchan"}
    assert theirs.about == mine.record.personal == theirs.record.personal
    assert theirs.about == {"callerid", "callerchan", "exten", "origmailbox", "content"}
    connector = store(tmp_path)
    connector.redact({mine.record.key: mine.about})
    first, _ = listen(tmp_path / "default" / "100" / "INBOX")
    assert first.sounds == left.sounds
    expected = left.text.replace(b'callerid="Eva" <030901820>', b"callerid=Unknown")
    assert first.text == expected.replace(b"callerchan=PJSIP/trunk-0000001a", b"callerchan=")
    assert records(tmp_path, OWNER)[0].key == mine.record.key


@pytest.mark.parametrize(
    ("callerid", "who"),
    [
        ('"Eva" <030901820>', SUBJECT),
        ("030 / 90 18 20", SUBJECT),
        ("+4930901820", SUBJECT),
        ('"0049 30 901820" <anonymous>', SUBJECT),
        ('"Eva" <eva>', Identifier("sip", "eva")),
        ('"Eva" <eva>', Identifier("sip", "eva@example.org")),
        ("<sip:eva@example.org>", Identifier("sip", "eva@example.org")),
    ],
)
def test_callers_in_every_spelling(tmp_path: Path, callerid: str, who: Identifier) -> None:
    """Law 10: a caller is found however the PBX wrote the caller id."""
    leave(tmp_path / "default" / "100" / "INBOX", callerid, 1)
    assert len(records(tmp_path, who)) == 1


@pytest.mark.parametrize(
    ("callerid", "who"),
    [
        ("<0309018201>", SUBJECT),
        ('"Eva" <1030901820>', SUBJECT),
        ("Unknown", Identifier("sip", "unknown")),
        ('"Eva" <eva.smith>', Identifier("sip", "eva")),
        ('"eva" <100>', Identifier("sip", "eva")),
    ],
)
def test_other_callers(tmp_path: Path, callerid: str, who: Identifier) -> None:
    """Law 10: a longer number, or a name alone, is somebody else."""
    leave(tmp_path / "default" / "100" / "INBOX", callerid, 1)
    assert records(tmp_path, who) == []


def test_when_a_message_was_left(tmp_path: Path) -> None:
    """The Unix time counts; without it the date, in its zone; without both the file's time."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    leave(inbox, "<030901820>", 0)
    leave(inbox, "<030901820>", 1, origtime="")
    leave(inbox, "<030901820>", 2, origtime="", origdate="Sun Mar  1 10:15:00 AM CET 2026")
    leave(inbox, "<030901820>", 3, origtime="", origdate="")
    os.utime(inbox / "msg0003.wav", (1_772_356_500, 1_772_356_500))
    os.utime(inbox / "msg0003.txt", (1_772_356_499, 1_772_356_499))
    connector = store(tmp_path, timezone="Europe/Berlin")
    times = [each.record.at for each in connector.find([SUBJECT]) if isinstance(each, Found)]
    assert times == [dt.datetime(2026, 3, 1, 9, 15, tzinfo=dt.UTC)] * 4


# the folder as Asterisk reads it


def test_what_is_left_has_no_gap_and_keeps_its_keys(tmp_path: Path) -> None:
    """Asterisk numbers from 0 without a gap; a record's key does not shift with the number."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    for number, callerid in enumerate(["<1>", "<030901820>", "<2>", "<030901820>", "<3>"]):
        leave(inbox, callerid, number, formats=("wav", "gsm"))
    before = list(listen(inbox))
    keys = {each.at: each.key for each in records(tmp_path, OWNER)}
    store(tmp_path).erase([each.key for each in records(tmp_path)])
    assert list(listen(inbox)) == [before[0], before[2], before[4]]
    assert len(list(inbox.iterdir())) == 9
    after = {each.at: each.key for each in records(tmp_path, OWNER)}
    assert after == {at: key for at, key in keys.items() if at in after}


def test_a_key_stays_when_the_owner_moves_the_message(tmp_path: Path) -> None:
    """A message that was heard meanwhile lies in another folder, and is erased there."""
    inbox, old = (tmp_path / "default" / "100" / each for each in ("INBOX", "Old"))
    leave(inbox, "<030901820>", 1)
    (key,) = (each.key for each in records(tmp_path))
    inbox.rename(old)
    assert [each.key for each in records(tmp_path)] == [key]
    shutil.copytree(old, inbox)  # Asterisk copies first, and deletes when the session ends
    assert [each.key for each in records(tmp_path)] == [key]
    store(tmp_path).erase([key])
    assert not list(listen(inbox)) + list(listen(old))


def test_a_forwarded_message_is_a_record_of_each_mailbox(tmp_path: Path) -> None:
    """Asterisk copies text and `msg_id` into the other mailbox: two owners, two records."""
    inboxes = [tmp_path / "default" / each / "INBOX" for each in ("100", "101")]
    leave(inboxes[0], "<030901820>", 1)
    shutil.copytree(inboxes[0], inboxes[1])
    keys = [each.key for each in records(tmp_path)]
    assert len(set(keys)) == 2
    store(tmp_path).erase(keys[:1])
    assert [len(list(listen(each))) for each in inboxes] == [0, 1]


def test_messages_without_an_id_that_are_alike_are_left_alone(tmp_path: Path) -> None:
    """Law 7: where a key would mean two people's messages, neither is touched, and it is said."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    for callerid in ("<030901820>", "<030901821>"):
        leave(inbox, callerid, 1, msg_id="")
    (record,) = records(tmp_path)
    assert record.lock is not None
    before = list(listen(inbox))
    with pytest.raises(Refused, match="cannot be told apart"):
        store(tmp_path).erase([record.key])
    assert list(listen(inbox)) == before


def test_two_messages_with_one_sound_stay_two(tmp_path: Path) -> None:
    """A tool that links equal files to save space does not make one message of two."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    leave(inbox, "<030901820>", 1)
    leave(inbox, "<030901821>", 2)
    (inbox / "msg0001.wav").unlink()
    (inbox / "msg0001.wav").hardlink_to(inbox / "msg0000.wav")
    before = list(listen(inbox))
    (record,) = records(tmp_path)
    assert record.lock is not None
    store(tmp_path).erase([record.key])
    assert list(listen(inbox)) == before[1:]


def test_messages_that_are_just_being_left(tmp_path: Path) -> None:
    """A message lies in `tmp` until its caller hangs up: it waits; one that broke off goes."""
    tmp = tmp_path / "default" / "100" / "tmp"
    tmp.mkdir(parents=True)
    for name in ("aB3dE9", "zzzzzz"):
        (tmp / name).write_bytes(text("<030901820>", name))
        (tmp / f"{name}.wav").write_bytes(recording(1))
    for path in tmp.glob("zzzzzz*"):
        os.utime(path, (time.time() - 86_400,) * 2)
    locks = {each.data["msg_id"]: each.lock for each in records(tmp_path)}
    assert locks["zzzzzz"] is None
    new = locks["aB3dE9"]
    assert new is not None
    assert new.until is not None
    store(tmp_path).erase([each.key for each in records(tmp_path) if not each.lock])
    assert sorted(each.name for each in tmp.iterdir()) == ["aB3dE9", "aB3dE9.wav"]


def test_a_sound_is_read_where_it_is_now(tmp_path: Path) -> None:
    """Numbers shift between finding and reading: never another message's sound is handed out."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    for number, callerid in enumerate(["<1>", "<030901820>", "<2>"]):
        leave(inbox, callerid, number)
    (record,) = records(tmp_path)
    expected = sound(record)
    store(tmp_path).erase([records(tmp_path, OWNER)[0].key])
    assert sound(record) == expected
    (inbox / "msg0000.wav").unlink()
    with pytest.raises(Refused):
        sound(record)


def test_emptied_sounds_are_still_sounds(tmp_path: Path) -> None:
    """A sound without sound plays as silence: its format is kept, nothing else is."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    leave(inbox, "<1>", 1, formats=("wav", "gsm"))
    store(tmp_path).redact({records(tmp_path, OWNER)[0].key: frozenset({"content"})})
    (left,) = listen(inbox)
    assert left.sounds["gsm"] == b""
    whole = recording(1)
    assert left.sounds["wav"][8:40] == whole[8:40]
    assert left.sounds["wav"][4:8] == (36).to_bytes(4, "little")
    assert left.sounds["wav"][40:] == bytes(4)


# what others do


def test_links_out_of_the_spool_are_not_followed(tmp_path: Path) -> None:
    """Law 4: what lies behind is not read, and the reading says that it is not whole."""
    spool, outside = tmp_path / "spool", tmp_path / "elsewhere"
    leave(outside / "INBOX", "<030901820>", 1)
    (spool / "default").mkdir(parents=True)
    (spool / "default" / "100").symlink_to(outside)
    leave(spool / "default" / "101" / "INBOX", "<030901820>", 1)
    (spool / "default" / "102").symlink_to(spool / "default" / "101")
    assert len(records(spool)) == len(unread(spool)) == 1


def test_another_name_of_a_file_is_a_lock(tmp_path: Path) -> None:
    """The bytes would live on under the other name: that is no success."""
    inbox = tmp_path / "spool" / "default" / "100" / "INBOX"
    leave(inbox, "<030901820>", 1)
    (tmp_path / "backup.wav").hardlink_to(inbox / "msg0000.wav")
    (record,) = records(tmp_path / "spool")
    assert record.lock is not None
    assert "hard link" in record.lock.reason


def test_check_tells_what_stays_behind_and_what_is_wrong(tmp_path: Path) -> None:
    """Law 4: what an erasure leaves is told before; an interrupted one, and stale locks, too."""
    assert [each.kind for each in store(tmp_path).check()] == ["fault"]
    inbox = tmp_path / "default" / "100" / "INBOX"
    leave(inbox, "<030901820>", 1)
    left = [each.text for each in store(tmp_path).check() if each.kind == "left"]
    assert len(left) == 3
    (inbox / ".lock").touch()
    assert len(store(tmp_path).check()) == 3
    os.utime(inbox / ".lock", (1, 1))
    (inbox / ".dsr-erasing-x").touch()
    assert [each.kind for each in store(tmp_path).check()] == ["fault"] * 2 + ["left"] * 3
    assert "901820" not in repr(store(tmp_path).check())


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    """An error names the key that is wrong."""
    with pytest.raises(ConfigurationError, match=r"stores\.voicemail\.timezone"):
        store(tmp_path, timezone="Berlin")
    with pytest.raises(ConfigurationError, match=r"stores\.voicemail\.pth"):
        store(tmp_path, pth="x")


def test_a_number_goes_on_to_the_end_of_its_line(tmp_path: Path) -> None:
    """Law 7: a caller whose last digits stand apart is nobody who has fewer digits."""
    leave(tmp_path / "default/100/INBOX", "+49 30 901820 00", 1)
    store = from_config("voicemail", {"path": ""}, Context("DE", tmp_path))
    assert list(store.find([Identifier("phone", "+4930901820")])) == []
    assert len(list(store.find([Identifier("phone", "+493090182000")]))) == 1
