"""What `asterisk-db` knows of Asterisk beyond columns."""

from __future__ import annotations

import datetime as dt
import hashlib
import pickle
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from asterisk_rows import ALICE, ALICE_DESK, BOB_DESK
from asterisk_stores import TABLES, cdr, database, fill, find, raw, rows_of, store, url
from dsr.connector import Redacts, Restricts, Vouches
from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.model import Credential, Found, Identifier
from dsr_asterisk.database import RedactableAsteriskDb, RestrictableAsteriskDb

__all__ = ["database", "url"]

SECRET: Final = "s3cr3t-of-alice"
SPOOL: Final = "/var/spool/asterisk/voicemail"


def redacting(url: str, *parts: str, **more: object) -> RedactableAsteriskDb:
    connector = store(url, *parts, **more)
    assert isinstance(connector, RedactableAsteriskDb)
    return connector


def about(founds: list[Found], field: str) -> dict[object, set[str]]:
    return {each.record.data[field]: set(each.about) for each in founds}


# --- call records without a key ---------------------------------------------------------------


def test_equal_rows_without_a_key_are_each_found_and_all_go(url: str) -> None:
    """The stock table has no primary key: two rows alike are two records, a third stays."""
    twin = cdr(1, "+4930901820", "")
    other = cdr(2, "+49309018200", "")
    fill(url, "cdr", twin, twin, other)
    connector = store(url, "cdr")
    founds = find(connector, ALICE)
    assert len({each.record.key for each in founds}) == 2
    connector.erase([each.record.key for each in founds])
    assert [row["src"] for row in rows_of(url, "cdr")] == ["+49309018200"]


def test_a_row_without_a_key_is_redacted_to_the_field(url: str) -> None:
    """Only the caller's columns change; the row's key changes with them, and twice is success."""
    fill(url, "cdr", cdr(1, "1001", "10010", lastdata="PJSIP/10010,30"))
    (before,) = rows_of(url, "cdr")
    connector = redacting(url, "cdr")
    fields = {each.record.key: each.about for each in find(connector, ALICE_DESK)}
    connector.redact(fields)
    connector.redact(fields)
    (after,) = rows_of(url, "cdr")
    assert {name for name in before if before[name] != after[name]} == {"src", "clid", "channel"}
    assert find(connector, ALICE_DESK) == []
    assert len(find(connector, BOB_DESK)) == 1


SPELLED: Final = (
    *("+4930901820", "004930901820", "030901820", "30901820", "4930901820", "0+4930901820"),
    *("9011+4930901820", "++4930901820", "+49 30 901820", "+49-30-901820"),
)
NEIGHBOURS: Final = ("+49309018200", "030901821", "+43309018201", "+493090182", "130901820")
WRAPPED: Final = {
    "src": "{}",
    "dst": "{}",
    "clid": '"Somebody" <{}>',
    "channel": "PJSIP/{}-0000001a",
    "dstchannel": "SIP/{}@trunk-0000001b",
    "lastdata": "PJSIP/{}@trunk,30,tT",
    "userfield": "called {} back",
}


def test_every_spelling_in_every_column(url: str) -> None:
    """Law 10: each row that names the number is found, and none that names a neighbour."""
    rows: list[dict[str, object]] = []
    named = set()
    for column, wrapped in WRAPPED.items():
        for number in (*SPELLED, *NEIGHBOURS):
            if number in SPELLED:
                named.add(len(rows))
            rows.append(cdr(len(rows), "", "") | {column: wrapped.format(number)})
    fill(url, "cdr", *rows)
    connector = redacting(url, "cdr")
    founds = find(connector, ALICE)
    assert {each.record.data["sequence"] for each in founds} == named
    connector.redact({each.record.key: each.about for each in founds})
    assert find(connector, ALICE) == []
    after = {row["sequence"]: row for row in rows_of(url, "cdr")}
    for row in rows:
        if row["sequence"] not in named:
            assert {name: after[row["sequence"]][name] for name in row} == row


def test_parts_of_a_large_table_are_read_side_by_side(url: str) -> None:
    """A table that `sql` splits is split here, too, and its rows are found as before."""
    fill(url, "cdr", cdr(1, "+4930901820", "1001"))
    fill(
        url, "cel", *({"id": number * 100_000 + 1, "cid_num": "+4930901820"} for number in range(5))
    )
    connector = store(url, "cdr", "cel")
    parts = connector.split()
    assert len(parts) > 2
    keys = [each.record.key for part in parts for each in find(part, ALICE)]
    assert sorted(keys) == sorted(each.record.key for each in find(connector, ALICE))
    assert len(keys) == len(set(keys)) == 6


def test_naive_times_are_of_the_zone_of_the_store(url: str) -> None:
    """`start` is local time: the record's moment bears the zone that the operator names."""
    fill(url, "cdr", cdr(1, "+4930901820", ""))
    (found,) = find(store(url, "cdr", timezone="America/New_York"), ALICE)
    zone = ZoneInfo("America/New_York")
    assert found.record.at == dt.datetime(2026, 3, 5, 12, 31, 15, tzinfo=zone)


# --- extensions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"channel": "PJSIP/1001-0000001a"}, True),
        ({"channel": "SIP/1001-0000001a"}, True),
        ({"channel": "Local/1001@from-internal-0000001a;2"}, True),
        ({"src": "1001"}, True),
        ({"clid": '"Alice" <1001>'}, True),
        ({"clid": "1001"}, True),
        ({"dst": "1001"}, True),
        ({"lastdata": "PJSIP/1001,30,tT"}, True),
        ({"lastdata": "PJSIP/1002&PJSIP/1001,30"}, True),
        ({"lastdata": "PJSIP/1001/sip:1001@192.0.2.7:5060,,HhTt"}, True),
        ({"lastdata": "1001@default,u"}, True),
        ({"channel": "PJSIP/10010-0000001a"}, False),
        ({"channel": "PJSIP/1001-mobile-0000001a"}, False),
        ({"channel": "PJSIP/trunk-00001001"}, False),
        ({"src": "10010"}, False),
        ({"src": "11001"}, False),
        ({"clid": '"Room 1001" <10010>'}, False),
        ({"lastdata": "PJSIP/10010,1001"}, False),
        ({"uniqueid": "1001.1", "linkedid": "1001.1"}, False),
        ({"accountcode": "1001"}, False),
    ],
)
def test_the_borders_of_an_extension(
    url: str, columns: dict[str, object], *, expected: bool
) -> None:
    """1001 is found wherever Asterisk writes an extension, and is neither 10010 nor a duration."""
    blank = {"channel": "", "dstchannel": "", "clid": ""}
    fill(url, "cdr", cdr(1, "", "", **blank, duration=60) | columns)
    connector = store(url, "cdr")
    for who in (ALICE_DESK, Identifier("sip", "1001@pbx.example.org")):
        assert bool(find(connector, who)) is expected


def test_an_account_code_is_an_account(url: str) -> None:
    """`accountcode` is the caller's account, `peeraccount` the callee's: whole values, exactly."""
    fill(
        url,
        "cdr",
        cdr(1, "1001", "1002", accountcode="C-47", peeraccount="C-48"),
        cdr(2, "1001", "1002", accountcode="C-471"),
        cdr(3, "1003", "1001", peeraccount="C-47"),
    )
    founds = find(store(url, "cdr"), Identifier("account", "C-47"))
    assert about(founds, "sequence") == {
        1: {"accountcode", "src", "clid", "channel"},
        3: {"peeraccount", "dst", "dstchannel"},
    }


def test_an_endpoint_leads_from_a_number_to_the_extension_and_its_mailbox(url: str) -> None:
    """A person's number is on the endpoint; its links are the extension, and the mailbox."""
    fill(
        url,
        "ps_endpoints",
        {"id": "1001", "callerid": '"Alice" <+4930901820>', "mailboxes": "1001@default"},
        {"id": "10010", "callerid": '"Bob" <+49309018200>', "mailboxes": "10010@default"},
    )
    (found,) = find(store(url, "ps_endpoints"), ALICE)
    assert set(found.record.links) == {
        Identifier("sip", "1001"),
        Identifier("account", "1001@default"),
    }
    assert found.record.personal == found.about


def test_words_for_nobody_lead_nowhere(url: str) -> None:
    """FreePBX writes `none` for people without an extension: it is not one that they share."""
    fill(
        url,
        "userman_users",
        {"id": 1, "username": "a", "default_extension": "none", "email": "a@example.org"},
        {"id": 2, "username": "b", "default_extension": "1001", "cell": "+49 30 / 90 18 20"},
        {"id": 3, "username": "c", "default_extension": "none"},
    )
    connector = store(url, "userman_users")
    (found,) = find(connector, Identifier("email", "a@example.org"))
    assert found.record.links == ()
    (found,) = find(connector, ALICE)
    assert found.record.links == (Identifier("sip", "1001"),)


# --- mailboxes --------------------------------------------------------------------------------


def message(number: int, mailbox: str, context: str = "default", **more: object) -> dict[str, Any]:
    return {
        "dir": f"{SPOOL}/{context}/{mailbox}/INBOX",
        "msgnum": number,
        "context": "from-internal",
        "callerid": '"Carol" <+4930901822>',
        "origtime": 1772710215 + number,
        "duration": 5,
        "recording": bytes([number]) * 1000,
        "flag": "",
        "mailboxuser": mailbox,
        "mailboxcontext": context,
        "msg_id": f"1772710215-{context}-{mailbox}-{number:04}",
        **more,
    }


@pytest.mark.parametrize(
    ("who", "mailboxes"),
    [
        (Identifier("account", "1001@default"), {"1001@default"}),
        (Identifier("account", "1001"), {"1001@default"}),
        (Identifier("account", "1001@support"), {"1001@support"}),
        (ALICE_DESK, {"1001@default"}),
        (Identifier("sip", "1001@pbx.example.org"), {"1001@default"}),
        (BOB_DESK, {"10010@default"}),
        (ALICE, {"030901820@default"}),
        (Identifier("account", "100"), set()),
    ],
)
def test_whose_mailbox_it_is(url: str, who: Identifier, mailboxes: set[str]) -> None:
    """A mailbox is number@context: the same number in another context is somebody else's."""
    rows = [
        message(0, "1001"),
        message(0, "1001", "support"),
        message(0, "10010"),
        message(0, "030901820"),
    ]
    fill(url, "voicemail_messages", *rows)
    found = find(store(url, "voicemail_messages"), who)
    data = [each.record.data for each in found]
    assert {f"{each['mailboxuser']}@{each['mailboxcontext']}" for each in data} == mailboxes
    for each in found:
        assert each.record.personal == each.about
        assert each.record.content is not None


def test_a_message_is_its_owners_and_the_caller_is_taken_out(url: str) -> None:
    """The caller's redaction leaves the sound to the owner; the owner's erasure takes all."""
    left = message(0, "10010", callerid='"Alice" <1001>')
    fill(url, "voicemail_messages", left)
    connector = redacting(url, "voicemail_messages")
    (found,) = find(connector, ALICE_DESK)
    assert found.about == {"callerid"}
    connector.redact({found.record.key: found.about})
    (row,) = rows_of(url, "voicemail_messages")
    assert row == {**dict.fromkeys(TABLES["voicemail_messages"].c.keys()), **left, "callerid": ""}
    (owned,) = find(connector, BOB_DESK)
    assert owned.record.key == found.record.key
    connector.erase([owned.record.key])
    assert rows_of(url, "voicemail_messages") == []


def test_messages_move_up_where_one_goes(url: str) -> None:
    """Asterisk finds messages by number from 0: no gap is left, and greetings (-1) stay."""
    greeting = message(-1 % 256, "1001", msg_id="", dir=f"{SPOOL}/default/1001/unavail")
    rows = [
        {**greeting, "msgnum": -1},
        *(message(number, "1001") for number in range(5)),
        *(message(number, "10010") for number in range(3)),
    ]
    fill(url, "voicemail_messages", *rows)
    connector = store(url, "voicemail_messages")
    by_number = {
        each.record.data["msgnum"]: each.record.key for each in find(connector, ALICE_DESK)
    }
    connector.erase([by_number[0], by_number[2], by_number[3]])
    connector.erase([by_number[0], by_number[2], by_number[3]])
    after = rows_of(url, "voicemail_messages")
    mine = {row["msgnum"]: row["recording"] for row in after if row["mailboxuser"] == "1001"}
    assert mine == {-1: rows[0]["recording"], 0: rows[2]["recording"], 1: rows[5]["recording"]}
    theirs = [row["msgnum"] for row in after if row["mailboxuser"] == "10010"]
    assert sorted(theirs) == [0, 1, 2]
    now = {each.record.key for each in find(connector, ALICE_DESK)}
    assert now == {by_number[-1], by_number[1], by_number[4]}, "a key changed with the number"


def test_a_gap_that_a_crash_left_is_closed(url: str) -> None:
    """A run that ended between erasing and renumbering is mended by the next one."""
    fill(url, "voicemail_messages", message(0, "10010"), message(3, "1001"), message(4, "1001"))
    connector = store(url, "voicemail_messages")
    (bobs,) = find(connector, BOB_DESK)
    connector.erase([bobs.record.key])
    assert sorted(row["msgnum"] for row in rows_of(url, "voicemail_messages")) == [0, 1]


def test_the_holder_of_a_mailbox_leads_to_it(url: str) -> None:
    """An e-mail address is on file with the mailbox; in `default` that is the extension, too."""
    rows = [
        {"uniqueid": 1, "context": "default", "mailbox": "1001", "password": SECRET},
        {"uniqueid": 2, "context": "support", "mailbox": "1001", "password": "2"},
    ]
    fill(url, "voicemail", rows[0] | {"email": "Alice@Example.org"}, rows[1] | {"email": "b@x.de"})
    connector = store(url, "voicemail")
    (found,) = find(connector, Identifier("email", "alice@example.org"))
    assert set(found.record.links) == {
        Identifier("account", "1001@default"),
        Identifier("sip", "1001"),
    }
    (other,) = find(connector, Identifier("email", "b@x.de"))
    assert other.record.links == (Identifier("account", "1001@support"),)


# --- queues and events ------------------------------------------------------------------------


def test_a_call_leads_to_its_events(url: str) -> None:
    """CEL's rows of a call are found by its id; about nobody, where they name nobody asked for."""
    rows: list[dict[str, object]] = [
        {"id": 1, "uniqueid": "1772710215.1", "cid_num": "1001", "eventtype": "CHAN_START"},
        {"id": 2, "uniqueid": "1772710215.1", "eventtype": "HANGUP"},
        {"id": 3, "uniqueid": "1772710215.10", "eventtype": "HANGUP"},
    ]
    fill(url, "cel", *rows)
    founds = find(store(url, "cel"), Identifier("call", "1772710215.1"))
    assert about(founds, "id") == {1: set(), 2: set()}


@pytest.mark.parametrize("disposition", ["NO ANSWER", "BUSY", "ANSWERED"])
def test_who_did_not_answer_is_in_no_recording(url: str, disposition: str) -> None:
    """In a group several telephones ring: the recording is of the one that answered."""
    row: dict[str, Any] = cdr(1, "+4930901820", "1002", disposition=disposition)
    row["calldate"] = row.pop("start")
    row.pop("end")
    fill(url, "freepbx", row | {"amaflags": 3, "recordingfile": "rg-600-1001-1772710215.1.wav"})
    (found,) = find(store(url, "cdr", layout="freepbx"), Identifier("sip", "1002"))
    kinds = {each.kind for each in found.record.links}
    assert kinds == ({"call", "object"} if disposition == "ANSWERED" else {"call"})


# --- secrets and credentials ------------------------------------------------------------------


def ha1(name: str, realm: str = "asterisk", user: str = "1001") -> str:
    return hashlib.new(name, f"{user}:{realm}:{SECRET}".encode()).hexdigest()


def test_no_password_is_in_a_record(url: str) -> None:
    """Neither passwords nor their hashes are exported, named in `about`, or set by dsr."""
    fill(
        url,
        "ps_auths",
        {"id": "1001", "username": "1001", "password": SECRET, "md5_cred": ha1("md5")},
    )
    fill(
        url,
        "voicemail",
        {"uniqueid": 1, "context": "default", "mailbox": "1001", "password": SECRET},
    )
    fill(url, "users", {"extension": "1001", "name": "Alice", "password": SECRET})
    connector = store(url, "ps_auths", "voicemail", "users")
    founds = find(connector, ALICE_DESK)
    assert len(founds) == 3
    shown = pickle.dumps(founds) + repr(founds).encode()
    assert SECRET.encode() not in shown
    assert ha1("md5").encode() not in shown
    for each in founds:
        assert each.about == each.record.personal
        assert not each.about & {"password", "md5_cred", "password_digest", "imappassword"}
        with pytest.raises(Refused, match="password"):
            connector.rectify(each.record.key, {"password": "new"})
    connector.erase([each.record.key for each in founds])
    for name in ("ps_auths", "voicemail", "users"):
        assert rows_of(url, name) == []


def test_hashes_vouch_for_a_sip_user(url: str) -> None:
    """`md5_cred` is MD5(user:realm:password); `password_digest` lists algorithms by their name."""
    sha256, sha512 = ha1("sha256"), ha1("sha512_256")
    fill(
        url,
        "ps_auths",
        {"id": "a", "auth_type": "md5", "username": "1001", "md5_cred": ha1("md5").upper()},
        {
            "id": "b",
            "auth_type": "digest",
            "username": "1001",
            "realm": "pbx.example.org",
            "password_digest": f"sha-256:{ha1('sha256', 'pbx.example.org')}",
        },
        {
            "id": "c",
            "auth_type": "digest",
            "username": "Alice",
            "password_digest": f"MD5:{ha1('md5')}, SHA-256: {sha256},SHA-512-256:{sha512}",
        },
        {"id": "d", "auth_type": "userpass", "username": "plain", "password": SECRET},
        {"id": "e", "username": "broken", "md5_cred": "xyz", "password_digest": "MD4:aa,MD5:0"},
        {"id": "f", "username": "10010", "md5_cred": "0" * 32},
    )
    connector = store(url, "ps_auths")
    assert isinstance(connector, Vouches)
    assert connector.credentials(Identifier("sip", "1001@pbx.example.org")) == [
        Credential("1001", "asterisk", "MD5", ha1("md5")),
        Credential("1001", "pbx.example.org", "SHA-256", ha1("sha256", "pbx.example.org")),
    ]
    assert connector.credentials(Identifier("sip", "alice")) == [
        Credential("Alice", "asterisk", "MD5", ha1("md5")),
        Credential("Alice", "asterisk", "SHA-256", sha256),
        Credential("Alice", "asterisk", "SHA-512-256", sha512),
    ]
    for nobody in ("plain", "broken", "stranger", "1002"):
        assert connector.credentials(Identifier("sip", nobody)) == []
    assert connector.credentials(ALICE) == []
    (named,) = store(url, "ps_auths", realm="own").credentials(Identifier("sip", "10010"))
    assert named == Credential("10010", "own", "MD5", "0" * 32)


def test_credentials_of_a_database_that_is_not_there() -> None:
    """A database that cannot be asked is no person without credentials."""
    connector = store("sqlite:////nowhere/asterisk.sqlite3", "ps_auths")
    with pytest.raises(StoreUnavailable, match="does not exist"):
        connector.credentials(ALICE_DESK)


# --- what a site does differently -------------------------------------------------------------


def test_a_site_names_its_columns(url: str) -> None:
    """Columns may be called otherwise, or be missing; nothing else of the map is written anew."""
    with raw(url) as connection:
        columns = "started TIMESTAMP, caller VARCHAR(80), dst VARCHAR(80)"
        connection.execute(sa.text(f"CREATE TABLE calls ({columns})"))
        row = {"at": "2026-03-05 12:30:15", "a": "030901820", "b": "+49309018200"}
        connection.execute(sa.text("INSERT INTO calls VALUES (:at, :a, :b)"), row)
    absent = ("accountcode", "clid", "channel", "dstchannel", "peeraccount", "lastdata")
    gone = dict.fromkeys((*absent, "userfield", "uniqueid"), "")
    named = {"start": "started", "src": "caller", **gone}
    connector = store(url, "cdr", tables={"cdr": {"table": "calls", "columns": named}})
    (found,) = find(connector, ALICE)
    assert found.about == {"caller"}
    assert found.record.personal == {"caller", "dst"}


def test_a_site_adds_a_party(url: str) -> None:
    """A column of the site's own is one more party of the map."""
    fill(url, "cdr", cdr(1, "1002", "1003", userfield="030901820"))
    parties = {"agent": {"about": ["userfield"], "inside": {"phone": ["userfield"]}}}
    tables = {"cdr": {"parties": parties, "pieces": {"phone": ["lastdata"]}}}
    (found,) = find(store(url, "cdr", tables=tables), ALICE)
    assert found.about == {"userfield"}


def test_a_column_that_restricts(url: str) -> None:
    """Restricting needs a column that the operator names; other parts refuse."""
    fill(url, "cdr", cdr(1, "+4930901820", ""))
    fill(url, "cel", {"id": 1, "cid_num": "+4930901820"})
    with raw(url) as connection:
        connection.execute(sa.text("ALTER TABLE cdr ADD COLUMN blocked INTEGER"))
    plain = store(url, "cdr", "cel")
    assert not isinstance(plain, Restricts)
    tables = {"cdr": {"restricted": "blocked", "key": ["uniqueid", "sequence"]}}
    connector = store(url, "cdr", "cel", tables=tables)
    assert isinstance(connector, RestrictableAsteriskDb)
    calls, events = (
        [each.record.key for each in find(connector, ALICE) if each.record.key.startswith(part)]
        for part in ("cdr:", "cel:")
    )
    connector.restrict(calls, on=True)
    assert [each.record.restricted for each in find(connector, ALICE)] == [True, False]
    with pytest.raises(Refused, match="no column that marks"):
        connector.restrict(events, on=True)


def test_a_store_of_extensions_alone_does_not_redact(url: str) -> None:
    """The row of an extension is nothing without its name: it is erased, or kept."""
    assert not isinstance(store(url, "ps_endpoints", "ps_auths"), Redacts)
    assert isinstance(store(url, "ps_endpoints", "cdr"), Redacts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parts": []}, "parts is empty"),
        ({"parts": ["cdrs"]}, "there is no part cdrs"),
        ({"parts": ["cdr"], "tables": {"cel": {}}}, "tables.cel is not in parts"),
        ({"parts": ["cdr"], "layout": "trixbox"}, "layout"),
        ({"parts": ["cdr"], "tables": {"cdr": {"categry": "x"}}}, "categry"),
        (
            {"parts": ["voicemail"], "tables": {"voicemail": {"columns": {"context": ""}}}},
            "mailbox",
        ),
    ],
)
def test_settings_that_are_wrong(settings: dict[str, Any], message: str) -> None:
    """The message names the key, and the fix."""
    parts = settings.pop("parts")
    with pytest.raises(ConfigurationError, match=message):
        store("sqlite:///x.db", *parts, **settings)
