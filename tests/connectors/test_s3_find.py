"""Whose objects are, on a real Ceph RGW: by links, metadata, tags, and what lies beside them."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dsr.connectors.s3 import S3
from dsr.errors import ConfigurationError
from dsr.find import Reading
from dsr.model import Identifier, Record, Subject, Unread
from dsr.spool import Spool
from tests.connectors.s3_buckets import (
    BYSTANDER,
    SUBJECT,
    deny,
    found,
    login,
    make_bucket,
    put,
    raw,
    store,
    unread,
)
from tests.servers.rgw import Rgw, rgw

__all__ = ["login", "rgw"]

UUID = "3f0a52d1-7c7e-4b52-9d5e-0a8f0a3b8c11"
OTHER = "3f0a52d1-7c7e-4b52-9d5e-0a8f0a3b8c12"


@pytest.fixture
def bucket(rgw: Rgw) -> str:
    return make_bucket(rgw, versions=True)


def read(connector: S3, *who: Identifier) -> dict[str, Record]:
    """Return what the engine finds, wave by wave, for one person."""
    with Spool() as spool:
        hits = list(Reading([connector], [Subject(who)], spool))
    assert not any(isinstance(each, Unread) for each in hits)
    return {each.record.key: each.record for each in hits if not isinstance(each, Unread)}


class TestLinks:
    """A call record leads to its recording by name, path or URL."""

    @pytest.mark.parametrize(
        "link",
        [
            UUID,
            f"{UUID}.wav",
            f"/var/lib/freeswitch/recordings/pbx.example/archive/2026/Mar/01/{UUID}.wav",
            f"s3://recordings/rec/pbx.example/archive/2026/Mar/01/{UUID}.mp3",
        ],
    )
    def test_fusionpbx(self, rgw: Rgw, bucket: str, link: str) -> None:
        """FusionPBX names a recording by its UUID; the day in the key is the record's."""
        for name in (UUID, OTHER):
            put(rgw, bucket, f"rec/pbx.example/archive/2026/Mar/01/{name}.wav")
        pattern = "{any}/archive/{date:%Y/%b/%d}/{object}"
        connector = store(rgw.endpoint, bucket, pattern)
        (record,) = found(connector, Identifier("object", link)).values()
        assert record.key == f"rec/pbx.example/archive/2026/Mar/01/{UUID}.wav"
        day = record.at and record.at.astimezone(dt.UTC)
        assert day == dt.datetime(2026, 2, 28, 23, tzinfo=dt.UTC)

    @pytest.mark.parametrize(
        "who",
        [
            SUBJECT,
            Identifier("call", "1772359200.7"),
            Identifier("object", "out-06915-030901820-20260301-101500-1772359200.7.wav"),
        ],
    )
    def test_freepbx(self, rgw: Rgw, bucket: str, who: Identifier) -> None:
        """FreePBX writes numbers, time and call id into the name; cdr.recordingfile is bare."""
        folder = "rec/2026/03/01"
        key = f"{folder}/out-06915-030901820-20260301-101500-1772359200.7.wav"
        put(rgw, bucket, key)
        put(rgw, bucket, f"{folder}/out-06915-030901821-20260301-101500-1772359200.71.wav")
        pattern = "{date:%Y/%m/%d}/{any}-{phone}-{phone}-{date:%Y%m%d-%H%M%S}-{call}"
        connector = store(rgw.endpoint, bucket, pattern, "{any}/{object}")
        (record,) = found(connector, who).values()
        assert record.key == key
        assert record.at == dt.datetime(2026, 3, 1, 9, 15, tzinfo=dt.UTC)

    def test_a_path_leads_to_its_folder_only(self, rgw: Rgw, bucket: str) -> None:
        """`msg0001` lies in every mailbox: a link with a folder means the one in that folder."""
        for mailbox in ("100", "101"):
            put(rgw, bucket, f"rec/default/{mailbox}/INBOX/msg0001.wav")
        link = Identifier("object", "/var/spool/asterisk/voicemail/default/100/INBOX/msg0001")
        connector = store(rgw.endpoint, bucket, "{any}/{object}")
        assert set(read(connector, link)) == {"rec/default/100/INBOX/msg0001.wav"}


class TestSidecars:
    """Transcripts and waveforms go with their recording, and nobody else's do."""

    KEYS = (
        f"rec/a-transcripts/{UUID}.json",
        f"rec/a-transcripts/{UUID}.vtt",
        f"rec/archive/2026/{UUID}.wav",
        f"rec/mp3/{UUID}.mp3",
        f"rec/z/waves/deep/{UUID}.wav.peaks.json",
    )

    def fill(self, rgw: Rgw, bucket: str) -> None:
        strangers = (f"rec/z/{OTHER}.json", f"rec/z/{UUID}-2.json", f"rec/z/x{UUID}.json")
        for key in (*self.KEYS, *strangers, f"rec/z/{UUID}1.txt", f"other/{UUID}.json"):
            put(rgw, bucket, key)

    @pytest.mark.parametrize("link", [UUID, f"/var/recordings/archive/2026/{UUID}.wav"])
    def test_any_folder_that_shares_the_stem(self, rgw: Rgw, bucket: str, link: str) -> None:
        """They are found before and behind the recording; never a stem that begins the same."""
        self.fill(rgw, bucket)
        connector = store(rgw.endpoint, bucket, "archive/{date:%Y}/{object}", timezone="UTC")
        assert set(read(connector, Identifier("object", link))) == set(self.KEYS)
        connector.erase(self.KEYS)
        assert {each[0] for each in raw(rgw.client(), bucket)} == {
            f"rec/z/{OTHER}.json",
            f"rec/z/{UUID}-2.json",
            f"rec/z/x{UUID}.json",
            f"rec/z/{UUID}1.txt",
            f"other/{UUID}.json",
        }

    def test_a_recording_found_by_number(self, rgw: Rgw, bucket: str) -> None:
        """The pattern names the folder of recordings; the transcript lies in another."""
        stem = "in-030901820-20260301-101500"
        keys = {f"rec/calls/{stem}.wav", f"rec/text/{stem}.json"}
        for key in (*keys, "rec/text/in-030901821-20260301-101500.json"):
            put(rgw, bucket, key)
        connector = store(rgw.endpoint, bucket, "calls/{any}-{phone}-{date:%Y%m%d-%H%M%S}")
        assert set(read(connector, SUBJECT)) == keys

    def test_a_common_name_is_nobodys_elsewhere(self, rgw: Rgw, bucket: str) -> None:
        """Found by its folder, `20260301-101500` says nothing about the file of another's."""
        put(rgw, bucket, "rec/030901820/20260301-101500.wav")
        put(rgw, bucket, "rec/030901820/20260301-101500.json")
        put(rgw, bucket, "rec/030901821/20260301-101500.wav")
        connector = store(rgw.endpoint, bucket, "{phone}/{any}")
        assert set(read(connector, SUBJECT)) == {
            "rec/030901820/20260301-101500.wav",
            "rec/030901820/20260301-101500.json",
        }

    def test_they_can_be_left_out(self, rgw: Rgw, bucket: str) -> None:
        """Without sidecars there is no link, and so no second listing."""
        self.fill(rgw, bucket)
        connector = store(rgw.endpoint, bucket, "archive/{any}", sidecars=False)
        assert connector.accepts == {"phone"}
        put(rgw, bucket, "rec/archive/030901820.wav")
        (record,) = found(connector, SUBJECT).values()
        assert record.links == ()


class TestLabels:
    """User metadata and tags say whose an object is, where the key does not."""

    @pytest.mark.parametrize(
        "number", ["+4930901820", "030 901820", '"Eva" <030901820>', "4930901820", "=?UTF-8?q?"]
    )
    def test_metadata(self, rgw: Rgw, bucket: str, number: str) -> None:
        """Every spelling is found, encoded or not; the neighbour's number is not."""
        if number.startswith("=?"):
            number = "=?UTF-8?Q?=22J=C3=BCrgen=22_<030901820>?="
        put(rgw, bucket, f"rec/{UUID}.wav", Metadata={"Caller": number, "callee": "+15005550006"})
        put(rgw, bucket, f"rec/{OTHER}.wav", Metadata={"caller": "0309018201"})
        labels = {"caller": "phone", "Callee": "phone"}
        connector = store(rgw.endpoint, bucket, keys=[], timezone="", metadata=labels)
        (record,) = found(connector, SUBJECT).values()
        assert record.key == f"rec/{UUID}.wav"
        assert record.personal == {"key", "content", "metadata"}
        assert set(record.data["metadata"]) == {"caller", "callee"}  # type: ignore[call-overload]
        assert set(found(connector, Identifier("phone", "+15005550006"))) == {record.key}

    def test_tags(self, rgw: Rgw, bucket: str) -> None:
        """Tags hold any kind of identifier; only the configured ones are read."""
        put(rgw, bucket, "rec/a.wav", Tagging="customer=A-7&mail=Eva%40Example.org")
        put(rgw, bucket, "rec/b.wav", Tagging="customer=A-77&other=A-7")
        labels = {"customer": "account", "mail": "email"}
        connector = store(rgw.endpoint, bucket, keys=[], timezone="", tags=labels)
        for who in (Identifier("account", "A-7"), Identifier("email", "eva@example.org")):
            assert set(found(connector, who)) == {"rec/a.wav"}
        assert connector.accepts == {"account", "email", "object"}
        connector.erase(["rec/a.wav"])
        assert {each[0] for each in raw(rgw.client(), bucket)} == {"rec/b.wav"}

    def test_an_old_version_names_somebody(self, rgw: Rgw, bucket: str) -> None:
        """The label of any version makes the key a record of that person."""
        put(rgw, bucket, "rec/x.wav", Metadata={"caller": "030901820"})
        put(rgw, bucket, "rec/x.wav", Metadata={"caller": "030901821"})
        connector = store(rgw.endpoint, bucket, keys=[], timezone="", metadata={"caller": "phone"})
        assert set(found(connector, SUBJECT)) == set(found(connector, BYSTANDER)) == {"rec/x.wav"}

    def test_many_objects_are_asked_in_order(self, rgw: Rgw, bucket: str) -> None:
        """Requests side by side yield every object once, in the order of the listing."""
        keys = [f"rec/{number:03}.wav" for number in range(100)]
        with ThreadPoolExecutor(8) as pool:
            for number, key in enumerate(keys):
                metadata = {"caller": "030901820" if number % 2 else "030901821"}
                pool.submit(put, rgw, bucket, key, Metadata=metadata)
        connector = store(rgw.endpoint, bucket, keys=[], timezone="", metadata={"caller": "phone"})
        assert list(found(connector, SUBJECT)) == keys[1::2]
        assert list(found(connector, BYSTANDER)) == keys[::2]

    def test_one_denied_object_hides_no_other(self, rgw: Rgw, bucket: str) -> None:
        """What may not be asked is said to be unread; the others are found."""
        for key in ("rec/a/1.wav", "rec/b/1.wav"):
            put(rgw, bucket, key, Metadata={"caller": "030901820"})
        deny(rgw, bucket, ["s3:GetObject", "s3:GetObjectVersion"], "rec/a/*")
        connector = store(rgw.endpoint, bucket, keys=[], timezone="", metadata={"caller": "phone"})
        assert set(found(connector, SUBJECT)) == {"rec/b/1.wav"}
        assert unread(connector, SUBJECT) == ["of 1 objects the metadata could not be read (403)"]

    @pytest.mark.parametrize(
        ("more", "problem"),
        [
            ({"keys": []}, "keys"),
            ({"metadata": {"caller": "number"}}, "metadata.caller"),
            ({"access_key": "AKIA"}, "secret_key"),
            ({"access_key": "AKIA", "secret_key": "env:S"}, "access_key"),
            ({"restrict": "hold"}, "restrict"),
        ],
    )
    def test_wrong_settings_are_told(self, more: dict[str, Any], problem: str) -> None:
        """A store that can find nobody, or holds a secret, is an error at the start."""
        table = {"keys": ["{any}"], "prefix": "", "timezone": "", **more}
        with pytest.raises(ConfigurationError, match=problem):
            store("http://127.0.0.1:1", "b", **table)


class TestDenied:
    """AccessDenied on one key is a gap for that key, and for no other."""

    def test_locks_that_may_not_be_read(self, rgw: Rgw) -> None:
        """The object is found, its lock is said to be unread, and the other's lock is read."""
        bucket = make_bucket(rgw, locks=True)
        for key in ("rec/a/030901820.wav", "rec/b/030901820.wav"):
            put(rgw, bucket, key, ObjectLockLegalHoldStatus="ON")
        deny(rgw, bucket, ["s3:GetObjectLegalHold", "s3:GetObjectRetention"], "rec/a/*")
        connector = store(rgw.endpoint, bucket)
        records = found(connector, SUBJECT)
        assert records["rec/a/030901820.wav"].lock is None
        assert records["rec/b/030901820.wav"].lock is not None
        assert unread(connector, SUBJECT) == [
            "of 1 objects the locks could not be read (AccessDenied)"
        ]

    def test_login_from_the_environment(
        self, rgw: Rgw, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two stores may have two logins: each names the variables that hold its own."""
        put(rgw, bucket, "rec/030901820.wav")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "wrong")
        monkeypatch.setenv("OWN_KEY", rgw.access_key)
        monkeypatch.setenv("OWN_SECRET", rgw.secret_key)
        connector = store(
            rgw.endpoint, bucket, access_key="env:OWN_KEY", secret_key="env:OWN_SECRET"
        )
        assert len(found(connector, SUBJECT)) == 1
        assert rgw.secret_key not in repr(connector)
        monkeypatch.delenv("OWN_SECRET")
        with pytest.raises(ConfigurationError, match="OWN_SECRET"):
            found(connector, SUBJECT)


class TestRequests:
    """Settings of the server reach every request that they concern."""

    def test_the_requester_pays_everywhere(self, rgw: Rgw, bucket: str) -> None:
        """Somebody else's bucket refuses each request that does not offer to pay."""
        put(rgw, bucket, "rec/030901820.wav")
        connector = store(
            rgw.endpoint, bucket, requester_pays=True, restrict="tag", metadata={"x": "phone"}
        )
        sent: dict[str, Any] = {}

        def note(request: Any, event_name: str, **_: object) -> None:
            sent[event_name.rpartition(".")[2]] = request.headers.get("x-amz-request-payer")

        events = connector.bucket.client().meta.events
        events.register("before-send.s3", note)
        try:
            content = found(connector, SUBJECT)["rec/030901820.wav"].content
            assert content is not None
            assert b"".join(content.chunks()) == b"x"
            connector.erase(["rec/030901820.wav"])
        finally:
            events.unregister("before-send.s3", note)
        paid = {name for name, payer in sent.items() if payer == b"requester"}
        assert paid >= {"ListObjectVersions", "HeadObject", "GetObject", "DeleteObjects"}
        assert paid >= {"GetObjectTagging", "ListMultipartUploads"}

    @pytest.mark.parametrize(
        ("addressing", "url"),
        [
            ("auto", "http://s3.example.org:7480/recordings"),
            ("path", "http://s3.example.org:7480/recordings"),
            ("virtual", "http://recordings.s3.example.org:7480/"),
        ],
    )
    def test_the_bucket_stands_where_the_server_wants_it(self, addressing: str, url: str) -> None:
        """In the path unless it is told otherwise, for a server that is not AWS."""
        connector = store("http://s3.example.org:7480", "recordings", addressing=addressing)
        signed = connector.bucket.client().generate_presigned_url(
            "head_bucket", Params={"Bucket": "recordings"}
        )
        assert signed.partition("?")[0] == url
